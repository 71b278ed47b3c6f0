//go:build linux

package plugins

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/needs"
)

// BenchmarkFill measures values on their way through a plugin that has them
// ready: gRPC, TLS, the checks of every chunk.
func BenchmarkFill(b *testing.B) {
	h, f := filler(b, watch(b), "stream")
	const count = 32 << 20
	f.Param.Shape, f.Count, f.DType = []int64{4096, count / 4096}, count, dtype.F32
	b.SetBytes(4 * count)
	for b.Loop() {
		require.NoError(b, h.Fill(context.Background(), f, func(uint64, []byte) error { return nil }))
	}
}

// TestAPythonPluginForReal runs where an interpreter with grpcio is.
func TestAPythonPluginForReal(t *testing.T) {
	python := needs.Python(t)
	// A folder that brings the SDK along needs no installed one.
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS("examples/scaled_py")))
	require.NoError(t, os.CopyFS(filepath.Join(folder, "weightinit_plugin"), os.DirFS("sdk/python/weightinit_plugin")))
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
	_, err = p.Assign(context.Background(), d.Modes[0], []byte(`{}`), small("a", "b"), dtype.F32)
	require.NoError(t, err)
	t.Log("assign", time.Since(began))
	began = time.Now()
	p.Stop()
	t.Log("stopped after", time.Since(began))
	how, _ := p.ExitStatus()
	require.Equal(t, "exit status 0", how)
	r.nothingLeft()
}
