package planfile_test

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/layout"
	plans "github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/plan/planfile"
)

// made keeps the values of a plan by the names of its tensors.
type made struct {
	plan *plans.Plan
	mu   sync.Mutex
	all  map[string][]byte
}

func (m *made) WriteValues(tensor int, first int64, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.plan.Tensors().At(tensor)
	if m.all[t.Name] == nil {
		m.all[t.Name] = make([]byte, t.Bytes())
	}
	copy(m.all[t.Name][first*t.DType.Size():], data)
	return nil
}

func valuesOf(t *testing.T, p *plans.Plan) map[string][]byte {
	t.Helper()
	m := &made{plan: p, all: map[string][]byte{}}
	require.NoError(t, fill.Run(context.Background(), p, m, fill.Options{}))
	return m.all
}

// requireSameValues writes p, reads it and compares what both make.
func requireSameValues(t *testing.T, p *plans.Plan) {
	t.Helper()
	text := written(t, p)
	q := lower(t, text)
	want, have := valuesOf(t, p), valuesOf(t, q)
	require.ElementsMatch(t, slices.Collect(maps.Keys(want)), slices.Collect(maps.Keys(have)))
	for name := range want {
		require.True(t, bytes.Equal(want[name], have[name]), "%s in\n%s", name, text)
	}
}

func TestANativePlanAndItsFileMakeTheSameValues(t *testing.T) {
	for _, mode := range []string{"gpt2@1", "gpt2@2", "xavier_uniform@1", "xavier_normal@2", "kaiming_uniform@1", "kaiming_normal@2"} {
		for _, opts := range []plans.Options{{Seed: 7}, {Seed: 7, DType: dtype.F64}, {Seed: 7, DType: dtype.BF16, Drawn: dtype.BF16}, {Seed: 7, Streams: plans.Keyed}} {
			p := build(t, tiny, mode, opts)
			d, err := planfile.Parse([]byte(written(t, p)))
			require.NoError(t, err)
			q, err := plans.FromProgram(d.Layout, plans.Options{Seed: 7, Streams: opts.Streams})
			require.NoError(t, err)
			require.Equal(t, valuesOf(t, p), valuesOf(t, q), "%s %+v", mode, opts)
		}
	}
}

func TestProgramsMakeTheSameValuesOnceTheyAreWritten(t *testing.T) {
	for name, text := range programs {
		if name == "families" {
			continue // QR by itself is no promise; the digest is compared
		}
		t.Run(name, func(t *testing.T) { requireSameValues(t, lower(t, text)) })
	}
}

// TestWhatAModeCanSay: draws with steps after them, blocks, pieces that are
// columns, other algorithms, two types, the same draw again.
func TestWhatAModeCanSay(t *testing.T) {
	param := func(name string, in dtype.Type, shape ...int64) layout.Param {
		return layout.Param{Name: name, Shape: shape, DType: in, Role: layout.Tensor, Layer: layout.NoLayer}
	}
	normal := dist.Of(dist.Normal{Std: 0.5}, "")
	l := &layout.Layout{
		DType: dtype.F32,
		Params: []layout.Param{
			param("posts", dtype.F32, 20, 4), param("blocks", dtype.F32, 40, 4), param("columns", dtype.F32, 16, 12),
			param("scaled", dtype.F32, 50), param("cast", dtype.BF16, 33), param("again", dtype.F32, 33), param("constant", dtype.F32, 8),
			param("ones", dtype.F32, 5, 4),
		},
	}
	columns := func(first int64) layout.Region { return layout.Rows([]int64{16, 12}, 1, first, 4) }
	l.Replay = []layout.Event{
		{Param: 0, Shape: []int64{20, 4}, Dist: dist.Of(dist.Uniform{Low: -1, High: 1}, "", dist.Multiply{By: 0.3}, dist.Divide{By: 7}, dist.ZeroRows{Ranges: []dist.Range{{First: 3, Count: 2}, {First: 9, Count: 1}}})},
		{Param: 1, Shape: []int64{40, 4}, Dist: dist.Of(dist.Blocks{Parts: []dist.Part{
			{Rows: 10, Dist: dist.Of(dist.Normal{Std: 1}, "", dist.Multiply{By: 3})}, {Rows: 10, Dist: dist.Of(dist.Constant{Value: 2}, "")}, {Rows: 20, Dist: normal},
		}}, "")},
		{Param: layout.Lost, Shape: []int64{5, 5}, Dist: normal},
		{Param: 2, Shape: []int64{16, 4}, Dist: normal, Into: columns(0)},
		{Param: 2, Shape: []int64{16, 4}, Dist: dist.Of(dist.Uniform{High: 1}, "", dist.Multiply{By: 2}), Into: columns(4)},
		{Param: 2, Shape: []int64{16, 4}, Dist: dist.Of(dist.Constant{Value: -1}, ""), Into: columns(8)},
		{Param: 3, Shape: []int64{50}, Dist: dist.Of(dist.TruncNormal{Mean: 0.25, Std: 0.02, A: -2, B: 2, Algorithm: dist.UnitThenScale}, "")},
		{Param: 5, Shape: []int64{33}, Dist: normal},
		{Do: layout.Copy, To: layout.View{Param: 4, Shape: []int64{33}}, From: []layout.Operand{{View: &layout.View{Param: 5, Shape: []int64{33}}}}},
		{Do: layout.Multiply, To: layout.View{Param: 4, Shape: []int64{33}}, From: []layout.Operand{{View: &layout.View{Param: 4, Shape: []int64{33}}}, {Value: 1.7}}},
		{Do: layout.Add, To: layout.View{Param: 5, Shape: []int64{33}}, From: []layout.Operand{{View: &layout.View{Param: 5, Shape: []int64{33}}}, {Value: 1.7}}},
		{Param: 6, Shape: []int64{8}, Dist: dist.Of(dist.Constant{Value: 0.1}, "")},
		{Param: 7, Shape: []int64{5, 4}, Dist: dist.Of(dist.Constant{Value: 1}, "", dist.ZeroRows{Ranges: []dist.Range{{First: 1, Count: 1}}})},
	}
	p, err := plans.FromProgram(l, plans.Options{Seed: 7})
	require.NoError(t, err)
	requireSameValues(t, p)
}

func TestWhatAFileCannotSay(t *testing.T) {
	for _, c := range []struct {
		draw dist.Dist
		want string
	}{
		{dist.Of(dist.DeltaOrthogonal{Gain: 1}, ""), "delta_orthogonal"},
		{dist.Of(dist.Normal{Std: 1}, "", dist.L2Normalize{Dim: 1}), "l2_normalize"},
	} {
		l := &layout.Layout{Params: []layout.Param{{Name: "w", Shape: []int64{8, 8, 3}, Role: layout.Tensor, Layer: layout.NoLayer}}}
		l.Replay = []layout.Event{{Param: 0, Shape: []int64{8, 8, 3}, Dist: c.draw}}
		p, err := plans.FromProgram(l, plans.Options{})
		require.NoError(t, err)
		err = planfile.Write(&bytes.Buffer{}, p, nil)
		require.ErrorContains(t, err, c.want)
		require.ErrorContains(t, err, `parameter "w"`)
	}
}
