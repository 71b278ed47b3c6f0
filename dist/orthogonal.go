package dist

import (
	"fmt"
	"iter"
	"math"

	"github.com/weightinit/weightinit/dtype"
)

// Orthogonal is Gain times a matrix of orthogonal rows or columns, made by
// the QR decomposition of a normal one. Its bits depend on the linear algebra
// library, so no bits are promised.
type Orthogonal struct {
	Gain float64 `number:"gain"`
}

var _ = family(Orthogonal{})

func (Orthogonal) sealed() {}

// Kind implements [Draw].
func (Orthogonal) Kind() string { return "orthogonal" }

// Check implements [Draw].
func (o Orthogonal) Check(float64) error { return checkGain(o, o.Gain) }

// CheckShape implements [Draw].
func (o Orthogonal) CheckShape(shape []int64) error {
	if len(shape) < 2 {
		return needs(o, "at least 2 dimensions", shape)
	}
	return nil
}

// CheckRun implements [Limited].
func (Orthogonal) CheckRun(shape []int64, in dtype.Type) error { return checkOrthonormal(shape, in) }

// Cost implements [Drawer]: that of the normals.
func (Orthogonal) Cost(shape []int64, in dtype.Type, cached bool) (c Cost, known bool) {
	return Normal{}.Cost(shape, in, cached)
}

// KeyedWords implements [Drawer].
func (Orthogonal) KeyedWords(shape []int64, in dtype.Type) (words int64, known bool) {
	return Normal{}.KeyedWords(shape, in)
}

// Factor implements [Orthonormal].
func (o Orthogonal) Factor() float64 { return o.Gain }

// Boxes implements [Orthonormal]: one, the whole tensor.
func (Orthogonal) Boxes(shape []int64) iter.Seq[Box] {
	return func(yield func(Box) bool) { yield(Box{Shape: shape}) }
}

func checkGain(d Draw, gain float64) error {
	if math.IsNaN(gain) || math.IsInf(gain, 0) {
		return fmt.Errorf("%s: gain %v must be finite", d.Kind(), gain)
	}
	return nil
}
