// Package layout describes the parameters of a model: their names, shapes,
// types and roles, in the order in which they are drawn.
//
// It holds no values and no distributions. Package model makes layouts, modes
// (package registry) give each parameter its distribution, and package plan
// joins the two.
package layout

import (
	"fmt"
	"math"
	"slices"

	"github.com/weightinit/weightinit/dtype"
)

// Limits that hold for every layout.
const (
	// MaxParams is the most parameters a model may have.
	MaxParams = 1 << 20
	// MaxDims is the most dimensions a parameter may have.
	MaxDims = 64
)

// NoLayer is the layer of parameters outside the layers.
const NoLayer = -1

// Param is one parameter of a model.
type Param struct {
	// Name is the key in the state dict, such as "layers.0.attn.q.weight".
	Name string
	// Shape holds the sizes, outermost first; empty for a scalar.
	Shape []int64
	// Role says what the parameter does.
	Role Role
	// Layer counts from 0; NoLayer outside the layers.
	Layer int
	// FanIn and FanOut are the input and output width of the stored matrix,
	// by role and not by storage order. A bias has those of its weight.
	// 0 means that the parameter has none.
	FanIn, FanOut int64
	// Pieces are the matrices or vectors that are fused in the parameter; none
	// for a parameter that is not fused. They cover it without overlap.
	Pieces []Piece
	// Transposed tells that the matrix is stored as [in, out], as GPT-2's are.
	Transposed bool
	// PaddingRow is the row of an embedding that stands for padding; nil when
	// there is none.
	PaddingRow *int64
	// Tied names the parameter whose tensor this one becomes when the model is
	// finished. Draws into it are made and lost.
	Tied string
	// Stored lists the tensors in a file that hold the parameter. None means a
	// single one with the parameter's name and shape.
	Stored []Slice
	// DType is the parameter's own type, whatever the model's is; 0 means the
	// model's.
	DType dtype.Type
	// Buffer tells that it is a persistent buffer: in the state dict and in
	// files, and no parameter to train.
	Buffer bool
	// Unnamed tells that no file holds the parameter: working memory of a
	// recorded program. Its Name only tells it apart.
	Unnamed bool
}

// Piece is one of the matrices or vectors that are fused in a parameter.
type Piece struct {
	Role Role
	// Shape is that of the piece alone; At are its elements in the parameter.
	Shape []int64
	At    Region
	// FanIn and FanOut are those of the piece.
	FanIn, FanOut int64
}

// Region is a set of elements of a parameter, counted in C order: Rows runs of
// Row elements each, of which the first begins at First and each next one
// Stride elements after the one before. A run of one row is contiguous.
type Region struct{ First, Rows, Row, Stride int64 }

// Whole is the region of all n elements.
func Whole(n int64) Region { return Region{Rows: 1, Row: n, Stride: n} }

// Elements returns the number of elements of r.
func (r Region) Elements() int64 { return r.Rows * r.Row }

// Contiguous tells whether the elements of r follow one another.
func (r Region) Contiguous() bool { return r.Rows <= 1 || r.Row == r.Stride }

// Rows returns the region of so many rows of a tensor of the given shape, cut
// along dimension dim, from row first on. The shape must have passed
// [Layout.Check].
func Rows(shape []int64, dim int, first, rows int64) Region {
	outer, inner := int64(1), int64(1)
	for _, d := range shape[:dim] {
		outer *= d
	}
	for _, d := range shape[dim+1:] {
		inner *= d
	}
	return Region{First: first * inner, Rows: outer, Row: rows * inner, Stride: shape[dim] * inner}
}

// Slice is a tensor in a file that holds consecutive elements of a parameter,
// from First on, in C order.
type Slice struct {
	Name  string
	Shape []int64
	First int64
}

// Elements returns the number of values of p. The shape must have passed
// [Layout.Check].
func (p Param) Elements() int64 {
	n := int64(1)
	for _, d := range p.Shape {
		n *= d
	}
	return n
}

// Facts are the sizes of a model that modes may use in their formulas.
// 0 means that the model has no such size.
type Facts struct {
	Architecture string
	Layers       int64 // n_layers
	DModel       int64
	DHead        int64
	Heads        int64
	KVHeads      int64
	DMLP         int64
	DVocab       int64
	Ctx          int64 // n_ctx
	// InitializerRange is the config's field of that name; nil when the config
	// has none. What 0 and less mean is the mode's affair.
	InitializerRange *float64
	// Config is the whole config that the model was made of, as canonical
	// JSON; nil when there is none.
	Config []byte
}

// Layout is a model as a list of parameters in the order of its state dict.
// A mode draws them in that order, unless it replays the framework's draws.
type Layout struct {
	Model  Facts
	Params []Param
	// Replay is what the framework itself does to make the model, in order; nil
	// where nobody knows it. A later event of a parameter replaces what an
	// earlier one left in the same elements.
	Replay []Event
	// StateDict lists the tensors of the state dict, and Saved those that the
	// framework's own save writes. nil means what the parameters say of
	// themselves: each as a whole, tied or not, and without the tied ones as
	// Stored says.
	StateDict, Saved []Entry
	// DType is the type in which the framework makes the model; 0 means that
	// the config has none.
	DType dtype.Type
}

// Clone returns a deep copy.
func (l *Layout) Clone() *Layout {
	c := &Layout{Model: l.Model, Params: slices.Clone(l.Params), Replay: slices.Clone(l.Replay)}
	c.Model.Config = slices.Clone(l.Model.Config)
	c.Model.InitializerRange = clonePointer(l.Model.InitializerRange)
	for i := range c.Params {
		p := &c.Params[i]
		p.Shape, p.Pieces, p.Stored = slices.Clone(p.Shape), slices.Clone(p.Pieces), slices.Clone(p.Stored)
		for j := range p.Pieces {
			p.Pieces[j].Shape = slices.Clone(p.Pieces[j].Shape)
		}
		for j := range p.Stored {
			p.Stored[j].Shape = slices.Clone(p.Stored[j].Shape)
		}
		p.PaddingRow = clonePointer(p.PaddingRow)
	}
	for i := range c.Replay {
		c.Replay[i].Shape = slices.Clone(c.Replay[i].Shape)
	}
	c.StateDict, c.Saved, c.DType = slices.Clone(l.StateDict), slices.Clone(l.Saved), l.DType
	return c
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return new(*p)
}

// ElementsOf returns the product of the sizes. It is an error when there are
// more than [MaxDims] of them, when one is negative, or when the product of
// the sizes that are not 0 passes 2^63-1.
func ElementsOf(shape []int64) (int64, error) {
	if len(shape) > MaxDims {
		return 0, fmt.Errorf("%d dimensions: the limit is %d", len(shape), MaxDims)
	}
	n, zero := int64(1), false
	for i, d := range shape {
		switch {
		case d < 0:
			return 0, fmt.Errorf("size %d of dimension %d is negative", d, i)
		case d == 0:
			zero = true
		case n > math.MaxInt64/d:
			return 0, fmt.Errorf("shape %v has more than 2^63-1 elements", shape)
		default:
			n *= d
		}
	}
	if zero {
		return 0, nil
	}
	return n, nil
}

// TorchFans returns fan_in and fan_out as torch.nn.init computes them from a
// shape read as [out, in, kernel...]: fan_in = in * kernel, fan_out = out *
// kernel. Fewer than two dimensions are an error.
func TorchFans(shape []int64) (fanIn, fanOut int64, err error) {
	if len(shape) < 2 {
		return 0, 0, fmt.Errorf("fan_in and fan_out need at least 2 dimensions, shape %v has %d", shape, len(shape))
	}
	kernel := int64(1)
	for _, d := range shape[2:] {
		kernel *= d
	}
	return shape[1] * kernel, shape[0] * kernel, nil
}
