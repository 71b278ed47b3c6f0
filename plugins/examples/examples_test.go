// Package examples_test runs the example plugins through the host, as users
// do: the ones in Go built, the ones in Python with a copy of the package.
package examples_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/needs"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins"
	"github.com/weightinit/weightinit/plugins/conformance"
	sdkpython "github.com/weightinit/weightinit/plugins/sdk/python"
	"github.com/weightinit/weightinit/plugins/templates"
	"github.com/weightinit/weightinit/registry"
)

// The package answers for the process, so one plugin takes the whole kit and
// the examples what concerns their modes. The largest layout takes seconds,
// and the tests of the Python package have it.
var (
	wholeKit = regexp.MustCompile(`^(start|health|describe|error|fill|stop)|^assign\.[a-km-z]`)
	ofModes  = regexp.MustCompile(`^(describe|error|fill)|^assign\.[a-km-z]`)
)

func TestPythonExamplesConform(t *testing.T) {
	for _, name := range []string{"fill_py", "scaled_py", "mup_py"} {
		t.Run(name, func(t *testing.T) { conforms(t, pythonPlugin(t, name), ofModes) })
	}
}

func TestAGeneratedPythonPluginWorksAsItIs(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "corp")
	require.NoError(t, templates.New("python", "corp", folder, templates.Options{}))
	conforms(t, folder, wholeKit)

	// Its own tests; they find no weightinit, and skip what needs it.
	cmd := exec.Command(needs.Python(t), "-B", "-m", "unittest")
	cmd.Dir, cmd.Env = folder, []string{"PATH=" + t.TempDir()}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "OK (skipped=1)")

	_, r := modes(t, folder)
	model := models()["plain"]
	got, err := configured(t, r, "corp.example", "gain=3").Assign(t.Context(), model)
	require.NoError(t, err)
	require.Equal(t, dist.Dist{Draw: dist.Normal{Std: 3 / math.Sqrt(96)}, Formula: "gain / sqrt(fan_in)"}, got[0])
}

func conforms(t *testing.T, folder string, checks *regexp.Regexp) {
	t.Helper()
	candidate, err := plugins.Discover(folder)
	require.NoError(t, err)
	report, err := conformance.Run(t.Context(), candidate, conformance.Options{
		Run:   checks,
		Start: plugins.Options{Python: needs.Python(t)},
	})
	require.NoError(t, err)
	passed := 0
	for _, r := range report.Results {
		if r.Status == conformance.Pass {
			passed++
		}
		require.NotEqualf(t, conformance.Fail, r.Status, "%s: %s", r.Name, r.Reason)
	}
	require.Greater(t, passed, 10)
}

// pythonPlugin returns a copy of an example's folder that needs no installed
// package.
func pythonPlugin(t testing.TB, name string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.CopyFS(folder, os.DirFS(name)))
	require.NoError(t, os.CopyFS(folder, sdkpython.Files()))
	return folder
}

// goPlugin builds an example.
func goPlugin(t testing.TB, name string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	out, err := exec.Command("go", "build", "-o", program, "./"+name).CombinedOutput()
	require.NoError(t, err, string(out))
	return program
}

// modes starts the plugins at the paths and returns a registry of their modes.
func modes(t testing.TB, paths ...string) (*plugins.Host, *registry.Registry) {
	t.Helper()
	host := plugins.NewHost(plugins.HostOptions{Options: plugins.Options{
		Python: needs.Python(t),
		Log:    func(line plugins.LogLine) { t.Logf("%+v", line) },
	}})
	t.Cleanup(host.Close)
	for _, path := range paths {
		require.NoError(t, host.AddPath(path))
	}
	r := registry.New()
	require.NoError(t, host.Register(t.Context(), r))
	return host, r
}

func configured(t testing.TB, r *registry.Registry, mode string, settings ...string) registry.Mode {
	t.Helper()
	info, err := r.Lookup(mode)
	require.NoError(t, err)
	m, err := registry.Configure(info, settings)
	require.NoError(t, err)
	return m
}

// params appends a matrix of each role, and a bias of each matrix.
func params(dst []layout.Param, layer int, d int64, roles ...layout.Role) []layout.Param {
	for _, role := range roles {
		name := strings.Join([]string{"layers", fmt.Sprint(layer), string(role)}, ".")
		dst = append(dst,
			layout.Param{Name: name + ".weight", Shape: []int64{4 * d, d}, Role: role, Layer: layer, FanIn: d, FanOut: 4 * d},
			layout.Param{Name: name + ".bias", Shape: []int64{4 * d}, Role: role + "_bias", Layer: layer, FanIn: d, FanOut: 4 * d})
	}
	return dst
}

// models are layouts in which every rule of the examples is used.
func models() map[string]*layout.Layout {
	facts := layout.Facts{Architecture: "gpt2", Layers: 3, DModel: 96, DHead: 24, Heads: 4, KVHeads: 4, DMLP: 384, DVocab: 100, Ctx: 16}
	plain := []layout.Param{
		{Name: "embed", Shape: []int64{100, 96}, Role: layout.Embedding, Layer: layout.NoLayer, FanIn: 96, FanOut: 100},
		{Name: "position", Shape: []int64{16, 96}, Role: layout.Position, Layer: layout.NoLayer, FanIn: 96, FanOut: 16},
	}
	for l := range 3 {
		plain = params(plain, l, 96, layout.Query, layout.Key, layout.Value, layout.AttnOut, layout.MLPIn, layout.MLPOut, "role_of_tomorrow")
		plain = append(plain, layout.Param{Name: "norm" + fmt.Sprint(l), Shape: []int64{96}, Role: layout.NormWeight, Layer: l})
	}
	plain = append(plain, layout.Param{Name: "head", Shape: []int64{100, 96}, Role: layout.LMHead, Layer: layout.NoLayer, FanIn: 96, FanOut: 100})
	fused := func(dim int, q, k, v int64) []layout.Param {
		shapeOf := func(out int64) []int64 {
			if dim == 1 {
				return []int64{96, out}
			}
			return []int64{out, 96}
		}
		p := layout.Param{Name: "qkv", Shape: shapeOf(q + k + v), Role: layout.QKV, Layer: 1, FanIn: 96, FanOut: q + k + v, Transposed: dim == 1}
		first := int64(0)
		for _, piece := range []struct {
			role layout.Role
			out  int64
		}{{layout.Query, q}, {layout.Key, k}, {layout.Value, v}} {
			p.Pieces = append(p.Pieces, layout.Piece{
				Role: piece.role, Shape: shapeOf(piece.out), At: layout.Rows(p.Shape, dim, first, piece.out), FanIn: 96, FanOut: piece.out,
			})
			first += piece.out
		}
		return []layout.Param{p}
	}
	untold := fused(0, 96, 96, 96)
	untold[0].Pieces = nil
	return map[string]*layout.Layout{
		"plain":                        {Model: facts, Params: plain},
		"fused, equal":                 {Model: facts, Params: fused(0, 96, 96, 96)},
		"fused, grouped":               {Model: facts, Params: fused(0, 96, 48, 48)},
		"fused, columns":               {Model: facts, Params: fused(1, 96, 48, 48)},
		"fused, the facts say nothing": {Params: fused(0, 96, 96, 96)},
		"fused, nobody said what":      {Model: facts, Params: untold},
		"no rule":                      {Model: facts, Params: []layout.Param{{Name: "gate", Shape: []int64{3}, Role: "resid_gate", Layer: 0}}},
		"no parameters":                {Model: facts},
	}
}

func TestScaledInGoAndInPython(t *testing.T) {
	_, r := modes(t, goPlugin(t, "scaled"), pythonPlugin(t, "scaled_py"))
	t.Run("give equal plans", func(t *testing.T) { equalPlans(t, r) })
	t.Run("declare equal options", func(t *testing.T) { equalOptions(t, r) })
}

func equalPlans(t *testing.T, r *registry.Registry) {
	var answered, refused int
	for _, c := range []struct{ mode, settings string }{
		{"depth", ""},
		{"depth", "depth=linear gain=0.3"},
		{"depth", "depth=none gain=0.1 qk_gain=0.7 embedding_std=0"},
		{"ramp", ""},
		{"ramp", "cut=1 gain=1.7 embedding_std=0.3"},
		{"ramp", "cut=2.2 embedding_std=0"},
	} {
		inGo := configured(t, r, "scaled."+c.mode, strings.Fields(c.settings)...)
		inPython := configured(t, r, "scaled_py."+c.mode, strings.Fields(c.settings)...)
		for name, model := range models() {
			want, errGo := inGo.Assign(t.Context(), model)
			got, errPython := inPython.Assign(t.Context(), model)
			if errGo != nil {
				require.ErrorIs(t, errGo, plugins.ErrLayout, name)
				require.ErrorIs(t, errPython, plugins.ErrLayout, name)
				require.ErrorContains(t, errPython, model.Params[0].Name)
				refused++
				continue
			}
			require.NoError(t, errPython, name)
			require.Len(t, got, len(want))
			for i, w := range want {
				require.Truef(t, w.Equal(got[i]), "%s %s, %s, %s: Go %v, Python %v", c.mode, c.settings, name, model.Params[i].Name, w, got[i])
				require.Equal(t, w.Formula, got[i].Formula)
			}
			answered++
		}
	}
	require.Equal(t, 6*6, answered)
	require.Equal(t, 6*2, refused)
}

func equalOptions(t *testing.T, r *registry.Registry) {
	for _, mode := range []string{"depth", "ramp"} {
		inGo, err := r.Lookup("scaled." + mode)
		require.NoError(t, err)
		inPython, err := r.Lookup("scaled_py." + mode)
		require.NoError(t, err)
		want, err := registry.Options(inGo.New())
		require.NoError(t, err)
		got, err := registry.Options(inPython.New())
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, inGo.Summary, inPython.Summary)
		require.Equal(t, inGo.Notes, inPython.Notes)
	}
}

func TestMupShrinksHiddenMatricesOnly(t *testing.T) {
	_, r := modes(t, pythonPlugin(t, "mup_py"))
	model := models()["plain"]
	index := func(name string) int {
		return slices.IndexFunc(model.Params, func(p layout.Param) bool { return p.Name == name })
	}
	bound := math.Sqrt(3) * (math.Sqrt(2/(1+float64(math.Sqrt(5)*math.Sqrt(5)))) / math.Sqrt(96))
	for _, c := range []struct {
		settings, name string
		want           dist.Dist
	}{
		{"", "layers.0.q.weight", dist.Dist{Draw: dist.Normal{Std: 0.02}}},
		{"base_width=24", "layers.0.q.weight", dist.Dist{Draw: dist.Normal{Std: 0.02 * (1 / math.Sqrt(4))}}},
		{"base_width=24 std=0.05", "embed", dist.Dist{Draw: dist.Normal{Std: 0.05}}},
		{"base_width=24", "layers.0.q.bias", dist.Dist{Draw: dist.Constant{}}},
		{"base_width=24", "norm0", dist.Dist{Draw: dist.Constant{Value: 1}}},
		{"base_width=24", "head", dist.Dist{Draw: dist.Normal{Std: 0.02}}},
		{"base_width=24 readout=zero", "head", dist.Dist{Draw: dist.Constant{}}},
		{"base_width=24 readout=rescaled_default", "head", dist.Dist{
			Draw: dist.Uniform{Low: -bound, High: bound}, Post: []dist.Post{dist.Multiply{By: 2}},
		}},
	} {
		got, err := configured(t, r, "mup_py.mup", strings.Fields(c.settings)...).Assign(t.Context(), model)
		require.NoError(t, err)
		require.Truef(t, c.want.Equal(got[index(c.name)]), "%s: %s: %v", c.settings, c.name, got[index(c.name)])
	}
	ranged := *model
	ranged.Model.InitializerRange = new(0.3)
	got, err := configured(t, r, "mup_py.mup").Assign(t.Context(), &ranged)
	require.NoError(t, err)
	require.Equal(t, dist.Normal{Std: 0.3}, got[index("embed")].Draw)

	padded := *model
	padded.Params = slices.Clone(model.Params)
	padded.Params[index("embed")].PaddingRow = new(int64(7))
	got, err = configured(t, r, "mup_py.mup").Assign(t.Context(), &padded)
	require.NoError(t, err)
	require.Equal(t, []dist.Post{dist.ZeroRows{Ranges: []dist.Range{{First: 7, Count: 1}}}}, got[index("embed")].Post)
}

// filled returns the values of one parameter in a range.
func filled(t testing.TB, host *plugins.Host, m registry.Mode, p layout.Param, first, count uint64) []float64 {
	t.Helper()
	out := make([]float64, 0, count)
	err := host.Fill(t.Context(), plugins.Filling{Mode: m, Param: p, DType: dtype.F64, Seed: 7, First: first, Count: count},
		func(at uint64, data []byte) error {
			require.Equal(t, first+uint64(len(out)), at)
			for ; len(data) > 0; data = data[8:] {
				out = append(out, math.Float64frombits(binary.LittleEndian.Uint64(data)))
			}
			return nil
		})
	require.NoError(t, err)
	require.Len(t, out, int(count))
	return out
}

func square(n int64) layout.Param {
	return layout.Param{Name: "w", Shape: []int64{n, n}, Role: layout.Query, FanIn: n, FanOut: n}
}

func TestFillsFromPythonAreWhatTheySay(t *testing.T) {
	host, r := modes(t, pythonPlugin(t, "fill_py"))
	ternary := configured(t, r, "fill_py.ternary", "sparsity=0.25", "gain=2")
	hadamard := configured(t, r, "fill_py.hadamard", "gain=3")
	model := &layout.Layout{Params: []layout.Param{square(64)}}
	for _, m := range []registry.Mode{ternary, hadamard} {
		dists, err := m.Assign(t.Context(), model)
		require.NoError(t, err)
		require.Equal(t, dist.Filled{}, dists[0].Draw)
	}

	const n = 300
	values := filled(t, host, ternary, square(n), 0, n*n)
	s := 2 / math.Sqrt(n*0.75)
	counts := map[float64]int{}
	for _, v := range values {
		counts[v]++
	}
	require.Len(t, counts, 3)
	require.InDelta(t, 0.25, float64(counts[0])/(n*n), 0.01)
	require.InDelta(t, 0.375, float64(counts[s])/(n*n), 0.01)
	require.InDelta(t, 0.375, float64(counts[-s])/(n*n), 0.01)
	for _, at := range [][2]uint64{{0, 1}, {32_767, 2}, {50_001, 39_999}, {n*n - 1, 1}} {
		require.Equal(t, values[at[0]:at[0]+at[1]], filled(t, host, ternary, square(n), at[0], at[1]))
	}

	h := filled(t, host, hadamard, square(64), 0, 64*64)
	for i := range 64 {
		for j := range 64 {
			var product float64
			for k := range 64 {
				product += float64(h[i*64+k] * h[j*64+k])
			}
			require.InDelta(t, map[bool]float64{true: 9}[i == j], product, 1e-12)
		}
	}
	require.Equal(t, h[100:1000], filled(t, host, hadamard, square(64), 100, 900))
}

// startedPython starts scaled_py and describes it.
func startedPython(b *testing.B, folder string) (*plugins.Process, *plugins.Description) {
	b.Helper()
	candidate, err := plugins.Discover(folder)
	require.NoError(b, err)
	p, err := plugins.Launch(b.Context(), candidate, plugins.Options{Python: needs.Python(b)})
	require.NoError(b, err)
	b.Cleanup(p.Stop)
	about, err := p.Describe(b.Context(), nil)
	require.NoError(b, err)
	return p, about
}

// From the start to the reply of Describe, and the stop.
func BenchmarkStartAndStopPython(b *testing.B) {
	folder := pythonPlugin(b, "scaled_py")
	var stops time.Duration
	for b.Loop() {
		p, _ := startedPython(b, folder)
		start := time.Now()
		p.Stop()
		stops += time.Since(start)
	}
	b.ReportMetric(float64(stops.Milliseconds())/float64(b.N), "ms/stop")
}

func BenchmarkAssignPython(b *testing.B) {
	p, about := startedPython(b, pythonPlugin(b, "scaled_py"))
	for _, count := range []int{1_000, 100_000} {
		model := &layout.Layout{Model: layout.Facts{Layers: 12}}
		for i := range count {
			model.Params = append(model.Params, layout.Param{
				Name: fmt.Sprintf("transformer.h.%d.attn.c_proj.weight", i), Shape: []int64{768, 768},
				Role: layout.AttnOut, Layer: i % 12, FanIn: 768, FanOut: 768,
			})
		}
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			options := []byte(`{"depth":"sqrt","embedding_std":0.02,"gain":1,"qk_gain":0.5}`)
			for b.Loop() {
				_, err := p.Assign(b.Context(), about.Modes[0], options, model, dtype.F32)
				require.NoError(b, err)
			}
		})
	}
}

// readyMade yields bytes that cost nothing to make: what is left is the way
// from Python to the host.
const readyMade = `
from weightinit_plugin import Plugin, fill

plugin = Plugin("ready", version="1.0.0")


@plugin.mode("made", version=1, summary="zeros")
def made(layout):
    return [fill() for _ in layout]


@plugin.fill("made")
def values(part):
    block, left = bytes(part.chunk_bytes), part.count * part.itemsize
    while left:
        yield block[:left]
        left -= min(left, len(block))


plugin.serve()
`

func BenchmarkFillPython(b *testing.B) {
	ready := filepath.Join(b.TempDir(), "ready")
	require.NoError(b, os.CopyFS(ready, sdkpython.Files()))
	require.NoError(b, os.WriteFile(filepath.Join(ready, "__main__.py"), []byte(readyMade), 0o600))
	host, r := modes(b, pythonPlugin(b, "fill_py"), ready)
	for mode, n := range map[string]int64{"ready.made": 8192, "fill_py.ternary": 2048, "fill_py.hadamard": 2048} {
		m := configured(b, r, mode)
		b.Run(mode, func(b *testing.B) {
			b.SetBytes(4 * n * n)
			for b.Loop() {
				err := host.Fill(b.Context(), plugins.Filling{Mode: m, Param: square(n), DType: dtype.F32, Count: uint64(n * n)},
					func(uint64, []byte) error { return nil })
				require.NoError(b, err)
			}
		})
	}
}
