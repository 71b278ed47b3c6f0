package atomicfile_test

import (
	"math"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/atomicfile"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/faultfs"
	"github.com/weightinit/weightinit/internal/needs"
)

// smallDisk mounts a file system of 30 MB that holds nothing but "w".
func smallDisk(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	if err := syscall.Mount("atomicfile-test", root, "tmpfs", 0, "size=30m"); err != nil {
		needs.Skip(t, "needs root and the right to mount a tmpfs: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(root, 0)) })
	require.NoError(t, os.Mkdir(root+"/w", 0o755))
	return root
}

func TestAFullDisk(t *testing.T) {
	root := smallDisk(t)
	const tooMuch = 40 << 20
	half := []atomicfile.Spec{{Name: "a.safetensors", Size: tooMuch / 2}, {Name: "b.safetensors", Size: tooMuch / 2}}
	arrays := []atomicfile.Spec{{Name: "a.npy", Size: tooMuch}, {Name: "manifest.json", Size: 10, Order: 2}}
	check := func(err error) {
		t.Helper()
		require.ErrorIs(t, err, syscall.ENOSPC)
		require.True(t, fault.IsCannotRun(err))
		oneLine(t, err, root, "a full disk")
		require.Regexp(t, `needs \d+ bytes, \d+ free`, err.Error())
		require.Len(t, picture(t, root+"/w"), 1)
	}
	for _, size := range []int64{tooMuch, 4e12, math.MaxInt64} {
		start := time.Now()
		_, err := atomicfile.Create(atomicfile.OS(), root+"/w/x.safetensors", size, atomicfile.Options{})
		check(err)
		require.Less(t, time.Since(start), 10*time.Second)
	}
	for _, set := range [][]atomicfile.Spec{half, arrays, {{Name: "a", Size: math.MaxInt64}, {Name: "b", Size: math.MaxInt64}}} {
		_, err := createSet(atomicfile.OS(), root+"/w/new", set, atomicfile.Options{})
		check(err)
		_, err = createSet(atomicfile.OS(), root+"/w", set, atomicfile.Options{Force: true})
		check(err)
	}

	// The free space is used up by somebody else after it was compared, and
	// also where the file system cannot reserve.
	for _, lack := range []string{"nothing", "reserve"} {
		fsys := faultfs.Wrap(atomicfile.OS(), func(c faultfs.Call) error {
			if c.Op == "space" || c.Op == lack {
				return syscall.ENOSYS
			}
			return nil
		})
		check(firstError(t, func() error { return writeChunks(fsys, root+"/w/x.safetensors", tooMuch) }))
		check(firstError(t, func() error { return writeSet(fsys, root+"/w/new", half) }))
		check(firstError(t, func() error { return writeSet(fsys, root+"/w", arrays) }))
	}
	require.NoError(t, writeChunks(atomicfile.OS(), root+"/w/x.safetensors", tooMuch/2))
}

// firstError gives the error the figures that a caller sees: those of a file
// system that tells its space.
func firstError(t *testing.T, run func() error) error {
	t.Helper()
	err := run()
	var w *atomicfile.WriteError
	require.ErrorAs(t, err, &w)
	w.Free = max(w.Free, 0)
	return err
}

func writeChunks(fsys atomicfile.FS, path string, size int) error {
	f, err := atomicfile.Create(fsys, path, int64(size), atomicfile.Options{})
	if err != nil {
		return err
	}
	chunk := make([]byte, 1<<20)
	for off := 0; off < size; off += len(chunk) {
		if _, err := f.WriteAt(chunk, int64(off)); err != nil {
			_ = f.Abort()
			return err
		}
	}
	return f.Commit()
}

func writeSet(fsys atomicfile.FS, dir string, set []atomicfile.Spec) error {
	s, err := createSet(fsys, dir, set, atomicfile.Options{})
	if err != nil {
		return err
	}
	for i, spec := range set {
		for off := int64(0); off < spec.Size; off += 1 << 20 {
			if _, err := s.WriteAt(i, make([]byte, min(1<<20, spec.Size-off)), off); err != nil {
				_ = s.Abort()
				return err
			}
		}
	}
	return s.Commit()
}

func TestAReadOnlyDisk(t *testing.T) {
	root := smallDisk(t)
	require.NoError(t, os.WriteFile(root+"/w/old.safetensors", []byte("old"), 0o600))
	require.NoError(t, syscall.Mount("", root, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	before := picture(t, root)
	for _, path := range []string{"/w/x.safetensors", "/w/old.safetensors"} {
		_, err := atomicfile.Create(atomicfile.OS(), root+path, 10, atomicfile.Options{Force: true})
		require.ErrorIs(t, err, syscall.EROFS)
		require.True(t, fault.IsCannotRun(err))
		oneLine(t, err, root+path, "a read-only disk")
	}
	for _, dir := range []string{"/w", "/w/new"} {
		_, err := createSet(atomicfile.OS(), root+dir, nil, atomicfile.Options{Force: true})
		require.ErrorIs(t, err, syscall.EROFS)
		require.True(t, fault.IsCannotRun(err))
	}
	require.Equal(t, before, picture(t, root))
}
