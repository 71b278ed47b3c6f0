package suite_test

import (
	"bytes"
	"encoding/binary"
	"flag"
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
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/parity/suite"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/rng"
)

var whole = flag.Bool("mutants.whole", false, "check whole models, not only the tensors that a mutant touches")

// tensor is one of a set in memory.
type tensor struct {
	name, dtype string
	shape       []int64
	values      []float32
}

// memory is a set of tensors that is no file.
type memory []checkpoint.Tensor

func (m memory) Tensors() []checkpoint.Tensor { return m }
func (m memory) Lookup(name string) (checkpoint.Tensor, bool) {
	i := slices.IndexFunc(m, func(t checkpoint.Tensor) bool { return t.Name == name })
	if i < 0 {
		return checkpoint.Tensor{}, false
	}
	return m[i], true
}
func (memory) Metadata() map[string]string { return nil }
func (memory) Warnings() []string          { return nil }
func (memory) Close() error                { return nil }

// inMemory makes a set; BF16 keeps the upper half of each value's bits.
func inMemory(t testing.TB, tensors []*tensor) memory {
	t.Helper()
	var out memory
	for _, one := range tensors {
		var raw []byte
		for _, v := range one.values {
			switch one.dtype {
			case "F32":
				raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
			case "BF16":
				raw = binary.LittleEndian.AppendUint16(raw, uint16(math.Float32bits(v)>>16))
			case "F16":
				var half [2]byte
				rng.F16(half[:], []float32{v})
				raw = append(raw, half[:]...)
			case "F64":
				raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(float64(v)))
			}
		}
		made, err := checkpoint.NewTensor(one.name, one.dtype, one.shape, bytes.NewReader(raw))
		require.NoError(t, err)
		out = append(out, made)
	}
	return out
}

// candidate is a model's weights that a mutant changes.
type candidate struct{ tensors []*tensor }

func (c *candidate) at(name string) *tensor {
	return c.tensors[slices.IndexFunc(c.tensors, func(t *tensor) bool { return t.name == name })]
}

func (c *candidate) drop(name string) {
	c.tensors = slices.DeleteFunc(c.tensors, func(t *tensor) bool { return t.name == name })
}

func (t *tensor) scale(by float64) {
	for i, v := range t.values {
		t.values[i] = float32(float64(v) * by)
	}
}

func (t *tensor) shift(by float64) {
	for i, v := range t.values {
		t.values[i] = float32(float64(v) + by)
	}
}

func (t *tensor) draw(seed uint64, d dist.Draw) {
	rng.Fill(rng.New(seed), dist.Dist{Draw: d}, t.values)
}

// cut draws a normal cut at c standard deviations, whose own is std.
func (t *tensor) cut(seed uint64, c, std float64) {
	phi := math.Exp(-c*c/2) / math.Sqrt(2*math.Pi)
	v := 1 - 2*c*phi/math.Erf(c/math.Sqrt2)
	before := std / math.Sqrt(v)
	s := rng.BeginTruncated[float32](rng.New(seed), dist.TruncNormal{Std: before, A: -c * before, B: c * before}, int64(len(t.values)))
	for done := 0; done < len(t.values); {
		n, err := s.Next(t.values[done:], func() error { return nil })
		if err != nil || n == 0 {
			panic(fmt.Sprint("truncated normal: ", n, err))
		}
		done += n
	}
}

func (t *tensor) flip(index int, bit uint) {
	t.values[index] = math.Float32frombits(math.Float32bits(t.values[index]) ^ 1<<bit)
}

// mutant is a way in which an init can be wrong.
type mutant struct {
	name string
	// tensors are those that a run must look at to see it; check is the check
	// that must, tests those of which one must fail.
	tensors []string
	check   string
	tests   []string
	change  func(c *candidate)
	// quiet tells that the check stats must not see it: there is nothing wrong
	// with the law.
	quiet bool
	// mode is the model's, gpt2 if empty.
	mode string
}

const (
	embed = "tok_embed.weight"
	query = "layers.0.attn.q.weight"
	key   = "layers.0.attn.k.weight"
	outW  = "layers.0.attn.o.weight"
	fcIn  = "layers.1.mlp.fc_in.weight"
	fcOut = "layers.1.mlp.fc_out.weight"
	bias  = "layers.1.mlp.fc_in.bias"
	norm  = "layers.0.ln1.weight"
)

// mutants are wrong inits of a model of two layers with a width of 256.
var mutants = []mutant{
	{name: "fan_out for fan_in", mode: "kaiming_normal", tensors: []string{fcIn}, tests: []string{"T2 std"}, change: func(c *candidate) { c.at(fcIn).scale(0.5) }},
	{name: "residual factor missing", tensors: []string{fcOut}, tests: []string{"T2 std"}, change: func(c *candidate) { c.at(fcOut).scale(2) }},
	{name: "gain of relu missing", mode: "kaiming_normal", tensors: []string{outW}, tests: []string{"T2 std"}, change: func(c *candidate) { c.at(outW).scale(1 / math.Sqrt2) }},
	{name: "std 1% too large", tensors: []string{embed}, tests: []string{"T2 std"}, change: func(c *candidate) { c.at(embed).scale(1.01) }},
	{name: "std 1% too small", tensors: []string{embed}, tests: []string{"T2 std"}, change: func(c *candidate) { c.at(embed).scale(0.99) }},
	{name: "std 3% too large, a smaller tensor", tensors: []string{fcIn}, tests: []string{"T2 std"}, change: func(c *candidate) { c.at(fcIn).scale(1.03) }},
	{name: "uniform 0.01% too wide", mode: "xavier_uniform", tensors: []string{embed}, tests: []string{"T7 bounds"}, change: func(c *candidate) { c.at(embed).scale(1.0001) }},
	{name: "uniform 0.01% too narrow", mode: "xavier_uniform", tensors: []string{embed}, tests: []string{"T7 edges"}, change: func(c *candidate) { c.at(embed).scale(0.9999) }},
	{name: "uniform for normal, same std", tensors: []string{query}, tests: []string{"T7 edges", "T4 Anderson-Darling"}, change: func(c *candidate) {
		a := 0.02 * math.Sqrt(3)
		c.at(query).draw(9, dist.Uniform{Low: -a, High: a})
	}},
	{name: "normal for uniform, same std", mode: "xavier_uniform", tensors: []string{fcIn}, tests: []string{"T7 bounds", "T4 Anderson-Darling"}, change: func(c *candidate) {
		c.at(fcIn).draw(9, dist.Normal{Std: math.Sqrt(2.0 / (256 + 1024))})
	}},
	{name: "cut at 2 std, same std", tensors: []string{fcIn}, tests: []string{"T7 edges", "T8 beyond 3 std"}, change: func(c *candidate) { c.at(fcIn).cut(9, 2, 0.02) }},
	{name: "cut at 3 std, same std", tensors: []string{embed}, tests: []string{"T7 edges", "T8 beyond 3 std"}, change: func(c *candidate) { c.at(embed).cut(9, 3, 0.02) }},
	{name: "clipped at 3.5 std", tensors: []string{embed}, tests: []string{"T8 beyond 4 std"}, change: func(c *candidate) {
		for i, v := range c.at(embed).values {
			c.at(embed).values[i] = max(-0.07, min(0.07, v))
		}
	}},
	{name: "mean 0.01 std off", tensors: []string{embed}, tests: []string{"T1 mean"}, change: func(c *candidate) { c.at(embed).shift(0.0002) }},
	{name: "mean 0.05 std off, a smaller tensor", tensors: []string{query}, tests: []string{"T1 mean"}, change: func(c *candidate) { c.at(query).shift(0.001) }},
	{name: "one value of 100 std", tensors: []string{query}, tests: []string{"T7 edges"}, change: func(c *candidate) { c.at(query).values[777] = 2 }},
	{name: "never initialised", tensors: []string{query}, tests: []string{"T2 std", "T4 Anderson-Darling"}, change: func(c *candidate) { clear(c.at(query).values) }},
	{name: "half of the values zero", tensors: []string{query}, tests: []string{"T2 std", "T5 Kolmogorov"}, change: func(c *candidate) {
		for i := range c.at(query).values {
			if i%2 == 0 {
				c.at(query).values[i] = 0
			}
		}
	}},
	{name: "values on the grid of 8 bits", tensors: []string{fcIn}, tests: []string{"T6 chi-square"}, change: func(c *candidate) {
		for i, v := range c.at(fcIn).values {
			c.at(fcIn).values[i] = float32(math.Round(float64(v)*2500) / 2500)
		}
	}},
	{name: "stream used twice", tensors: []string{query, key}, tests: []string{"T10 stream reuse"}, change: func(c *candidate) { copy(c.at(key).values, c.at(query).values) }},
	{name: "stream used twice, sign and scale changed", tensors: []string{query, outW}, tests: []string{"T10 stream reuse"}, change: func(c *candidate) {
		copy(c.at(outW).values, c.at(query).values)
		c.at(outW).scale(-0.5)
	}},
	{name: "a part of another tensor's stream", tensors: []string{query, embed}, tests: []string{"T10 stream reuse"}, change: func(c *candidate) {
		copy(c.at(query).values[1000:3000], c.at(embed).values[500_000:])
	}},
	{name: "one row twice", tensors: []string{embed}, tests: []string{"T10 stream reuse"}, change: func(c *candidate) { copy(c.at(embed).values[256*300:256*301], c.at(embed).values[:256]) }},
	{name: "second half repeats the first", tensors: []string{fcIn}, tests: []string{"T10 stream reuse"}, change: func(c *candidate) {
		v := c.at(fcIn).values
		copy(v[len(v)/2:], v)
	}},
	{name: "one seed for two families", mode: "xavier_uniform", check: suite.All, tensors: []string{embed, fcIn}, tests: []string{"T10 cross-correlation"}, change: func(c *candidate) {
		c.at(fcIn).draw(5, dist.Normal{Std: math.Sqrt(2.0 / (256 + 1024))})
		a := math.Sqrt(6.0 / (4096 + 256))
		c.at(embed).draw(5, dist.Uniform{Low: -a, High: a})
	}},
	{name: "one row scaled by 2", tensors: []string{query}, tests: []string{"T9 row squares extreme"}, change: func(c *candidate) {
		for i := range 256 {
			c.at(query).values[256*17+i] *= 2
		}
	}},
	{name: "one column scaled by 2", tensors: []string{query}, tests: []string{"T9 column squares extreme"}, change: func(c *candidate) {
		for i := range 256 {
			c.at(query).values[256*i+17] *= 2
		}
	}},
	{name: "values sorted", tensors: []string{query}, tests: []string{"T9 serial correlation", "T9 runs"}, change: func(c *candidate) { slices.Sort(c.at(query).values) }},
	{name: "NaN", tensors: []string{query}, tests: []string{"T0 finite"}, change: func(c *candidate) { c.at(query).values[5] = float32(math.NaN()) }},
	{name: "infinity", tensors: []string{query}, tests: []string{"T0 finite"}, change: func(c *candidate) { c.at(query).values[5] = float32(math.Inf(1)) }},
	{name: "one element of a bias", tensors: []string{bias}, tests: []string{"T0 constant"}, change: func(c *candidate) { c.at(bias).values[3] = 1e-3 }},
	{name: "a norm's weight 0 for 1", tensors: []string{norm}, tests: []string{"T0 constant"}, change: func(c *candidate) { clear(c.at(norm).values) }},
	{name: "tensors of two laws swapped", tensors: []string{query, outW}, tests: []string{"T2 std"}, change: func(c *candidate) {
		a, b := c.at(query), c.at(outW)
		a.values, b.values = b.values, a.values
	}},
	{name: "wrong shape", tensors: []string{query}, tests: []string{"shape"}, change: func(c *candidate) { c.at(query).shape = []int64{128, 512} }},
	{name: "transposed", tensors: []string{fcIn}, tests: []string{"shape"}, change: func(c *candidate) { c.at(fcIn).shape = []int64{c.at(fcIn).shape[1], c.at(fcIn).shape[0]} }},
	{name: "missing", tensors: []string{query}, tests: []string{"missing"}, change: func(c *candidate) { c.drop(query) }},
	{name: "extra", tensors: []string{query, "extra"}, tests: []string{"extra"}, change: func(c *candidate) {
		c.tensors = append(c.tensors, &tensor{"extra", "F32", []int64{2}, []float32{0, 0}})
	}},
	{name: "another type", tensors: []string{query}, tests: []string{"dtype"}, change: func(c *candidate) { c.at(query).dtype = "BF16" }},
	{name: "another seed", check: suite.Bits, quiet: true, tensors: []string{query}, tests: []string{"bits"}, change: func(c *candidate) { c.at(query).draw(99, dist.Normal{Std: 0.02}) }},
	{name: "tensors of one law swapped", check: suite.Bits, quiet: true, tensors: []string{query, key}, tests: []string{"bits"}, change: func(c *candidate) {
		a, b := c.at(query), c.at(key)
		a.values, b.values = b.values, a.values
	}},
	{name: "one bit", check: suite.Bits, quiet: true, tensors: []string{query}, tests: []string{"bits"}, change: func(c *candidate) { c.at(query).flip(4321, 0) }},
	{name: "-0 in a bias", check: suite.Bits, quiet: true, tensors: []string{bias}, tests: []string{"bits"}, change: func(c *candidate) { c.at(bias).flip(2, 31) }},
	{name: "a value off by 2e-5", check: suite.Close, quiet: true, tensors: []string{query}, tests: []string{"close"}, change: func(c *candidate) { c.at(query).values[9] += 2e-5 }},
	{name: "a square tensor transposed", check: suite.Close, quiet: true, tensors: []string{query}, tests: []string{"close"}, change: func(c *candidate) {
		v := c.at(query).values
		for i := range 256 {
			for j := range i {
				v[256*i+j], v[256*j+i] = v[256*j+i], v[256*i+j]
			}
		}
	}},
}

const config = `{"d_model": 256, "n_layers": 2, "n_heads": 4, "d_head": 64, "n_ctx": 64, "d_vocab": 4096}`

// made is a model's plan and its weights.
type made struct {
	plan *plan.Plan
	*candidate
}

func makeModel(t testing.TB, mode string, seed uint64) made {
	t.Helper()
	cfg, _, err := model.Parse("config.json", []byte(config), model.JSON)
	require.NoError(t, err)
	p, err := weightinit.Prepare(t.Context(), cfg, weightinit.Mode(mode), weightinit.Seed(seed))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "m.safetensors")
	require.NoError(t, p.WriteSafetensors(t.Context(), path, weightinit.NoSync()))
	set, err := checkpoint.Open(path)
	require.NoError(t, err)
	defer set.Close()
	m := made{plan: p.Plan, candidate: &candidate{}}
	for _, one := range set.Tensors() {
		made := &tensor{name: one.Name, dtype: one.DType, shape: one.Shape}
		require.NoError(t, one.Each(t.Context(), func(values []float64) error {
			for _, v := range values {
				made.values = append(made.values, float32(v))
			}
			return nil
		}))
		m.tensors = append(m.tensors, made)
	}
	return m
}

func (c *candidate) clone() *candidate {
	out := &candidate{}
	for _, t := range c.tensors {
		copied := *t
		copied.values = slices.Clone(t.values)
		out.tensors = append(out.tensors, &copied)
	}
	return out
}

// only keeps the tensors that a mutant touches, unless whole models are wanted.
func (m mutant) only(c *candidate) *candidate {
	if *whole {
		return c
	}
	out := &candidate{}
	for _, t := range c.tensors {
		if slices.Contains(m.tensors, t.name) {
			out.tensors = append(out.tensors, t)
		}
	}
	return out
}

func (m mutant) caught(r engine.Result) *engine.Finding {
	for i, f := range r.Findings {
		name, _, _ := strings.Cut(strings.ReplaceAll(f.Test, "'", ""), ", values")
		if f.Verdict == engine.Fail && slices.Contains(m.tests, name) {
			return &r.Findings[i]
		}
	}
	return nil
}

// Every mutant is caught by the check that should catch it, with declared laws
// and without; what is equal passes.
func TestEveryWrongInitIsCaughtByTheRightCheck(t *testing.T) {
	models := map[string]made{}
	references := map[string]made{}
	run := func(reference, candidate checkpoint.Set, check string, declared *plan.Plan, keep func(string) bool) engine.Result {
		r, err := suite.Run(t.Context(), reference, candidate, nil, suite.Options{Check: check, Declared: declared, Keep: keep})
		require.NoError(t, err)
		return r
	}
	for _, mode := range []string{"gpt2", "xavier_uniform", "kaiming_normal"} {
		m, r := makeModel(t, mode, 11), makeModel(t, mode, 12)
		models[mode], references[mode] = m, r
		same, fresh := inMemory(t, m.tensors), inMemory(t, r.tensors)
		require.Empty(t, failed(run(same, same, suite.All, nil, nil)), "equal weights pass every check")
		require.Empty(t, failed(run(fresh, same, suite.Stats, m.plan, nil)), "another seed passes stats")
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			if m.mode == "" {
				m.mode = "gpt2"
			}
			if m.check == "" {
				m.check = suite.Stats
			}
			base := models[m.mode]
			wrong := m.only(base.clone())
			keep := func(name string) bool { return *whole || slices.Contains(m.tensors, name) }
			m.change(wrong)
			set := inMemory(t, wrong.tensors)
			same, fresh := inMemory(t, m.only(base.candidate).tensors), inMemory(t, m.only(references[m.mode].candidate).tensors)
			show := func(how string, f *engine.Finding) {
				t.Logf("%-42s %-6s %-11s %-28s p=%-10.3g %s", m.name, m.check, how, f.Test, f.P, firstOf(f.EffectText, f.Detail))
			}

			reference := fresh
			if m.check != suite.Stats && m.check != suite.All {
				reference = same
			}
			r := run(reference, set, m.check, base.plan, keep)
			f := m.caught(r)
			require.NotNil(t, f, "caught by one of %v; failed: %s", m.tests, failed(r))
			show("declared", f)
			if m.quiet {
				require.Empty(t, failed(run(fresh, set, suite.Stats, base.plan, keep)), "stats has nothing to say")
				return
			}
			require.False(t, run(same, set, suite.Bits, nil, keep).Passed(), "bits sees everything")
			r = run(fresh, set, suite.Stats, nil, keep)
			i := slices.IndexFunc(r.Findings, func(f engine.Finding) bool { return f.Verdict == engine.Fail })
			require.GreaterOrEqual(t, i, 0, "two samples see it, too")
			show("two samples", &r.Findings[i])
		})
	}
}

func firstOf(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

func failed(r engine.Result) string {
	var out []string
	for _, f := range r.Findings {
		if f.Verdict == engine.Fail {
			out = append(out, f.Tensor+" "+f.Test)
		}
	}
	return strings.Join(out, "; ")
}
