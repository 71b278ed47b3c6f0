package weightinit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/checkpoint/safetensors"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/record"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/modes/elementary"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

func toy(t *testing.T, seed uint64, stored dtype.Type) *weightinit.Plan {
	t.Helper()
	preset, err := model.LookupPreset("toy-2l")
	require.NoError(t, err)
	p, err := weightinit.Prepare(t.Context(), preset.Config, weightinit.Mode("xavier_normal@2"), weightinit.Set("gain", 0.5), weightinit.Seed(seed), weightinit.DType(stored))
	require.NoError(t, err)
	return p
}

func TestEveryOutputIsMadeAgainFromItsRecordAlone(t *testing.T) {
	for _, stored := range dtype.All() {
		p := toy(t, 11, stored)
		dir := t.TempDir()
		file, folder := filepath.Join(dir, "m.safetensors"), filepath.Join(dir, "npy")
		require.NoError(t, p.WriteSafetensors(t.Context(), file))
		require.NoError(t, p.WriteNPY(t.Context(), folder))
		for _, path := range []string{file, folder} {
			set, err := checkpoint.Open(path)
			require.NoError(t, err)
			defer set.Close()
			again, err := weightinit.Rebuild(t.Context(), set.Metadata(), registry.Default())
			require.NoError(t, err)
			require.Equal(t, p.Digest(), again.Digest())
			recorded, err := weightinit.ReadRecord(set.Metadata())
			require.NoError(t, err)
			require.Equal(t, weightinit.Recorded{Mode: "xavier_normal@2", Digest: p.Digest(), DType: stored}, recorded)
			report, err := engine.BitsOfPlan(t.Context(), again.Plan, set, true, engine.Options{})
			require.NoError(t, err)
			require.True(t, report.Passed(), "%s %+v", path, report.Failures())
		}
	}
}

func TestATensorIsMadeAgainFromItsRecord(t *testing.T) {
	info, err := elementary.Schemes().Lookup("he_uniform")
	require.NoError(t, err)
	p, err := weightinit.BuildTensor(t.Context(), info, []string{"fan=fan_out", "nonlinearity=relu"}, []int64{7, 3, 2}, plan.Options{Seed: 3})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "t.safetensors")
	require.NoError(t, p.WriteSafetensors(t.Context(), path))
	set, err := checkpoint.Open(path)
	require.NoError(t, err)
	defer set.Close()
	again, err := weightinit.Rebuild(t.Context(), set.Metadata(), registry.Default())
	require.NoError(t, err)
	require.Equal(t, p.Digest(), again.Digest())
}

func TestABrokenRecordIsRefused(t *testing.T) {
	p := toy(t, 11, dtype.F32)
	path := filepath.Join(t.TempDir(), "m.safetensors")
	require.NoError(t, p.WriteSafetensors(t.Context(), path))
	f, err := safetensors.Open(path)
	require.NoError(t, err)
	defer f.Close()
	good := f.Metadata()
	_, err = weightinit.Rebuild(t.Context(), good, registry.Default())
	require.NoError(t, err)
	for _, c := range []struct{ key, value, want string }{
		{"weightinit.seed", "abc", `"abc"`},
		{"weightinit.seed", "18446744073709551616", "18446744073709551616"},
		{"weightinit.seed", "", "seed"},
		{"weightinit.mode", "no_such_mode@9", "no_such_mode"},
		{"weightinit.mode", "evil.mode", "evil.mode"},
		{"weightinit.dtype", "f8", "f8"},
		{"weightinit.streams", "other", "other"},
		{"weightinit.options", `{"gain":0.5,"gain":1}`, "duplicate"},
		{"weightinit.options", `{"gain":null}`, "gain"},
		{"weightinit.options", `{"gain":{"a":1}}`, ""},
		{"weightinit.options", `[1]`, ""},
		{"weightinit.options", `{"gain":-1}`, "gain"},
		{"weightinit.options", `{"other":1}`, "other"},
		{"weightinit.config", `{"d_model":1}`, "d_"},
		{"weightinit.config", `{`, ""},
		{"weightinit.future", "1", "weightinit.future"},
	} {
		broken := map[string]string{}
		for k, v := range good {
			broken[k] = v
		}
		broken[c.key] = c.value
		_, err := weightinit.Rebuild(t.Context(), broken, registry.Default())
		require.Error(t, err, "%s = %s", c.key, c.value)
		require.ErrorContains(t, err, c.want)
		require.NotContains(t, err.Error(), "\n")
	}
	var missing *record.MissingError
	_, err = weightinit.Rebuild(t.Context(), map[string]string{"format": "pt"}, registry.Default())
	require.ErrorAs(t, err, &missing)
}

func FuzzRebuild(f *testing.F) {
	f.Add("gpt2@1", `{"std":0.5}`, "7", "torch", "f32", `{"d_model":8,"d_head":4,"n_layers":1,"n_ctx":4,"n_heads":2,"d_vocab":9,"act_fn":"gelu"}`)
	f.Add("evil.mode", `{"std":[1,[2]]}`, "-1", "keyed", "bf16", `null`)
	f.Add("kaiming_normal@2", `{}`, "18446744073709551616", "torch", "f16", `{"d_model":9223372036854775807}`)
	f.Fuzz(func(t *testing.T, mode, options, seed, streams, stored, config string) {
		metadata := record.Record{
			Version: "1", Mode: mode, Options: options, Seed: seed, Streams: streams, DType: stored, Config: config,
		}.Metadata()
		p, err := weightinit.Rebuild(context.Background(), metadata, registry.Default())
		if err != nil {
			return
		}
		text, err := json.Marshal(p)
		require.NoError(t, err)
		require.True(t, json.Valid(text))
	})
}

func TestValuesAreThoseOfTheFile(t *testing.T) {
	p := toy(t, 11, dtype.F32)
	path := filepath.Join(t.TempDir(), "m.safetensors")
	require.NoError(t, p.WriteSafetensors(t.Context(), path))
	set, err := checkpoint.Open(path)
	require.NoError(t, err)
	defer set.Close()
	const name = "layers.1.attn.v.weight"
	stored, ok := set.Lookup(name)
	require.True(t, ok)
	dst := make([]float32, stored.Elements())
	require.NoError(t, p.Values(t.Context(), name, dst))
	i := 0
	require.NoError(t, stored.Each(t.Context(), func(values []float64) error {
		for _, v := range values {
			require.Equal(t, v, float64(dst[i]))
			i++
		}
		return nil
	}))
	require.Error(t, p.Values(t.Context(), name, dst[1:]))
	require.Error(t, p.Values(t.Context(), "nothing", dst))
}

func TestACancelledRunLeavesNothing(t *testing.T) {
	p := toy(t, 11, dtype.F32)
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	dir := t.TempDir()
	require.ErrorIs(t, p.WriteSafetensors(ctx, filepath.Join(dir, "m.safetensors")), stop)
	require.ErrorIs(t, p.WriteNPY(ctx, filepath.Join(dir, "npy")), stop)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestTheSameArgumentsGiveTheSameBytes(t *testing.T) {
	p := toy(t, 11, dtype.F16)
	dir := t.TempDir()
	var first []byte
	for workers := range 4 {
		path := filepath.Join(dir, string(rune('a'+workers))+".safetensors")
		require.NoError(t, p.WriteSafetensors(t.Context(), path, weightinit.Workers(workers)))
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		if first == nil {
			first = data
		}
		require.True(t, bytes.Equal(first, data))
	}
}

func TestAConfigMayAskForModeAndSeed(t *testing.T) {
	const text = `{"d_model":8,"d_head":4,"n_layers":1,"n_ctx":4,"n_heads":2,"d_vocab":9,"act_fn":"gelu","init_mode":"xavier_normal","seed":-7}`
	config, _, err := model.Parse("c.json", []byte(text), model.JSON)
	require.NoError(t, err)
	asked, err := weightinit.Prepare(t.Context(), config)
	require.NoError(t, err)
	require.Equal(t, "xavier_normal@1", asked.Mode())
	require.Equal(t, "-7", asked.SeedText())
	told, err := weightinit.Prepare(t.Context(), config, weightinit.Mode("xavier_normal@1"), weightinit.Seed(-7))
	require.NoError(t, err)
	require.Equal(t, told.Digest(), asked.Digest())
	other, err := weightinit.Prepare(t.Context(), config, weightinit.Mode("gpt2"), weightinit.Seed(0))
	require.NoError(t, err)
	require.Equal(t, "gpt2@1", other.Mode())
	require.Equal(t, "0", other.SeedText())
}
