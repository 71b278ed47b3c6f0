package conformance_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/plugins"
	"github.com/weightinit/weightinit/plugins/conformance"
)

// TestKitOnAPlugin runs the kit on the plugin that WEIGHTINIT_KIT_PLUGIN
// names.
func TestKitOnAPlugin(t *testing.T) {
	path := os.Getenv("WEIGHTINIT_KIT_PLUGIN")
	if path == "" {
		t.Skip("WEIGHTINIT_KIT_PLUGIN is not set")
	}
	c, err := plugins.Discover(path)
	require.NoError(t, err)
	report, err := conformance.Run(t.Context(), c, conformance.Options{})
	require.NoError(t, err)
	for _, r := range report.Results {
		t.Logf("%6d ms %s %s %s", r.Duration.Milliseconds(), r.Status, r.Name, r.Reason)
	}
	require.Zero(t, report.Failed())
}
