//go:build linux

package plugins

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/registry"
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

func small2() *layout.Layout { return small("a", "filled") }

func idOf(name string, version int) registry.ID {
	return registry.ID{Plugin: "corp", Name: name, Version: version}
}

// runs collects what was started, so that a test can prove that nothing is
// left of it.
type runs struct {
	t    testing.TB
	mu   sync.Mutex
	ids  []string
	dirs []string
	log  []LogLine
}

// hurry shortens one deadline, so that a test that must miss it ends soon; the
// others leave room for a loaded machine.
func hurry(stage string) *deadlines {
	d := patient()
	const soon = 600 * time.Millisecond
	switch stage {
	case "connect":
		d.connect = soon
	case "describe":
		d.describe = soon
	case "assign":
		d.assign = soon
	case "fill":
		d.fill = soon
	}
	return d
}

// patient are for plugins that should answer.
func patient() *deadlines { d := defaultDeadlines; return &d }

func watch(t testing.TB) *runs { return &runs{t: t} }

func (r *runs) options(times *deadlines) Options {
	return Options{times: times, Log: func(l LogLine) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.log = append(r.log, l)
	}, starting: func(_, env []string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, v := range env {
			if id, ok := strings.CutPrefix(v, runIDName+"="); ok {
				r.ids = append(r.ids, id)
			}
			if dir, ok := strings.CutPrefix(v, "TMPDIR="); ok {
				r.dirs = append(r.dirs, dir)
			}
		}
	}}
}

func (r *runs) started() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.ids)
}

// nothingLeft fails unless every process and folder of the runs is gone.
func (r *runs) nothingLeft() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range r.ids {
		require.Empty(r.t, processesOf(id), "processes are left")
	}
	for _, dir := range r.dirs {
		require.NoDirExists(r.t, dir)
	}
}

// launch starts a plugin that must start.
func (r *runs) launch(c Candidate) *Process {
	r.t.Helper()
	p, err := Launch(context.Background(), c, r.options(patient()))
	require.NoError(r.t, err)
	r.t.Cleanup(p.Stop)
	return p
}

// ask describes the plugin and lets its first mode assign.
func (r *runs) ask(p *Process, params ...string) map[string]string {
	r.t.Helper()
	d, err := p.Describe(context.Background(), nil)
	require.NoError(r.t, err)
	out, err := p.Assign(context.Background(), d.Modes[0], []byte(`{"gain":1}`), small(params...), dtype.F32)
	require.NoError(r.t, err)
	formulas := map[string]string{}
	for i, name := range params {
		formulas[name] = out[i].Formula
	}
	return formulas
}

func TestAGoodPluginIsLaunchedAskedAndStopped(t *testing.T) {
	r := watch(t)
	ctx := context.Background()
	began := time.Now()
	p := r.launch(playing(t, "good"))
	launched := time.Now()
	d, err := p.Describe(ctx, nil)
	require.NoError(t, err)
	described := time.Now()
	require.Equal(t, "corp", d.Name)
	out, err := p.Assign(ctx, d.Modes[1], []byte(`{"gain":1}`), small("a", "b"), dtype.F32)
	require.NoError(t, err)
	require.Len(t, out, 2)
	asked := time.Now()
	p.Stop()
	t.Log("launch", launched.Sub(began), "describe", described.Sub(launched), "assign", asked.Sub(described), "stop", time.Since(asked))
	how, ended := p.ExitStatus()
	require.True(t, ended)
	require.Equal(t, "exit status 0", how)
	p.Stop() // again
	r.nothingLeft()
}
