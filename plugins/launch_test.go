package plugins

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/layout"
)

// playing is the test binary as the plugin of that name.
func playing(t testing.TB, act string, args ...string) Candidate {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	return Candidate{
		Given: "./" + act, Path: filepath.Dir(self), Kind: Manifest,
		Run: append([]string{filepath.Base(self), "hostile", act}, args...),
	}
}

func small(params ...string) *layout.Layout {
	l := &layout.Layout{}
	for _, name := range params {
		l.Params = append(l.Params, layout.Param{Name: name, Shape: []int64{4, 3}, Role: layout.Query, Layer: 0, FanIn: 3, FanOut: 4})
	}
	return l
}

func TestAGoodPluginIsLaunchedAskedAndStopped(t *testing.T) {
	ctx := context.Background()
	began := time.Now()
	p, err := Launch(ctx, playing(t, "good"), Options{})
	require.NoError(t, err)
	defer p.Stop()
	launched := time.Now()
	d, err := p.Describe(ctx, nil)
	require.NoError(t, err)
	described := time.Now()
	require.Equal(t, "corp", d.Name)
	out, err := p.Assign(ctx, d.Modes[1], []byte(`{"gain":1}`), small("a", "b"), layout.F32)
	require.NoError(t, err)
	require.Len(t, out, 2)
	asked := time.Now()
	p.Stop()
	t.Log("launch", launched.Sub(began), "describe", described.Sub(launched), "assign", asked.Sub(described), "stop", time.Since(asked))
	require.NoDirExists(t, p.RunDir())
	how, ended := p.ExitStatus()
	require.True(t, ended)
	require.Equal(t, "exit status 0", how)
}
