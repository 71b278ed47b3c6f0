// Package dist is the closed vocabulary of what a parameter can be filled
// with, as data: which distribution, with which numbers, and what is done to
// the drawn values afterwards.
//
// It draws nothing (package rng does) and knows no parameters (package layout
// does). All numbers are float64, exactly as the Python reference computes
// them; rng rounds them to the compute type where PyTorch does.
package dist

import (
	"fmt"
	"math"
	"slices"
)

// Draw is one way to fill a tensor: one of [Constant], [Uniform], [Normal].
type Draw interface {
	// Kind returns the vocabulary's name, such as "normal".
	Kind() string
	// Check reports numbers that cannot be drawn in the compute type, which
	// holds finite values up to maxFinite.
	Check(maxFinite float64) error
	sealed()
}

// Constant sets every element to Value. It uses no words of the stream.
type Constant struct{ Value float64 }

// Uniform draws from [Low, High), by section 2 of the specification in
// package rng.
type Uniform struct{ Low, High float64 }

// Normal draws from the normal distribution of the given Mean and Std (>= 0).
type Normal struct{ Mean, Std float64 }

// Kind implements [Draw].
func (Constant) Kind() string { return "constant" }

// Kind implements [Draw].
func (Uniform) Kind() string { return "uniform" }

// Kind implements [Draw].
func (Normal) Kind() string { return "normal" }

func (Constant) sealed() {}
func (Uniform) sealed()  {}
func (Normal) sealed()   {}

// Check implements [Draw]: the value must be finite and fit the type.
func (c Constant) Check(maxFinite float64) error {
	if !within(c.Value, maxFinite) {
		return fmt.Errorf("constant: value %v cannot be converted without overflow", c.Value)
	}
	return nil
}

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

// Check implements [Draw]: std must be >= 0, and both numbers finite.
func (n Normal) Check(maxFinite float64) error {
	if !(n.Std >= 0) || math.IsInf(n.Std, 0) {
		return fmt.Errorf("normal: std %v must be >= 0 and finite", n.Std)
	}
	if math.IsNaN(n.Mean) || math.IsInf(n.Mean, 0) {
		return fmt.Errorf("normal: mean %v must be finite", n.Mean)
	}
	return nil
}

func within(v, maxFinite float64) bool { return v >= -maxFinite && v <= maxFinite }

// Post is one step done to the drawn values, in the compute type, with the
// operand rounded to that type first. It is not the same as scaling the
// numbers of the draw: the bits differ.
type Post interface {
	// Kind returns the vocabulary's name, such as "multiply".
	Kind() string
	sealedPost()
}

// Multiply multiplies each drawn value by By.
type Multiply struct{ By float64 }

// Kind implements [Post].
func (Multiply) Kind() string { return "multiply" }
func (Multiply) sealedPost()  {}

// Dist is what one parameter is filled with.
type Dist struct {
	Draw Draw
	// Post holds the steps that follow the draw, in order.
	Post []Post
	// Formula is the rule in words, for plans and people; it has no meaning
	// for the values.
	Formula string
}

// Check reports the first number of d that cannot be drawn in a compute type
// whose largest finite value is maxFinite.
func (d Dist) Check(maxFinite float64) error {
	if d.Draw == nil {
		return fmt.Errorf("dist: no distribution given")
	}
	if err := d.Draw.Check(maxFinite); err != nil {
		return fmt.Errorf("dist: %w", err)
	}
	for i, p := range d.Post {
		m, ok := p.(Multiply)
		if !ok {
			return fmt.Errorf("dist: post step %d is of unknown type %T", i, p)
		}
		if math.IsNaN(m.By) || math.IsInf(m.By, 0) {
			return fmt.Errorf("dist: post step %d: multiply by %v: must be finite", i, m.By)
		}
	}
	return nil
}

// Equal reports whether d and e make the same values; formulas do not count.
// Zeros of different sign differ.
func (d Dist) Equal(e Dist) bool {
	return drawBits(d.Draw) == drawBits(e.Draw) &&
		slices.EqualFunc(d.Post, e.Post, func(a, b Post) bool {
			x, okX := a.(Multiply)
			y, okY := b.(Multiply)
			return okX && okY && math.Float64bits(x.By) == math.Float64bits(y.By)
		})
}

type bits struct {
	kind string
	a, b uint64
}

func drawBits(d Draw) bits {
	switch d := d.(type) {
	case Constant:
		return bits{"constant", math.Float64bits(d.Value), 0}
	case Uniform:
		return bits{"uniform", math.Float64bits(d.Low), math.Float64bits(d.High)}
	case Normal:
		return bits{"normal", math.Float64bits(d.Mean), math.Float64bits(d.Std)}
	default:
		return bits{}
	}
}
