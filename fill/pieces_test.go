package fill_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
	"github.com/weightinit/weightinit/rng"
)

// TestColumnsAreDrawnAsTensorsOfTheirOwn compares pieces that are columns of a
// matrix with the same draws as parameters.
func TestColumnsAreDrawnAsTensorsOfTheirOwn(t *testing.T) {
	const rows = 700
	widths := []int64{300, 5, 64}
	dists := []dist.Dist{normal, one(dist.Orthogonal{Gain: 2}), one(dist.Uniform{Low: -1, High: 1}, dist.Multiply{By: 3})}
	whole := layout.Param{Name: "c", Shape: []int64{rows, 369}}
	var alone []layout.Param
	first := int64(0)
	for i, n := range widths {
		shape := []int64{rows, n}
		whole.Pieces = append(whole.Pieces, layout.Piece{Shape: shape, At: layout.Rows(whole.Shape, 1, first, n)})
		alone = append(alone, layout.Param{Name: string(rune('a' + i)), Shape: shape})
		first += n
	}
	id := registry.ID{Name: "made", Version: 1}
	for _, stored := range dtype.All() {
		opts := plan.Options{Seed: 9, DType: stored}
		fused, err := plan.Assigned(&layout.Layout{Params: []layout.Param{whole}}, id, []dist.Dist{one(dist.Pieces{Dists: dists})}, opts)
		require.NoError(t, err)
		separate, err := plan.Assigned(&layout.Layout{Params: alone}, id, dists, opts)
		require.NoError(t, err)
		got := valuesOf(t, fused, fill.Options{Workers: 3, ChunkValues: 999}.Cut(1<<12, 1<<12))[0]
		parts := valuesOf(t, separate, fill.Options{})
		size := stored.Size()
		var want []byte
		for r := range int64(rows) {
			for i, n := range widths {
				want = append(want, parts[i][r*n*size:(r+1)*n*size]...)
			}
		}
		require.Equal(t, want, got, stored)
		ranges(t, fused)

		fused, err = plan.Assigned(&layout.Layout{Params: []layout.Param{whole}}, id, []dist.Dist{one(dist.Pieces{Dists: dists})}, plan.Options{Seed: 9, DType: stored, Streams: plan.Keyed})
		require.NoError(t, err)
		ranges(t, fused)
	}
}

// TestAPieceHasAKeyOfItsOwn: with keyed streams it is the parameter's with the
// number of the piece folded in, as that of a block.
func TestAPieceHasAKeyOfItsOwn(t *testing.T) {
	shape := []int64{3, 4}
	param := layout.Param{Name: "c", Shape: shape, Pieces: []layout.Piece{
		{Shape: []int64{3, 1}, At: layout.Rows(shape, 1, 0, 1)}, {Shape: []int64{3, 3}, At: layout.Rows(shape, 1, 1, 3)},
	}}
	p, err := plan.Assigned(&layout.Layout{Params: []layout.Param{param}}, registry.ID{Name: "made", Version: 1},
		[]dist.Dist{one(dist.Pieces{Dists: []dist.Dist{one(dist.Constant{Value: 5}), normal}})}, plan.Options{Seed: 5, Streams: plan.Keyed, DType: dtype.F64})
	require.NoError(t, err)
	key := rng.NewKey(5).Named("c").Block(1)
	values := make([]float64, 9)
	rng.FillKeyed(values, key, normal, 0)
	var want []float64
	for r := range 3 {
		want = append(want, 5)
		want = append(want, values[3*r:3*r+3]...)
	}
	require.Equal(t, float64Bytes(want), valuesOf(t, p, fill.Options{})[0])
}

func float64Bytes(values []float64) []byte {
	var out []byte
	for _, v := range values {
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
	}
	return out
}
