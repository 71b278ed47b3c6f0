package fill_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

// overflowing is a plan that draws in float32, or float64, what its stored type
// may not hold.
func overflowing(t *testing.T, stored dtype.Type, streams plan.Streams, dists ...dist.Dist) *plan.Plan {
	t.Helper()
	l := &layout.Layout{}
	for i := range dists {
		l.Params = append(l.Params, layout.Param{Name: string(rune('a' + i)), Shape: []int64{1000}})
	}
	p, err := plan.Assigned(l, registry.ID{Name: "overflowing", Version: 1}, dists, plan.Options{DType: stored, Streams: streams})
	require.NoError(t, err)
	return p
}

// within is a sink that refuses a value beyond most.
type within struct {
	stored dtype.Type
	most   float64
}

func (s within) WriteValues(_ int, _ int64, data []byte) error {
	for width := int(s.stored.Size()); len(data) > 0; data = data[width:] {
		var v float64
		if s.stored == dtype.F64 {
			v = math.Float64frombits(binary.LittleEndian.Uint64(data))
		} else {
			v = float64(math.Float32frombits(binary.LittleEndian.Uint32(data)))
		}
		if !(math.Abs(v) <= s.most) {
			return fmt.Errorf("%v is beyond %v", v, s.most)
		}
	}
	return nil
}

func TestValuesThatDoNotFitAreCounted(t *testing.T) {
	constant := func(v float64) dist.Dist { return dist.Dist{Draw: dist.Constant{Value: v}} }
	for name, c := range map[string]struct {
		stored dtype.Type
		dists  []dist.Dist
		values int64
		params int
	}{
		"fits f16":                  {dtype.F16, []dist.Dist{constant(65504)}, 0, 0},
		"rounds down in f16":        {dtype.F16, []dist.Dist{constant(65519)}, 0, 0},
		"rounds up in f16":          {dtype.F16, []dist.Dist{constant(65520)}, 1000, 1},
		"negative":                  {dtype.F16, []dist.Dist{constant(1), constant(-70000), constant(1e30)}, 2000, 2},
		"fits bf16":                 {dtype.BF16, []dist.Dist{constant(0xffp120)}, 0, 0},
		"rounds up in bf16":         {dtype.BF16, []dist.Dist{constant(math.MaxFloat32)}, 1000, 1},
		"fits f32":                  {dtype.F32, []dist.Dist{constant(math.MaxFloat32)}, 0, 0},
		"a step after the draw":     {dtype.F32, []dist.Dist{{Draw: dist.Constant{Value: 1e30}, Post: []dist.Post{dist.Multiply{By: 1e30}}}}, 1000, 1},
		"f64 after a division":      {dtype.F64, []dist.Dist{{Draw: dist.Constant{Value: 1e300}, Post: []dist.Post{dist.Divide{By: 1e-300}}}}, 1000, 1},
		"a step back from infinity": {dtype.F32, []dist.Dist{{Draw: dist.Constant{Value: 1e30}, Post: []dist.Post{dist.Multiply{By: 1e30}, dist.Multiply{By: 0}}}}, 1000, 1},
	} {
		for _, streams := range []plan.Streams{plan.Torch, plan.Keyed} {
			t.Run(name+" "+string(streams), func(t *testing.T) {
				p := overflowing(t, c.stored, streams, c.dists...)
				o := fill.Watch(p, nowhere{})
				require.NoError(t, fill.Run(t.Context(), p, o, fill.Options{ChunkValues: 64, Workers: 2}))
				found := o.Found()
				if c.values == 0 {
					require.Nil(t, found)
					return
				}
				require.Equal(t, c.values, found.Values)
				require.Equal(t, c.params, found.Tensors)
				require.Equal(t, p.Elements(), found.Of)
			})
		}
	}
}

// What is not looked at cannot overflow: no value of any draw passes the bound.
func TestNoValuePassesItsBound(t *testing.T) {
	for _, d := range []dist.Dist{
		{Draw: dist.Normal{Mean: -3, Std: 2}}, {Draw: dist.Uniform{Low: -5, High: 2}},
		{Draw: dist.TruncNormal{Mean: 0, Std: 1, A: -2, B: 1}},
		{Draw: dist.Normal{Std: 1}, Post: []dist.Post{dist.Multiply{By: -7}, dist.Divide{By: 0.5}}},
	} {
		for _, stored := range []dtype.Type{dtype.F32, dtype.F64} {
			p := overflowing(t, stored, plan.Torch, d)
			most := fill.Bound(d)
			require.Less(t, most, 1e3)
			require.NoError(t, fill.Run(t.Context(), p, within{stored, most}, fill.Options{}))
		}
	}
	require.True(t, math.IsInf(fill.Bound(dist.Dist{Draw: dist.Filled{}}), 1))
	require.Equal(t, 20.0, fill.Bound(dist.Dist{Draw: dist.Blocks{Parts: []dist.Part{{Rows: 1, Dist: dist.Dist{Draw: dist.Normal{Std: 2}}}}}}))
}

// Patterns of every exponent with the edges of its fraction, at every place in a word.
func TestNotFiniteIsAnExponentOfOnes(t *testing.T) {
	check := func(stored dtype.Type, value uint64, want int64) {
		width := int(stored.Size())
		for lane := range 9 {
			data := make([]byte, 9*width)
			var word [8]byte
			binary.LittleEndian.PutUint64(word[:], value)
			copy(data[lane*width:], word[:width])
			require.Equal(t, want, fill.CountNotFinite(data, stored), "%v %x in lane %d", stored, value, lane)
		}
	}
	one := func(not bool) int64 { return map[bool]int64{true: 1}[not] }
	for v := range uint64(1 << 16) {
		if v&0x3ff == 0 || v&0x3ff == 0x3ff || v&0x7f == 0x7f && v&0x7f80 == 0x7f80 {
			check(dtype.F16, v, one(v&0x7c00 == 0x7c00))
			single := float64(math.Float32frombits(uint32(v << 16)))
			check(dtype.BF16, v, one(math.IsInf(single, 0) || math.IsNaN(single)))
			check(dtype.F32, v<<16, one(math.IsInf(single, 0) || math.IsNaN(single)))
			double := math.Float64frombits(v << 48)
			check(dtype.F64, v<<48, one(math.IsInf(double, 0) || math.IsNaN(double)))
		}
	}
}
