package dist

import "fmt"

// Pieces draws each piece of a fused parameter as a tensor of its own, one
// after the other. The parameter says which elements a piece has (package
// layout); [Blocks] say it themselves, for whole rows.
type Pieces struct {
	// Dists is one a piece, in the parameter's order.
	Dists []Dist `number:"pieces"`
}

// Kind implements [Draw].
func (Pieces) Kind() string { return "pieces" }

var _ = family(Pieces{})

func (Pieces) sealed() {}

// CheckShape implements [Draw]: what fits is the pieces' affair, see
// [Dist.CheckPieces].
func (Pieces) CheckShape([]int64) error { return nil }

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
		switch p.(type) {
		case Multiply, Divide:
		default:
			return fmt.Errorf("dist: post step %d: %s cannot follow pieces, which are no one tensor", i, p.Kind())
		}
	}
	for i, one := range pieces.Dists {
		if err := one.CheckShape(shapes[i]); err != nil {
			return fmt.Errorf("dist: pieces: piece %d: %w", i, err)
		}
	}
	return nil
}
