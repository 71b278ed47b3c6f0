package atomicfile_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/atomicfile"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/faultfs"
)

func memory(sc scenario) *faultfs.Mem {
	m := faultfs.NewMem()
	for name, text := range sc.before {
		m.Put(name, []byte(text))
	}
	return m
}

// harmless are the calls whose failure need not end a run.
func harmless(c faultfs.Call) bool {
	lock := strings.HasSuffix(c.Path, atomicfile.LockName)
	return c.Op == "unlock" || lock && (c.Op == "close" || c.Op == "remove")
}

func TestEveryFailingCallEndsTheRunAndLeavesNothing(t *testing.T) {
	for _, sc := range scenarios() {
		for _, cause := range []error{syscall.EIO, syscall.ENOSPC, syscall.EACCES} {
			t.Run(sc.name+"/"+cause.Error(), func(t *testing.T) {
				for n := 1; ; n++ {
					m := memory(sc)
					var calls []faultfs.Call
					fail := faultfs.FailAt(n, cause)
					fsys := faultfs.Wrap(m, func(c faultfs.Call) error {
						calls = append(calls, c)
						return fail(c)
					})
					err := sc.run(fsys)
					if fsys.Calls() < n {
						require.NoError(t, err)
						require.Greater(t, n, 10)
						break
					}
					sc.checkFailure(t, m, err, calls, n)
				}
			})
		}
	}
}

// checkFailure checks what a run that met one failing call left.
func (sc scenario) checkFailure(t *testing.T, m *faultfs.Mem, err error, calls []faultfs.Call, n int) {
	t.Helper()
	failed := calls[n-1]
	when := failed.String()
	files := texts(m.Files())
	if err == nil {
		require.True(t, harmless(failed), "%s was ignored", when)
		delete(files, sc.folder()+atomicfile.LockName)
		clean(t, sc.after, files, when)
		return
	}
	oneLine(t, err, sc.path, when)
	require.True(t, fault.IsCannotRun(err), "%s: %v", when, err)
	var broken *atomicfile.BrokenSetError
	switch {
	case atomicfile.Committed(err):
		require.Equal(t, "syncdir", failed.Op, when)
		require.ErrorContains(t, err, "may not survive a power cut")
		clean(t, sc.after, files, when)
	case errors.As(err, &broken):
		require.True(t, sc.opt.Force, when)
		require.ErrorContains(t, err, "holds no whole set")
		sc.sound(t, files, when)
		for name := range files {
			require.Contains(t, sc.before, name, when)
		}
	default:
		clean(t, sc.before, files, when)
		require.Equal(t, memory(sc).Files(), m.Files(), when)
		var w *atomicfile.WriteError
		if errors.As(err, &w) {
			require.Empty(t, w.Leftover, when)
			require.ErrorContains(t, err, "bytes", when)
		}
	}
	if failed.Op == "sync" {
		require.False(t, slices.ContainsFunc(calls[n:], func(c faultfs.Call) bool {
			return c.Op == "sync" && c.Path == failed.Path
		}), "%s: synced again", when)
	}
}

func TestAFailedWriteIsReportedByCommitToo(t *testing.T) {
	for _, sc := range scenarios() {
		t.Run(sc.name, func(t *testing.T) {
			m := memory(sc)
			first := true
			w, err := sc.write(faultfs.Wrap(m, func(c faultfs.Call) error { return nil }))
			require.NoError(t, err)
			require.NoError(t, w.Abort())
			fsys := faultfs.Wrap(m, func(c faultfs.Call) error {
				if c.Op == "writeat" && !strings.HasSuffix(c.Path, atomicfile.LockName) && first {
					first = false
					return syscall.ENOSPC
				}
				return nil
			})
			commit, writeAt := openOne(t, fsys, sc)
			_, err = writeAt([]byte("x"), 0)
			require.ErrorIs(t, err, syscall.ENOSPC)
			err = commit()
			require.ErrorIs(t, err, syscall.ENOSPC)
			clean(t, sc.before, texts(m.Files()), "after the failed commit")
		})
	}
}

// openOne begins a scenario and returns its commit and the write to its first file.
func openOne(t *testing.T, fsys atomicfile.FS, sc scenario) (commit func() error, writeAt func([]byte, int64) (int, error)) {
	t.Helper()
	if sc.isSet() {
		s, err := createSet(fsys, sc.path, sc.set, sc.opt)
		require.NoError(t, err)
		return s.Commit, func(p []byte, off int64) (int, error) { return s.WriteAt(0, p, off) }
	}
	f, err := atomicfile.Create(fsys, sc.path, 10, sc.opt)
	require.NoError(t, err)
	return f.Commit, f.WriteAt
}

func TestAbortRemovesEverythingOfTheRun(t *testing.T) {
	for _, sc := range scenarios() {
		t.Run(sc.name, func(t *testing.T) {
			m := memory(sc)
			w, err := sc.write(m)
			require.NoError(t, err)
			require.False(t, w.CommitBegun())
			require.NoError(t, w.Abort())
			require.NoError(t, w.Abort())
			require.Equal(t, memory(sc).Files(), m.Files())
			err = w.Commit()
			require.ErrorIs(t, err, atomicfile.ErrAborted)
			require.True(t, fault.IsCannotRun(err))
			require.False(t, w.CommitBegun())
			require.Equal(t, memory(sc).Files(), m.Files())
		})
	}
}

func TestAbortNamesATemporaryThatStays(t *testing.T) {
	for _, sc := range scenarios() {
		m := memory(sc)
		aborting := false
		w, err := sc.write(faultfs.Wrap(m, func(c faultfs.Call) error {
			if aborting && c.Op == "remove" {
				return syscall.EIO
			}
			return nil
		}))
		require.NoError(t, err)
		aborting = true
		err = w.Abort()
		var failed *atomicfile.WriteError
		require.ErrorAs(t, err, &failed, sc.name)
		require.True(t, sc.isTemp(failed.Leftover), failed.Leftover)
		require.ErrorContains(t, err, failed.Leftover)
		sc.sound(t, texts(m.Files()), sc.name)
	}
}

func TestAnAbortDuringTheCommitsSyncWins(t *testing.T) {
	for _, sc := range scenarios() {
		// A set syncs its files as they are complete; its commit syncs the
		// folder of a folder that it made.
		op := "sync"
		if sc.isSet() {
			op = "syncdir"
		}
		if sc.opt.NoSync || sc.isSet() && sc.folder() != "w/out/" {
			continue
		}
		m := memory(sc)
		ctx, cancel := context.WithCancelCause(t.Context())
		interrupted := errors.New("interrupted")
		var w atomicfile.Output
		w, err := sc.write(faultfs.Wrap(m, func(c faultfs.Call) error {
			if c.Op == op {
				cancel(interrupted)
				for !w.(interface{ AbortAsked() bool }).AbortAsked() {
					runtime.Gosched()
				}
			}
			return nil
		}))
		require.NoError(t, err)
		require.Equal(t, interrupted, atomicfile.CommitContext(ctx, w), sc.name)
		require.Equal(t, memory(sc).Files(), m.Files())
	}
}

func TestAnAbortAfterTheCommitBeganDoesNothing(t *testing.T) {
	for _, sc := range scenarios() {
		m := memory(sc)
		ctx, cancel := context.WithCancel(t.Context())
		var w atomicfile.Output
		begun := 0
		w, err := sc.write(faultfs.Wrap(m, func(c faultfs.Call) error {
			if strings.HasPrefix(c.Op, "rename") {
				require.True(t, w.CommitBegun())
				cancel()
				begun++
			}
			return nil
		}))
		require.NoError(t, err)
		require.NoError(t, atomicfile.CommitContext(ctx, w), sc.name)
		require.Positive(t, begun)
		require.NoError(t, w.Abort())
		clean(t, sc.after, texts(m.Files()), sc.name)
		cancel()
	}
}

func TestShortWritesAreContinued(t *testing.T) {
	for _, sc := range scenarios() {
		m := memory(sc)
		fsys := faultfs.Wrap(m, func(c faultfs.Call) error {
			if c.Op == "writeat" && c.Len > 100 {
				return faultfs.Short(100)
			}
			return nil
		})
		require.NoError(t, sc.run(fsys))
		clean(t, sc.after, texts(m.Files()), sc.name)
	}
}

func TestAWriteWithoutProgressEnds(t *testing.T) {
	sc := scenarios()[0]
	m := memory(sc)
	err := sc.run(faultfs.Wrap(m, func(c faultfs.Call) error {
		if c.Op == "writeat" {
			return faultfs.Short(0)
		}
		return nil
	}))
	require.ErrorContains(t, err, "short write")
	clean(t, sc.before, texts(m.Files()), "after the run")
}

func TestCallsThatASystemLacksAreDoneWithout(t *testing.T) {
	lacks := func(op string, err error) faultfs.Hook {
		return func(c faultfs.Call) error {
			if c.Op == op {
				return err
			}
			return nil
		}
	}
	for _, tc := range []struct {
		op  string
		err error
	}{
		{"reserve", syscall.EOPNOTSUPP}, {"reserve", syscall.ENOSYS},
		{"trylock", syscall.ENOSYS}, {"trylock", errors.ErrUnsupported},
		{"space", errors.ErrUnsupported}, {"space", syscall.ENOSYS},
		{"syncdir", syscall.EINVAL}, {"syncdir", syscall.ENOTSUP},
		{"renamenew", syscall.ENOSYS}, {"renamenew", errors.ErrUnsupported},
	} {
		for _, sc := range scenarios() {
			m := memory(sc)
			require.NoError(t, sc.run(faultfs.Wrap(m, lacks(tc.op, tc.err))), "%s: %v %v", sc.name, tc.op, tc.err)
			clean(t, sc.after, texts(m.Files()), fmt.Sprint(sc.name, tc))
		}
	}
}

func TestWithoutRenameNewALinkNeverReplaces(t *testing.T) {
	for _, sc := range scenarios() {
		if sc.opt.Force {
			continue
		}
		m := memory(sc)
		m.RenameNewUnsupported = true
		var calls []faultfs.Call
		w, err := sc.write(faultfs.Wrap(m, faultfs.Record(&calls)))
		require.NoError(t, err)
		rival := sc.path
		if sc.isSet() {
			rival = sc.folder() + sc.set[len(sc.set)-1].Name
		}
		m.Put(rival, []byte("somebody else's"))
		err = w.Commit()
		var exists *atomicfile.ExistsError
		require.ErrorAs(t, err, &exists, sc.name)
		require.False(t, fault.IsCannotRun(err))
		require.Equal(t, "somebody else's", texts(m.Files())[rival])
		require.True(t, slices.ContainsFunc(calls, func(c faultfs.Call) bool { return c.Op == "link" }))
	}
	m := faultfs.NewMem()
	m.RenameNewUnsupported, m.LinkUnsupported = true, true
	err := atomicfile.WriteFile(m, "x", []byte("data"), atomicfile.Options{})
	require.ErrorContains(t, err, "by force")
	require.True(t, fault.IsCannotRun(err))
	require.Empty(t, m.Files())
	require.NoError(t, atomicfile.WriteFile(m, "x", []byte("data"), atomicfile.Options{Force: true}))
}

func TestALinkWhoseTemporaryStaysIsCommitted(t *testing.T) {
	for _, sc := range scenarios() {
		if sc.opt.Force {
			continue
		}
		m := memory(sc)
		m.RenameNewUnsupported = true
		err := sc.run(faultfs.Wrap(m, func(c faultfs.Call) error {
			if c.Op == "remove" && sc.isTemp(c.Path) && !strings.HasSuffix(c.Path, atomicfile.LockName) {
				return syscall.EIO
			}
			return nil
		}))
		require.True(t, atomicfile.Committed(err))
		var after *atomicfile.CommittedError
		require.ErrorAs(t, err, &after)
		require.ErrorContains(t, err, after.Left)
		sc.sound(t, texts(m.Files()), sc.name)
		sc.again(t, m, func() map[string]string { return texts(m.Files()) }, sc.name)
	}
}

func TestTheOrderOfCalls(t *testing.T) {
	for _, sc := range scenarios() {
		t.Run(sc.name, func(t *testing.T) {
			var calls []faultfs.Call
			require.NoError(t, sc.run(faultfs.Wrap(memory(sc), faultfs.Record(&calls))))
			// ops of each temporary, and the places of the calls on folders
			temps := map[string][]string{}
			last, first := map[string]int{}, map[string]int{}
			for i, c := range calls {
				op := strings.TrimSuffix(c.Op, "new")
				last[op] = i
				if _, ok := first[op]; !ok {
					first[op] = i
				}
				lock := strings.HasSuffix(c.Path, atomicfile.LockName)
				if strings.Contains("create reserve writeat sync close rename", op) && !lock {
					require.Regexp(t, tempPattern, c.Path)
					if done := temps[c.Path]; len(done) == 0 || done[len(done)-1] != op {
						temps[c.Path] = append(done, op)
					}
				}
			}
			for name, ops := range temps {
				want := `^create( reserve)?( writeat)? sync close rename$`
				if sc.opt.NoSync {
					want = `^create( reserve)?( writeat)? close rename$`
				}
				require.Regexp(t, want, strings.Join(ops, " "), name)
			}
			require.Less(t, first["space"], first["create"])
			require.Contains(t, fmt.Sprint(temps), "reserve")
			if sc.opt.NoSync {
				require.NotContains(t, last, "syncdir")
				return
			}
			require.Less(t, last["sync"], first["rename"])
			require.Less(t, last["rename"], last["syncdir"])
		})
	}
}

func TestTheIndexComesLastAndTheOldOneGoesFirst(t *testing.T) {
	for _, sc := range scenarios() {
		if !sc.isSet() {
			continue
		}
		var steps []string
		for _, c := range commitCalls(t, sc) {
			switch {
			case c.Op == "syncdir":
				steps = append(steps, "sync")
			case strings.HasPrefix(c.Op, "rename"):
				steps = append(steps, "put "+strings.TrimPrefix(c.To, sc.folder()))
			case c.Op == "remove" && !sc.isTemp(c.Path):
				steps = append(steps, "drop "+strings.TrimPrefix(c.Path, sc.folder()))
			}
		}
		text := strings.Join(steps, ", ")
		require.Regexp(t, `, sync, put (model\.safetensors\.index|manifest|config)\.json, sync$`, text, sc.name)
		if _, indexed := sc.before["w/model.safetensors.index.json"]; indexed {
			require.Regexp(t, `^drop model\.safetensors\.index\.json, sync, `, text, sc.name)
		}
	}
}

// commitCalls returns the calls of Commit.
func commitCalls(t *testing.T, sc scenario) []faultfs.Call {
	t.Helper()
	var calls []faultfs.Call
	w, err := sc.write(faultfs.Wrap(memory(sc), faultfs.Record(&calls)))
	require.NoError(t, err)
	before := len(calls)
	require.NoError(t, w.Commit())
	return calls[before:]
}
