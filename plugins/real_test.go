//go:build linux

package plugins

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/registry"
)

// BenchmarkFill measures the values of a filled parameter on their way through
// the example plugin and TLS.
func BenchmarkFill(b *testing.B) {
	path := filepath.Join(b.TempDir(), "filled")
	out, err := exec.Command("go", "build", "-o", path, "./examples/filled").CombinedOutput()
	require.NoError(b, err, string(out))
	h := NewHost(HostOptions{})
	defer h.Close()
	require.NoError(b, h.AddPath(path))
	reg := registry.New()
	require.NoError(b, h.Register(context.Background(), reg))
	info, err := reg.Lookup(reg.Names()[0])
	require.NoError(b, err)
	const count = 16 << 20
	f := Filling{Mode: info.New(), Param: layout.Param{Name: "w", Shape: []int64{4096, count / 4096}, Role: layout.Query, FanIn: 4096, FanOut: 4096}, DType: layout.F32, Count: count}
	b.SetBytes(4 * count)
	for b.Loop() {
		require.NoError(b, h.Fill(context.Background(), f, func(uint64, []byte) error { return nil }))
	}
}

// TestAPythonPluginForReal runs where an interpreter with grpcio is: the one
// that WEIGHTINIT_TEST_PYTHON names.
func TestAPythonPluginForReal(t *testing.T) {
	python := os.Getenv("WEIGHTINIT_TEST_PYTHON")
	if python == "" {
		t.Skip("WEIGHTINIT_TEST_PYTHON names no interpreter with grpcio")
	}
	folder, err := filepath.Abs("examples/scaled_py")
	require.NoError(t, err)
	r := watch(t)
	o := r.options(patient())
	o.Python = python
	c, err := Discover(folder)
	require.NoError(t, err)
	began := time.Now()
	p, err := Launch(context.Background(), c, o)
	require.NoError(t, err)
	defer p.Stop()
	d, err := p.Describe(context.Background(), nil)
	require.NoError(t, err)
	t.Log("described after", time.Since(began))
	began = time.Now()
	_, err = p.Assign(context.Background(), d.Modes[0], []byte(`{}`), small("a", "b"), layout.F32)
	t.Log("assign", time.Since(began), err)
	began = time.Now()
	p.Stop()
	t.Log("stopped after", time.Since(began))
	how, _ := p.ExitStatus()
	require.Equal(t, "exit status 0", how)
	r.nothingLeft()
}
