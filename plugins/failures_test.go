//go:build linux

package plugins

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/layout"
)

// use does everything that a run does with a plugin: launch, describe, assign,
// fill, stop.
func use(ctx context.Context, c Candidate, o Options, parameters *layout.Layout) error {
	p, err := Launch(ctx, c, o)
	if err != nil {
		return err
	}
	defer p.Stop()
	d, err := p.Describe(ctx, nil)
	if err != nil {
		return err
	}
	h := &Host{opt: HostOptions{Options: o, DType: dtype.F32}}
	m := &Mode{plugin: &external{host: h, process: p, about: d, cand: c}, id: idOf(d.Modes[0].ID, d.Modes[0].Version), about: &d.Modes[0], values: map[string]any{}}
	if _, err := m.Assign(ctx, parameters); err != nil {
		return err
	}
	return h.Fill(ctx, Filling{Mode: m, Param: parameters.Params[1], DType: dtype.F32, Count: 12}, func(uint64, []byte) error { return nil })
}

// failing is a plugin that must cost one line and nothing else.
type failing struct {
	name  string
	cand  Candidate
	is    error
	input bool     // exit code 2 in place of 3
	words []string // of the line
	never []string
	start time.Duration // start timeout, when silence is the point
	times *deadlines    // nil means the usual ones
	// within bounds the whole run; 0 means what any failure may cost.
	within time.Duration
}

// script is an executable shell script.
func script(t testing.TB, body string) Candidate {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plugin.sh")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o700))
	return Candidate{Given: "dir/plugin.sh", Path: path, Kind: Executable}
}

// line is the plugin that prints a line of its own making.
func line(t testing.TB, text string) Candidate { return playing(t, "line", text) }

func failures(t *testing.T) []failing {
	const soon = 700 * time.Millisecond
	noise := "must print nothing else on stdout"
	sound := "1|1|unix|{sock}|grpc|{cert}"
	with := func(field int, value string) Candidate {
		fields := strings.Split(sound, "|")
		fields[field-1] = value
		return line(t, strings.Join(fields, "|"))
	}
	garbage := filepath.Join(t.TempDir(), "garbage")
	require.NoError(t, os.WriteFile(garbage, []byte("\x7fELF nothing that could run"), 0o700))
	return []failing{
		// programs that cannot be started
		{name: "exec format", cand: Candidate{Given: garbage, Path: garbage, Kind: Executable}, is: ErrStart, words: []string{"cannot start", "exec format error", "linux/"}},
		{name: "interpreter missing", cand: Candidate{Given: "s", Path: badShebang(t), Kind: Executable}, is: ErrStart, words: []string{"cannot start", "no such file"}},
		{name: "no such Python", cand: Candidate{Given: "p", Path: t.TempDir(), Kind: Python}, is: ErrStart, words: []string{"Python interpreter", "not found", "name an interpreter"}},

		// no handshake
		{name: "exit at once", cand: playing(t, "exit", "7", "first", "no module named grpc"), is: ErrHandshake, words: []string{"ended before the handshake (exit status 7)", `its last line on stderr: "no module named grpc"`}},
		{name: "exit without a word", cand: playing(t, "exit", "0"), is: ErrHandshake, words: []string{"ended before the handshake (exit status 0)"}, never: []string{"stderr"}},
		{name: "panic at once", cand: playing(t, "exit", "2", "panic: boom", "", "goroutine 1 [running]:", "main.main()"), is: ErrHandshake, words: []string{"exit status 2", `"panic: boom"`}},
		{name: "killed at once", cand: script(t, "kill -9 $$"), is: ErrHandshake, words: []string{"signal: killed"}},
		{name: "silent", cand: playing(t, "silent"), is: ErrTimeout, start: soon, words: []string{"no handshake within 700ms", "a longer time"}},
		{name: "silent script", cand: script(t, "sleep 60"), is: ErrTimeout, start: soon, words: []string{"no handshake within"}},
		{name: "ignores signals", cand: playing(t, "ignore"), is: ErrTimeout, start: soon, words: []string{"no handshake within"}},
		{name: "script ignores signals", cand: script(t, "trap '' INT TERM HUP; while :; do sleep 1; done"), is: ErrTimeout, start: soon},
		{name: "closes stdout", cand: playing(t, "closestdout"), is: ErrHandshake, words: []string{"closed its stdout before the handshake"}},
		{name: "half a line", cand: playing(t, "halfline"), is: ErrHandshake, words: []string{"has no end", "1|1|unix|"}},
		{name: "half a line and the end", cand: script(t, `printf "1|1|"; echo bye >&2; exit 3`), is: ErrHandshake, words: []string{"in the middle", "exit status 3", "bye"}},
		{name: "forks", cand: playing(t, "fork"), is: ErrHandshake, words: []string{"Welcome"}},
		{name: "script forks", cand: script(t, "sleep 60 & sleep 60 & echo hello; wait"), is: ErrHandshake, words: []string{`"hello"`}},
		{name: "daemonises", cand: playing(t, "daemon"), is: ErrHandshake, words: []string{"ended before the handshake (exit status 0)"}},
		{name: "script daemonises", cand: script(t, "setsid sleep 60 >/dev/null 2>&1 & exit 0"), is: ErrHandshake, words: []string{"ended before the handshake"}},

		// lines that are none
		{name: "welcome", cand: line(t, "Welcome to corp 1.0"), is: ErrHandshake, words: []string{`first output line is not a handshake: "Welcome to corp 1.0"`, noise}},
		{name: "empty line", cand: line(t, ""), is: ErrHandshake, words: []string{"not a handshake", noise}},
		{name: "escapes", cand: line(t, "{esc}hello"), is: ErrHandshake, words: []string{`\x1b[2J`, "hello"}},
		{name: "NUL", cand: line(t, "a{nul}b"), is: ErrHandshake, words: []string{`a\x00b`}},
		{name: "a megabyte", cand: playing(t, "megabyte"), is: ErrHandshake, words: []string{"longer than 8192 bytes"}},
		{name: "endless", cand: script(t, "exec cat /dev/zero"), is: ErrHandshake, words: []string{"longer than 8192 bytes"}},
		{name: "endless lines", cand: script(t, "exec yes"), is: ErrHandshake, words: []string{`"y"`}},
		{name: "endless stderr", cand: script(t, "yes >&2"), is: ErrTimeout, start: soon, words: []string{"no handshake"}},
		{name: "JSON", cand: line(t, `{"@message":1}`), is: ErrHandshake, words: []string{"not a handshake"}},

		// lines with one wrong field
		{name: "core protocol", cand: with(1, "2"), is: ErrHandshake, words: []string{"core protocol", "field 1"}},
		{name: "version 2", cand: with(2, "2"), is: ErrHandshake, words: []string{"speaks protocol 2, this weightinit speaks 1"}},
		{name: "version 0", cand: with(2, "0"), is: ErrHandshake, words: []string{"speaks protocol 0"}},
		{name: "version word", cand: with(2, "one"), is: ErrHandshake, words: []string{"not a handshake"}},
		{name: "version negative", cand: with(2, "-1"), is: ErrHandshake, words: []string{"not a handshake"}},
		{name: "tcp", cand: line(t, "1|1|tcp|127.0.0.1:22|grpc|{cert}"), is: ErrHandshake, words: []string{"network", "tcp"}},
		{name: "vsock", cand: with(3, "vsock"), is: ErrHandshake, words: []string{"network"}},
		{name: "socket elsewhere", cand: with(4, "/dev/log"), is: ErrHandshake, words: []string{"working directory"}},
		{name: "socket upward", cand: with(4, "{dir}/../s"), is: ErrHandshake, words: []string{"working directory"}},
		{name: "socket below", cand: with(4, "{dir}/sub/s"), is: ErrHandshake, words: []string{"working directory"}},
		{name: "socket relative", cand: with(4, "s"), is: ErrHandshake, words: []string{"working directory"}},
		{name: "socket abstract", cand: with(4, "@abstract"), is: ErrHandshake, words: []string{"working directory"}},
		{name: "socket link", cand: with(4, "{dir}/link"), is: ErrHandshake, words: []string{"no socket at"}},
		{name: "socket file", cand: with(4, "{dir}/file"), is: ErrHandshake, words: []string{"no socket at"}},
		{name: "socket missing", cand: with(4, "{dir}/none"), is: ErrHandshake, words: []string{"no socket at"}},
		{name: "socket long", cand: with(4, "{dir}/{long}"), is: ErrHandshake, words: []string{"the limit is 107"}},
		{name: "netrpc", cand: with(5, "netrpc"), is: ErrHandshake, words: []string{`field 5 must be "grpc"`, "netrpc"}},
		{name: "four fields", cand: line(t, "1|1|unix|{sock}"), is: ErrHandshake, words: []string{`field 5 must be "grpc"`}},
		{name: "no certificate", cand: with(6, ""), is: ErrHandshake, words: []string{"no certificate in field 6"}},
		{name: "five fields", cand: line(t, "1|1|unix|{sock}|grpc"), is: ErrHandshake, words: []string{"no certificate in field 6"}},
		{name: "certificate true", cand: with(6, "true"), is: ErrHandshake, words: []string{"certificate in field 6"}},
		{name: "certificate not base64", cand: with(6, "{esc}"+strings.Repeat("!", 60)), is: ErrHandshake, words: []string{"not base64"}},
		{name: "certificate padded", cand: with(6, strings.Repeat("A", 59)+"="), is: ErrHandshake, words: []string{"not base64"}},
		{name: "certificate garbage", cand: with(6, strings.Repeat("A", 80)), is: ErrHandshake, words: []string{"not a certificate"}},
		{name: "certificate expired", cand: with(6, "{expired}"), is: ErrHandshake, words: []string{"valid from", "not now"}},
		{name: "certificate for another name", cand: with(6, "{other}"), is: ErrHandshake, words: []string{`not for the name "localhost"`}},

		// no connection
		{name: "accepts and stays silent", times: hurry("connect"), cand: playing(t, "accept"), is: ErrTimeout, words: []string{"no connection within"}},
		{name: "does not accept", times: hurry("connect"), cand: playing(t, "noaccept"), is: ErrTimeout, words: []string{"no connection within"}},
		{name: "hangs up", cand: playing(t, "hangup"), is: ErrConnect},
		{name: "breaks TLS", cand: playing(t, "breaktls"), is: ErrConnect},
		{name: "plain gRPC", cand: playing(t, "plaingrpc"), is: ErrConnect},
		{name: "another certificate", cand: playing(t, "othercert"), is: ErrConnect, words: []string{"certificate"}},
		{name: "no health service", cand: playing(t, "nohealth"), is: ErrConnect, words: []string{"does not serve grpc.health.v1.Health"}},
		{name: "not serving", cand: playing(t, "notserving"), is: ErrConnect, words: []string{"NOT_SERVING"}},
		{name: "ends after the handshake", cand: playing(t, "endafter"), is: ErrConnect, words: []string{"exit status 5", "out of luck"}},
		{name: "answers nonsense", cand: playing(t, "nonsense"), is: ErrConnect},
		{name: "answers 500", cand: playing(t, "http500"), is: ErrConnect},

		// calls
		{name: "no Mode service", cand: playing(t, "nomode"), is: ErrUnsupported, words: []string{"describe", "weightinit.mode.v1"}},
		{name: "4 GiB reply", cand: playing(t, "claims4g"), is: ErrTooLarge, words: []string{"describe", "too large"}},
		{name: "garbage reply", cand: playing(t, "garbagebody"), is: ErrBadReply, words: []string{"describe"}},
		{name: "giant trailer", cand: playing(t, "bigtrailer")},
		{name: "describe hangs", times: hurry("describe"), cand: playing(t, "describe", "hang"), is: ErrTimeout, words: []string{"describe: no answer within"}},
		{name: "describe crashes", cand: playing(t, "describe", "panic"), is: ErrGone, words: []string{"describe", "the plugin ended (exit status 2)", "panic: no such matrix"}},
		{name: "describe fails", cand: playing(t, "describe", "status", "13", "oh\nno\x1b[2J"), is: ErrPlugin, words: []string{`oh\nno\x1b[2J`}},
		{name: "a built-in name", cand: playing(t, "named", "torch", "1.0.0"), is: ErrBadReply, words: []string{"name", "torch", "reserved"}},
		{name: "a bad version", cand: playing(t, "named", "corp", "one"), is: ErrBadReply, words: []string{"version", "one"}},
		{name: "another name than its manifest", cand: named(playing(t, "good"), "acme"), is: ErrBadReply, words: []string{"acme", "corp"}},
		{name: "assign hangs", times: hurry("assign"), cand: playing(t, "assign", "hang"), is: ErrTimeout, words: []string{"assign: no answer within", "a longer time"}},
		{name: "assign exits", cand: playing(t, "assign", "exit"), is: ErrGone, words: []string{"the plugin ended (exit status 3)", "I give up"}},
		{name: "assign segfaults", cand: playing(t, "assign", "kill"), is: ErrGone, words: []string{"the plugin ended", "SIGSEGV"}},
		{name: "assign: option", cand: playing(t, "assign", "status", "3", "gain must be odd"), is: ErrOption, input: true, words: []string{"refuses an option", "gain must be odd"}},
		{name: "assign: mode", cand: playing(t, "assign", "status", "5", "no wide"), is: ErrUnknownMode, input: true, words: []string{"no wide"}},
		{name: "assign: model", cand: playing(t, "assign", "status", "9", "no conv"), is: ErrLayout, input: true, words: []string{"cannot do this model", "no conv"}},
		{name: "assign: unimplemented", cand: playing(t, "assign", "status", "12", "later"), is: ErrUnsupported},
		{name: "assign: internal", cand: playing(t, "assign", "status", "13", "ValueError: x"), is: ErrPlugin, words: []string{"ValueError: x"}},
		{name: "assign: says cancelled", cand: playing(t, "assign", "status", "1", "x"), is: ErrPlugin},
		{name: "assign: says data loss", cand: playing(t, "assign", "status", "15", "x"), is: ErrBadReply},
		{name: "assign: code of its own", cand: playing(t, "assign", "status", "77", "x"), is: ErrPlugin},
		{name: "assign: too few", cand: playing(t, "short"), is: ErrBadReply, words: []string{"0 entries for 2 parameters"}},
		{name: "assign: 70 MiB reply", cand: playing(t, "huge"), is: ErrTooLarge, words: []string{"67108864"}, within: 14 * time.Second},
		{name: "fill hangs", times: hurry("fill"), cand: playing(t, "fill", "hang"), is: ErrTimeout, words: []string{"fill: no answer within"}},
		{name: "fill leaves a gap", cand: playing(t, "fill", "gap"), is: ErrBadReply, words: []string{"filled", "element 3 comes next"}},
		{name: "fill overlaps", cand: playing(t, "fill", "overlap"), is: ErrBadReply, words: []string{"element 3 comes next"}},
		{name: "fill too few", cand: playing(t, "fill", "few"), is: ErrBadReply, words: []string{"9 are missing"}},
		{name: "fill too many", cand: playing(t, "fill", "many"), is: ErrBadReply, words: []string{"only 12 are left"}},
		{name: "fill empty chunk", cand: playing(t, "fill", "empty"), is: ErrBadReply, words: []string{"0 bytes"}},
		{name: "fill half an element", cand: playing(t, "fill", "half"), is: ErrBadReply, words: []string{"not whole elements"}},
		{name: "fill 5 MiB chunk", cand: playing(t, "fill", "large"), is: ErrBadReply},
		{name: "fill NaN", cand: playing(t, "fill", "nan"), is: ErrBadReply, words: []string{"element 2 is not a finite number"}},
		{name: "fill fails", cand: playing(t, "fill", "fail"), is: ErrPlugin, words: []string{"ran dry"}},
		{name: "fill exits", cand: playing(t, "fill", "exit"), is: ErrGone, words: []string{"exit status 4"}},
	}
}

func named(c Candidate, name string) Candidate {
	c.Name = name
	return c
}

func badShebang(t testing.TB) string {
	path := filepath.Join(t.TempDir(), "plugin")
	require.NoError(t, os.WriteFile(path, []byte("#!/no/such/interpreter\n"), 0o700))
	return path
}

func TestEveryFailureCostsOneLineAndLeavesNothing(t *testing.T) {
	all := failures(t)
	type outcome struct {
		err  error
		took time.Duration
		runs *runs
	}
	outcomes := make([]outcome, len(all))
	// Most of them wait, so more run at once than there are processors.
	var group errgroup.Group
	group.SetLimit(6)
	for i, f := range all {
		group.Go(func() error {
			r := watch(t)
			if f.times == nil {
				f.times = patient()
			}
			o := r.options(f.times)
			o.StartTimeout = f.start
			o.Python = "/no/such/python"
			began := time.Now()
			err := use(context.Background(), f.cand, o, small2())
			outcomes[i] = outcome{err, time.Since(began), r}
			return nil
		})
	}
	_ = group.Wait()
	for i, f := range all {
		t.Run(f.name, func(t *testing.T) {
			o := outcomes[i]
			require.Error(t, o.err)
			checkLine(t, o.err, f)
			if f.within == 0 {
				f.within = 14 * time.Second
			}
			require.Less(t, o.took, f.within)
			t.Log("after", o.took)
			o.runs.t = t
			o.runs.nothingLeft()
		})
	}
	t.Log(len(all), "failures")
}

func checkLine(t *testing.T, err error, f failing) {
	t.Helper()
	text := err.Error()
	if f.is != nil {
		require.ErrorIs(t, err, f.is, text)
	}
	require.Equal(t, !f.input, fault.IsCannotRun(err), text)
	var own *Error
	require.True(t, errors.As(err, &own), text)
	require.Equal(t, f.cand.Given, own.Path)
	require.True(t, strings.HasPrefix(text, `plugin "`+f.cand.Given+`": `), text)
	require.NotContains(t, text, "\n")
	require.NotContains(t, text, "\x1b")
	require.Less(t, len(text), 1500)
	for _, w := range f.words {
		require.Contains(t, text, w)
	}
	for _, w := range f.never {
		require.NotContains(t, text, w)
	}
	t.Log(text)
}
