//go:build linux

package plugins

import (
	"context"
	"math"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dtype"
)

func TestAnInterruptEndsEveryPhase(t *testing.T) {
	for name, c := range map[string]Candidate{
		"before the handshake": playing(t, "silent"),
		"connecting":           playing(t, "accept"),
		"not accepting":        playing(t, "noaccept"),
		"describe":             playing(t, "describe", "hang"),
		"assign":               playing(t, "assign", "hang"),
		"fill":                 playing(t, "fill", "hang"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := watch(t)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			time.AfterFunc(slow*400*time.Millisecond, cancel)
			began := time.Now()
			err := use(ctx, c, r.options(patient()), small2())
			require.ErrorIs(t, err, context.Canceled)
			require.Less(t, time.Since(began), 5*time.Second)
			require.NotContains(t, err.Error(), "\n")
			r.nothingLeft()
		})
	}
}

func TestACancelledCallLeavesThePluginUsable(t *testing.T) {
	r := watch(t)
	p := r.launch(playing(t, "good"))
	d, err := p.Describe(context.Background(), nil)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = p.Assign(ctx, d.Modes[0], []byte(`{}`), small("a"), dtype.F32)
	require.ErrorIs(t, err, context.Canceled)
	r.ask(p, "a")
	stopsWithin(t, p, 4*time.Second)
	how, _ := p.ExitStatus()
	require.Equal(t, "exit status 0", how)
}

func TestStopInTheMiddleOfACall(t *testing.T) {
	r := watch(t)
	p := r.launch(playing(t, "assign", "hang"))
	d, err := p.Describe(context.Background(), nil)
	require.NoError(t, err)
	time.AfterFunc(50*time.Millisecond, p.Stop)
	_, err = p.Assign(context.Background(), d.Modes[0], []byte(`{}`), small("a"), dtype.F32)
	require.ErrorIs(t, err, ErrGone)
	p.Stop()
	r.nothingLeft()
}

// descriptors counts the open files of this process.
func descriptors(t testing.TB) int {
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(entries)
}

func TestFiftyFailedStartsLeaveNoGoroutineAndNoDescriptor(t *testing.T) {
	r := watch(t)
	times := patient()
	times.connect, times.shutdown = 200*time.Millisecond, 200*time.Millisecond
	mix := []Candidate{
		playing(t, "exit", "1"), line(t, "Welcome"), playing(t, "breaktls"), playing(t, "accept"), playing(t, "nohealth"),
		playing(t, "endafter"), badStart(t), playing(t, "hangup"), playing(t, "plaingrpc"), script(t, "exit 0"),
	}
	once := func() {
		for _, c := range mix {
			_, err := Launch(context.Background(), c, r.options(times))
			require.Error(t, err)
		}
	}
	once() // what is made once a program is made here
	settle := func() (int, int) {
		var goroutines, files int
		last := math.MaxInt
		for range 100 {
			runtime.GC()
			time.Sleep(20 * time.Millisecond)
			goroutines, files = runtime.NumGoroutine(), descriptors(t)
			if goroutines+files == last {
				break
			}
			last = goroutines + files
		}
		return goroutines, files
	}
	goroutines, files := settle()
	for range 5 {
		once()
	}
	for range 10 {
		g, f := settle()
		if g <= goroutines && f <= files {
			r.nothingLeft()
			return
		}
	}
	g, f := settle()
	require.LessOrEqual(t, f, files)
	require.LessOrEqual(t, g, goroutines, stacks())
}

func stacks() string {
	b := make([]byte, 1<<20)
	return string(b[:runtime.Stack(b, true)])
}

func badStart(t testing.TB) Candidate {
	path := badShebang(t)
	return Candidate{Given: path, Path: path, Kind: Executable}
}
