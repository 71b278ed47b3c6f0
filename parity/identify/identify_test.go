package identify_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/parity/identify"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
	"github.com/weightinit/weightinit/rng"
)

const wideConfig = `{"n_layers": 2, "d_model": 256, "n_heads": 4, "d_head": 64, "n_ctx": 64, "d_vocab": 512, "act_fn": "gelu"}`

func toy(t *testing.T) model.Config {
	t.Helper()
	p, err := model.LookupPreset("toy-2l")
	require.NoError(t, err)
	return p.Config
}

func parse(t *testing.T, text string) model.Config {
	t.Helper()
	c, _, err := model.Parse("config.json", []byte(text), model.JSON)
	require.NoError(t, err)
	return c
}

// file makes a checkpoint and opens it.
func file(t *testing.T, config model.Config, mode string, seed int, stored dtype.Type, set ...weightinit.Option) (checkpoint.Set, *weightinit.Plan) {
	t.Helper()
	p, err := weightinit.Prepare(t.Context(), config, append(set, weightinit.Mode(mode), weightinit.Seed(seed), weightinit.DType(stored))...)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "model.safetensors")
	require.NoError(t, p.WriteSafetensors(t.Context(), path, weightinit.NoSync()))
	s, err := checkpoint.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, p
}

func candidates(t *testing.T, config model.Config, also ...identify.Setting) []identify.Candidate {
	t.Helper()
	list, err := identify.Candidates(t.Context(), config, registry.Default().List(), also...)
	require.NoError(t, err)
	return list
}

func names(p identify.Place) []string {
	var out []string
	for _, c := range p.Candidates {
		out = append(out, c.Name())
	}
	return out
}

func against(p identify.Place) string {
	var out []string
	for _, r := range p.Against {
		out = append(out, r.Text)
	}
	return strings.Join(out, "\n")
}

func TestEveryModeIsTheFirstPlaceOfWhatItMakes(t *testing.T) {
	places := map[string][]string{
		"gpt2@1":            {"gpt2@1", "gpt2@2 std=0.02"},
		"gpt2@2":            {"gpt2@2"},
		"xavier_uniform@1":  {"xavier_uniform@1", "xavier_uniform@2"},
		"xavier_normal@2":   {"xavier_normal@1", "xavier_normal@2"},
		"kaiming_uniform@2": {"kaiming_uniform@1", "kaiming_uniform@2"},
		"kaiming_normal@1":  {"kaiming_normal@1", "kaiming_normal@2"},
	}
	for name, config := range map[string]model.Config{"toy": toy(t), "wide": parse(t, wideConfig)} {
		list := candidates(t, config)
		for mode, want := range places {
			for seed := range 4 {
				stored := []dtype.Type{dtype.F32, dtype.BF16}[seed%2]
				t.Run(fmt.Sprintf("%s/%s/%d/%s", name, mode, seed, stored), func(t *testing.T) {
					t.Parallel()
					set, _ := file(t, config, mode, seed, stored)
					r, err := identify.Run(t.Context(), set, list, identify.Options{})
					require.NoError(t, err)
					require.Equal(t, identify.Fits, r.Verdict, "%s", against(r.Places[0]))
					require.Equal(t, want, names(r.Places[0]))
					require.Len(t, r.Places, 6, "gpt2 in two versions, and four by the fans")
					for _, p := range r.Places[1:] {
						require.Equal(t, identify.None, p.Verdict, "%v: only the first can be closest", names(p))
						require.NotEmpty(t, p.Against)
						require.Positive(t, p.Rejected)
					}
				})
			}
		}
	}
}

// weights are those of a file as numbers, to be changed.
type weights struct {
	t      *testing.T
	plan   *plan.Plan
	values [][]float32
}

func changed(t *testing.T, set checkpoint.Set, p *weightinit.Plan, change func(w *weights)) checkpoint.Set {
	t.Helper()
	w := &weights{t: t, plan: p.Plan}
	for _, one := range p.Tensors().All() {
		from, _ := set.Lookup(one.Name)
		var values []float32
		require.NoError(t, from.EachStored(t.Context(), func(piece []float64) error {
			for _, v := range piece {
				values = append(values, float32(v))
			}
			return nil
		}))
		w.values = append(w.values, values)
	}
	change(w)
	var tensors []checkpoint.Tensor
	for i, one := range p.Tensors().All() {
		var raw []byte
		for _, v := range w.values[i] {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
		made, err := checkpoint.NewTensor(one.Name, "F32", one.Shape, bytes.NewReader(raw))
		require.NoError(t, err)
		tensors = append(tensors, made)
	}
	return engine.WithTensors(set, tensors)
}

// matrices changes every tensor of two dimensions; fresh are normal numbers.
func (w *weights) matrices(change func(values []float32, rows, cols int, role layout.Role, fresh func(n int) []float32)) {
	drawn := 0
	fresh := func(n int) []float32 {
		drawn++
		out := make([]float32, n)
		rng.FillKeyed(out, rng.NewKey(99).Block(drawn), dist.Of(dist.Normal{Std: 1}, ""), 0)
		return out
	}
	for i, one := range w.plan.Tensors().All() {
		if len(one.Shape) == 2 {
			change(w.values[i], int(one.Shape[0]), int(one.Shape[1]), w.plan.Params().At(one.Param).Role, fresh)
		}
	}
}

func rms(values []float32) float32 {
	sum := 0.0
	for _, v := range values {
		sum += float64(v) * float64(v)
	}
	return float32(math.Sqrt(sum / float64(len(values))))
}

func TestWhatNoModeMakes(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(w *weights)
		verdict identify.Verdict
		first   string
		says    string
	}{
		"residual scale skipped": {
			func(w *weights) {
				w.matrices(func(values []float32, _, _ int, role layout.Role, _ func(int) []float32) {
					for i := range values {
						if role == layout.AttnOut || role == layout.MLPOut {
							values[i] *= 2 // sqrt(2 * 2 layers)
						}
					}
				})
			}, identify.Closest, "gpt2@1", "the factor 1/sqrt(2*2) of residual projections is missing",
		},
		"all times 1.5": {
			func(w *weights) {
				w.matrices(func(values []float32, _, _ int, _ layout.Role, _ func(int) []float32) {
					for i := range values {
						values[i] *= 1.5
					}
				})
			}, identify.None, "", "all 15 matrices: std is 1.5 times the declared",
		},
		"products of random matrices": {
			func(w *weights) {
				w.matrices(func(values []float32, rows, cols int, _ layout.Role, fresh func(int) []float32) {
					const rank = 64
					a, b, std := fresh(rows*rank), fresh(rank*cols), rms(values)
					for i := range values {
						values[i] = 0
						for k := range rank {
							values[i] += float32(a[i/cols*rank+k] * b[k*cols+i%cols])
						}
					}
					factor := std / rms(values)
					for i := range values {
						values[i] *= factor
					}
				})
			}, identify.None, "", "independent",
		},
		"biases that moved": {
			func(w *weights) {
				for i, one := range w.plan.Tensors().All() {
					if one.Name == "layers.0.attn.q.bias" {
						w.values[i][3] = 1e-3
					}
				}
			}, identify.Closest, "gpt2@1", "layers.0.attn.q.bias: not the constant that it should be: 0.001",
		},
		"not a number": {
			func(w *weights) { w.values[0][7] = float32(math.NaN()) },
			identify.Closest, "gpt2@1", "not finite",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := parse(t, wideConfig)
			set, p := file(t, config, "gpt2@1", 5, dtype.F32)
			r, err := identify.Run(t.Context(), changed(t, set, p, c.change), candidates(t, config), identify.Options{})
			require.NoError(t, err)
			require.Equal(t, c.verdict, r.Verdict, "%v\n%s", names(r.Places[0]), against(r.Places[0]))
			all := ""
			for _, p := range r.Places {
				if c.first == "" || slices.Contains(names(p), c.first) {
					all += against(p) + "\n"
				}
			}
			if c.first != "" {
				require.Contains(t, names(r.Places[0]), c.first)
			}
			require.Contains(t, all, c.says)
		})
	}
}

func TestASeedThatIsKnownDecidesByBits(t *testing.T) {
	config := toy(t)
	list := candidates(t, config)
	set, _ := file(t, config, "kaiming_normal@2", 77, dtype.BF16)
	run := func(set checkpoint.Set, seeds ...uint64) *identify.Bits {
		var o identify.Options
		for _, s := range seeds {
			o.Seeds = append(o.Seeds, identify.Seed{Value: s, From: "the test"})
		}
		r, err := identify.Run(t.Context(), set, list, o)
		require.NoError(t, err)
		require.Equal(t, identify.Fits, r.Verdict)
		return r.Places[0].Bits
	}
	require.Nil(t, run(set))
	require.Nil(t, run(set, 78))
	bits := run(set, 78, 77)
	require.NotNil(t, bits)
	require.EqualValues(t, 77, bits.Seed.Value)
	require.Equal(t, plan.Torch, bits.Streams)

	keyed, _ := file(t, config, "xavier_uniform@1", 3, dtype.F32, weightinit.Streams(plan.Keyed))
	require.Equal(t, plan.Keyed, run(keyed, 3).Streams)
}

func TestTheOptionsOfConfigAndRecordAreTried(t *testing.T) {
	ranged := parse(t, strings.Replace(wideConfig, "{", `{"initializer_range": 0.05, `, 1))
	set, _ := file(t, ranged, "xavier_normal@2", 1, dtype.F32)
	r, err := identify.Run(t.Context(), set, candidates(t, ranged), identify.Options{})
	require.NoError(t, err)
	require.Equal(t, []string{"xavier_normal@2"}, names(r.Places[0]), "the gain is the config's")

	set, _ = file(t, ranged, "xavier_normal@2", 1, dtype.F32, weightinit.Set("gain", 1))
	r, err = identify.Run(t.Context(), set, candidates(t, ranged), identify.Options{})
	require.NoError(t, err)
	require.Equal(t, []string{"xavier_normal@1", "xavier_normal@2 gain=1"}, names(r.Places[0]))

	set, p := file(t, ranged, "gpt2@2", 1, dtype.F32, weightinit.Set("std", 0.3))
	r, err = identify.Run(t.Context(), set, candidates(t, ranged), identify.Options{})
	require.NoError(t, err)
	require.Equal(t, identify.None, r.Verdict)
	r, err = identify.Run(t.Context(), set, candidates(t, ranged, identify.SettingOf(p.Plan)), identify.Options{})
	require.NoError(t, err)
	require.Equal(t, []string{"gpt2@2 std=0.3"}, names(r.Places[0]))
	require.Equal(t, identify.Fits, r.Verdict)
}

func TestNamesAndShapesSpeakAgainstAMode(t *testing.T) {
	set, _ := file(t, toy(t), "gpt2@1", 1, dtype.F32)
	larger := strings.NewReplacer(`"n_layers": 2`, `"n_layers": 3`, "256", "64", `"d_head": 64`, `"d_head": 16`, "512", "100").Replace(wideConfig)
	r, err := identify.Run(t.Context(), set, candidates(t, parse(t, larger)), identify.Options{})
	require.NoError(t, err)
	first := r.Places[0]
	require.NotEqual(t, identify.Fits, r.Verdict)
	require.Equal(t, identify.Names{Missing: 16, Shapes: 1}, first.Names)
	require.Contains(t, first.Against[0].Text, "16 tensors that it makes, and are not there: layers.2.ln1.weight, ")
	require.Contains(t, first.Against[1].Text, "1 tensor that has another shape than it makes: pos.weight")

	r, err = identify.Run(t.Context(), set, candidates(t, parse(t, strings.Replace(larger, `"n_layers": 3`, `"n_layers": 1`, 1))), identify.Options{})
	require.NoError(t, err)
	require.Equal(t, 16, r.Places[0].Names.Extra)
	require.NotEqual(t, identify.Fits, r.Verdict)
}

// secret is a mode that does not say which values it fills in.
type secret struct{ refuses bool }

func (m secret) Assign(_ context.Context, l *layout.Layout) ([]dist.Dist, error) {
	if m.refuses {
		return nil, fmt.Errorf("no such model")
	}
	out := make([]dist.Dist, len(l.Params))
	for i := range out {
		out[i] = dist.Of(dist.Filled{}, "own values")
	}
	return out, nil
}

func TestAModeThatSaysNothingFitsNothing(t *testing.T) {
	config := toy(t)
	set, _ := file(t, config, "gpt2@1", 1, dtype.F32)
	infos := []registry.Info{
		{ID: registry.ID{Plugin: "corp", Name: "refuses", Version: 1}, New: func() registry.Mode { return secret{true} }},
		{ID: registry.ID{Plugin: "corp", Name: "secret", Version: 1}, New: func() registry.Mode { return secret{} }},
	}
	list, err := identify.Candidates(t.Context(), config, infos)
	require.NoError(t, err)
	r, err := identify.Run(t.Context(), set, list, identify.Options{})
	require.NoError(t, err)
	require.Equal(t, identify.None, r.Verdict)
	require.Len(t, r.Places, 1)
	require.Contains(t, against(r.Places[0]), "it declares no law that could be tested")
	require.Len(t, r.Unable, 1)
	require.ErrorContains(t, r.Unable[0].Err, "no such model")
}

func TestALargeTensorIsTestedInParts(t *testing.T) {
	config := parse(t, wideConfig)
	set, p := file(t, config, "gpt2@1", 1, dtype.F32)
	o := identify.Options{Most: 50_000}
	r, err := identify.Run(t.Context(), set, candidates(t, config), o)
	require.NoError(t, err)
	require.Equal(t, identify.Fits, r.Verdict)
	require.Contains(t, names(r.Places[0]), "gpt2@1")
	moved := changed(t, set, p, func(w *weights) {
		w.matrices(func(values []float32, _, _ int, _ layout.Role, _ func(int) []float32) {
			for i := range values {
				values[i] += 0.01
			}
		})
	})
	r, err = identify.Run(t.Context(), moved, candidates(t, config), o)
	require.NoError(t, err)
	require.Equal(t, identify.None, r.Verdict)
}

// tiedModel has a head that is the embedding.
type tiedModel struct{}

func (tiedModel) Layout(int) (*layout.Layout, error) {
	return &layout.Layout{Model: layout.Facts{Layers: 1, DModel: 64}, Params: []layout.Param{
		{Name: "embed", Shape: []int64{100, 64}, Role: layout.Embedding, Layer: layout.NoLayer, FanIn: 64, FanOut: 100},
		{Name: "head", Shape: []int64{100, 64}, Role: layout.LMHead, Layer: layout.NoLayer, FanIn: 64, FanOut: 100, Tied: "embed"},
	}}, nil
}

func TestATiedWeightMayStandInTheFileTwice(t *testing.T) {
	list, err := identify.Candidates(t.Context(), tiedModel{}, registry.Default().List())
	require.NoError(t, err)
	p, err := weightinit.Prepare(t.Context(), tiedModel{}, weightinit.Mode("xavier_uniform"), weightinit.Seed(1))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "model.safetensors")
	require.NoError(t, p.WriteSafetensors(t.Context(), path, weightinit.NoSync()))
	set, err := checkpoint.Open(path)
	require.NoError(t, err)
	defer set.Close()
	require.Len(t, set.Tensors(), 1)
	twice := set.Tensors()[0]
	twice.Name = "head"
	r, err := identify.Run(t.Context(), engine.WithTensors(set, append(slices.Clone(set.Tensors()), twice)), list, identify.Options{})
	require.NoError(t, err)
	require.Equal(t, identify.Fits, r.Verdict, against(r.Places[0]))

	other, err := checkpoint.NewTensor("head", "F32", []int64{100, 64}, bytes.NewReader(make([]byte, 4*100*64)))
	require.NoError(t, err)
	r, err = identify.Run(t.Context(), engine.WithTensors(set, append(slices.Clone(set.Tensors()), other)), list, identify.Options{})
	require.NoError(t, err)
	require.Equal(t, 1, r.Places[0].Names.Extra)
	require.NotEqual(t, identify.Fits, r.Verdict)
}

func TestCancelled(t *testing.T) {
	config := toy(t)
	set, _ := file(t, config, "gpt2@1", 1, dtype.F32)
	list := candidates(t, config)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := identify.Run(ctx, set, list, identify.Options{})
	require.ErrorIs(t, err, context.Canceled)
	_, err = identify.Candidates(ctx, config, registry.Default().List())
	require.ErrorIs(t, err, context.Canceled)
}

func TestHuggingFaceModelsAreWhatTransformersMakes(t *testing.T) {
	files, err := filepath.Glob("../../testdata/hf-configs/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			config, _, err := model.Load(path)
			require.NoError(t, err)
			set, _ := file(t, config, "hf_from_config", 5, 0)
			r, err := identify.Run(t.Context(), set, candidates(t, config), identify.Options{})
			require.NoError(t, err)
			require.Equal(t, identify.Fits, r.Verdict, against(r.Places[0]))
			require.Contains(t, names(r.Places[0]), "hf_from_config@1")
		})
	}
}
