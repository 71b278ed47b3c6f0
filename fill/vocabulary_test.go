package fill_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/rng"
)

func one(d dist.Draw, posts ...dist.Post) dist.Dist { return dist.Dist{Draw: d, Post: posts} }

func of(rows int64, d dist.Dist) dist.Part { return dist.Part{Rows: rows, Dist: d} }

func blocks(parts ...dist.Part) dist.Draw { return dist.Blocks{Parts: parts} }

func proceed() error { return nil }

var (
	normal     = one(dist.Normal{Mean: 0.5, Std: 2})
	proposed   = one(dist.TruncNormal{Std: 1, A: 1.5, B: 3})
	rejected   = one(dist.TruncNormal{Std: 1, A: -1, B: 1.5}, dist.Divide{By: 3})
	padding    = dist.ZeroRows{Ranges: []dist.Range{{First: 1, Count: 2}}}
	everything = blocks(of(2, normal), of(3, rejected), of(1, one(dist.Constant{Value: 7}, dist.Multiply{By: -1})),
		of(4, one(dist.Sparse{Sparsity: 0.4, Std: 1})), of(5, proposed), of(7, one(dist.Eye{})), of(3, one(dist.Orthogonal{Gain: 1})))
)

// vocabulary is a plan with many kinds and steps, long ones among them. Its bits
// are recorded: see [everyFamily] for those that came later.
func vocabulary(t *testing.T, stored dtype.Type, large int64) *plan.Plan {
	shapes, dists := vocabularyOf(large)
	return buildShapes(t, stored, shapes, dists)
}

func vocabularyOf(large int64) ([][]int64, dists) {
	long := large/64 + 1
	return [][]int64{{3}, {long, 64}, {5}, {25, 6}, {7, 11}, {long, 64}, {6, 4, 3}, {long, 64}, {3}, {25, 3}, {9, 2}, {1}, {long, 64}, {40, 30}, {13}},
		dists{normal, rejected, normal, one(everything, padding, dist.Multiply{By: -2}), one(dist.Sparse{Sparsity: 0.3, Std: 1}, padding),
			one(dist.Sparse{Sparsity: 0.9, Std: 1}), one(dist.Dirac{Groups: 2}), one(dist.Eye{}, dist.Multiply{By: 3}), proposed,
			one(everything), one(dist.TruncNormal{Mean: 1, Std: 0.1, A: -2, B: 2, Algorithm: dist.UnitThenScale}), normal,
			proposed, one(dist.Orthogonal{Gain: 1.5}), normal}
}

// everyFamily is a plan with every kind and step.
func everyFamily(t *testing.T, stored dtype.Type, large int64) *plan.Plan {
	long := large/64 + 1
	shapes, draws := vocabularyOf(large)
	shapes = append(shapes, []int64{6, 3, 4}, []int64{9, 6}, []int64{4, 4, 2}, []int64{2, 3, 5, 5}, []int64{130, 9}, []int64{12},
		[]int64{long, 64}, []int64{long, 64}, []int64{3}, []int64{30, 20}, []int64{long, 64}, []int64{5, 4, 3}, []int64{7})
	draws = append(draws, one(dist.DeltaOrthogonal{Gain: 2}), one(dist.BlockOrthogonal{SplitSizes: []int64{3, 3}, Gain: 1}),
		one(dist.BlockOrthogonal{SplitSizes: []int64{2, 2, 1}, Gain: -1}, dist.Multiply{By: 3}),
		one(dist.Bilinear{}), one(dist.ZeroInit{}), one(dist.LSTMForgetBias{Value: 0.3}),
		one(dist.Normal{Std: 1}, dist.Multiply{By: 2}, dist.L2Normalize{Dim: 1}, dist.Divide{By: 3}), one(rejected.Draw, dist.L2Normalize{}),
		normal, one(dist.Sparse{Sparsity: 0.5, Std: 1}, dist.L2Normalize{}), one(proposed.Draw, dist.L2Normalize{Dim: 1}),
		one(dist.Uniform{High: 1}, dist.L2Normalize{Dim: 1}), normal)
	p := buildShapes(t, stored, shapes, draws)
	kinds := map[string]bool{"fill": true, "pieces": true} // a plugin's, and see pieces_test.go
	for _, param := range p.Params().All() {
		kinds[param.Dist.Draw.Kind()] = true
	}
	for _, step := range p.Steps().All() {
		kinds[step.Dist.Draw.Kind()] = true // those of blocks among them
	}
	for _, family := range dist.Families() {
		require.True(t, kinds[family.Kind()], "%s is missing here", family.Kind())
	}
	return p
}

func TestTheWholeVocabularyDoesNotDependOnWorkersChunksAndCuts(t *testing.T) {
	for _, stored := range dtype.All() {
		p := everyFamily(t, stored, 12_000)
		want := ""
		for _, o := range []fill.Options{
			{Workers: 1, ChunkValues: 1 << 22}, fill.Options{Workers: 3, ChunkValues: 999}.Cut(1<<12, 1<<12),
			fill.Options{Workers: 17}.Cut(1<<10, 3000), fill.Options{Workers: 2, ChunkValues: 100}.Cut(16, 16),
			{Workers: 7, ChunkValues: 16}, {Workers: 64, ChunkValues: 1 << 22}, {Workers: 2},
		} {
			c := newCollect(t, p)
			require.NoError(t, fill.Run(t.Context(), p, c, o))
			if want == "" {
				want = c.digest()
			}
			require.Equal(t, want, c.digest(), "%s %+v", stored, o)
		}
	}
	p := vocabulary(t, dtype.F32, 100)
	c := newCollect(t, p)
	require.NoError(t, fill.Run(t.Context(), p, c, fill.Options{Workers: 1}))
	want := c.digest()
	for chunk := 1; chunk < 40; chunk++ {
		c := newCollect(t, p)
		require.NoError(t, fill.Run(t.Context(), p, c, fill.Options{Workers: 2, ChunkValues: chunk}))
		require.Equal(t, want, c.digest(), "chunk of %d", chunk)
	}
}

// drawAlone draws a tensor without blocks as package rng does, from s.
func drawAlone(t *testing.T, s *rng.Stream, d dist.Dist, shape []int64) []float32 {
	n := dist.Elements(shape)
	out := make([]float32, n)
	var err error
	switch draw := d.Draw.(type) {
	case dist.TruncNormal:
		_, err = rng.BeginTruncated[float32](s, draw, n).Next(out, proceed)
	case dist.Sparse:
		rng.Fill(s, one(dist.Normal{Std: draw.Std}), out)
		var mask *rng.Mask
		mask, err = rng.NewMask(s, shape[0], shape[1], int64(math.Ceil(draw.Sparsity*float64(shape[0]))), 0, n, proceed)
		rng.Zero(out, 0, mask)
	case dist.Orthonormal:
		out, err = rng.Orthonormal[float32](s, draw, shape, proceed)
	case dist.Pattern:
		rng.Pattern(out, draw, 0, shape)
	default:
		rng.Fill(s, one(d.Draw), out)
	}
	require.NoError(t, err)
	for _, p := range d.Post {
		rng.Apply(out, 0, shape, p)
	}
	return out
}

func TestAPlanIsOneTensorAfterTheOtherAndABlockIsATensor(t *testing.T) {
	p := everyFamily(t, dtype.F32, 20_000)
	c := newCollect(t, p)
	require.NoError(t, fill.Run(t.Context(), p, c, fill.Options{Workers: 2}.Cut(1<<12, 1<<13)))
	s := rng.New(p.Seed())
	for i, step := range p.Params().All() {
		var want []float32
		if b, ok := step.Dist.Draw.(dist.Blocks); ok {
			for _, part := range b.Parts {
				want = append(want, drawAlone(t, s, part.Dist, dist.PartShape(step.Shape, part.Rows))...)
			}
			for _, post := range step.Dist.Post {
				rng.Apply(want, 0, step.Shape, post)
			}
		} else {
			want = drawAlone(t, s, step.Dist, step.Shape)
		}
		data, err := binary.Append(nil, binary.LittleEndian, want)
		require.NoError(t, err)
		require.True(t, string(data) == string(c.values[i]), "step %d, %s", i, step.Dist.Draw.Kind())
	}
}

func TestZeroRowsComeInTheOrderGiven(t *testing.T) {
	minus := dist.Multiply{By: -1}
	p := buildShapes(t, dtype.F32, [][]int64{{3, 2}, {3, 2}, {4, 1}},
		dists{one(dist.Constant{Value: 1}, padding, minus), one(dist.Constant{Value: 1}, minus, padding),
			one(blocks(of(1, one(dist.Constant{Value: 1})), of(3, one(dist.Constant{Value: 2}, dist.ZeroRows{Ranges: []dist.Range{{First: 0, Count: 1}}}))),
				dist.ZeroRows{Ranges: []dist.Range{{First: 2, Count: 1}}})})
	c := newCollect(t, p)
	require.NoError(t, fill.Run(t.Context(), p, c, fill.Options{ChunkValues: 3}))
	read := func(step int) (out []float32) {
		for at := 0; at < len(c.values[step]); at += 4 {
			out = append(out, math.Float32frombits(binary.LittleEndian.Uint32(c.values[step][at:])))
		}
		return out
	}
	require.True(t, math.Signbit(float64(read(0)[2])), "zeroed, then multiplied: -0")
	require.False(t, math.Signbit(float64(read(1)[2])))
	require.Equal(t, []float32{-1, -1, 0, 0, 0, 0}, read(1))
	require.Equal(t, []float32{1, 0, 0, 2}, read(2), "a block's rows count from the block")
}

// filler sends the element's number plus a half, in pieces.
type filler struct {
	piece int64
	spoil func(first int64, data []byte) (int64, []byte)
	err   error
	stop  int64 // elements sent; 0 means all
}

func (f filler) Fill(ctx context.Context, step plan.Param, wide bool, each func(int64, []byte) error) error {
	all := step.Elements
	if f.stop > 0 {
		all = f.stop
	}
	for first := int64(0); first < all; first += f.piece {
		var data []byte
		for i := first; i < min(first+f.piece, all); i++ {
			if wide {
				data = binary.LittleEndian.AppendUint64(data, math.Float64bits(float64(i)+0.5))
			} else {
				data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(i)+0.5))
			}
		}
		at := first
		if f.spoil != nil {
			at, data = f.spoil(first, data)
		}
		if err := each(at, data); err != nil {
			return err
		}
	}
	return f.err
}

func TestFilledStepsComeFromTheFiller(t *testing.T) {
	filled := one(dist.Filled{}, dist.Multiply{By: 2}, dist.ZeroRows{Ranges: []dist.Range{{First: 3, Count: 1}}})
	for _, stored := range []dtype.Type{dtype.F32, dtype.F64, dtype.F16} {
		shapes := [][]int64{{40}, {10, 3}, {40}, {5, 0}}
		p := buildShapes(t, stored, shapes, dists{normal, filled, normal, filled})
		for _, piece := range []int64{1, 7, 30} {
			c := newCollect(t, p)
			require.NoError(t, fill.Run(t.Context(), p, c, fill.Options{Workers: 2, ChunkValues: 4, Filler: filler{piece: piece}}))
			c.digest()
			for i := range 30 {
				want := float64(2*i + 1)
				if i/3 == 3 {
					want = 0
				}
				var got float64
				switch stored {
				case dtype.F64:
					got = math.Float64frombits(binary.LittleEndian.Uint64(c.values[1][8*i:]))
				case dtype.F32:
					got = float64(math.Float32frombits(binary.LittleEndian.Uint32(c.values[1][4*i:])))
				default:
					half := make([]byte, 2)
					rng.F16(half, []float32{float32(want)})
					require.Equal(t, half, c.values[1][2*i:2*i+2])
					continue
				}
				require.Equal(t, want, got)
			}
			// A filled step uses no words.
			plain := buildShapes(t, stored, [][]int64{{40}, {40}}, dists{normal, normal})
			other := newCollect(t, plain)
			require.NoError(t, fill.Run(t.Context(), plain, other, fill.Options{}))
			require.Equal(t, other.values[1], c.values[2])
		}
	}
}

func TestAFillerThatBreaksItsContractIsAnError(t *testing.T) {
	p := buildShapes(t, dtype.F32, [][]int64{{10}}, dists{one(dist.Filled{})})
	broken := errors.New("broken pipe")
	for name, c := range map[string]struct {
		filler fill.Filler
		want   string
	}{
		"none":       {nil, `parameter "0" is made by the plugin of mode "dists@1"`},
		"gap":        {filler{piece: 5, spoil: func(first int64, d []byte) (int64, []byte) { return first * 2, d }}, "element 5 was expected"},
		"half value": {filler{piece: 5, spoil: func(first int64, d []byte) (int64, []byte) { return first, d[1:] }}, "19 bytes"},
		"too many":   {filler{piece: 10, spoil: func(first int64, d []byte) (int64, []byte) { return first, append(d, d...) }}, "more than 10"},
		"too few":    {filler{piece: 5, stop: 9}, "sent 9 values, 10 were expected"},
		"own error":  {filler{piece: 10, err: broken}, "broken pipe"},
	} {
		err := fill.Run(t.Context(), p, newCollect(t, p), fill.Options{Filler: c.filler})
		require.ErrorContains(t, err, c.want, name)
	}
	full := errors.New("disk full")
	require.ErrorIs(t, fill.Run(t.Context(), p, failing{full}, fill.Options{Filler: filler{piece: 3}}), full)
}

func TestATruncatedNormalThatNeverEndsStopsWithTheContext(t *testing.T) {
	p := buildShapes(t, dtype.F32, [][]int64{{100}, {3}}, dists{one(dist.TruncNormal{Std: 1e-9, A: 3e-9, B: 1e5}), normal})
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(20*time.Millisecond, func() { cancel(stop) })
	err := fill.Run(ctx, p, newCollect(t, p), fill.Options{})
	require.ErrorIs(t, err, stop)
}

func TestManySmallBlocksInBoundedSegments(t *testing.T) {
	var parts []dist.Part
	for i := range 20_000 {
		parts = append(parts, of(1, one(dist.Constant{Value: float64(i)})))
	}
	p := buildShapes(t, dtype.F32, [][]int64{{20_000, 2}}, dists{one(blocks(parts...))})
	c := newCollect(t, p)
	require.NoError(t, fill.Run(t.Context(), p, c, fill.Options{}))
	c.digest()
	for i := range 20_000 {
		require.Equal(t, float32(i), math.Float32frombits(binary.LittleEndian.Uint32(c.values[0][8*i+4:])), fmt.Sprint(i))
	}
}
