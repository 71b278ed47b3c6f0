package hf

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the table of families into the page instead of comparing")

// familiesTable is the table of families in docs/huggingface.md.
func familiesTable(t *testing.T) string {
	t.Helper()
	types, wrapped := map[string][]string{}, []string{}
	for _, name := range Families() {
		f, err := find(name)
		require.NoError(t, err)
		types[f.Auto] = append(types[f.Auto], "`"+name+"`")
	}
	for name := range wrappers() {
		wrapped = append(wrapped, "`"+name+"`")
	}
	autos := []string{}
	for auto := range types {
		autos = append(autos, auto)
	}
	slices.SortFunc(autos, func(a, b string) int {
		return cmp.Or(len(types[b])-len(types[a]), strings.Compare(a, b))
	})
	slices.Sort(wrapped)
	var b strings.Builder
	fmt.Fprintf(&b, "%d model types:\n\n| made by | `model_type` |\n|---|---|\n", len(Families()))
	for _, auto := range autos {
		fmt.Fprintf(&b, "| `%s` (%d) | %s |\n", auto, len(types[auto]), strings.Join(types[auto], " "))
	}
	fmt.Fprintf(&b, "\nTheir text model is made of these multimodal types (%d): %s.\n", len(wrapped), strings.Join(wrapped, " "))
	return b.String()
}

func TestTheFamiliesOfThePage(t *testing.T) {
	const path = "../../docs/huggingface.md"
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), "\n<!-- families:")
	require.True(t, found)
	mark, rest, _ := strings.Cut(rest, "\n")
	table, after, found := strings.Cut(rest, "<!-- end -->")
	require.True(t, found)
	want := familiesTable(t)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(before+"\n<!-- families:"+mark+"\n"+want+"<!-- end -->"+after), 0o666))
		return
	}
	require.Equal(t, want, table, "go test ./model/hf -run TestTheFamiliesOfThePage -update")
}
