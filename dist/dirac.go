package dist

import "fmt"

// Dirac keeps as many input channels of a convolution as it can: 1 at the
// centre tap, in each of Groups groups of output channels.
type Dirac struct {
	Groups int64 `number:"groups"`
}

var _ = family(Dirac{})

func (Dirac) sealed() {}

// Kind implements [Draw].
func (Dirac) Kind() string { return "dirac" }

// Check implements [Draw].
func (d Dirac) Check(float64) error {
	if d.Groups < 1 {
		return fmt.Errorf("dirac: groups %d must be at least 1", d.Groups)
	}
	return nil
}

// CheckShape implements [Draw].
func (d Dirac) CheckShape(shape []int64) error {
	if len(shape) < 3 || len(shape) > 5 {
		return needs(d, "3 to 5 dimensions", shape)
	}
	if shape[0]%d.Groups != 0 {
		return needs(d, fmt.Sprintf("a first size that %d groups divide", d.Groups), shape)
	}
	ones := min(shape[0]/d.Groups, shape[1])
	for i, size := range shape[2:] {
		if size == 0 && ones > 0 {
			return fmt.Errorf("dirac: shape %v has size 0 in dimension %d, where a one has to go", shape, i+2)
		}
	}
	return nil
}

// Values implements [Pattern]: in each of the groups of output channels,
// channel k is 1 at input k and at index size/2 of every further dimension, as
// far as there are inputs.
func (d Dirac) Values(dst []float64, first int64, shape []int64) {
	clear(dst)
	taps, centre := int64(1), int64(0)
	for _, size := range shape[2:] {
		centre = centre*size + size/2
		taps *= size
	}
	perGroup, in := shape[0]/d.Groups, shape[1]
	row := in * taps
	if row <= 0 || perGroup <= 0 || len(dst) == 0 {
		return
	}
	last := first + int64(len(dst)) - 1
	for out := first / row; out <= last/row; out++ {
		k := out % perGroup
		if k >= in {
			continue
		}
		if at := out*row + k*taps + centre; at >= first && at <= last {
			dst[at-first] = 1
		}
	}
}
