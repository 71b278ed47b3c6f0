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

// Draw is one way to fill a tensor: [Constant], [Uniform], [Normal],
// [TruncNormal], [Eye], [Dirac], [Orthogonal], [Sparse], [Blocks],
// [Pieces], [Filled].
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

// Divide divides each drawn value by By.
type Divide struct{ By float64 }

// Kind implements [Post].
func (Divide) Kind() string { return "divide" }
func (Divide) sealedPost()  {}

// ZeroRows sets rows along dimension 0 to +0, such as the padding row of an
// embedding.
type ZeroRows struct{ Ranges []Range }

// Range is Count rows from First on.
type Range struct{ First, Count int64 }

// Kind implements [Post].
func (ZeroRows) Kind() string { return "zero_rows" }
func (ZeroRows) sealedPost()  {}

// Dist is what one parameter is filled with.
type Dist struct {
	Draw Draw
	// Post holds the steps that follow the draw, in order.
	Post []Post
	// Formula is the rule in words, for plans and people; it has no meaning
	// for the values.
	Formula string
}

// Of is d as a whole: with the rule in words, and steps after the draw.
func Of(d Draw, formula string, post ...Post) Dist {
	return Dist{Draw: d, Post: post, Formula: formula}
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
		by, what := 1.0, ""
		switch p := p.(type) {
		case Multiply:
			by, what = p.By, "multiply"
		case Divide:
			by, what = p.By, "divide"
		case ZeroRows:
		default:
			return fmt.Errorf("dist: post step %d is of unknown type %T", i, p)
		}
		if math.IsNaN(by) || math.IsInf(by, 0) {
			return fmt.Errorf("dist: post step %d: %s by %v: must be finite", i, what, by)
		}
	}
	return nil
}

// Equal reports whether d and e make the same values; formulas do not count.
// Zeros of different sign differ.
func (d Dist) Equal(e Dist) bool {
	return equalDraws(d.Draw, e.Draw) && slices.EqualFunc(d.Post, e.Post, equalPosts)
}

func equalPosts(a, b Post) bool {
	switch a := a.(type) {
	case Multiply:
		b, ok := b.(Multiply)
		return ok && math.Float64bits(a.By) == math.Float64bits(b.By)
	case Divide:
		b, ok := b.(Divide)
		return ok && math.Float64bits(a.By) == math.Float64bits(b.By)
	case ZeroRows:
		b, ok := b.(ZeroRows)
		return ok && slices.Equal(a.Ranges, b.Ranges)
	default:
		return false
	}
}

func equalDraws(a, b Draw) bool {
	if x, ok := a.(Blocks); ok {
		y, ok := b.(Blocks)
		return ok && slices.EqualFunc(x.Parts, y.Parts, func(p, q Part) bool {
			return p.Rows == q.Rows && p.Dist.Equal(q.Dist)
		})
	}
	if x, ok := a.(Pieces); ok {
		y, ok := b.(Pieces)
		return ok && equalPieces(x, y)
	}
	return a != nil && b != nil && a.Kind() == b.Kind() && slices.Equal(numbers(a), numbers(b))
}

// numbers returns everything that decides the values of a draw without blocks,
// as bits.
func numbers(d Draw) []uint64 {
	var values []float64
	switch d := d.(type) {
	case Constant:
		values = []float64{d.Value}
	case Uniform:
		values = []float64{d.Low, d.High}
	case Normal:
		values = []float64{d.Mean, d.Std}
	case TruncNormal:
		values = []float64{d.Mean, d.Std, d.A, d.B, float64(d.Algorithm)}
	case Orthogonal:
		values = []float64{d.Gain}
	case Sparse:
		values = []float64{d.Sparsity, d.Std}
	case Dirac:
		return []uint64{uint64(d.Groups)}
	}
	bits := make([]uint64, len(values))
	for i, v := range values {
		bits[i] = math.Float64bits(v)
	}
	return bits
}
