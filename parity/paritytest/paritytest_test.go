package paritytest_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/checkpoint/npy"
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/parity/paritytest"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
	"github.com/weightinit/weightinit/rng"
)

// recorder is a test that notes its failures.
type recorder struct {
	testing.TB
	lines []string
}

func (*recorder) Helper()                     {}
func (r *recorder) Errorf(f string, a ...any) { r.lines = append(r.lines, fmt.Sprintf(f, a...)) }
func (r *recorder) Fatalf(f string, a ...any) { r.Errorf(f, a...) }

// reference is a folder with the float32 values 1 and 2.
func reference(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	header, err := npy.Header(layout.F32, []int64{2})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "w.npy"), append(header, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40), 0o600))
	return dir
}

func TestCompare(t *testing.T) {
	dir := reference(t)
	for name, c := range map[string]struct {
		tensors []paritytest.Tensor
		opts    []paritytest.Option
		want    string // empty: passes
	}{
		"same":       {tensors: []paritytest.Tensor{{Name: "w", Shape: []int64{2}, Values: []float32{1, 2}}}},
		"differs":    {tensors: []paritytest.Tensor{{Name: "w", Shape: []int64{2}, Values: []float32{1, 2.0000002}}}, want: "w: bits: 1 of 2"},
		"close":      {[]paritytest.Tensor{{Name: "w", Shape: []int64{2}, Values: []float32{1, 2.0000002}}}, []paritytest.Option{paritytest.Close()}, ""},
		"not within": {[]paritytest.Tensor{{Name: "w", Shape: []int64{2}, Values: []float32{1, 3}}}, []paritytest.Option{paritytest.Within(0, 0.5)}, "w: close: 1 of 2"},
		"dtype":      {tensors: []paritytest.Tensor{{Name: "w", Shape: []int64{2}, Values: []float64{1, 2}}}, want: "w: dtype:"},
		"any dtype":  {[]paritytest.Tensor{{Name: "w", Shape: []int64{2}, DType: "BF16", Values: []uint16{0x3f80, 0x4000}}}, []paritytest.Option{paritytest.AnyDType()}, ""},
		"missing":    {want: "w: missing: missing in the candidate"},
		"shape":      {tensors: []paritytest.Tensor{{Name: "w", Shape: []int64{3}, Values: []float32{1, 2}}}, want: "the shape does not hold"},
		"type":       {tensors: []paritytest.Tensor{{Name: "w", Values: 7}}, want: "Values must be"},
		"no dtype":   {tensors: []paritytest.Tensor{{Name: "w", Values: []uint16{1}}}, want: "needs the DType"},
	} {
		r := &recorder{TB: t}
		paritytest.Compare(r, dir, c.tensors, c.opts...)
		if c.want == "" {
			require.Empty(t, r.lines, name)
			continue
		}
		require.Len(t, r.lines, 1, name)
		require.True(t, strings.Contains(r.lines[0], c.want), "%s: %s", name, r.lines[0])
	}
}

// Stats passes another seed of the same law and fails another law; a rule file
// decides by name.
func TestCompareByLaw(t *testing.T) {
	dir := t.TempDir()
	values := func(seed uint64, std float64) []float32 {
		out := make([]float32, 1<<14)
		rng.Fill(rng.New(seed), dist.Dist{Draw: dist.Normal{Std: std}}, out)
		return out
	}
	header, err := npy.Header(layout.F32, []int64{1 << 14})
	require.NoError(t, err)
	for _, v := range values(1, 0.02) {
		header = binary.LittleEndian.AppendUint32(header, math.Float32bits(v))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "w.npy"), header, 0o600))
	rules := filepath.Join(t.TempDir(), "parity.yaml")
	require.NoError(t, os.WriteFile(rules, []byte("rules:\n  - tensors: w\n    check: stats\n"), 0o600))
	l := &layout.Layout{Params: []layout.Param{{Name: "w", Shape: []int64{1 << 14}}}}
	p, err := plan.Assigned(l, registry.ID{Name: "normal", Version: 1}, []dist.Dist{{Draw: dist.Normal{Std: 0.02}}}, plan.Options{})
	require.NoError(t, err)

	for name, opts := range map[string][]paritytest.Option{
		"stats": {paritytest.Stats()}, "laws": {paritytest.Laws(p)}, "rules": {paritytest.Rules(rules)},
	} {
		tensors := []paritytest.Tensor{{Name: "w", Shape: []int64{1 << 14}, Values: values(2, 0.02)}}
		paritytest.Compare(t, dir, tensors, opts...)
		r := &recorder{TB: t}
		tensors[0].Values = values(2, 0.03)
		paritytest.Compare(r, dir, tensors, append(opts, paritytest.Worst(1))...)
		require.Len(t, r.lines, 2, name)
		require.Regexp(t, `^w: T2'? std: p=.*\+[0-9.]+% \(0\.0[0-9]+, (declared|reference) 0\.0`, r.lines[0], name)
		require.Regexp(t, `^and [0-9]+ more failures$`, r.lines[1], name)
	}
	r := &recorder{TB: t}
	paritytest.Compare(r, dir, nil, paritytest.Rules(filepath.Join(dir, "absent.yaml")))
	require.Len(t, r.lines, 1)
}

func TestNamesOfTheBridge(t *testing.T) {
	dir := filepath.Join("..", "..", "testdata", "bridge")
	set, err := checkpoint.Open(filepath.Join(dir, "plain.safetensors"))
	require.NoError(t, err)
	defer set.Close()
	ours := map[string]string{"embed.weight": "tok_embed.weight", "unembed.weight": "head.weight", "pos_embed.weight": "pos.weight", "ln_final.weight": "ln_out.weight", "ln_final.bias": "ln_out.bias"}
	var tensors []paritytest.Tensor
	for _, one := range set.Tensors() {
		name, known := ours[one.Name]
		if !known {
			name = strings.NewReplacer("blocks.", "layers.", "mlp.", "mlp.fc_").Replace(one.Name)
		}
		var values []float32
		require.NoError(t, one.Each(t.Context(), func(v []float64) error {
			for _, x := range v {
				values = append(values, float32(x))
			}
			return nil
		}))
		if one.Name != "unembed.bias" {
			tensors = append(tensors, paritytest.Tensor{Name: name, Shape: one.Shape, Values: values})
		}
	}
	paritytest.Compare(t, filepath.Join(dir, "plain.safetensors"), tensors)
	paritytest.Compare(t, filepath.Join(dir, "plain.safetensors"), tensors, paritytest.Names("transformerlens-bridge"))
	r := &recorder{TB: t}
	paritytest.Compare(r, filepath.Join(dir, "plain.safetensors"), tensors, paritytest.Names("other"))
	require.Equal(t, []string{`paritytest: names "other": use one of [transformerlens-bridge]`}, r.lines)
}

func TestFile(t *testing.T) {
	dir := reference(t)
	paritytest.File(t, dir, filepath.Join(dir, "w.npy"))
	r := &recorder{TB: t}
	paritytest.File(r, dir, filepath.Join(dir, "absent.npy"))
	paritytest.File(r, filepath.Join(dir, "absent"), dir)
	require.Len(t, r.lines, 2)
}
