package atomicfile_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/faultfs"
)

// disks are what may be on a disk of what was not synced.
func disks() map[string]func() faultfs.Keep {
	all := map[string]func() faultfs.Keep{
		"nothing unsynced": func() faultfs.Keep { return faultfs.Forget },
		"names, no data":   func() faultfs.Keep { return faultfs.KeepNames },
		"everything":       func() faultfs.Keep { return faultfs.KeepAll },
	}
	for seed := range uint64(5) {
		all[fmt.Sprintf("random part %d", seed)] = func() faultfs.Keep {
			r := rand.New(rand.NewPCG(seed, 0))
			return func(bool) bool { return r.IntN(2) == 0 }
		}
	}
	return all
}

func TestAPowerCutAfterEveryCall(t *testing.T) {
	for _, sc := range scenarios() {
		if sc.opt.NoSync {
			continue // promises nothing
		}
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			for n := 1; ; n++ {
				m := memory(sc)
				last := faultfs.Call{}
				stop := faultfs.StopAt(n)
				fsys := faultfs.Wrap(m, func(c faultfs.Call) error {
					if c.N < n {
						last = c
					}
					return stop(c)
				})
				err := sc.run(fsys)
				for disk, keep := range disks() {
					after := m.Crash(keep())
					when := fmt.Sprintf("power cut after %s, disk with %s", last, disk)
					files := texts(after.Files())
					sc.sound(t, files, when)
					if err == nil {
						clean(t, sc.after, without(files, sc.isLock), when)
					}
					sc.again(t, after, func() map[string]string { return texts(after.Files()) }, when)
				}
				if fsys.Calls() < n {
					require.NoError(t, err)
					require.Greater(t, n, 10)
					break
				}
			}
		})
	}
}

// A run that skips the sync is seen to be unsafe: so the tests above can fail.
func TestThePowerCutFindsAMissingSync(t *testing.T) {
	for _, sc := range scenarios() {
		if !sc.opt.NoSync {
			continue
		}
		m := memory(sc)
		require.NoError(t, sc.run(m))
		files := texts(m.Crash(faultfs.KeepNames).Files())
		require.NotEqual(t, sc.after[sc.path], files[sc.path])
		require.Contains(t, files, sc.path)
	}
}

// without returns files less those that drop names.
func without(files map[string]string, drop func(string) bool) map[string]string {
	kept := map[string]string{}
	for name, text := range files {
		if !drop(name) {
			kept[name] = text
		}
	}
	return kept
}
