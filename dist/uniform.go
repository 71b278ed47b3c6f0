package dist

import (
	"fmt"

	"github.com/weightinit/weightinit/dtype"
)

// Uniform draws from [Low, High), by section 2 of the specification in
// package rng.
type Uniform struct {
	Low  float64 `number:"low"`
	High float64 `number:"high"`
}

var _ = family(Uniform{})

func (Uniform) sealed() {}

// Kind implements [Draw].
func (Uniform) Kind() string { return "uniform" }

// Check implements [Draw], in the order in which torch checks: bounds finite
// in the type, low <= high, high - low finite in the type.
func (u Uniform) Check(maxFinite float64) error {
	switch {
	case !within(u.Low, maxFinite):
		return fmt.Errorf("uniform: low %v is out of bounds", u.Low)
	case !within(u.High, maxFinite):
		return fmt.Errorf("uniform: high %v is out of bounds", u.High)
	case u.Low > u.High:
		return fmt.Errorf("uniform: low %v is above high %v", u.Low, u.High)
	case !within(u.High-u.Low, maxFinite):
		return fmt.Errorf("uniform: the range from %v to %v is out of bounds", u.Low, u.High)
	}
	return nil
}

// CheckShape implements [Draw].
func (Uniform) CheckShape([]int64) error { return nil }

// Cost implements [Drawer].
func (Uniform) Cost(shape []int64, in dtype.Type, _ bool) (c Cost, known bool) {
	return Cost{Words: Elements(shape) * perValue(in)}, true
}

// KeyedWords implements [Drawer].
func (Uniform) KeyedWords(shape []int64, in dtype.Type) (words int64, known bool) {
	return Elements(shape) * perValue(in), true
}
