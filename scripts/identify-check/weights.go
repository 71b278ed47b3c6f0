package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/rng"
)

// weights are those of a model, to be changed.
type weights struct {
	plan   *plan.Plan
	values [][]float32 // by the plan's tensors
	// key is that of random numbers for changes, of which drawn lists were taken.
	key   rng.Key
	drawn int
}

// read reads what a plan has made.
func read(ctx context.Context, set checkpoint.Set, p *weightinit.Plan, seed uint64) (*weights, error) {
	w := &weights{plan: p.Plan, key: rng.NewKey(seed)}
	for _, t := range p.Tensors().All() {
		from, _ := set.Lookup(t.Name)
		var values []float32
		err := from.EachStored(ctx, func(piece []float64) error {
			for _, v := range piece {
				values = append(values, float32(v))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		w.values = append(w.values, values)
	}
	return w, nil
}

// normal returns fresh standard normal numbers.
func (w *weights) normal(n int) []float32 {
	out := make([]float32, n)
	w.drawn++
	rng.FillKeyed(out, w.key.Block(w.drawn), dist.Of(dist.Normal{Std: 1}, ""), 0)
	return out
}

// set returns the weights as a set of tensors of that type.
func (w *weights) set(stored dtype.Type) (checkpoint.Set, error) {
	var out memory
	for i, t := range w.plan.Tensors().All() {
		raw := make([]byte, int64(len(w.values[i]))*stored.Size())
		if stored == dtype.BF16 {
			rng.BF16(raw, w.values[i])
		} else {
			for k, v := range w.values[i] {
				binary.LittleEndian.PutUint32(raw[4*k:], math.Float32bits(v))
			}
		}
		name := map[dtype.Type]string{dtype.F32: "F32", dtype.BF16: "BF16"}[stored]
		made, err := checkpoint.NewTensor(t.Name, name, t.Shape, bytes.NewReader(raw))
		if err != nil {
			return nil, err
		}
		out = append(out, made)
	}
	return out, nil
}

// memory is a set of tensors that is no file.
type memory []checkpoint.Tensor

func (m memory) Tensors() []checkpoint.Tensor { return m }
func (m memory) Lookup(name string) (checkpoint.Tensor, bool) {
	for _, t := range m {
		if t.Name == name {
			return t, true
		}
	}
	return checkpoint.Tensor{}, false
}
func (memory) Metadata() map[string]string { return nil }
func (memory) Warnings() []string          { return nil }
func (memory) Close() error                { return nil }

func times(values []float32, by float32) {
	for i := range values {
		values[i] *= by
	}
}

// stdOf returns the root of the mean square.
func stdOf(values []float32) float64 {
	sum := 0.0
	for _, v := range values {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(len(values)))
}

// matrices calls change for every tensor of two dimensions.
func (w *weights) matrices(change func(values []float32, rows, cols int, role layout.Role)) {
	for i, t := range w.plan.Tensors().All() {
		if len(t.Shape) == 2 {
			change(w.values[i], int(t.Shape[0]), int(t.Shape[1]), w.plan.Params().At(t.Param).Role)
		}
	}
}

// skipResidual draws the projections back into the residual stream as if their
// factor had been forgotten.
func (w *weights) skipResidual() {
	factor := float32(math.Sqrt(2 * float64(w.plan.Model().Layers)))
	w.matrices(func(values []float32, _, _ int, role layout.Role) {
		if role == layout.AttnOut || role == layout.MLPOut {
			times(values, factor)
		}
	})
}

// scale multiplies every matrix.
func (w *weights) scale(by float32) {
	w.matrices(func(values []float32, _, _ int, _ layout.Role) { times(values, by) })
}

// products makes every matrix one of two random ones, of the whole rank or a part
// of it, as training does, with the standard deviation that it had or one of its
// own.
func (w *weights) products(part int, sameStd bool) {
	w.matrices(func(values []float32, rows, cols int, _ layout.Role) {
		std := stdOf(values)
		w.product(values, rows, cols, max(1, min(rows, cols)/part))
		if sameStd {
			times(values, float32(std/stdOf(values)))
		}
	})
}

// update adds a product of low rank, whose largest singular values are by that
// factor those of the random part.
func (w *weights) update(rank int, by float64) {
	w.matrices(func(values []float32, rows, cols int, _ layout.Role) {
		delta := make([]float32, len(values))
		w.product(delta, rows, cols, rank)
		// Of a product of so low a rank the singular values are about as large as
		// each other: its norm by the root of the rank.
		largest := stdOf(values) * (math.Sqrt(float64(rows)) + math.Sqrt(float64(cols)))
		norm := stdOf(delta) * math.Sqrt(float64(len(delta))) / math.Sqrt(float64(rank))
		for i, v := range delta {
			values[i] += v * float32(by*largest/norm)
		}
	})
}

// columns gives every column a scale of its own.
func (w *weights) columns() {
	w.matrices(func(values []float32, _, cols int, _ layout.Role) {
		scales := w.normal(cols)
		for i := range values {
			values[i] *= 1 + 0.1*scales[i%cols]
		}
	})
}

// product fills values with the product of two random matrices.
func (w *weights) product(values []float32, rows, cols, rank int) {
	a, b := w.normal(rows*rank), w.normal(rank*cols)
	clear(values)
	for i := range rows {
		out := values[i*cols : (i+1)*cols]
		for k := range rank {
			x := a[i*rank+k]
			for j, y := range b[k*cols : (k+1)*cols] {
				out[j] += float32(x * y)
			}
		}
	}
}
