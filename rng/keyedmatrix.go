package rng

import (
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/rng/internal/philox"
)

// NewKeyedMask is [NewMask] with keys: step i of the permutation of column c
// takes word i of the stream of fold_in(k, 1 + c). The normals of a keyed
// sparse matrix are those of fold_in(k, 0).
func NewKeyedMask(k Key, rows, cols, zeros, low, high int64, stop func() error) (*Mask, error) {
	rows = max(rows, 0)
	zeros = min(max(zeros, 0), rows)
	m := &Mask{low: low, high: high, bits: make([]uint64, (max(high-low, 0)+63)/64)}
	order := make([]uint32, rows)
	for col := range cols {
		if err := stop(); err != nil {
			return nil, err
		}
		for i := range order {
			order[i] = uint32(i)
		}
		permute(order, zeros, k.FoldIn(1+uint64(col)))
		for _, row := range order[:zeros] {
			m.set(int64(row)*cols + col)
		}
	}
	return m, nil
}

// permute does the steps of a permutation that decide its first zeros entries.
func permute(order []uint32, zeros int64, k Key) {
	rows := int64(len(order))
	steps := min(zeros, max(rows-1, 0))
	var words [1024]uint32
	for i := int64(0); i < steps; {
		n := min(int64(len(words)), steps-i)
		philox.Words(words[:n], k.key, i)
		for _, w := range words[:n] {
			j := i + int64(w)%(rows-i)
			order[i], order[j] = order[j], order[i]
			i++
		}
	}
}

// KeyedOrthogonal is [Orthogonal] of the normals of the key k. What is
// promised of the result, and what is not, is the same.
func KeyedOrthogonal[T float32 | float64](k Key, gain float64, rows, cols int64, stop func() error) ([]T, error) {
	return KeyedOrthonormal[T](k, dist.Orthogonal{Gain: gain}, []int64{rows, cols}, stop)
}

// KeyedOrthonormal is [Orthonormal] of the normals of the key k. The only
// matrix of a tensor takes the normals of k itself, one of several those of
// [Key.Block] of its number.
func KeyedOrthonormal[T float32 | float64](k Key, d dist.Orthonormal, shape []int64, stop func() error) ([]T, error) {
	one := 0
	for range d.Boxes(shape) {
		if one++; one > 1 {
			break
		}
	}
	return orthonormal(d, shape, stop, func(dst []T, number int) {
		key := k
		if one > 1 {
			key = k.Block(number)
		}
		keyedNormal(dst, key, 0, dist.Normal{Std: 1})
	})
}
