//go:build unix

package conformance_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/internal/needs"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins"
	"github.com/weightinit/weightinit/plugins/conformance"
	"github.com/weightinit/weightinit/plugins/sdk"
	"github.com/weightinit/weightinit/registry"
)

// actName is handed through to plugins: it makes the test binary one.
const actName = "WEIGHTINIT_KIT_TEST_ACT"

func TestMain(m *testing.M) {
	if act := os.Getenv(actName); act != "" { // of a plugin only: tests set it later
		play(act)
	}
	os.Exit(m.Run())
}

// plain is a mode that fills everything with one distribution.
type plain struct {
	act    string
	stdout *os.File
}

func (p *plain) Assign(_ context.Context, l *layout.Layout) ([]dist.Dist, error) {
	switch p.act {
	case "print":
		_, _ = p.stdout.WriteString("hello\n")
	case "pid":
		return many(l, dist.Constant{Value: float64(os.Getpid())}), nil
	}
	return many(l, dist.Constant{}), nil
}

func many(l *layout.Layout, d dist.Draw) []dist.Dist {
	out := make([]dist.Dist, len(l.Params))
	for i := range out {
		out[i].Draw = d
	}
	return out
}

// play breaks one promise of a process and is a good plugin otherwise.
func play(act string) {
	mode := &plain{act: act}
	switch act {
	case "print":
		fd, err := unix.Dup(1)
		if err != nil {
			os.Exit(9)
		}
		mode.stdout = os.NewFile(uintptr(fd), "stdout")
	case "no_help":
		if os.Getenv("WEIGHTINIT_PLUGIN") == "" {
			os.Exit(0)
		}
	case "stdin":
		r, _, err := os.Pipe()
		if err != nil || unix.Dup2(int(r.Fd()), 0) != nil {
			os.Exit(9)
		}
	case "sigint":
		ch := make(chan os.Signal, 1)
		go func() {
			// Again and again, as the SDK undoes what was asked for before.
			for ; ; time.Sleep(time.Millisecond) {
				signal.Notify(ch, os.Interrupt)
				select {
				case <-ch:
					os.Exit(130)
				default:
				}
			}
		}()
	case "litter":
		if err := os.WriteFile("cache", nil, 0o600); err != nil {
			os.Exit(9)
		}
	case "child":
		cmd := exec.Command("sleep", "20")
		if err := cmd.Start(); err != nil {
			os.Exit(9)
		}
	}
	sdk.Serve(sdk.Plugin{Name: "kit", Version: "1.0.0", Modes: []sdk.Mode{
		{ID: "plain", Version: 1, Summary: "a test " + fmt.Sprint(act == "pid"), New: func() registry.Mode { return mode }},
	}})
}

func onProcess(t *testing.T, act, only string) conformance.Report {
	t.Helper()
	t.Setenv(actName, act)
	self, err := os.Executable()
	require.NoError(t, err)
	c, err := plugins.Discover(self)
	require.NoError(t, err)
	options := conformance.Options{Start: plugins.Options{Env: []string{actName}}}
	if only != "" {
		options.Run = regexp.MustCompile("^" + only + "$")
	}
	report, err := conformance.Run(t.Context(), c, options)
	require.NoError(t, err)
	return report
}

func TestAProcessThatKeepsToTheProtocolPassesAll(t *testing.T) {
	report := onProcess(t, "good", "")
	require.Equal(t, "kit", report.Plugin)
	for _, r := range report.Results {
		require.NotEqual(t, conformance.Fail, r.Status, "%s: %s", r.Name, r.Reason)
	}
}

func TestEachCheckOfProcessesFindsWhatItIsAbout(t *testing.T) {
	for _, c := range []struct{ act, check, want string }{
		{"print", "start.quiet", `"hello\n" came on stdout after the handshake`},
		{"no_help", "start.cookie", "ends with exit status 0, must be 1"},
		{"stdin", "stop.parent", "still there 5s after the end of stdin"},
		{"sigint", "stop.sigint", "does not answer after an interrupt"},
		{"litter", "stop.shutdown", `1 entries are left in its working directory, such as "cache"`},
		{"child", "stop.children", "1 processes of its run are left"},
		{"pid", "assign.process", "in another process"},
	} {
		t.Run(c.check, func(t *testing.T) {
			report := onProcess(t, c.act, c.check)
			require.Len(t, report.Results, 1)
			r := report.Results[0]
			if c.act == "child" && r.Status == conformance.Skip {
				needs.Skip(t, "needs what the check needs: %s", r.Reason)
			}
			require.Equal(t, conformance.Fail, r.Status)
			require.Contains(t, r.Reason, c.want)
		})
	}
}
