package main

import (
	"bytes"
	"math"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/rng"
)

// lawlessPrefix begins the names of tensors whose values follow no law that a
// plan could declare: only two samples can be compared.
const lawlessPrefix = "lawless."

// lawless is a tensor whose values are made from those of independent streams:
// heavy tails, lines with scales of their own, zeros, values of few kinds.
type lawless struct {
	name, dtype string
	shape       []int64
	// draw makes the values; normal and uniform (in [0, 1)) return as many
	// fresh ones.
	draw func(out []float32, normal, uniform func() []float32)
}

// each makes values one by one from a normal one.
func each(f func(i int, v float32) float32) func([]float32, func() []float32, func() []float32) {
	return func(out []float32, normal, _ func() []float32) {
		for i, v := range normal() {
			out[i] = f(i, v)
		}
	}
}

// student draws from the law of Student with that many degrees of freedom.
func student(freedom int) func([]float32, func() []float32, func() []float32) {
	return func(out []float32, normal, _ func() []float32) {
		copy(out, normal())
		squares := make([]float64, len(out))
		for range freedom {
			for i, v := range normal() {
				squares[i] += float64(v) * float64(v) / float64(freedom)
			}
		}
		for i := range out {
			out[i] /= float32(math.Sqrt(squares[i]))
		}
	}
}

// thinned keeps a share of normal values, and sets the others to 0.
func thinned(share float32) func([]float32, func() []float32, func() []float32) {
	return func(out []float32, normal, uniform func() []float32) {
		copy(out, normal())
		for i, u := range uniform() {
			if u >= share {
				out[i] = 0
			}
		}
	}
}

// families are the tensors without a law: what good weights may look like, on
// both sides alike.
func families() []lawless {
	scale := func(rows, cols int, of func(row int) float32) func([]float32, func() []float32, func() []float32) {
		return each(func(i int, v float32) float32 { return v * of(i/cols%rows) })
	}
	some := func(row, at int, by float32) float32 {
		if row == at {
			return by
		}
		return 1
	}
	round := func(v float32) float32 { return float32(math.RoundToEven(float64(v))) }
	return []lawless{
		{"student 2", "F32", []int64{64, 64}, student(2)},
		{"student 3", "F32", []int64{128, 64}, student(3)},
		{"student 5", "F32", []int64{1000}, student(5)},
		{"student 10", "BF16", []int64{40, 60}, student(10)},
		{"cubes", "F32", []int64{50, 80}, each(func(_ int, v float32) float32 { return v * v * v })},
		{"exponentials", "F32", []int64{50, 80}, each(func(_ int, v float32) float32 { return float32(math.Exp(float64(v))) })},
		{"two scales", "F32", []int64{96, 64}, scale(96, 64, func(row int) float32 { return []float32{1, 0.1, 0.1}[row/32] })},
		{"a scale a row", "F32", []int64{64, 48}, scale(64, 48, func(row int) float32 { return float32(math.Exp(float64(row) / 16)) })},
		{"a scale a column", "F16", []int64{48, 64}, each(func(i int, v float32) float32 { return v * float32(i%64+1) / 64 })},
		{"a wider row", "F32", []int64{64, 32}, scale(64, 32, func(row int) float32 { return some(row, 17, 1.7) })},
		{"a wild row", "F32", []int64{200, 16}, scale(200, 16, func(row int) float32 { return some(row, 5, 50) })},
		{"a zero row", "F32", []int64{100, 24}, scale(100, 24, func(row int) float32 { return some(row, 0, 0) })},
		{"a constant row", "F32", []int64{40, 40}, each(func(i int, v float32) float32 {
			if i/40 == 3 {
				return 1
			}
			return v
		})},
		{"thinned", "F32", []int64{64, 40}, thinned(0.1)},
		{"thinned short rows", "F32", []int64{300, 8}, thinned(0.5)},
		{"thinned vector", "BF16", []int64{3000}, thinned(0.02)},
		{"convolution", "F32", []int64{16, 8, 3, 3}, each(func(_ int, v float32) float32 { return v })},
		{"convolution bf16", "BF16", []int64{12, 6, 5}, each(func(_ int, v float32) float32 { return v })},
		{"whole numbers", "F32", []int64{60, 60}, each(func(_ int, v float32) float32 { return round(4 * v) })},
		{"few kinds", "F32", []int64{40, 50}, each(func(_ int, v float32) float32 { return round(v) })},
		{"signs", "F32", []int64{64, 32}, each(func(_ int, v float32) float32 { return float32(math.Copysign(1, float64(v))) })},
		{"256 kinds", "BF16", []int64{64, 64}, func(out []float32, _, uniform func() []float32) {
			for i, u := range uniform() {
				out[i] = float32(math.Floor(float64(u)*256))/128 - 1
			}
		}},
		{"halves", "F32", []int64{4000}, each(func(_ int, v float32) float32 { return float32(math.Abs(float64(v))) })},
	}
}

func (l lawless) drawn(s *seeds) (checkpoint.Tensor, error) {
	n := int64(1)
	for _, size := range l.shape {
		n *= size
	}
	fresh := func(d dist.Draw) func() []float32 {
		return func() []float32 {
			v := make([]float32, n)
			rng.Fill(s.stream(), dist.Dist{Draw: d}, v)
			return v
		}
	}
	values := make([]float32, n)
	l.draw(values, fresh(dist.Normal{Std: 1}), fresh(dist.Uniform{Low: 0, High: 1}))
	return checkpoint.NewTensor(lawlessPrefix+l.name, l.dtype, l.shape, bytes.NewReader(encode(l.dtype, values)))
}
