// Package dist is the closed vocabulary of what a parameter can be filled
// with, as data: which distribution, with which numbers, and what is done to
// the drawn values afterwards.
//
// It draws nothing (package rng does) and knows no parameters (package layout
// does). All numbers are float64, exactly as the Python reference computes
// them; rng rounds them to the compute type where PyTorch does.
//
// A family has a file of its own, named like its kind, which holds all that
// the rest of the project asks it: its numbers by their names in the plugin
// protocol, which numbers and shapes it takes, and what it does to the stream.
// Digests, JSON, tables and messages are loops over [Numbers]. What a family
// can do beyond that is an interface: [Drawer] uses words of the stream,
// [Pattern] leaves nothing to chance, [Orthonormal] is decomposed in memory,
// [Limited] has bounds of this version.
package dist

import (
	"fmt"
	"slices"
)

// Draw is one way to fill a tensor. [Families] lists them.
type Draw interface {
	// Kind returns the vocabulary's name, such as "normal".
	Kind() string
	// Check reports numbers that cannot be drawn in the compute type, which
	// holds finite values up to maxFinite.
	Check(maxFinite float64) error
	// CheckShape reports why the draw cannot fill a tensor of the shape.
	CheckShape(shape []int64) error
	sealed()
}

// Pattern is a draw that leaves nothing to chance: each value depends on its
// place in the tensor alone.
type Pattern interface {
	Draw
	// Values sets dst to the elements from first on of a tensor of the shape,
	// which has passed CheckShape.
	Values(dst []float64, first int64, shape []int64)
}

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
		if p == nil {
			return fmt.Errorf("dist: post step %d is of unknown type %T", i, p)
		}
		if err := p.Check(); err != nil {
			return fmt.Errorf("dist: post step %d: %w", i, err)
		}
	}
	return nil
}

// CheckShape reports why d cannot fill a tensor of the given shape: a family
// that needs other dimensions, blocks whose rows do not add up, rows to zero
// that are not there. Numbers are [Dist.Check]'s.
func (d Dist) CheckShape(shape []int64) error {
	if err := d.Draw.CheckShape(shape); err != nil {
		return fmt.Errorf("dist: %w", err)
	}
	for i, p := range d.Post {
		if err := p.CheckShape(d.Draw, shape); err != nil {
			return fmt.Errorf("dist: post step %d: %w", i, err)
		}
	}
	return nil
}

// Equal reports whether d and e make the same values; formulas do not count.
// Zeros of different sign differ.
func (d Dist) Equal(e Dist) bool {
	return equalDraws(d.Draw, e.Draw) && slices.EqualFunc(d.Post, e.Post, equalPosts)
}

func equalDraws(a, b Draw) bool {
	return a != nil && b != nil && a.Kind() == b.Kind() && slices.EqualFunc(Numbers(a), Numbers(b),
		func(m, n Number) bool { return equalValues(m.Value, n.Value) })
}

func equalPosts(a, b Post) bool {
	return a != nil && b != nil && a.Kind() == b.Kind() && equalValues(a.Operand(), b.Operand())
}

// within tells whether v is finite in a type with values up to maxFinite.
func within(v, maxFinite float64) bool { return v >= -maxFinite && v <= maxFinite }

// needs is the error of a shape that a draw cannot fill.
func needs(d Draw, need string, shape []int64) error {
	return fmt.Errorf("%s: needs %s, the shape is %v", d.Kind(), need, shape)
}
