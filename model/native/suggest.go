package native

import (
	"github.com/weightinit/weightinit/internal/nearest"
	"github.com/weightinit/weightinit/internal/shown"
)

// suggestion returns `: did you mean "x"?` for the known name nearest to name,
// or "" when none is near.
func suggestion(name string, known []string) string {
	if best := nearest.Name(name, known); best != "" {
		return ": did you mean " + shown.Quote(best) + "?"
	}
	return ""
}
