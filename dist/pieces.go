package dist

import (
	"fmt"
	"slices"
)

// Pieces draws each piece of a fused parameter as a tensor of its own, one
// after the other. The parameter says which elements a piece has (package
// layout); [Blocks] say it themselves, for whole rows.
type Pieces struct {
	// Dists is one a piece, in the parameter's order.
	Dists []Dist
}

// Kind implements [Draw].
func (Pieces) Kind() string { return "pieces" }

func (Pieces) sealed() {}

// Check implements [Draw].
func (p Pieces) Check(maxFinite float64) error {
	if len(p.Dists) == 0 {
		return fmt.Errorf("pieces: there are none")
	}
	for i, d := range p.Dists {
		switch d.Draw.(type) {
		case Blocks, Pieces, Filled:
			return fmt.Errorf("pieces: piece %d is %s, which cannot stand inside pieces", i, d.Draw.Kind())
		}
		if err := d.Check(maxFinite); err != nil {
			return fmt.Errorf("pieces: piece %d: %w", i, err)
		}
	}
	return nil
}

// CheckPieces is [Dist.CheckShape] for a fused parameter: shapes are those of
// its pieces. What is no [Pieces] passes.
func (d Dist) CheckPieces(shapes [][]int64) error {
	pieces, ok := d.Draw.(Pieces)
	if !ok {
		return nil
	}
	if len(pieces.Dists) != len(shapes) {
		return fmt.Errorf("dist: pieces: %d for a parameter of %d", len(pieces.Dists), len(shapes))
	}
	for i, p := range d.Post {
		if _, rows := p.(ZeroRows); rows {
			return fmt.Errorf("dist: post step %d: pieces have no rows in common to set to zero", i)
		}
	}
	for i, one := range pieces.Dists {
		if err := one.CheckShape(shapes[i]); err != nil {
			return fmt.Errorf("dist: pieces: piece %d: %w", i, err)
		}
	}
	return nil
}

func equalPieces(a, b Pieces) bool { return slices.EqualFunc(a.Dists, b.Dists, Dist.Equal) }
