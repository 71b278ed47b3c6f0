//go:build linux

package plugins

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/registry"
)

// hosting is a host with the plugins at the given paths.
func hosting(t testing.TB, r *runs, paths ...string) *Host {
	t.Helper()
	h := NewHost(HostOptions{Options: r.options(patient()), Store: filepath.Join(t.TempDir(), "store")})
	t.Cleanup(h.Close)
	for _, path := range paths {
		require.NoError(t, h.AddPath(path))
	}
	return h
}

func TestModesOfAPluginAreModesOfARegistry(t *testing.T) {
	ctx := context.Background()
	r := watch(t)
	h := hosting(t, r, pluginFolder(t, "corp", "good"))
	reg := registry.New()
	require.NoError(t, h.Register(ctx, reg))
	require.Equal(t, 1, r.started())
	require.Equal(t, []string{"corp.flat", "corp.wide"}, reg.Names())
	for name, want := range map[string]string{"corp.wide": "corp.wide@2", "CORP.wide@1": "corp.wide@1", "corp.broad": "corp.wide@2", "corp.flat": "corp.flat@1"} {
		info, err := reg.Lookup(name)
		require.NoError(t, err)
		require.Equal(t, want, info.ID.String())
	}
	info, err := reg.Lookup("corp.wide")
	require.NoError(t, err)
	require.Equal(t, "second", info.Summary)
	require.Contains(t, info.Origin, "plugin corp 1.4.0, not locked, at ")
	require.Equal(t, []string{"two", "lines"}, info.Notes)

	m, err := registry.Configure(info, []string{"gain=2.5"})
	require.NoError(t, err)
	options, err := registry.OptionsJSON(m)
	require.NoError(t, err)
	require.Equal(t, `{"gain":2.5,"kind":1}`, string(options))
	out, err := m.Assign(ctx, small2())
	require.NoError(t, err)
	require.Equal(t, []dist.Dist{
		{Draw: dist.Normal{Mean: 2, Std: 0.02}, Formula: `{"gain":2.5,"kind":1}`},
		{Draw: dist.Filled{}, Formula: `{"gain":2.5,"kind":1}`},
	}, out)
	for setting, words := range map[string]string{"gain=-1": "at least 0", "kind=3": "1, 2", "gone=1": "no such option", "gain=x": "finite number"} {
		_, err := registry.Configure(info, []string{setting})
		var option *registry.OptionError
		require.ErrorAs(t, err, &option, setting)
		require.ErrorContains(t, err, words)
	}
	// A registry can be copied, and the copy works.
	again, err := reg.Clone().Lookup("corp.wide@1")
	require.NoError(t, err)
	out, err = again.New().Assign(ctx, small("a"))
	require.NoError(t, err)
	require.Equal(t, 1.0, out[0].Draw.(dist.Normal).Mean)
	require.Equal(t, 1, r.started(), "one process a plugin")

	started := h.Started()
	require.Len(t, started, 1)
	require.Equal(t, "corp", started[0].Name)
	require.Equal(t, "1.4.0", started[0].Version)
	h.Close()
	_, err = m.Assign(ctx, small2())
	require.ErrorIs(t, err, ErrGone)
	r.nothingLeft()
}

func TestOnlyThePluginOfTheModeIsStarted(t *testing.T) {
	ctx := context.Background()
	corp, acme := pluginFolder(t, "corp", "good"), pluginFolder(t, "acme", "named", "acme", "1.0.0")
	for name, c := range map[string]struct {
		names []string
		want  int
		modes []string
	}{
		"a built-in mode": {[]string{"gpt2"}, 0, nil},
		"one":             {[]string{"corp.wide@1"}, 1, []string{"corp.flat", "corp.wide"}},
		"any letter case": {[]string{"ACME.Wide"}, 1, []string{"acme.flat", "acme.wide"}},
		"an unknown one":  {[]string{"none.wide"}, 0, nil},
		"all":             {nil, 2, []string{"acme.flat", "acme.wide", "corp.flat", "corp.wide"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := watch(t)
			h := hosting(t, r, corp, acme)
			reg := registry.New()
			require.NoError(t, h.Register(ctx, reg, c.names...))
			require.Equal(t, c.want, r.started())
			require.Equal(t, c.modes, reg.Names())
			h.Close()
			r.nothingLeft()
		})
	}
}

func TestAPluginWithoutAManifestIsStartedToLearnItsName(t *testing.T) {
	r := watch(t)
	c := script(t, "exec "+os.Args[0]+" hostile good")
	h := hosting(t, r, c.Path)
	require.NoError(t, h.Register(context.Background(), registry.New(), "gpt2"))
	require.Zero(t, r.started())
	reg := registry.New()
	require.NoError(t, h.Register(context.Background(), reg, "corp.wide"))
	require.Equal(t, []string{"corp.flat", "corp.wide"}, reg.Names())
}

func TestListingTheLockStartsNothing(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	p.add(pluginFolder(t, "corp", "good"))
	h := p.host()
	reg := registry.New()
	require.NoError(t, h.Register(ctx, reg))
	require.Equal(t, []string{"corp.flat", "corp.wide"}, reg.Names())
	copied := reg.Clone()
	require.Equal(t, 1, p.started(), "only by add")
	info, err := copied.Lookup("corp.wide@2")
	require.NoError(t, err)
	require.Contains(t, info.Origin, "locked with h1:")
	_, err = registry.Configure(info, []string{"gain=2"})
	require.Error(t, err)
	require.Equal(t, 1, p.started())
	// Defaults are filled in when it runs.
	out, err := info.New().Assign(ctx, small("a"))
	require.NoError(t, err)
	require.Equal(t, `{"gain":1,"kind":1}`, out[0].Formula)
	require.Equal(t, 2, p.started())
	require.NotEmpty(t, h.Started()[0].H1)
}

func TestAPathTakesThePlaceOfTheLockedPlugin(t *testing.T) {
	p := newPlace(t)
	p.add(pluginFolder(t, "corp", "good"))
	var notes []string
	h := NewHost(HostOptions{Options: p.runs.options(patient()), Store: p.store, Note: func(s string) { notes = append(notes, s) }})
	defer h.Close()
	require.NoError(t, h.AddLock(p.lock))
	require.NoError(t, h.AddPath(pluginFolder(t, "corp", "named", "corp", "9.0.0")))
	reg := registry.New()
	require.NoError(t, h.Register(context.Background(), reg, "corp.wide"))
	require.Equal(t, "9.0.0", h.Started()[0].Version)
	require.Len(t, h.Started(), 1)
	require.Equal(t, []string{`plugin "corp" of weightinit.lock gives way to the one given by its path`}, notes)
}

func TestTwoPluginsOfOneNameAreRefused(t *testing.T) {
	r := watch(t)
	one, two := pluginFolder(t, "corp", "good"), pluginFolder(t, "corp", "good")
	h := hosting(t, r, one)
	err := h.AddPath(two)
	require.ErrorContains(t, err, `its name is "corp", and so is that of the plugin`)
	require.False(t, fault.IsCannotRun(err))
	require.ErrorContains(t, h.AddPath(one), "given twice")
	// Names that only the running plugins tell.
	body := "exec " + os.Args[0] + " hostile good"
	h = hosting(t, r, script(t, body).Path, script(t, body).Path)
	require.ErrorContains(t, h.Register(context.Background(), registry.New()), "its name is")
}

func TestThePluginCannotHaveABuiltInName(t *testing.T) {
	r := watch(t)
	h := hosting(t, r, pluginFolder(t, "corp", "good"))
	reg := registry.New()
	require.NoError(t, reg.Add(registry.Info{ID: registry.ID{Name: "other", Version: 1}, Aliases: []string{"corp"}, New: func() registry.Mode { return &Mode{} }}))
	err := h.Register(context.Background(), reg, "corp.wide")
	require.ErrorIs(t, err, ErrBadReply)
	require.ErrorContains(t, err, "built-in mode")
	r.nothingLeft()
}

func TestAFailedStartIsAnErrorOfRegister(t *testing.T) {
	r := watch(t)
	h := hosting(t, r, pluginFolder(t, "corp", "exit", "3"))
	err := h.Register(context.Background(), registry.New(), "corp.wide")
	require.ErrorIs(t, err, ErrHandshake)
	require.True(t, fault.IsCannotRun(err))
	r.nothingLeft()
}

// filler is a running plugin's mode, and a parameter for it to fill.
func filler(t testing.TB, r *runs, act string) (*Host, Filling) {
	h := hosting(t, r, pluginFolder(t, "corp", act))
	reg := registry.New()
	require.NoError(t, h.Register(context.Background(), reg, "corp.wide"))
	info, err := reg.Lookup("corp.wide")
	require.NoError(t, err)
	return h, Filling{
		Mode: info.New(), Param: layout.Param{Name: "filled", Shape: []int64{100, 25}}, DType: dtype.BF16, Seed: 7, Count: 2500,
	}
}

func TestFillPassesValuesOnInOrder(t *testing.T) {
	h, f := filler(t, watch(t), "good")
	for _, part := range [][2]uint64{{0, 2500}, {1, 1}, {999, 1002}, {2499, 1}, {5, 0}} {
		f.First, f.Count = part[0], part[1]
		next := f.First
		require.NoError(t, h.Fill(context.Background(), f, func(first uint64, data []byte) error {
			require.Equal(t, next, first)
			for ; len(data) > 0; data = data[4:] {
				require.Equal(t, float32(next), math.Float32frombits(binary.LittleEndian.Uint32(data)))
				next++
			}
			return nil
		}))
		require.Equal(t, f.First+f.Count, next)
	}
	f.First, f.Count = 2400, 101
	require.Error(t, h.Fill(context.Background(), f, nil))
	f.First, f.Count = math.MaxUint64, 2
	require.Error(t, h.Fill(context.Background(), f, nil))
	other := f
	other.Mode = &Mode{plugin: &external{host: &Host{}}}
	require.ErrorIs(t, h.Fill(context.Background(), other, nil), ErrUnsupported)
	flat := f
	flat.First, flat.Count = 0, 2500
	m := *f.Mode.(*Mode)
	about := *m.about
	about.Fills = false
	m.about = &about
	flat.Mode = &m
	require.ErrorIs(t, h.Fill(context.Background(), flat, nil), ErrUnsupported)
}

func TestAnErrorOfTheSinkIsReturnedAsItIs(t *testing.T) {
	h, f := filler(t, watch(t), "good")
	full := errors.New("disk full")
	err := h.Fill(context.Background(), f, func(uint64, []byte) error { return full })
	require.Equal(t, full, err)
	require.NoError(t, h.Fill(context.Background(), f, func(uint64, []byte) error { return nil }))
}

func TestASlowSinkIsNotThePluginsFault(t *testing.T) {
	r := watch(t)
	h, f := filler(t, r, "good")
	h.plugins[0].process.times.fill = slow * 150 * time.Millisecond
	pause := slow * 100 * time.Millisecond
	require.NoError(t, h.Fill(context.Background(), f, func(uint64, []byte) error { time.Sleep(2 * pause); return nil }))
}

func TestAtMostTwoFillsRunAtOnce(t *testing.T) {
	h, f := filler(t, watch(t), "good")
	var now, most atomic.Int32
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			first := true
			err := h.Fill(context.Background(), f, func(uint64, []byte) error {
				if first {
					first = false
					n := now.Add(1)
					for have := most.Load(); n > have && !most.CompareAndSwap(have, n); have = most.Load() {
					}
					time.Sleep(10 * time.Millisecond)
					now.Add(-1)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.LessOrEqual(t, most.Load(), int32(maxFills))
}

func BenchmarkLaunchDescribeStop(b *testing.B) {
	c := playing(b, "good")
	for b.Loop() {
		p, err := Launch(context.Background(), c, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Describe(context.Background(), nil); err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		p.Stop()
		b.ReportMetric(float64(time.Since(began).Microseconds())/1000, "stop-ms")
	}
}
