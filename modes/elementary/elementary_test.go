package elementary_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/modes/elementary"
	"github.com/weightinit/weightinit/registry"
	"github.com/weightinit/weightinit/registry/registrytest"
)

func tensor(shape ...int64) *layout.Layout {
	return &layout.Layout{Params: []layout.Param{{Name: "t", Shape: shape, Role: layout.Tensor, Layer: layout.NoLayer}}}
}

func assign(t *testing.T, l *layout.Layout, scheme string, settings ...string) (dist.Draw, registry.Mode, error) {
	t.Helper()
	info, err := elementary.Schemes().Lookup(scheme)
	require.NoError(t, err)
	m, err := registry.Configure(info, settings)
	if err != nil {
		return nil, nil, err
	}
	got, err := m.Assign(t.Context(), l)
	if err != nil {
		return nil, nil, err
	}
	require.Len(t, got, 1)
	return got[0].Draw, m, nil
}

func TestEverySchemeConforms(t *testing.T) {
	layouts := map[string]*layout.Layout{"matrix": tensor(6, 4), "kernel": tensor(8, 4, 3, 3)}
	for _, info := range elementary.Schemes().List() {
		settings := map[string][]string{"constant": {"value=0.5"}, "sparse": {"sparsity=0.5"}, "block_orthogonal": {"split_sizes=2,2"}}[info.ID.Name]
		require.NoError(t, registrytest.CheckLayouts(t.Context(), info, layouts, settings...))
	}
}

func TestFormulasAreThoseOfTorch(t *testing.T) {
	sqrt3 := math.Sqrt(3)
	bound := sqrt3 * (math.Sqrt(2/(1+math.Sqrt(5)*math.Sqrt(5))) / math.Sqrt(48))
	for _, c := range []struct {
		scheme   string
		settings []string
		shape    []int64
		want     dist.Draw
	}{
		{"zeros", nil, []int64{2}, dist.Constant{}},
		{"ones", nil, []int64{2}, dist.Constant{Value: 1}},
		{"constant", []string{"value=-3"}, nil, dist.Constant{Value: -3}},
		{"uniform", []string{"a=-1", "b=2"}, []int64{2}, dist.Uniform{Low: -1, High: 2}},
		{"gaussian", []string{"mean=1"}, []int64{2}, dist.Normal{Mean: 1, Std: 1}},
		{"xavier_uniform", nil, []int64{3072, 768}, dist.Uniform{Low: -0.039528470752104736, High: 0.039528470752104736}},
		{"xavier_normal", []string{"gain=1.5"}, []int64{64, 128}, dist.Normal{Std: 1.5 * math.Sqrt(2/192.0)}},
		{"kaiming_uniform", []string{"a=2.23606797749979"}, []int64{64, 48}, dist.Uniform{Low: -bound, High: bound}},
		{"he_normal", []string{"fan=FAN_OUT", "nonlinearity=tanh"}, []int64{4, 5, 3, 3}, dist.Normal{Std: 5.0 / 3 / math.Sqrt(36)}},
		{"kaiming_normal", []string{"nonlinearity=selu"}, []int64{4, 5}, dist.Normal{Std: 0.75 / math.Sqrt(5)}},
		{"xavier_uniform", nil, []int64{0, 5}, dist.Uniform{Low: -sqrt3 * math.Sqrt(2/5.0), High: sqrt3 * math.Sqrt(2/5.0)}},
	} {
		got, _, err := assign(t, tensor(c.shape...), c.scheme, c.settings...)
		require.NoError(t, err, c.scheme)
		require.Equal(t, c.want, got, "%s %v %v", c.scheme, c.settings, c.shape)
	}
}

func TestXavierUniformWithoutGainGivesNegativeZeroAsLowerBound(t *testing.T) {
	got, _, err := assign(t, tensor(3, 4), "xavier_uniform", "gain=0")
	require.NoError(t, err)
	u := got.(dist.Uniform)
	require.True(t, math.Signbit(u.Low) && !math.Signbit(u.High), "%v", u)
}

func TestShapesThatTorchRefusesAreErrors(t *testing.T) {
	for _, c := range []struct {
		scheme string
		shape  []int64
	}{
		{"xavier_uniform", []int64{5}}, {"xavier_normal", nil}, {"xavier_normal", []int64{0, 0}},
		{"xavier_uniform", []int64{3, 2, 0}}, {"kaiming_normal", []int64{7}}, {"kaiming_uniform", nil},
	} {
		_, _, err := assign(t, tensor(c.shape...), c.scheme)
		require.Error(t, err, "%s %v", c.scheme, c.shape)
	}
	for _, setting := range []string{"nonlinearity=gelu", "nonlinearity=ReLU", "mode=fan_avg", "gain=1"} {
		_, _, err := assign(t, tensor(4, 4), "kaiming_uniform", setting)
		require.Error(t, err, setting)
	}
	_, _, err := assign(t, tensor(4, 4), "constant")
	require.ErrorContains(t, err, "value")
	_, _, err = assign(t, tensor(4, 4), "xavier_normal", "gain=-1")
	require.ErrorContains(t, err, "at least 0")
}

func TestKaimingOfAnEmptyTensorIsAWarningInAnyRank(t *testing.T) {
	for _, shape := range [][]int64{{0}, {0, 5}, {3, 0, 2}} {
		_, m, err := assign(t, tensor(shape...), "kaiming_uniform")
		require.NoError(t, err)
		require.Len(t, m.(registry.Noter).Notes(tensor(shape...)), 1)
	}
}
