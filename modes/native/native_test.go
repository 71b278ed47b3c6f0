package native_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/modes/native"
	"github.com/weightinit/weightinit/registry"
	"github.com/weightinit/weightinit/registry/registrytest"
)

func lookup(t *testing.T, name string) registry.Info {
	t.Helper()
	r := registry.New()
	for _, info := range native.Infos() {
		require.NoError(t, r.Add(info))
	}
	info, err := r.Lookup(name)
	require.NoError(t, err)
	return info
}

func TestEveryModeConforms(t *testing.T) {
	infos := native.Infos()
	require.Len(t, infos, 10)
	for _, info := range infos {
		t.Run(info.ID.String(), func(t *testing.T) {
			require.NoError(t, registrytest.Check(t.Context(), info))
			options, err := registry.Options(info.New())
			require.NoError(t, err)
			for _, o := range options {
				require.NoError(t, registrytest.Check(t.Context(), info, o.Name+"=0.25"))
			}
		})
	}
}

// example is a model of the sizes of gpt2-small, of which the scheme table
// gives worked numbers.
func example(role layout.Role, fanIn, fanOut int64) *layout.Layout {
	return &layout.Layout{
		Model:  layout.Facts{Layers: 12, DModel: 768},
		Params: []layout.Param{{Name: "p", Shape: []int64{fanOut, fanIn}, Role: role, FanIn: fanIn, FanOut: fanOut}},
	}
}

func TestFormulasGiveTheDeclaredNumbers(t *testing.T) {
	// Plain Python float64, in the order of the declared formulas.
	const (
		residual1 = 0.004082482904638631
		residual2 = 0.005892556509887898
		std2      = 0.02886751345948129
	)
	for _, c := range []struct {
		mode          string
		role          layout.Role
		fanIn, fanOut int64
		want          dist.Dist
	}{
		{"gpt2@1", layout.Embedding, 768, 50257, dist.Dist{Draw: dist.Normal{Std: 0.02}}},
		{"gpt2@1", layout.AttnOut, 768, 768, dist.Dist{Draw: dist.Normal{Std: residual1}}},
		{"gpt2@1", layout.MLPOut, 3072, 768, dist.Dist{Draw: dist.Normal{Std: residual1}}},
		{"gpt2@2", layout.Query, 768, 768, dist.Dist{Draw: dist.Normal{Std: std2}}},
		{"gpt2@2", layout.MLPOut, 3072, 768, dist.Dist{Draw: dist.Normal{Std: residual2}}},
		{"xavier_uniform@1", layout.MLPIn, 768, 3072, dist.Dist{Draw: dist.Uniform{Low: -0.039528470752104736, High: 0.039528470752104736}}},
		{"xavier_normal@1", layout.MLPIn, 768, 3072, dist.Dist{Draw: dist.Normal{Std: 0.02282177322938192}}},
		{"kaiming_normal@1", layout.MLPIn, 768, 3072, dist.Dist{Draw: dist.Normal{Std: 0.051031036307982884}}},
		{"kaiming_normal@2", layout.MLPIn, 768, 3072, dist.Dist{Draw: dist.Normal{Std: 0.051031036307982884}, Post: []dist.Post{dist.Multiply{By: 1}}}},
		{"kaiming_uniform@2", layout.MLPIn, 768, 3072, dist.Dist{Draw: dist.Uniform{Low: -0.08838834764831845, High: 0.08838834764831845}, Post: []dist.Post{dist.Multiply{By: 1}}}},
		{"gpt2@1", layout.NormWeight, 0, 0, dist.Dist{Draw: dist.Constant{Value: 1}}},
		{"gpt2@1", layout.QueryBias, 768, 768, dist.Dist{Draw: dist.Constant{}}},
	} {
		mode := lookup(t, c.mode).New()
		got, err := mode.Assign(t.Context(), example(c.role, c.fanIn, c.fanOut))
		require.NoError(t, err)
		require.True(t, c.want.Equal(got[0]), "%s %s: got %+v, want %+v", c.mode, c.role, got[0], c.want)
	}
}

func TestInitializerRangeCountsOnlyAboveZeroAndTheOptionCountsFirst(t *testing.T) {
	std := func(mode string, initializerRange float64, settings ...string) float64 {
		m, err := registry.Configure(lookup(t, mode), settings)
		require.NoError(t, err)
		l := example(layout.Query, 768, 768)
		l.Model.InitializerRange = new(initializerRange)
		got, err := m.Assign(t.Context(), l)
		require.NoError(t, err)
		return got[0].Draw.(dist.Normal).Std
	}
	require.Equal(t, 0.5, std("gpt2", 0.5))
	require.Equal(t, 0.02, std("gpt2", 0))
	require.Equal(t, 0.02, std("gpt2", -1))
	require.Equal(t, 0.8/math.Sqrt(768), std("gpt2@2", -1))
	require.Equal(t, 0.3, std("gpt2", 0.5, "std=0.3"))
	require.Equal(t, std("xavier_normal", 0), std("xavier_normal", 0.5), "version 1 ignores it")
	require.Equal(t, 0.5*std("xavier_normal@2", 0), std("xavier_normal@2", 0.5))
}

func TestTheConfigCountsWhereAnOptionSaysSo(t *testing.T) {
	count := 0
	for _, info := range native.Infos() {
		options, err := registry.Options(info.New())
		require.NoError(t, err)
		l := example(layout.Query, 768, 768)
		plain, err := info.New().Assign(t.Context(), l)
		require.NoError(t, err)
		l.Model.InitializerRange = new(0.3)
		ranged, err := info.New().Assign(t.Context(), l)
		require.NoError(t, err)
		declared := false
		for _, o := range options {
			declared = declared || o.FromConfig == "initializer_range"
		}
		require.Equal(t, declared, !plain[0].Equal(ranged[0]), info.ID)
		if declared {
			count++
		}
	}
	require.Equal(t, 6, count)
}

func TestAFusedMatrixIsFilledPieceByPiece(t *testing.T) {
	l := example(layout.QKV, 8, 12)
	l.Params[0].Pieces = []layout.Piece{
		{Role: layout.Query, Shape: []int64{8, 8}, At: layout.Rows(l.Params[0].Shape, 0, 0, 8), FanIn: 8, FanOut: 8},
		{Role: layout.Key, Shape: []int64{4, 8}, At: layout.Rows(l.Params[0].Shape, 0, 8, 4), FanIn: 8, FanOut: 4},
	}
	single := func(fanOut int64) dist.Dist {
		got, err := lookup(t, "xavier_uniform").New().Assign(t.Context(), example(layout.Query, 8, fanOut))
		require.NoError(t, err)
		return got[0]
	}
	got, err := lookup(t, "xavier_uniform").New().Assign(t.Context(), l)
	require.NoError(t, err)
	want := dist.Blocks{Parts: []dist.Part{{Rows: 8, Dist: single(8)}, {Rows: 4, Dist: single(4)}}}
	require.True(t, dist.Dist{Draw: want}.Equal(got[0]), "%v", got[0])
	got, err = lookup(t, "gpt2").New().Assign(t.Context(), l)
	require.NoError(t, err)
	require.Equal(t, dist.Normal{Std: 0.02}, got[0].Draw, "equal laws are one draw")
}

func TestGPT2RefusesAModelWithoutLayers(t *testing.T) {
	l := example(layout.Query, 8, 8)
	l.Model.Layers = 0
	_, err := lookup(t, "gpt2").New().Assign(t.Context(), l)
	require.ErrorContains(t, err, "n_layers 0")
}

func TestAnUnknownRoleIsAnErrorThatNamesTheParameter(t *testing.T) {
	for _, info := range native.Infos() {
		_, err := info.New().Assign(context.Background(), example("mystery", 8, 8))
		var none *registry.NoRuleError
		require.ErrorAs(t, err, &none)
		require.Equal(t, "p", none.Param)
	}
}
