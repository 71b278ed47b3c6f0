package atomicfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/atomicfile"
	"github.com/weightinit/weightinit/internal/faultfs"
)

// eachPiece calls do for pieces of size bytes, in a random order and from
// several goroutines.
func eachPiece(size, piece int, do func(off, n int)) {
	var offsets []int
	for off := 0; off < size; off += piece {
		offsets = append(offsets, off)
	}
	var wg sync.WaitGroup
	work := make(chan int)
	for range 4 {
		wg.Go(func() {
			for off := range work {
				do(off, min(piece, size-off))
			}
		})
	}
	for _, i := range rand.Perm(len(offsets)) {
		work <- offsets[i]
	}
	close(work)
	wg.Wait()
}

func TestSeveralGoroutinesWrite(t *testing.T) {
	root := t.TempDir()
	data := []byte(content("data", 100_000))
	f, err := atomicfile.Create(atomicfile.OS(), root+"/x", int64(len(data)), atomicfile.Options{})
	require.NoError(t, err)
	require.EqualValues(t, len(data), f.Size())
	eachPiece(len(data), 777, func(off, n int) {
		if _, err := f.WriteAt(data[off:off+n], int64(off)); err != nil {
			t.Error(err)
		}
	})
	require.NoError(t, f.Commit())
	got, err := os.ReadFile(root + "/x")
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, got))

	const files = 20
	var set []atomicfile.Spec
	for i := range files {
		set = append(set, atomicfile.Spec{Name: fmt.Sprintf("%d.npy", i), Size: int64(len(data) / files)})
	}
	s, err := createSet(atomicfile.OS(), root+"/set", set, atomicfile.Options{})
	require.NoError(t, err)
	eachPiece(len(data), 500, func(off, n int) {
		size := len(data) / files
		if _, err := s.WriteAt(off/size, data[off:off+n], int64(off%size)); err != nil {
			t.Error(err)
		}
	})
	require.NoError(t, s.Commit())
	var all []byte
	for _, f := range set {
		part, err := os.ReadFile(filepath.Join(root, "set", f.Name))
		require.NoError(t, err)
		all = append(all, part...)
	}
	require.True(t, bytes.Equal(data, all))
}

func TestAbortWhileOthersWrite(t *testing.T) {
	for _, sc := range scenarios() {
		m := memory(sc)
		var out atomicfile.Output
		var writeAt func([]byte, int64) (int, error)
		if sc.isSet() {
			s, err := createSet(m, sc.path, sc.set, sc.opt)
			require.NoError(t, err)
			out, writeAt = s, func(p []byte, off int64) (int, error) { return s.WriteAt(0, p, off) }
		} else {
			f, err := atomicfile.Create(m, sc.path, 40, sc.opt)
			require.NoError(t, err)
			out, writeAt = f, f.WriteAt
		}
		eachPiece(40, 1, func(off, n int) {
			if off == 20 {
				if err := out.Abort(); err != nil {
					t.Error(err)
				}
			}
			if _, err := writeAt(make([]byte, n), int64(off)); err != nil && !errors.Is(err, atomicfile.ErrAborted) {
				t.Error(err)
			}
		})
		require.ErrorIs(t, out.Commit(), atomicfile.ErrAborted)
		require.Equal(t, memory(sc).Files(), m.Files(), sc.name)
	}
}

// rivals runs the same scenario from several goroutines at once and returns
// how often it did well.
func rivals(t *testing.T, sc scenario, fsys atomicfile.FS) (good int) {
	t.Helper()
	const runs = 6
	results := make(chan error, runs)
	for range runs {
		go func() { results <- sc.run(fsys) }()
	}
	for range runs {
		err := <-results
		var exists *atomicfile.ExistsError
		var locked *atomicfile.LockedError
		switch {
		case err == nil:
			good++
		default:
			require.True(t, errors.As(err, &exists) || errors.As(err, &locked), "%s: %v", sc.name, err)
		}
	}
	return good
}

func TestOfRivalsWithoutForceExactlyOneWins(t *testing.T) {
	for _, sc := range scenarios() {
		for range 20 {
			m := memory(sc)
			good := rivals(t, sc, m)
			if sc.opt.Force {
				require.Positive(t, good)
			} else {
				require.Equal(t, 1, good, sc.name)
			}
			clean(t, sc.after, texts(m.Files()), sc.name)
		}
		root := memoryFolder(t)
		sc := onDisk(t, sc, root)
		good := rivals(t, sc, atomicfile.OS())
		if !sc.opt.Force {
			require.Equal(t, 1, good, sc.name)
		}
		clean(t, sc.after, filesUnder(t, root), sc.name)
	}
}

func TestEveryByteMustBeWrittenOnce(t *testing.T) {
	m := faultfs.NewMem()
	f, err := atomicfile.Create(m, "x", 10, atomicfile.Options{})
	require.NoError(t, err)
	for _, off := range []int64{-1, 8, 11, 1 << 62} {
		_, err = f.WriteAt([]byte("abc"), off)
		require.ErrorContains(t, err, "outside")
	}
	_, err = f.WriteAt([]byte("abc"), 7)
	require.NoError(t, err)
	require.ErrorContains(t, f.Commit(), "3 of 10 bytes")
	require.Empty(t, m.Files())

	s, err := createSet(m, "out", []atomicfile.Spec{{Name: "a", Size: 4}, {Name: "b", Size: atomicfile.SizeUnknown}}, atomicfile.Options{})
	require.NoError(t, err)
	for _, file := range []int{-1, 2} {
		_, err = s.WriteAt(file, nil, 0)
		require.ErrorContains(t, err, "no file")
		require.ErrorContains(t, s.Put(file, nil), "no file")
	}
	_, err = s.WriteAt(1, []byte("x"), 0)
	require.ErrorContains(t, err, "outside", "of unknown size")
	require.ErrorContains(t, s.Put(0, []byte("abc")), "outside")
	require.NoError(t, s.Put(0, []byte("abcd")))
	require.ErrorContains(t, s.Commit(), `"out/b"`)
	require.Empty(t, m.Files())

	s, err = createSet(m, "out", []atomicfile.Spec{{Name: "a", Size: 4}}, atomicfile.Options{})
	require.NoError(t, err)
	require.NoError(t, s.Put(0, []byte("abcd")))
	require.ErrorContains(t, s.Put(0, []byte("abcd")), "more than once")
	require.Error(t, s.Commit())
	require.Empty(t, m.Files())
}

func TestOnlyFilesBegunAndNotCompleteAreOpen(t *testing.T) {
	const files = 3000
	set := make([]atomicfile.Spec, files)
	for i := range set {
		set[i] = atomicfile.Spec{Name: fmt.Sprintf("%d.npy", i), Size: 20}
	}
	open, most := 0, 0
	m := faultfs.NewMem()
	s, err := createSet(faultfs.Wrap(m, func(c faultfs.Call) error {
		switch c.Op {
		case "create":
			open++
		case "close":
			open--
		}
		most = max(most, open)
		return nil
	}), "out", set, atomicfile.Options{})
	require.NoError(t, err)
	for i := range set {
		for off := int64(0); off < 20; off += 10 {
			_, err := s.WriteAt(i, make([]byte, 10), off)
			require.NoError(t, err)
		}
	}
	require.NoError(t, s.Commit())
	require.Equal(t, 2, most, "the lock, and one file")
	require.Len(t, m.Files(), files+1)
}
