package registry_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
	"github.com/weightinit/weightinit/registry/registrytest"
)

var (
	small = dist.Of(dist.Normal{Std: 0.02}, "normal(0, 0.02)")
	large = dist.Of(dist.Normal{Std: 0.5}, "normal(0, 0.5)")
)

// fused is q, k and v in one matrix, cut along a dimension.
func fused(dim int) layout.Param {
	p := layout.Param{Name: "qkv", Shape: []int64{6, 6}, Role: layout.QKV, Layer: 3, FanIn: 6, FanOut: 6, Transposed: dim == 1}
	for i, role := range []layout.Role{layout.Query, layout.Key, layout.Value} {
		shape := []int64{6, 6}
		shape[dim] = 2
		p.Pieces = append(p.Pieces, layout.Piece{Role: role, Shape: shape, At: layout.Rows(p.Shape, dim, int64(2*i), 2), FanIn: 6, FanOut: 2})
	}
	return p
}

func TestAModeByRole(t *testing.T) {
	rules := map[layout.Role]dist.Dist{layout.NormWeight: dist.Of(dist.Constant{Value: 1}, "1")}
	for _, r := range layout.Roles() {
		switch {
		case r.BiasOf() != "":
			rules[r] = dist.Of(dist.Constant{}, "0")
		case r.Kind() == layout.Matrix && r != layout.QKV:
			rules[r] = small
		}
	}
	rules[layout.Value] = large
	info := registry.Info{
		ID: registry.ID{Name: "table", Version: 1}, Summary: "s", Source: "s", Rules: []registry.Rule{{Formula: "f"}},
		New: registry.ByRole(rules),
	}
	require.NoError(t, registrytest.Check(t.Context(), info))

	l := &layout.Layout{Params: []layout.Param{fused(0), fused(1), {Name: "v", Shape: []int64{2}, Role: layout.Value}}}
	got, err := info.New().Assign(t.Context(), l)
	require.NoError(t, err)
	part := func(d dist.Dist) dist.Part { return dist.Part{Rows: 2, Dist: d} }
	formula := "q, k: normal(0, 0.02); v: normal(0, 0.5)"
	require.Equal(t, []dist.Dist{
		dist.Of(dist.Blocks{Parts: []dist.Part{part(small), part(small), part(large)}}, formula),
		dist.Of(dist.Pieces{Dists: []dist.Dist{small, small, large}}, formula),
		large,
	}, got)
	_, err = plan.Build(t.Context(), &layout.Layout{Params: l.Params[1:]}, info, info.New(), plan.Options{})
	require.NoError(t, err)

	rules[layout.QKV] = large
	got, err = info.New().Assign(t.Context(), l)
	require.NoError(t, err)
	require.NotEqual(t, large, got[0], "the mode holds rules of its own")
	got, err = registry.ByRole(rules)().Assign(t.Context(), l)
	require.NoError(t, err)
	require.Equal(t, []dist.Dist{large, large, large}, got, "a rule for the fused role comes first")

	l.Params[2].Role = "flux"
	_, err = info.New().Assign(t.Context(), l)
	require.EqualError(t, err, `the mode has no rule for parameter "v" of role "flux": choose another mode`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = info.New().Assign(ctx, l)
	require.ErrorIs(t, err, context.Canceled)
}

func TestEachPieceOfAParameter(t *testing.T) {
	zero := dist.ZeroRows{Ranges: []dist.Range{{Count: 1}}}
	for name, c := range map[string]struct {
		dist dist.Dist
		one  bool
	}{
		"equal normals":   {small, true},
		"with a factor":   {dist.Of(dist.Normal{Std: 1}, "f", dist.Multiply{By: 2}), true},
		"filled":          {dist.Of(dist.Filled{}, "f"), true},
		"equal diagonals": {dist.Of(dist.Eye{}, "f"), false},
		"rows of zeros":   {dist.Of(dist.Normal{Std: 1}, "f", zero), false},
	} {
		got, err := registry.EachPiece(fused(0), func(layout.Param) (dist.Dist, error) { return c.dist, nil })
		require.NoError(t, err)
		require.Equal(t, c.one, got.Equal(c.dist), name)
	}
	var seen []layout.Param
	_, err := registry.EachPiece(fused(1), func(p layout.Param) (dist.Dist, error) {
		seen = append(seen, p)
		return small, nil
	})
	require.NoError(t, err)
	require.Len(t, seen, 3)
	require.Equal(t, layout.Param{Name: "qkv", Shape: []int64{6, 2}, Role: layout.Key, Layer: 3, FanIn: 6, FanOut: 2, Transposed: true}, seen[1])

	long := func(p layout.Param) (dist.Dist, error) {
		return dist.Of(dist.Normal{Std: float64(len(p.Role))}, strings.Repeat("x", 199)), nil
	}
	p := fused(0)
	p.Pieces[0].Role = "other"
	got, err := registry.EachPiece(p, long)
	require.NoError(t, err)
	require.Equal(t, "by the role of each piece", got.Formula, "a plugin's formula has at most 200 bytes")
}

// ranged is a mode whose option the config can set.
type ranged struct {
	knob
	Width *float64 `json:"width" config:"initializer_range"`
}

func TestAnOptionSaysWhichFieldOfTheConfigCounts(t *testing.T) {
	options, err := registry.Options(&ranged{})
	require.NoError(t, err)
	require.Equal(t, "initializer_range", options[len(options)-1].FromConfig)
	require.Empty(t, options[0].FromConfig)
}

func ExampleByRole() {
	info := registry.Info{
		ID: registry.ID{Name: "small", Version: 1}, Summary: "normal with std 0.02",
		New: registry.ByRole(map[layout.Role]dist.Dist{
			layout.Query: dist.Of(dist.Normal{Std: 0.02}, "normal(0, 0.02)"),
		}),
	}
	l := &layout.Layout{Params: []layout.Param{{Name: "attn.q", Shape: []int64{4, 4}, Role: layout.Query}}}
	p, err := plan.Build(context.Background(), l, info, info.New(), plan.Options{Seed: 1})
	if err != nil {
		panic(err)
	}
	fmt.Println(p.Mode(), p.Params().At(0).Dist.Formula)
	// Output: small@1 normal(0, 0.02)
}
