//go:build linux

package plugins

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/internal/wire"
)

// The tests of this file are the rows of the table of hazards in the
// protocol's specification; each fails when its counter-measure is taken away.

// stopsWithin stops a process and bounds the time.
func stopsWithin(t testing.TB, p *Process, limit time.Duration) {
	t.Helper()
	began := time.Now()
	p.Stop()
	require.Less(t, time.Since(began), limit)
}

// alive reports whether a process runs.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil && !ended(pid) }

func goneWithin(t testing.TB, pid int, limit time.Duration) {
	t.Helper()
	require.Eventually(t, func() bool { return !alive(pid) }, limit, 5*time.Millisecond)
}

func TestH01LinesOnStderrThatPanicGoPlugin(t *testing.T) {
	r := watch(t)
	p := r.launch(playing(t, "H01"))
	r.ask(p, "a")
	p.Stop()
	r.nothingLeft()
	require.Contains(t, r.log, LogLine{Plugin: "./H01", Level: "info", Text: `{"@message":1}`})
}

func TestH02ACertificateWithoutTLS(t *testing.T) {
	r := watch(t)
	err := use(context.Background(), playing(t, "plaingrpc"), r.options(patient()), small2())
	require.ErrorIs(t, err, ErrConnect)
	r.nothingLeft()
}

func TestH03TheHostsCertificateIsOneThatPythonTakes(t *testing.T) {
	cert, text, err := oneTimeCertificate(time.Now())
	require.NoError(t, err)
	require.Contains(t, text, "BEGIN CERTIFICATE")
	parsed, err := x509.ParseCertificate(cert.Certificate[0])
	require.NoError(t, err)
	require.Equal(t, elliptic.P256(), parsed.PublicKey.(*ecdsa.PublicKey).Curve)
	require.NoError(t, parsed.VerifyHostname("localhost"))
	other, _, err := oneTimeCertificate(time.Now())
	require.NoError(t, err)
	require.NotEqual(t, cert.Certificate, other.Certificate)
	r := watch(t)
	r.ask(r.launch(playing(t, "H03")), "a")
}

func TestH04ASocketThatAcceptsAndStaysSilent(t *testing.T) {
	r := watch(t)
	began := time.Now()
	err := use(context.Background(), playing(t, "accept"), r.options(hurry("connect")), small2())
	require.ErrorIs(t, err, ErrTimeout)
	require.ErrorIs(t, err, ErrConnect)
	require.Less(t, time.Since(began), 10*time.Second)
	r.nothingLeft()
}

func TestH05AStoppedProcessIsKilled(t *testing.T) {
	r := watch(t)
	o := r.options(patient())
	o.times.shutdown = 300 * time.Millisecond
	p, err := Launch(context.Background(), playing(t, "H05"), o)
	require.NoError(t, err)
	defer p.Stop()
	r.ask(p, "a")
	time.Sleep(60 * time.Millisecond) // it stops itself by a signal
	stopsWithin(t, p, 4*time.Second)
	how, _ := p.ExitStatus()
	require.Equal(t, "signal: killed", how)
	r.nothingLeft()
}

func TestH06AChildThatHoldsTheOutputDoesNotKeepUs(t *testing.T) {
	r := watch(t)
	p := r.launch(playing(t, "H06"))
	// This child carries no run id and is in a session of its own: it is the
	// one thing that we cannot find.
	pid, err := strconv.Atoi(r.ask(p, "a")["a"])
	require.NoError(t, err)
	defer syscall.Kill(pid, syscall.SIGKILL)
	stopsWithin(t, p, 4*time.Second)
	require.True(t, alive(pid))
	require.True(t, waitFor(p.child.outEnd, time.Second), "the reader of stdout still waits")
	require.True(t, waitFor(p.child.errEnd, time.Second), "the reader of stderr still waits")
	r.nothingLeft()
}

func TestH07AnInterruptWhileItStarts(t *testing.T) {
	r := watch(t)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(100*time.Millisecond, cancel)
	began := time.Now()
	err := use(ctx, playing(t, "silent"), r.options(patient()), small2())
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, time.Since(began), 4*time.Second)
	r.nothingLeft()
}

func TestH08AChildInTheGroupGoesToo(t *testing.T) {
	r := watch(t)
	p := r.launch(playing(t, "H08"))
	pid, err := strconv.Atoi(r.ask(p, "a")["a"])
	require.NoError(t, err)
	require.True(t, alive(pid))
	stopsWithin(t, p, 4*time.Second)
	goneWithin(t, pid, 3*time.Second)
	r.nothingLeft()
}

func TestH08AChildGoesWhenThePluginEndsByItself(t *testing.T) {
	r := watch(t)
	p := r.launch(playing(t, "H08"))
	pid, err := strconv.Atoi(r.ask(p, "a")["a"])
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(p.PID(), syscall.SIGKILL))
	goneWithin(t, pid, 3*time.Second)
}

func TestH09AChildInASessionOfItsOwnGoesToo(t *testing.T) {
	r := watch(t)
	p := r.launch(playing(t, "H09"))
	pid, err := strconv.Atoi(r.ask(p, "a")["a"])
	require.NoError(t, err)
	require.True(t, alive(pid))
	stopsWithin(t, p, 4*time.Second)
	goneWithin(t, pid, 3*time.Second)
	r.nothingLeft()
}

// hostThatDies runs a host, waits until it says a word, kills it, and returns
// the run id of its plugin.
func hostThatDies(t *testing.T, until string, pause time.Duration, args ...string) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, append([]string{"host"}, args...)...)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	id := ""
	for lines.Scan() {
		if len(lines.Text()) == 32 {
			id = lines.Text()
		}
		if id != "" && (until == "" || strings.HasPrefix(lines.Text(), until)) {
			break
		}
	}
	require.NotEmpty(t, id)
	require.Eventually(t, func() bool { return len(processesOf(id)) > 0 }, 5*time.Second, time.Millisecond, "the plugin does not run")
	time.Sleep(pause)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	return id
}

func TestH10AKilledHostTakesItsPluginAlong(t *testing.T) {
	const times = 20
	for _, phase := range []struct {
		name, until string
		args        []string
	}{
		{"before the handshake", "", []string{"silent"}},
		{"in Assign", "asking", []string{"assign", "hang"}},
		{"in Fill", "filling", []string{"fill", "hang"}},
	} {
		t.Run(phase.name, func(t *testing.T) {
			// Not in parallel: the next host would sweep what this one left.
			var ids []string
			for range times {
				id := hostThatDies(t, phase.until, 5*time.Millisecond, phase.args...)
				require.Eventually(t, func() bool { return len(processesOf(id)) == 0 }, 5*time.Second, 2*time.Millisecond)
				ids = append(ids, id)
			}
			for _, id := range ids {
				sweepOf(t, id)
			}
		})
	}
}

// sweepOf removes the run directory of a dead host, as the next start would.
func sweepOf(t *testing.T, id string) {
	t.Helper()
	for _, base := range runDirBases() {
		sweepNow(base)
		// Another test may be the one that sweeps it.
		require.Eventually(t, func() bool {
			_, err := os.Lstat(filepath.Join(base, runDirPrefix+id[:runDirDigits]))
			return errors.Is(err, fs.ErrNotExist)
		}, 2*time.Second, 5*time.Millisecond)
	}
}

func TestH10WhatAKilledHostLeftIsSweptByTheNext(t *testing.T) {
	// The plugin goes with its host; its child in another session lives on.
	id := hostThatDies(t, "asking", 50*time.Millisecond, "H09")
	require.Eventually(t, func() bool { return len(processesOf(id)) == 1 }, 5*time.Second, 5*time.Millisecond)
	sweepOf(t, id)
	require.Empty(t, processesOf(id))
}

func TestSweepingSparesTheDirectoriesOfLivingHosts(t *testing.T) {
	r := watch(t)
	p := r.launch(playing(t, "good"))
	for _, base := range runDirBases() {
		sweepNow(base)
	}
	require.DirExists(t, p.RunDir())
	r.ask(p, "a")
}

func TestH11ThreadsThatEndDoNotTakeThePluginAlong(t *testing.T) {
	r := watch(t)
	var all []*Process
	for range 6 {
		launched := make(chan *Process)
		go func() {
			// The thread of a goroutine that ends locked ends as well.
			runtime.LockOSThread()
			p, err := Launch(context.Background(), playing(t, "good"), r.options(patient()))
			if err != nil {
				t.Error(err)
			}
			launched <- p
		}()
		all = append(all, <-launched)
	}
	for range 50 {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			runtime.LockOSThread()
		}()
		<-ended
	}
	time.Sleep(50 * time.Millisecond)
	for _, p := range all {
		require.NotNil(t, p)
		r.ask(p, "a")
		p.Stop()
	}
	r.nothingLeft()
}

func TestH11TheThreadThatStartsAPluginIsItsOwn(t *testing.T) {
	r := watch(t)
	o := r.options(patient())
	threads := map[int]bool{}
	o.starting = func([]string, []string) {
		// Without a lock the goroutine soon moves to another thread.
		stop := make(chan struct{})
		for range 8 {
			go func() {
				for {
					select {
					case <-stop:
						return
					default:
						runtime.Gosched()
					}
				}
			}()
		}
		for range 100 {
			threads[unix.Gettid()] = true
			time.Sleep(50 * time.Microsecond)
			runtime.Gosched()
		}
		close(stop)
	}
	p, err := Launch(context.Background(), playing(t, "good"), o)
	require.NoError(t, err)
	p.Stop()
	require.Len(t, threads, 1)
}

func TestH12AFloodIsCut(t *testing.T) {
	r := watch(t)
	p := r.launch(playing(t, "H12"))
	began := time.Now()
	r.ask(p, "a")
	p.Stop()
	seconds := int(time.Since(began)/time.Second) + 2
	require.Less(t, len(r.log), maxStderrRate*(seconds+1)+1)
	require.Greater(t, p.log.droppedLines(), 1000)
	r.nothingLeft()
}

func TestH13H14H16HandshakesAreCheckedByUs(t *testing.T) {
	r := watch(t)
	for act, words := range map[string]string{
		"Welcome to corp":     "must print nothing else on stdout",
		"1|1|unix|{esc}|grpc": `\x1b[2J`,
	} {
		err := use(context.Background(), line(t, act), r.options(patient()), small2())
		require.ErrorIs(t, err, ErrHandshake)
		require.ErrorContains(t, err, words)
		require.NotContains(t, err.Error(), "\n")
		require.NotContains(t, err.Error(), "\x1b")
	}
	err := use(context.Background(), playing(t, "megabyte"), r.options(patient()), small2())
	require.ErrorContains(t, err, "longer than 8192 bytes")
	r.nothingLeft()
}

func TestH15AMegabyteOnStdoutAfterTheHandshake(t *testing.T) {
	r := watch(t)
	p := r.launch(playing(t, "H15"))
	for range 3 {
		r.ask(p, "a")
	}
	p.Stop()
	r.nothingLeft()
}

func TestH16EscapesOnStderrDoNotReachTheTerminal(t *testing.T) {
	r := watch(t)
	err := use(context.Background(), playing(t, "exit", "1", "\x1b[2Jred\x1b[0m"), r.options(patient()), small2())
	require.ErrorContains(t, err, `\x1b[2Jred`)
	require.NotContains(t, err.Error(), "\x1b")
	require.NotEmpty(t, r.log)
	for _, l := range r.log {
		require.NotContains(t, l.Text, "\x1b")
	}
}

func TestH23AServerThatTakesOnly4MiB(t *testing.T) {
	r := watch(t)
	p := r.launch(playing(t, "H23"))
	d, err := p.Describe(context.Background(), nil)
	require.NoError(t, err)
	_, err = p.Assign(context.Background(), d.Modes[0], []byte(`{}`), large(70_000), dtype.F32)
	require.ErrorIs(t, err, ErrTooLarge)
	require.True(t, fault.IsCannotRun(err))
}

func large(n int) *layout.Layout {
	l := &layout.Layout{}
	for i := range n {
		l.Params = append(l.Params, layout.Param{
			Name: "model.layers." + strconv.Itoa(i) + ".self_attn.q_proj.weight", Shape: []int64{4096, 4096},
			Role: layout.Query, Layer: i, FanIn: 4096, FanOut: 4096,
		})
	}
	return l
}

func TestAThousandAndAHundredThousandParameters(t *testing.T) {
	r := watch(t)
	p := r.launch(playing(t, "good"))
	d, err := p.Describe(context.Background(), nil)
	require.NoError(t, err)
	for _, n := range []int{1000, 100_000} {
		began := time.Now()
		out, err := p.Assign(context.Background(), d.Modes[0], []byte(`{}`), large(n), dtype.F32)
		require.NoError(t, err)
		require.Len(t, out, n)
		t.Log(n, "parameters", time.Since(began))
	}
	_, err = p.Assign(context.Background(), d.Modes[0], []byte(`{}`), large(MaxParams+1), dtype.F32)
	require.ErrorContains(t, err, "500001")
	require.False(t, fault.IsCannotRun(err))
}

func TestH24ALargeReplyIsRefusedBeforeItIsRead(t *testing.T) {
	r := watch(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := use(context.Background(), playing(t, "claims4g"), r.options(patient()), small2())
	runtime.ReadMemStats(&after)
	require.ErrorIs(t, err, ErrTooLarge)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20))
	r.nothingLeft()
}

func TestH25H26H30H31CallsHaveDeadlinesAndReasons(t *testing.T) {
	// Their cases are in the table of failures; this is that the tables agree.
	names := map[string]bool{}
	for _, f := range failures(t) {
		names[f.name] = true
	}
	for _, name := range []string{"describe hangs", "accepts and stays silent", "plain gRPC", "assign exits", "describe crashes", "assign hangs", "fill hangs"} {
		require.True(t, names[name], name)
	}
}

func TestH27NameAndVersionAreCompared(t *testing.T) {
	r := watch(t)
	for field, c := range map[string]Candidate{
		"name":    {locked: &Entry{Name: "acme", Version: "1.4.0"}},
		"version": {locked: &Entry{Name: "corp", Version: "1.3.0"}},
		"modes":   {locked: &Entry{Name: "corp", Version: "1.4.0", Protocol: protocolName, Features: []string{"fill", "fill.range"}, Modes: []LockedMode{{"wide", 1}}}},
	} {
		p := r.launch(playing(t, "good"))
		d, err := p.Describe(context.Background(), nil)
		require.NoError(t, err)
		require.ErrorIs(t, c.agrees(d), ErrLock, field)
		require.True(t, fault.IsCannotRun(c.agrees(d)))
		e := entryOf(d)
		require.NoError(t, (Candidate{locked: &e}).agrees(d))
		p.Stop()
	}
}

func TestH32AnErrorAfterTheStartEndsTheProcess(t *testing.T) {
	r := watch(t)
	h := NewHost(HostOptions{Options: r.options(patient())})
	defer h.Close()
	x := &external{host: h, cand: playing(t, "named", "torch", "1.0.0")}
	_, err := x.start(context.Background())
	require.ErrorIs(t, err, ErrBadReply)
	r.nothingLeft()
	_, again := x.start(context.Background())
	require.Equal(t, err, again)
	require.Equal(t, 1, r.started(), "a plugin that failed is not tried again")
}

func TestH33WithoutAControllerAStopIsQuickToo(t *testing.T) {
	r := watch(t)
	p := r.launch(playing(t, "H33"))
	r.ask(p, "a")
	stopsWithin(t, p, slow*1800*time.Millisecond) // 2 s without
	r.nothingLeft()
}

func TestH34NoMemoryIsShared(t *testing.T) {
	// The host offers no shared memory, so no plugin can shrink any: it does
	// not list the feature, and passes no descriptor (H17).
	require.Equal(t, []string{"fill", "fill.range"}, wire.HostFeatures())
}

func TestH35ARelativePath(t *testing.T) {
	c := script(t, "exit 3")
	t.Chdir(filepath.Dir(c.Path))
	found, err := Discover("./plugin.sh")
	require.NoError(t, err)
	require.True(t, filepath.IsAbs(found.Path))
	r := watch(t)
	err = use(context.Background(), found, r.options(patient()), small2())
	require.ErrorContains(t, err, `plugin "./plugin.sh": ended before the handshake (exit status 3)`)
}

func TestH36PipesAndDevicesAreNotOpened(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	require.NoError(t, unix.Mkfifo(fifo, 0o777))
	folder := filepath.Join(dir, "folder")
	require.NoError(t, os.Mkdir(folder, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(folder, pythonMain), nil, 0o600))
	require.NoError(t, unix.Mkfifo(filepath.Join(folder, "weights"), 0o600))
	mainFifo := filepath.Join(dir, "main")
	require.NoError(t, os.Mkdir(mainFifo, 0o700))
	require.NoError(t, unix.Mkfifo(filepath.Join(mainFifo, pythonMain), 0o600))
	manifestFifo := filepath.Join(dir, "manifest")
	require.NoError(t, os.Mkdir(manifestFifo, 0o700))
	require.NoError(t, unix.Mkfifo(filepath.Join(manifestFifo, manifestName), 0o600))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, path := range []string{fifo, "/dev/null", mainFifo, manifestFifo} {
			_, err := Discover(path)
			if !errors.Is(err, ErrNotPlugin) || fault.IsCannotRun(err) {
				t.Error(path, err)
			}
		}
		_, err := Add(context.Background(), folder, AddOptions{LockFile: filepath.Join(dir, LockName), Store: filepath.Join(dir, "store")})
		if !errors.Is(err, ErrNotPlugin) {
			t.Error(err)
		}
	}()
	require.True(t, waitFor(done, 5*time.Second), "something was opened")
}
