package rules_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/parity/rules"
)

// TestLargeTextsTakeLittleTime holds texts of nearly the limit's size.
func TestLargeTextsTakeLittleTime(t *testing.T) {
	for name, text := range map[string]string{
		"empty items": "rules:\n" + strings.Repeat("- \n", 16_000),
		"keys":        "rules:\n- {" + strings.Repeat("a: b, ", 5_000) + "}\n",
		"rules":       "rules:\n" + strings.Repeat("- {tensors: a, ignore: true}\n", 2_000),
		"blank lines": "rules: |\n" + strings.Repeat("\n", 60_000),
		"comments":    "rules:\n" + strings.Repeat("# a\n", 16_000),
		"deep":        strings.Repeat("a: ", 10_000),
	} {
		start := time.Now()
		_, err := rules.Parse([]byte(text), "p")
		require.Error(t, err, name)
		t.Logf("%s: %v", name, time.Since(start))
		require.Less(t, time.Since(start), 5*time.Second, name)
	}
}
