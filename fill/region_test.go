package fill_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

// regionCollect keeps the values of regions, and that each came exactly once.
func regionCollect(t *testing.T, p *plan.Plan, regions []fill.Region) *collect {
	c := &collect{t: t}
	for _, r := range regions {
		n, width := dist.Elements(r.Sizes), p.Tensors().At(r.Tensor).DType.Size()
		c.width = append(c.width, width)
		c.values = append(c.values, make([]byte, n*width))
		c.seen = append(c.seen, make([]bool, n))
	}
	return c
}

// cutOut is the region of a tensor's values, one element after the other.
func cutOut(whole []byte, shape []int64, r fill.Region, width int64) []byte {
	out := []byte{}
	if dist.Elements(r.Sizes) == 0 {
		return out
	}
	index := make([]int64, len(shape))
	for {
		at := int64(0)
		for d, size := range shape {
			at = at*size + r.Offsets[d] + index[d]
		}
		out = append(out, whole[at*width:(at+1)*width]...)
		d := len(shape) - 1
		for ; d >= 0; d-- {
			if index[d]++; index[d] < r.Sizes[d] {
				break
			}
			index[d] = 0
		}
		if d < 0 {
			return out
		}
	}
}

func drawnRegion(t *rapid.T, p *plan.Plan) fill.Region {
	r := fill.Region{Tensor: rapid.IntRange(0, p.Tensors().Len()-1).Draw(t, "tensor")}
	for _, size := range p.Tensors().At(r.Tensor).Shape {
		offset, count := int64(0), size
		if rapid.IntRange(0, 2).Draw(t, "all of it") > 0 {
			offset = rapid.Int64Range(0, size).Draw(t, "offset")
			count = rapid.Int64Range(0, size-offset).Draw(t, "size")
		}
		r.Offsets, r.Sizes = append(r.Offsets, offset), append(r.Sizes, count)
	}
	return r
}

func drawnOptions(t *rapid.T) fill.Options {
	return fill.Options{Workers: rapid.IntRange(1, 4).Draw(t, "workers"), ChunkValues: rapid.IntRange(1, 300).Draw(t, "chunk")}.
		Cut(rapid.Int64Range(1, 40).Draw(t, "segment")*16, 64).
		Apart(rapid.SampledFrom([]int64{fill.LeastGap, 100, 1000, 0}).Draw(t, "gap"))
}

// sameRegions draws regions of p, before any place is known and afterwards, and
// compares with the whole tensors.
func sameRegions(t *testing.T, rt *rapid.T, p *plan.Plan) {
	var regions []fill.Region
	for range rapid.IntRange(1, 6).Draw(rt, "regions") {
		regions = append(regions, drawnRegion(rt, p))
	}
	if rapid.Bool().Draw(rt, "the same again") {
		regions = append(regions, regions[0])
	}
	opts := drawnOptions(rt)
	width := p.DType().Size()
	early := regionCollect(t, p, regions)
	require.NoError(rt, fill.RunRegions(t.Context(), p, regions, early, opts))
	whole := newCollect(t, p)
	require.NoError(rt, fill.Run(t.Context(), p, whole, opts))
	late := regionCollect(t, p, regions)
	require.NoError(rt, fill.RunRegions(t.Context(), p, regions, late, opts))
	for _, c := range []*collect{early, late} {
		c.digest() // all came
		for i, r := range regions {
			want := cutOut(whole.values[r.Tensor], p.Tensors().At(r.Tensor).Shape, r, width)
			require.Equal(rt, want, c.values[i], "region %d: %+v", i, r)
		}
	}
}

// TestRegionsOfAnyReplay: discards, replaced draws, columns and rows.
func TestRegionsOfAnyReplay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := drawnModel(rt)
		info := registry.Info{ID: registry.ID{Name: "replays", Version: 1}, New: func() registry.Mode { return replays{} }}
		opts := plan.Options{Seed: rapid.Uint64().Draw(rt, "seed"), DType: rapid.SampledFrom(dtype.All()).Draw(rt, "stored")}
		if rapid.Bool().Draw(rt, "keyed") {
			opts.Streams = plan.Keyed
		}
		p, err := plan.Build(t.Context(), l, info, replays{}, opts)
		require.NoError(rt, err)
		sameRegions(t, rt, p)
	})
}

// drawnTensors are parameters of any number of dimensions, some stored as
// several tensors, some of them twice.
func drawnTensors(t *rapid.T) (*layout.Layout, []dist.Dist) {
	l, all := &layout.Layout{}, []dist.Dist{}
	for i := range rapid.IntRange(1, 5).Draw(t, "parameters") {
		shape := rapid.SliceOfN(rapid.Int64Range(0, 12), 0, 4).Draw(t, "shape")
		param := layout.Param{Name: fmt.Sprint(i), Shape: shape, Layer: layout.NoLayer}
		draws := []dist.Dist{
			one(dist.Normal{Std: 1}), one(dist.Normal{Std: 1}), one(dist.Uniform{High: 1}), one(dist.Constant{Value: 2}),
			one(dist.TruncNormal{Std: 1, A: -1, B: 1}), one(dist.Normal{Std: 1}, dist.Multiply{By: 3}),
		}
		if len(shape) == 2 && shape[0]*shape[1] > 0 {
			draws = append(draws, one(dist.Sparse{Sparsity: 0.4, Std: 1}), one(dist.Orthogonal{Gain: 2}), one(dist.Normal{Std: 1}, dist.L2Normalize{Dim: 1}))
		}
		all = append(all, rapid.SampledFrom(draws).Draw(t, "draw"))
		if n := dist.Elements(shape); n > 1 && rapid.Bool().Draw(t, "stored in parts") {
			cut := rapid.Int64Range(1, n-1).Draw(t, "cut")
			param.Stored = []layout.Slice{
				{Name: param.Name + "a", Shape: []int64{cut}}, {Name: param.Name + "b", Shape: []int64{1, n - cut}, First: cut},
				{Name: param.Name + "c", Shape: shape}, // a tie
			}
		}
		l.Params = append(l.Params, param)
	}
	return l, all
}

func TestRegionsOfTensorsOfAnyShape(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l, all := drawnTensors(rt)
		opts := plan.Options{Seed: rapid.Uint64().Draw(rt, "seed"), DType: rapid.SampledFrom(dtype.All()).Draw(rt, "stored")}
		if rapid.Bool().Draw(rt, "keyed") {
			opts.Streams = plan.Keyed
		}
		p, err := plan.Assigned(l, registry.ID{Name: "made", Version: 1}, all, opts)
		require.NoError(rt, err)
		sameRegions(t, rt, p)
	})
}

// TestColumnsOfALargeMatrix draws rows that are far apart, and near ones with
// what is between them.
func TestColumnsOfALargeMatrix(t *testing.T) {
	p := buildShapes(t, dtype.F32, [][]int64{{700, 9000}, {50, 3}, {3, 500, 1000}}, dists{normal, normal, one(dist.Uniform{High: 1})})
	whole := valuesOf(t, p, fill.Options{})
	regions := []fill.Region{
		{Tensor: 0, Offsets: []int64{0, 4000}, Sizes: []int64{700, 7}},
		{Tensor: 0, Offsets: []int64{690, 0}, Sizes: []int64{10, 9000}},
		{Tensor: 1, Offsets: []int64{0, 1}, Sizes: []int64{50, 1}},
		{Tensor: 2, Offsets: []int64{0, 499, 0}, Sizes: []int64{3, 1, 1000}},
		{Tensor: 2, Offsets: []int64{1, 0, 999}, Sizes: []int64{2, 500, 1}},
	}
	for _, o := range []fill.Options{{}, {Workers: 3, ChunkValues: 1 << 12}, fill.Options{Workers: 2}.Cut(1<<14, 1<<20), fill.Options{}.Apart(1 << 20)} {
		sink := regionCollect(t, p, regions)
		require.NoError(t, fill.RunRegions(t.Context(), p, regions, sink, o))
		for i, r := range regions {
			require.Equal(t, cutOut(whole[r.Tensor], p.Tensors().At(r.Tensor).Shape, r, 4), sink.values[i], "region %d", i)
		}
	}
}

// A matrix with 2^40 columns costs what is asked of it.
func TestAColumnOfAMatrixThatNobodyCouldHold(t *testing.T) {
	for _, streams := range []plan.Streams{plan.Torch, plan.Keyed} {
		l := &layout.Layout{Params: []layout.Param{{Name: "w", Shape: []int64{40, 1 << 40}, Layer: layout.NoLayer}}}
		p, err := plan.Assigned(l, registry.ID{Name: "made", Version: 1}, []dist.Dist{normal}, plan.Options{Seed: 9, Streams: streams})
		require.NoError(t, err)
		r := fill.Region{Offsets: []int64{0, 1<<40 - 3}, Sizes: []int64{40, 2}}
		sink := regionCollect(t, p, []fill.Region{r})
		require.NoError(t, fill.RunRegions(t.Context(), p, []fill.Region{r}, sink, fill.Options{}))
		sink.digest()
		row := newPiece(2)
		require.NoError(t, fill.RunRange(t.Context(), p, 0, 17<<40+1<<40-3, 2, row, fill.Options{}))
		require.Equal(t, row.data, sink.values[0][17*8:18*8])
	}
}

// piece keeps a few values of a large tensor, as they come.
type piece struct{ data []byte }

func newPiece(n int) *piece { return &piece{make([]byte, 0, 4*n)} }

func (p *piece) WriteValues(_ int, _ int64, data []byte) error {
	p.data = append(p.data, data...)
	return nil
}

// Many small regions of one tensor cost no more than their number.
func TestEveryRowAsARegionOfItsOwn(t *testing.T) {
	const rows = 20_000
	p := buildShapes(t, dtype.BF16, [][]int64{{rows, 5}}, dists{normal})
	whole := valuesOf(t, p, fill.Options{})[0]
	regions := make([]fill.Region, rows)
	for i := range regions {
		regions[i] = fill.Region{Offsets: []int64{rows - 1 - int64(i), 1}, Sizes: []int64{1, 3}}
	}
	sink := regionCollect(t, p, regions)
	require.NoError(t, fill.RunRegions(t.Context(), p, regions, sink, fill.Options{}))
	for i, r := range regions {
		at := (r.Offsets[0]*5 + 1) * 2
		require.Equal(t, whole[at:at+6], sink.values[i])
	}
}

func TestRegionsThatDoNotLieInTheirTensor(t *testing.T) {
	p := buildShapes(t, dtype.F32, [][]int64{{4, 5}, {}}, dists{normal, normal})
	for want, r := range map[string]fill.Region{
		"tensor 2 of a plan with 2":               {Tensor: 2},
		"tensor -1":                               {Tensor: -1},
		"1 offsets and 2 sizes":                   {Offsets: []int64{0}, Sizes: []int64{1, 1}},
		"the tensor has 0 dimensions":             {Tensor: 1, Offsets: []int64{0}, Sizes: []int64{1}},
		"offset 6 in dimension 1":                 {Offsets: []int64{0, 6}, Sizes: []int64{1, 0}},
		"offset -1 in dimension 0":                {Offsets: []int64{-1, 0}, Sizes: []int64{1, 0}},
		"size 2 from 3 on in dimension 0":         {Offsets: []int64{3, 0}, Sizes: []int64{2, 0}},
		"size -1 from 3 on":                       {Offsets: []int64{3, 0}, Sizes: []int64{-1, 0}},
		"size 9223372036854775807 from 1 on in d": {Offsets: []int64{1, 0}, Sizes: []int64{1<<63 - 1, 0}},
	} {
		err := fill.RunRegions(t.Context(), p, []fill.Region{r}, nowhere{}, fill.Options{})
		require.ErrorContains(t, err, want)
	}
	require.NoError(t, fill.RunRegions(t.Context(), p, nil, nowhere{}, fill.Options{}))
}

// floatsFiller fills with the numbers of the elements.
type floatsFiller struct{ n int64 }

func (f floatsFiller) Fill(_ context.Context, _ plan.Param, _ bool, each func(int64, []byte) error) error {
	for i := range f.n {
		if err := each(i, binary.LittleEndian.AppendUint32(nil, uint32(i))); err != nil {
			return err
		}
	}
	return nil
}

func TestRegionsOfAFilledParameter(t *testing.T) {
	p := buildShapes(t, dtype.F32, [][]int64{{3, 4}, {2}}, dists{one(dist.Filled{}), normal})
	r := []fill.Region{{Offsets: []int64{0, 1}, Sizes: []int64{3, 2}}}
	require.ErrorContains(t, fill.RunRegions(t.Context(), p, r, nowhere{}, fill.Options{}), "there is none to ask")
	sink := regionCollect(t, p, r)
	require.NoError(t, fill.RunRegions(t.Context(), p, r, sink, fill.Options{Filler: floatsFiller{12}}))
	var want []byte
	for _, v := range []uint32{1, 2, 5, 6, 9, 10} {
		want = binary.LittleEndian.AppendUint32(want, v)
	}
	require.Equal(t, want, sink.values[0])
	other := []fill.Region{{Tensor: 1, Offsets: []int64{0}, Sizes: []int64{2}}}
	require.NoError(t, fill.RunRegions(t.Context(), p, other, nowhere{}, fill.Options{}), "nobody is asked for what is not wanted")
}

func TestProgressOfRegionsCountsWhatIsTaken(t *testing.T) {
	p := buildShapes(t, dtype.F32, [][]int64{{30, 40}}, dists{normal})
	r := fill.Region{Offsets: []int64{0, 3}, Sizes: []int64{30, 7}}
	total := int64(0)
	count := func(n int64) { total += n }
	require.NoError(t, fill.RunRegions(t.Context(), p, []fill.Region{r, r}, nowhere{}, fill.Options{Workers: 1, Progress: count}))
	require.EqualValues(t, 2*30*7, total)
	full := errors.New("full")
	require.ErrorIs(t, fill.RunRegions(t.Context(), p, []fill.Region{r}, failing{full}, fill.Options{}), full)
}

// Boxes are compared with a list of their elements.
func TestBoxes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		shape := rapid.SliceOfN(rapid.Int64Range(1, 6), 0, 4).Draw(rt, "shape")
		tensor := plan.Tensor{Shape: shape, First: 3, Elements: dist.Elements(shape)}
		r := fill.Region{}
		for _, size := range shape {
			offset := rapid.Int64Range(0, size).Draw(rt, "offset")
			r.Offsets = append(r.Offsets, offset)
			r.Sizes = append(r.Sizes, rapid.Int64Range(0, size-offset).Draw(rt, "size"))
		}
		require.NoError(rt, r.Check(tensor))
		var ids []byte
		for i := range tensor.Elements {
			ids = binary.LittleEndian.AppendUint32(ids, uint32(3+i))
		}
		var want []int64
		for id := range slices.Chunk(cutOut(ids, shape, r, 4), 4) {
			want = append(want, int64(binary.LittleEndian.Uint32(id)))
		}
		require.Equal(rt, want, fill.Elements(tensor, r, 1, 0, 1<<40))
		from := rapid.Int64Range(0, 400).Draw(rt, "from")
		end := rapid.Int64Range(from, 400).Draw(rt, "end")
		var some []int64
		for _, at := range want {
			if from <= at && at < end {
				some = append(some, at)
			}
		}
		require.Equal(rt, some, fill.Elements(tensor, r, 1, from, end))
		gap := rapid.Int64Range(1, 50).Draw(rt, "gap")
		var wide []int64
		for i, at := range want {
			if i > 0 && at-want[i-1]-1 < gap {
				for between := want[i-1] + 1; between < at; between++ {
					wide = append(wide, between)
				}
			}
			wide = append(wide, at)
		}
		require.Equal(rt, wide, fill.Elements(tensor, r, gap, 0, 1<<40))
	})
}
