package dist

import (
	"fmt"
	"math"
	"slices"

	"github.com/weightinit/weightinit/dtype"
)

// The steps of this file are those of recorded programs (package plan/planfile);
// the plugin protocol has no messages for them.

// Add adds By to each value.
type Add struct{ By float64 }

// Kind implements [Post].
func (Add) Kind() string { return "add" }

// Operand implements [Post].
func (a Add) Operand() any { return a.By }

// Check implements [Post].
func (a Add) Check() error { return checkFactor(a, a.By) }

// CheckShape implements [Post].
func (Add) CheckShape(Draw, []int64) error { return nil }
func (Add) sealedPost()                    {}

// Apply makes of each value what a function makes of it. The functions of one
// argument that round are correctly rounded here, and not in torch: see
// [Apply.Inexact].
type Apply struct{ Do string }

// Functions lists what [Apply] can do.
func Functions() []string {
	return []string{"negate", "abs", "sqrt", "log", "log1p", "exp", "expm1", "erfinv"}
}

// Kind implements [Post].
func (Apply) Kind() string { return "apply" }

// Operand implements [Post].
func (a Apply) Operand() any { return a.Do }

// Check implements [Post].
func (a Apply) Check() error {
	if !slices.Contains(Functions(), a.Do) {
		return fmt.Errorf("apply %q: no such function", a.Do)
	}
	return nil
}

// CheckShape implements [Post].
func (Apply) CheckShape(Draw, []int64) error { return nil }
func (Apply) sealedPost()                    {}

// Inexact tells that torch's function is not correctly rounded on CPUs, so that
// a result may differ by a unit in the last place.
func (a Apply) Inexact() bool { return a.Do != "negate" && a.Do != "abs" }

// Cast rounds each value to a type, in which the steps after it go on.
type Cast struct{ To dtype.Type }

// Kind implements [Post].
func (Cast) Kind() string { return "cast" }

// Operand implements [Post].
func (c Cast) Operand() any { return c.To }

// Check implements [Post].
func (c Cast) Check() error {
	if !c.To.Valid() {
		return fmt.Errorf("cast to unknown type %s", c.To)
	}
	return nil
}

// CheckShape implements [Post].
func (Cast) CheckShape(Draw, []int64) error { return nil }
func (Cast) sealedPost()                    {}

// Clamp keeps each value within bounds.
type Clamp struct{ To Bounds }

// Bounds are those of [Clamp]; nil where there is none.
type Bounds struct {
	Low  *float64 `json:"low"`
	High *float64 `json:"high"`
}

// String shows both.
func (b Bounds) String() string {
	text := func(p *float64) string {
		if p == nil {
			return "none"
		}
		return fmt.Sprintf("%016x", math.Float64bits(*p))
	}
	return text(b.Low) + " " + text(b.High)
}

// Kind implements [Post].
func (Clamp) Kind() string { return "clamp" }

// Operand implements [Post].
func (c Clamp) Operand() any { return c.To }

// Check implements [Post].
func (c Clamp) Check() error {
	for _, p := range []*float64{c.To.Low, c.To.High} {
		if p != nil && math.IsNaN(*p) {
			return fmt.Errorf("clamp to NaN")
		}
	}
	return nil
}

// CheckShape implements [Post].
func (Clamp) CheckShape(Draw, []int64) error { return nil }
func (Clamp) sealedPost()                    {}
