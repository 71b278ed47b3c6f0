package engine_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/modes/native"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

// TestEveryModelThatTorchMadeIsMadeAgain plans each fixture from its config,
// mode and seed and compares every bit.
func TestEveryModelThatTorchMadeIsMadeAgain(t *testing.T) {
	r := registry.New()
	for _, info := range native.Infos() {
		require.NoError(t, r.Add(info))
	}
	seen := map[string]bool{}
	for _, dir := range fixtures(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			mode, seedText := caseOf(t, dir)
			cfg, warnings, err := model.Load(filepath.Join(dir, "config.json"))
			require.NoError(t, err)
			require.Empty(t, warnings)
			seed, err := model.ParseSeed(seedText)
			require.NoError(t, err)
			info, err := r.Lookup(mode)
			require.NoError(t, err)
			seen[info.ID.String()] = true
			l, err := cfg.Layout(info.ModelVersion)
			require.NoError(t, err)
			p, err := plan.Build(t.Context(), l, info, info.New(), plan.Options{Seed: seed})
			require.NoError(t, err)
			set, err := checkpoint.Open(dir)
			require.NoError(t, err)
			defer set.Close()
			for _, tensor := range set.Tensors() {
				data, err := os.ReadFile(tensor.File)
				require.NoError(t, err)
				require.Equal(t, tensor.SHA256, fmt.Sprintf("%x", sha256.Sum256(data)), tensor.File)
			}
			for _, planned := range []bool{false, true} {
				report, err := engine.BitsOfPlan(t.Context(), p, set, planned, engine.Options{})
				require.NoError(t, err)
				require.True(t, report.Passed(), "%+v", report.Failures())
				require.Equal(t, p.Elements(), report.Values())
			}
		})
	}
	for _, info := range native.Infos() {
		require.True(t, seen[info.ID.String()], "no fixture of %s", info.ID)
	}
}
