package dist

import (
	"iter"

	"github.com/weightinit/weightinit/dtype"
)

// DeltaOrthogonal is a convolution that keeps the size of what goes through it
// (Xiao et al. 2018): Gain times an orthogonal matrix at the centre tap, else 0.
type DeltaOrthogonal struct {
	Gain float64 `number:"gain"`
}

var _ = family(DeltaOrthogonal{})

func (DeltaOrthogonal) sealed() {}

// Kind implements [Draw].
func (DeltaOrthogonal) Kind() string { return "delta_orthogonal" }

// Check implements [Draw].
func (d DeltaOrthogonal) Check(float64) error { return checkGain(d, d.Gain) }

// CheckShape implements [Draw].
func (d DeltaOrthogonal) CheckShape(shape []int64) error {
	switch {
	case len(shape) < 3 || len(shape) > 5:
		return needs(d, "3 to 5 dimensions", shape)
	case shape[0] < shape[1]:
		return needs(d, "at least as many output channels as input channels", shape)
	}
	return nil
}

// CheckRun implements [Limited].
func (DeltaOrthogonal) CheckRun(shape []int64, in dtype.Type) error {
	return checkOrthonormal(shape, in)
}

// Cost implements [Drawer]: that of the normals of the centre tap.
func (DeltaOrthogonal) Cost(shape []int64, in dtype.Type, cached bool) (c Cost, known bool) {
	return Normal{}.Cost(shape[:2], in, cached)
}

// KeyedWords implements [Drawer].
func (DeltaOrthogonal) KeyedWords(shape []int64, in dtype.Type) (words int64, known bool) {
	return Normal{}.KeyedWords(shape[:2], in)
}

// Factor implements [Orthonormal].
func (d DeltaOrthogonal) Factor() float64 { return d.Gain }

// Boxes implements [Orthonormal]: one, the tap at (size-1)/2 of each dimension.
func (DeltaOrthogonal) Boxes(shape []int64) iter.Seq[Box] {
	centre, sizes := int64(0), append([]int64{}, shape[:2]...)
	for _, size := range shape[2:] {
		centre = centre*size + (size-1)/2
		sizes = append(sizes, 1)
	}
	return func(yield func(Box) bool) { yield(Box{First: centre, Shape: sizes}) }
}
