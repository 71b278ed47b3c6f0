package weightinit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/internal/record"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

// written is a set of tensors with their values.
type written struct {
	shapes   map[string][]int64
	values   map[string][]byte
	metadata map[string]string
}

func readAll(t *testing.T, path string) written {
	t.Helper()
	set, err := checkpoint.Open(path)
	require.NoError(t, err)
	defer set.Close()
	out := written{map[string][]int64{}, map[string][]byte{}, set.Metadata()}
	for _, tensor := range set.Tensors() {
		data := make([]byte, tensor.Bytes())
		require.NoError(t, tensor.ReadAt(data, 0))
		out.shapes[tensor.Name], out.values[tensor.Name] = tensor.Shape, data
	}
	return out
}

// rows2 are some columns of some rows of a matrix.
func rows2(data []byte, columns, width, row, rows, column, count int64) []byte {
	out := []byte{}
	for r := row; r < row+rows; r++ {
		at := (r*columns + column) * width
		out = append(out, data[at:at+count*width]...)
	}
	return out
}

func TestRegionsAreWrittenWithTheBitsOfTheWhole(t *testing.T) {
	regions := []weightinit.Region{
		{Name: "head.weight", Offsets: []int64{90, 0}, Sizes: []int64{10, 64}},
		{Name: "tok_embed.weight", Offsets: []int64{3, 60}, As: "corner"},
		{Name: "head.weight", Offsets: []int64{0, 5}, Sizes: []int64{95, 3}, As: "columns"},
		{Name: "head.weight", Offsets: []int64{0, 5}, Sizes: []int64{95, 3}, As: "columns again"},
		{Name: "ln_out.weight", Sizes: []int64{0}, As: "nothing"},
		{Name: "ln_out.weight"},
	}
	for _, stored := range dtype.All() {
		p := toy(t, 11, stored)
		dir := t.TempDir()
		whole, some := filepath.Join(dir, "whole.safetensors"), filepath.Join(dir, "some.safetensors")
		require.NoError(t, p.WriteSafetensors(t.Context(), whole))
		require.NoError(t, p.WriteRegions(t.Context(), some, regions))
		all, got := readAll(t, whole).values, readAll(t, some)
		width := stored.Size()
		require.Equal(t, []int64{97, 4}, got.shapes["corner"])
		for name, want := range map[string][]byte{
			"head.weight":   rows2(all["head.weight"], 64, width, 90, 10, 0, 64),
			"corner":        rows2(all["tok_embed.weight"], 64, width, 3, 97, 60, 4),
			"columns":       rows2(all["head.weight"], 64, width, 0, 95, 5, 3),
			"columns again": rows2(all["head.weight"], 64, width, 0, 95, 5, 3),
			"nothing":       {},
			"ln_out.weight": all["ln_out.weight"],
		} {
			require.Equal(t, want, got.values[name], name)
		}
		require.Equal(t, map[string]string{
			"format": "pt", "weightinit.slice_of": p.Digest(), "mode": "xavier_normal@2", "seed": "11", "streams": "torch",
		}, got.metadata)
		_, err := weightinit.Rebuild(t.Context(), got.metadata, registry.Default())
		var slice *record.SliceError
		require.ErrorAs(t, err, &slice)
		require.Equal(t, p.Digest(), slice.Digest)

		sizes, err := p.RegionSizes(regions)
		require.NoError(t, err)
		require.Equal(t, []int64{640, 388, 285, 285, 0, 64}, sizes)
		file, err := os.ReadFile(some)
		require.NoError(t, err)
		for _, part := range []int64{1, 8, 100, 1000, 1 << 20} {
			var b bytes.Buffer
			require.NoError(t, p.StreamInParts(t.Context(), &b, regions, part))
			require.True(t, bytes.Equal(file, b.Bytes()), "in parts of %d bytes", part)
		}
		var b bytes.Buffer
		require.NoError(t, p.StreamRegions(t.Context(), &b, regions, weightinit.Workers(2)))
		require.True(t, bytes.Equal(file, b.Bytes()))
	}
}

// TestStreamsOfAnyRegions: also of what is made as a whole, with both streams.
func TestStreamsOfAnyRegions(t *testing.T) {
	l := &layout.Layout{Params: []layout.Param{
		{Name: "a", Shape: []int64{9, 4, 5}}, {Name: "o", Shape: []int64{20, 30}}, {Name: "t", Shape: []int64{17, 11}},
		{Name: "scalar", Shape: []int64{}}, {Name: "none", Shape: []int64{0, 3}}, {Name: "n", Shape: []int64{8, 8}},
		{Name: "stack", Shape: []int64{2, 3, 4}, Stored: []layout.Slice{{Name: "e.0", Shape: []int64{3, 4}}, {Name: "e.1", Shape: []int64{3, 4}, First: 12}}},
	}}
	draws := []dist.Dist{
		{Draw: dist.Normal{Std: 1}}, {Draw: dist.Orthogonal{Gain: 1}}, {Draw: dist.TruncNormal{Std: 1, A: -1, B: 1}}, {Draw: dist.Normal{Std: 1}},
		{Draw: dist.Normal{Std: 1}}, {Draw: dist.Normal{Std: 1}, Post: []dist.Post{dist.L2Normalize{Dim: 0}}}, {Draw: dist.Uniform{High: 1}},
	}
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		streams := rapid.SampledFrom([]plan.Streams{plan.Torch, plan.Keyed}).Draw(rt, "streams")
		frozen, err := plan.Assigned(l, registry.ID{Name: "made", Version: 1}, draws, plan.Options{Seed: 3, Streams: streams})
		require.NoError(rt, err)
		p := &weightinit.Plan{Plan: frozen}
		var regions []weightinit.Region
		for i := range rapid.IntRange(0, 6).Draw(rt, "regions") {
			tensor := p.Tensors().At(rapid.IntRange(0, p.Tensors().Len()-1).Draw(rt, "tensor"))
			r := weightinit.Region{Name: tensor.Name, As: fmt.Sprint(i)}
			for _, size := range tensor.Shape {
				offset := rapid.Int64Range(0, size).Draw(rt, "offset")
				r.Offsets = append(r.Offsets, offset)
				r.Sizes = append(r.Sizes, rapid.Int64Range(0, size-offset).Draw(rt, "size"))
			}
			if rapid.Bool().Draw(rt, "the rest") {
				r.Sizes = nil
			}
			regions = append(regions, r)
		}
		path := filepath.Join(dir, "x.safetensors")
		require.NoError(rt, p.WriteRegions(t.Context(), path, regions, weightinit.Force(), weightinit.NoSync()))
		file, err := os.ReadFile(path)
		require.NoError(rt, err)
		var b bytes.Buffer
		require.NoError(rt, p.StreamInParts(t.Context(), &b, regions, rapid.Int64Range(1, 700).Draw(rt, "part")))
		require.True(rt, bytes.Equal(file, b.Bytes()))
	})
}

func TestRegionsThatCannotBeMade(t *testing.T) {
	p := toy(t, 1, dtype.F32)
	for want, r := range map[string]weightinit.Region{
		`region 1 of tensor "head.weigth": the plan has no such tensor: did you mean "head.weight"?`: {Name: "head.weigth"},
		`tensor "": the plan has no such tensor`:                                                     {},
		"1 offsets and 2 sizes, the tensor has 2 dimensions":                                         {Name: "head.weight", Offsets: []int64{1}, Sizes: []int64{1, 1}},
		"3 offsets and 2 sizes":                             {Name: "head.weight", Offsets: []int64{1, 0, 0}},
		"offset 101 in dimension 0, which has 100 elements": {Name: "head.weight", Offsets: []int64{101, 0}},
		"offset -9223372036854775808 in dimension 0":        {Name: "head.weight", Offsets: []int64{-1 << 63, 0}},
		"size 65 from 0 on in dimension 1, which has 64":    {Name: "head.weight", Sizes: []int64{3, 65}},
		`region 0 has the name "pos.weight" in the file`:    {Name: "head.weight", As: "pos.weight"},
		`"__metadata__": this name is reserved`:             {Name: "head.weight", As: "__metadata__"},
		"UTF-8":                                             {Name: "head.weight", As: "\xff"},
	} {
		path := filepath.Join(t.TempDir(), "x.safetensors")
		regions := []weightinit.Region{{Name: "pos.weight"}, r}
		err := p.WriteRegions(t.Context(), path, regions)
		var which *weightinit.RegionError
		require.ErrorAs(t, err, &which, want)
		require.Equal(t, 1, which.Number)
		require.ErrorContains(t, err, want)
		require.NoFileExists(t, path)
		require.ErrorContains(t, p.StreamRegions(t.Context(), io.Discard, regions), want)
	}
	require.ErrorContains(t, p.WriteRegions(t.Context(), "x", nil, weightinit.Seed(1)), "no use to a writer")
	require.ErrorContains(t, p.StreamRegions(t.Context(), io.Discard, nil, weightinit.Seed(1)), "no use to a writer")
}

// full takes some bytes and no more.
type full struct{ left int }

var errFull = errors.New("full")

func (f *full) Write(p []byte) (int, error) {
	if len(p) > f.left {
		return 0, errFull
	}
	f.left -= len(p)
	return len(p), nil
}

func TestAStreamEndsWithTheErrorOfItsWriterOrTheCause(t *testing.T) {
	p := toy(t, 1, dtype.F32)
	regions := []weightinit.Region{{Name: "head.weight"}}
	for _, left := range []int{0, 2000, 25_000} {
		require.ErrorIs(t, p.StreamInParts(t.Context(), &full{left}, regions, 1000), errFull)
	}
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	require.ErrorIs(t, p.StreamRegions(ctx, io.Discard, regions), stop)
}

func TestRegionsTellWhatDoesNotFit(t *testing.T) {
	shape := []int64{4, 50}
	l := &layout.Layout{Params: []layout.Param{{Name: "w", Shape: shape}, {Name: "v", Shape: shape}}}
	frozen, err := plan.Assigned(l, registry.ID{Name: "made", Version: 1}, []dist.Dist{{Draw: dist.Constant{Value: 70000}}, {Draw: dist.Constant{Value: 1}}}, plan.Options{DType: dtype.F16, Drawn: dtype.F32})
	require.NoError(t, err)
	p := &weightinit.Plan{Plan: frozen}
	regions := []weightinit.Region{{Name: "v"}, {Name: "w", Sizes: []int64{2, 3}}, {Name: "w", Sizes: []int64{1, 1}, As: "again"}}
	var found *fill.OverflowError
	note := weightinit.Overflow(func(e *fill.OverflowError) error { found = e; return nil })
	want := &fill.OverflowError{DType: dtype.F16, Values: 7, Of: 207, Tensors: 1, First: "w"}
	require.NoError(t, p.WriteRegions(t.Context(), filepath.Join(t.TempDir(), "x.safetensors"), regions, note))
	require.Equal(t, want, found)
	found = nil
	require.NoError(t, p.StreamRegions(t.Context(), io.Discard, regions, note))
	require.Equal(t, want, found)
}
