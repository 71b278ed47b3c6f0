package elementary_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/modes/elementary"
	"github.com/weightinit/weightinit/registry"
)

func TestStructuredSchemesSayWhatTheyAreSetTo(t *testing.T) {
	for _, c := range []struct {
		scheme   string
		settings []string
		want     dist.Draw
	}{
		{"trunc_normal", nil, dist.TruncNormal{Std: 1, A: -2, B: 2}},
		{"trunc_normal@2", []string{"mean=0.5", "std=0.02", "a=-1", "b=1.5"}, dist.TruncNormal{Mean: 0.5, Std: 0.02, A: -1, B: 1.5}},
		{"eye", nil, dist.Eye{}},
		{"identity", nil, dist.Eye{}},
		{"dirac", nil, dist.Dirac{Groups: 1}},
		{"dirac@1", []string{"groups=3"}, dist.Dirac{Groups: 3}},
		{"sparse", []string{"sparsity=0.9"}, dist.Sparse{Sparsity: 0.9, Std: 0.01}},
		{"sparse", []string{"sparsity=0", "std=0"}, dist.Sparse{}},
		{"orthogonal", nil, dist.Orthogonal{Gain: 1}},
		{"orthogonal", []string{"gain=-0.5"}, dist.Orthogonal{Gain: -0.5}},
	} {
		got, _, err := assign(t, tensor(4, 4), c.scheme, c.settings...)
		require.NoError(t, err, c.scheme)
		require.Equal(t, c.want, got, "%s %v", c.scheme, c.settings)
	}
}

func TestTruncNormalOfTorchSince212IsTheSecondVersion(t *testing.T) {
	info, err := elementary.Schemes().Lookup("trunc_normal")
	require.NoError(t, err)
	require.Equal(t, "trunc_normal@2", info.ID.String())
	_, err = elementary.Schemes().Lookup("trunc_normal@1")
	require.Error(t, err)
}

func TestEyeWithAGainIsMultipliedAndWithoutIsNot(t *testing.T) {
	info, err := elementary.Schemes().Lookup("eye")
	require.NoError(t, err)
	for settings, want := range map[string][]dist.Post{"gain=1": nil, "gain=2.5": {dist.Multiply{By: 2.5}}} {
		m, err := registry.Configure(info, []string{settings})
		require.NoError(t, err)
		got, err := m.Assign(t.Context(), tensor(3, 3))
		require.NoError(t, err)
		require.Equal(t, want, got[0].Post)
	}
}

func TestSettingsOutOfRangeAreRefused(t *testing.T) {
	for scheme, settings := range map[string][]string{
		"sparse":       {"", "sparsity=-0.5", "sparsity=1.5", "sparsity=nan"},
		"dirac":        {"groups=0", "groups=-1", "groups=1.5"},
		"trunc_normal": {"std=-1", "std=nan", "gain=1"},
		"orthogonal":   {"gain=inf"},
	} {
		for _, s := range settings {
			var set []string
			if s != "" {
				set = []string{s}
			}
			_, _, err := assign(t, tensor(4, 4), scheme, set...)
			require.Error(t, err, "%s %s", scheme, s)
		}
	}
}

func TestAMeanFarOutsideTheCutIsAWarningAsInTorch(t *testing.T) {
	for setting, warned := range map[string]bool{"mean=0": false, "mean=4": false, "mean=4.01": true, "mean=-4": false, "mean=-4.01": true} {
		_, m, err := assign(t, tensor(3), "trunc_normal", setting)
		require.NoError(t, err)
		notes := m.(registry.Noter).Notes(tensor(3))
		require.Equal(t, warned, len(notes) == 1, "%s: %v", setting, notes)
	}
}
