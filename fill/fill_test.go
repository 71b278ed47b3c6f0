package fill_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

// dists is a mode that assigns what it holds.
type dists []dist.Dist

func (d dists) Assign(context.Context, *layout.Layout) ([]dist.Dist, error) { return d, nil }

func build(t testing.TB, stored dtype.Type, sizes []int64, d dists) *plan.Plan {
	t.Helper()
	shapes := make([][]int64, len(sizes))
	for i, n := range sizes {
		shapes[i] = []int64{n}
	}
	return buildShapes(t, stored, shapes, d)
}

func buildShapes(t testing.TB, stored dtype.Type, shapes [][]int64, d dists) *plan.Plan {
	t.Helper()
	l := &layout.Layout{}
	for i, shape := range shapes {
		l.Params = append(l.Params, layout.Param{Name: fmt.Sprint(i), Shape: shape, Role: layout.Tensor, Layer: layout.NoLayer})
	}
	info := registry.Info{ID: registry.ID{Name: "dists", Version: 1}, New: func() registry.Mode { return d }}
	p, err := plan.Build(t.Context(), l, info, d, plan.Options{Seed: 5, DType: stored, AllowFilled: true})
	require.NoError(t, err)
	return p
}

// mixed is a plan in which everything that can go wrong at a cut occurs: tails,
// small normals with a cached value across other draws, constants, empty
// tensors, tensors of several segments.
func mixed(t *testing.T, stored dtype.Type, large int64) *plan.Plan {
	normal := func(std float64) dist.Dist { return dist.Dist{Draw: dist.Normal{Mean: 0.5, Std: std}} }
	uniform := dist.Dist{Draw: dist.Uniform{Low: -0.3, High: 0.4}, Post: []dist.Post{dist.Multiply{By: 1.7}}}
	return build(t, stored, []int64{3, large + 5, 7, 0, large + 16, 11, 1, 33, 5, large, 2},
		dists{normal(1), normal(0.02), normal(2), normal(3), uniform, {Draw: dist.Constant{Value: 3}}, normal(4), uniform, normal(1), normal(0.1), normal(5)})
}

// collect keeps all values, and that each came exactly once.
type collect struct {
	t      require.TestingT
	width  []int64
	mu     sync.Mutex
	values [][]byte
	seen   [][]bool
	chunk  int
}

func newCollect(t require.TestingT, p *plan.Plan) *collect {
	c := &collect{t: t}
	for _, s := range p.Tensors().All() {
		c.width = append(c.width, s.DType.Size())
		c.values = append(c.values, make([]byte, s.Bytes()))
		c.seen = append(c.seen, make([]bool, s.Elements))
	}
	return c
}

func (c *collect) WriteValues(step int, first int64, data []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.chunk = max(c.chunk, len(data))
	copy(c.values[step][first*c.width[step]:], data)
	for i := range int64(len(data)) / c.width[step] {
		if c.seen[step][first+i] {
			return fmt.Errorf("element %d of step %d came twice", first+i, step)
		}
		c.seen[step][first+i] = true
	}
	return nil
}

func (c *collect) digest() string {
	h := sha256.New()
	for i, seen := range c.seen {
		for j, s := range seen {
			if !s {
				require.Failf(c.t, "missing", "element %d of step %d is missing", j, i)
			}
		}
		h.Write(c.values[i])
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func TestAnyNumberOfWorkersAndAnyChunkGivesTheSameBytes(t *testing.T) {
	for _, stored := range dtype.All() {
		large, segments := int64(1<<14+1<<12), []int64{1 << 14}
		if stored == dtype.F32 {
			large, segments = 1<<20+1<<17, []int64{1 << 18, 0} // 0: what runs take
		}
		p := mixed(t, stored, large)
		want := ""
		all := []fill.Options{
			{Workers: 1, ChunkValues: 1 << 22}, {Workers: 3, ChunkValues: 1 << 12}, {Workers: 2},
			{Workers: 7, ChunkValues: 1000}, {Workers: 64, ChunkValues: 4096},
		}
		if stored == dtype.F32 {
			all = all[:2]
			require.Less(t, fill.SegmentWords(p.Elements()), large)
		}
		for _, segment := range segments {
			for _, o := range all {
				c := newCollect(t, p)
				require.NoError(t, fill.Run(t.Context(), p, c, o.Cut(segment, 1<<20)))
				if want == "" {
					want = c.digest()
				}
				require.Equal(t, want, c.digest(), "%s %+v in segments of %d", stored, o, segment)
			}
		}
	}
	small := mixed(t, dtype.F32, 50)
	c := newCollect(t, small)
	require.NoError(t, fill.Run(t.Context(), small, c, fill.Options{Workers: 1}))
	want := c.digest()
	for chunk := 1; chunk < 40; chunk++ {
		c := newCollect(t, small)
		require.NoError(t, fill.Run(t.Context(), small, c, fill.Options{Workers: 2, ChunkValues: chunk}))
		require.Equal(t, want, c.digest(), "chunk of %d", chunk)
		require.LessOrEqual(t, c.chunk, 4*chunk)
	}
}

func TestProgressCountsEveryValueOnce(t *testing.T) {
	p := mixed(t, dtype.F32, 1<<20)
	var mu sync.Mutex
	var total int64
	count := func(n int64) { mu.Lock(); total += n; mu.Unlock() }
	require.NoError(t, fill.Run(t.Context(), p, newCollect(t, p), fill.Options{Progress: count}))
	require.Equal(t, p.Elements(), total)
}

type failing struct{ err error }

func (f failing) WriteValues(int, int64, []byte) error { return f.err }

func TestTheSinksErrorAndTheContextsCauseEndTheRun(t *testing.T) {
	p := mixed(t, dtype.F32, 1<<21)
	full := errors.New("disk full")
	require.ErrorIs(t, fill.Run(t.Context(), p, failing{full}, fill.Options{Workers: 4}), full)

	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	require.ErrorIs(t, fill.Run(ctx, p, failing{}, fill.Options{}), stop)
}
