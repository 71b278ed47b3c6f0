package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/sdk"
)

// maxHaar is the most elements of a matrix that this example decomposes.
const maxHaar = 16 << 20

// haar fills matrices with a random orthogonal matrix, by a QR decomposition
// in float64. A range is cut out of the whole, which is made for every call.
type haar struct {
	Gain float64 `json:"gain" default:"1" min:"0" max:"100" doc:"factor of the orthogonal matrices"`
	Std  float64 `json:"std" default:"0.02" min:"0" max:"100" doc:"std of embeddings"`
}

// Assign implements [registry.Mode].
func (m *haar) Assign(_ context.Context, l *layout.Layout) ([]dist.Dist, error) {
	var large error
	out, err := assign("haar", l, func(p layout.Param) dist.Dist {
		switch p.Role {
		case layout.Embedding, layout.Position, layout.LMHead, "token_type":
			return dist.Dist{Draw: dist.Normal{Std: m.Std}, Formula: "std"}
		}
		if p.Elements() > maxHaar && large == nil {
			large = &sdk.LayoutError{Param: p.Name, Problem: fmt.Sprintf("parameter %q has %d elements, this example decomposes up to %d", p.Name, p.Elements(), maxHaar)}
		}
		return dist.Dist{Draw: dist.Filled{}, Formula: "gain * orthogonal"}
	})
	if err == nil {
		err = large
	}
	return out, err
}

// Fill implements [sdk.Filler].
func (m *haar) Fill(ctx context.Context, req sdk.FillRequest, dst *sdk.Writer) error {
	if req.Count == 0 {
		return nil
	}
	rows := int(req.Param.Shape[0])
	columns := int(req.Param.Elements()) / rows
	if rows > maxHaar/columns {
		return &sdk.LayoutError{Param: req.Param.Name, Problem: fmt.Sprintf("%d elements are too many", req.Param.Elements())}
	}
	values := orthogonal(rows, columns, m.Gain, rand.New(rand.NewChaCha8(req.Seed)))
	if err := ctx.Err(); err != nil {
		return err
	}
	return dst.Float64(values[req.First : req.First+req.Count])
}

// orthogonal returns a matrix, row by row, whose shorter side is orthonormal,
// times gain. With the signs of the diagonal of R moved into Q it follows the
// Haar distribution.
func orthogonal(rows, columns int, gain float64, r *rand.Rand) []float64 {
	long, short := max(rows, columns), min(rows, columns)
	a := blas64.General{Rows: long, Cols: short, Stride: short, Data: make([]float64, long*short)}
	for i := range a.Data {
		a.Data[i] = r.NormFloat64()
	}
	tau, size := make([]float64, short), make([]float64, 1)
	lapack64.Geqrf(a, tau, size, -1)
	work := make([]float64, max(int(size[0]), short))
	lapack64.Geqrf(a, tau, work, len(work))
	signs := make([]float64, short)
	for j := range signs {
		signs[j] = math.Copysign(gain, a.Data[j*short+j])
	}
	// Orgqr makes the first columns of Q in place, and no others.
	lapack64.Orgqr(a, tau, size, -1)
	work = make([]float64, max(int(size[0]), short))
	lapack64.Orgqr(a, tau, work, len(work))
	out := a.Data
	if rows < columns {
		out = make([]float64, rows*columns)
	}
	for i := range long {
		for j := range short {
			v := a.Data[i*short+j] * signs[j]
			if rows < columns {
				out[j*columns+i] = v
			} else {
				out[i*short+j] = v
			}
		}
	}
	return out
}
