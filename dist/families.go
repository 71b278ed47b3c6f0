package dist

import (
	"fmt"
	"math"
)

// Algorithm says how a truncated normal is drawn: the bits differ.
type Algorithm uint8

// The algorithms of [TruncNormal].
const (
	// TorchRejection is PyTorch 2.12 and later: whole tensors are redrawn
	// until every value lies inside.
	TorchRejection Algorithm = iota
	// TorchICDF is PyTorch up to 2.11: the inverse CDF of one uniform.
	TorchICDF
	// UnitThenScale cuts a unit normal, then multiplies by std and adds mean.
	UnitThenScale
)

var algorithmNames = [...]string{"torch_rejection", "torch_icdf", "unit_then_scale"}

// String returns the name, such as "torch_rejection".
func (a Algorithm) String() string {
	if int(a) < len(algorithmNames) {
		return algorithmNames[a]
	}
	return fmt.Sprintf("Algorithm(%d)", uint8(a))
}

// TruncNormal draws from a normal distribution cut to [A, B]; Std (> 0) is
// the standard deviation before the cut.
type TruncNormal struct {
	Mean, Std, A, B float64
	Algorithm       Algorithm
}

// Eye is 1 on the main diagonal of a matrix, else 0.
type Eye struct{}

// Dirac keeps as many input channels of a convolution as it can: 1 at the
// centre tap, in each of Groups groups of output channels.
type Dirac struct{ Groups int64 }

// Orthogonal is Gain times a matrix of orthogonal rows or columns, made by
// the QR decomposition of a normal one. Its bits depend on the linear algebra
// library, so no bits are promised.
type Orthogonal struct{ Gain float64 }

// Sparse is normal(0, Std) with the share Sparsity of each column's rows set
// to 0.
type Sparse struct{ Sparsity, Std float64 }

// Blocks cuts a tensor along dimension 0; each block is drawn as a tensor of
// its own, one after the other.
type Blocks struct{ Parts []Part }

// Part is a number of rows and what they are filled with.
type Part struct {
	Rows int64
	Dist Dist
}

// Filled is made by the plugin that assigned it. It uses no words.
type Filled struct{}

// Kind implements [Draw].
func (TruncNormal) Kind() string { return "trunc_normal" }

// Kind implements [Draw].
func (Eye) Kind() string { return "eye" }

// Kind implements [Draw].
func (Dirac) Kind() string { return "dirac" }

// Kind implements [Draw].
func (Orthogonal) Kind() string { return "orthogonal" }

// Kind implements [Draw].
func (Sparse) Kind() string { return "sparse" }

// Kind implements [Draw].
func (Blocks) Kind() string { return "blocks" }

// Kind implements [Draw].
func (Filled) Kind() string { return "fill" }

func (TruncNormal) sealed() {}
func (Eye) sealed()         {}
func (Dirac) sealed()       {}
func (Orthogonal) sealed()  {}
func (Sparse) sealed()      {}
func (Blocks) sealed()      {}
func (Filled) sealed()      {}

// Check implements [Draw].
func (t TruncNormal) Check(maxFinite float64) error {
	switch {
	case int(t.Algorithm) >= len(algorithmNames):
		return fmt.Errorf("trunc_normal: unknown algorithm %d", t.Algorithm)
	case !(t.Std > 0) || math.IsInf(t.Std, 0):
		return fmt.Errorf("trunc_normal: std %v must be above 0 and finite", t.Std)
	case math.IsNaN(t.Mean) || math.IsInf(t.Mean, 0):
		return fmt.Errorf("trunc_normal: mean %v must be finite", t.Mean)
	case !within(t.A, maxFinite) || !within(t.B, maxFinite):
		return fmt.Errorf("trunc_normal: a bound of [%v, %v] is out of bounds", t.A, t.B)
	case t.A >= t.B:
		return fmt.Errorf("trunc_normal: a %v must be below b %v", t.A, t.B)
	}
	return nil
}

// Check implements [Draw].
func (Eye) Check(float64) error { return nil }

// Check implements [Draw].
func (d Dirac) Check(float64) error {
	if d.Groups < 1 {
		return fmt.Errorf("dirac: groups %d must be at least 1", d.Groups)
	}
	return nil
}

// Check implements [Draw].
func (o Orthogonal) Check(float64) error {
	if math.IsNaN(o.Gain) || math.IsInf(o.Gain, 0) {
		return fmt.Errorf("orthogonal: gain %v must be finite", o.Gain)
	}
	return nil
}

// Check implements [Draw].
func (s Sparse) Check(maxFinite float64) error {
	if !(s.Sparsity >= 0 && s.Sparsity <= 1) {
		return fmt.Errorf("sparse: sparsity %v must lie in [0, 1]", s.Sparsity)
	}
	if err := (Normal{Std: s.Std}).Check(maxFinite); err != nil {
		return fmt.Errorf("sparse: %w", err)
	}
	return nil
}

// Check implements [Draw].
func (b Blocks) Check(maxFinite float64) error {
	if len(b.Parts) == 0 {
		return fmt.Errorf("blocks: there are none")
	}
	for i, block := range b.Parts {
		if block.Rows < 1 {
			return fmt.Errorf("blocks: block %d has %d rows, needs at least 1", i, block.Rows)
		}
		switch block.Dist.Draw.(type) {
		case Blocks, Pieces, Filled:
			return fmt.Errorf("blocks: block %d is %s, which cannot stand inside blocks", i, block.Dist.Draw.Kind())
		}
		if err := block.Dist.Check(maxFinite); err != nil {
			return fmt.Errorf("blocks: block %d: %w", i, err)
		}
	}
	return nil
}

// Check implements [Draw].
func (Filled) Check(float64) error { return nil }

// CheckShape reports why d cannot fill a tensor of the given shape: a family
// that needs other dimensions, blocks whose rows do not add up, rows to zero
// that are not there. Numbers are [Dist.Check]'s.
func (d Dist) CheckShape(shape []int64) error {
	if err := checkShape(d.Draw, shape); err != nil {
		return fmt.Errorf("dist: %w", err)
	}
	for i, p := range d.Post {
		z, ok := p.(ZeroRows)
		if !ok {
			continue
		}
		if len(shape) == 0 {
			return fmt.Errorf("dist: post step %d: a scalar has no rows to set to zero", i)
		}
		for _, r := range z.Ranges {
			if r.First < 0 || r.Count < 0 || r.First > shape[0] || r.Count > shape[0]-r.First {
				return fmt.Errorf("dist: post step %d: rows %d and %d more do not lie in shape %v", i, r.First, r.Count, shape)
			}
		}
	}
	return nil
}

func checkShape(draw Draw, shape []int64) error {
	wrong := func(need string) error {
		return fmt.Errorf("%s: needs %s, the shape is %v", draw.Kind(), need, shape)
	}
	switch d := draw.(type) {
	case Eye, Sparse:
		if len(shape) != 2 {
			return wrong("2 dimensions")
		}
	case Orthogonal:
		if len(shape) < 2 {
			return wrong("at least 2 dimensions")
		}
	case Dirac:
		if len(shape) < 3 || len(shape) > 5 {
			return wrong("3 to 5 dimensions")
		}
		if shape[0]%d.Groups != 0 {
			return wrong(fmt.Sprintf("a first size that %d groups divide", d.Groups))
		}
	case Blocks:
		if len(shape) == 0 {
			return wrong("at least 1 dimension")
		}
		left := shape[0]
		for i, b := range d.Parts {
			if b.Rows > left {
				return wrong(fmt.Sprintf("blocks of %d rows together, block %d passes them", shape[0], i))
			}
			left -= b.Rows
			sub := append([]int64{b.Rows}, shape[1:]...)
			if err := b.Dist.CheckShape(sub); err != nil {
				return fmt.Errorf("blocks: block %d: %w", i, err)
			}
		}
		if left != 0 {
			return wrong(fmt.Sprintf("blocks of %d rows together, there are %d less", shape[0], left))
		}
	}
	return nil
}

// MaxOrthogonal is the largest number of elements of an orthogonal matrix that
// can be made: it is decomposed in memory, at up to 20 bytes an element.
const MaxOrthogonal = 1 << 26

// MaxPermutation is the largest number of rows of a sparse matrix. Torch
// permutes that many with a word a step, from the next number on with two.
const MaxPermutation = (1<<32-1)/20 - 1
