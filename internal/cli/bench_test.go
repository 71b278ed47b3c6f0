package cli

import (
	"context"
	"encoding/binary"
	"math"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins"
	"github.com/weightinit/weightinit/rng"
)

// What bench times on several threads is the tensor that it times on one.
func TestTruncatedNormalsOnManyThreadsAreThoseOfOne(t *testing.T) {
	const n = 300_001
	want, s := make([]float32, n), rng.New(1)
	_, err := rng.BeginTruncated[float32](s, dist.TruncNormal{Std: 0.02, A: -2, B: 2}, n).Next(want, func() error { return nil })
	require.NoError(t, err)
	got := make(memorySink, 4*n)
	run, err := truncatedInto(t.Context(), got, 3)
	require.NoError(t, err)
	require.NoError(t, run())
	for i, v := range want {
		require.Equal(t, math.Float32bits(v), binary.LittleEndian.Uint32(got[4*i:]), "element %d", i)
	}
}

// A kernel's help is printed for its name, so one row of a name has it, and no
// two rows are the same.
func TestKernelsAreToldApart(t *testing.T) {
	rows, helps := map[[2]string][]int{}, map[string]int{}
	for _, k := range benchKernels {
		key := [2]string{k.name, k.stored}
		require.NotContains(t, rows[key], k.size)
		rows[key] = append(rows[key], k.size)
		if k.help != "" {
			helps[k.name]++
			require.Equal(t, 1, helps[k.name], k.name)
		}
		require.True(t, k.size == 0 || !k.parallel, "%s: --n is not for it, nor are threads", k.name)
	}
}

func TestAStoppedBenchSaysWhy(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errNotHere)
	_, err := benchKernels[0].measure(ctx, 1000, 1)
	require.ErrorIs(t, err, errNotHere)
}

// startedPlugin is the Go example plugin as a process, behind the real host:
// mutual TLS over a Unix socket, every check of the protocol.
func startedPlugin(b *testing.B, program string) (*plugins.Process, *plugins.Description) {
	b.Helper()
	candidate, err := plugins.Discover(program)
	require.NoError(b, err)
	p, err := plugins.Launch(b.Context(), candidate, plugins.Options{})
	require.NoError(b, err)
	about, err := p.Describe(b.Context(), nil)
	require.NoError(b, err)
	return p, about
}

func builtPlugin(b *testing.B) string {
	b.Helper()
	program := filepath.Join(b.TempDir(), "scaled")
	out, err := exec.Command("go", "build", "-o", program, "../../plugins/examples/scaled").CombinedOutput()
	require.NoError(b, err, "%s", out)
	return program
}

// BenchmarkPluginFirstCall is from the start of a plugin to the reply of its
// first call; the end of the process is not counted.
func BenchmarkPluginFirstCall(b *testing.B) {
	program := builtPlugin(b)
	b.ResetTimer()
	for b.Loop() {
		p, _ := startedPlugin(b, program)
		b.StopTimer()
		p.Stop()
		b.StartTimer()
	}
}

// BenchmarkPluginCall is a call to a plugin that runs: the distribution of one
// parameter.
func BenchmarkPluginCall(b *testing.B) {
	p, about := startedPlugin(b, builtPlugin(b))
	defer p.Stop()
	model := &layout.Layout{Model: layout.Facts{Layers: 1}, Params: []layout.Param{{
		Name: "h.0.attn.c_proj.weight", Shape: []int64{64, 64}, Role: layout.AttnOut, FanIn: 64, FanOut: 64,
	}}}
	for b.Loop() {
		_, err := p.Assign(b.Context(), about.Modes[0], []byte(`{"depth":"sqrt","embedding_std":0.02,"gain":1,"qk_gain":0.5}`), model, dtype.F32)
		require.NoError(b, err)
	}
}
