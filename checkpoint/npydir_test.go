package checkpoint_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/checkpoint/npy"
	"github.com/weightinit/weightinit/checkpoint/safetensors"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/hostile"
	"github.com/weightinit/weightinit/internal/needs"
	"github.com/weightinit/weightinit/layout"
)

// writeArray writes an array of one dimension.
func writeArray(t *testing.T, path string, dtype layout.DType, data []byte) {
	t.Helper()
	header, err := npy.Header(dtype, []int64{int64(len(data)) / dtype.Size()})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(header, data...), 0o600))
}

// record is a directory as our own writer makes it.
func record(t *testing.T) (dir string, m npy.Manifest) {
	t.Helper()
	dir = t.TempDir()
	m = npy.Manifest{
		Metadata: map[string]string{"format": "pt", "weightinit.seed": "7"},
		Tensors: []npy.ManifestTensor{
			{Name: "z/first", File: "0.npy", DType: "bf16", Shape: []int64{2}},
			{Name: "a", File: "a.npy", DType: "f32", Shape: []int64{1}},
			{Name: "half", File: "half.npy", DType: "f16", Shape: []int64{3}},
			{Name: "double", File: "double.npy", DType: "f64", Shape: []int64{1}},
		},
	}
	writeArray(t, filepath.Join(dir, "0.npy"), layout.BF16, []byte{0x80, 0x3f, 0x00, 0xc0})
	writeArray(t, filepath.Join(dir, "a.npy"), layout.F32, binary.LittleEndian.AppendUint32(nil, math.Float32bits(0.5)))
	writeArray(t, filepath.Join(dir, "half.npy"), layout.F16, []byte{0x00, 0x3c, 0x00, 0x80, 0x01, 0x00})
	writeArray(t, filepath.Join(dir, "double.npy"), layout.F64, binary.LittleEndian.AppendUint64(nil, math.Float64bits(0.1)))
	return dir, m
}

func writeManifest(t *testing.T, dir string, m npy.Manifest) {
	t.Helper()
	text, err := m.Encode()
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, npy.ManifestName), text, 0o600))
}

func TestADirectoryWithOurManifest(t *testing.T) {
	dir, m := record(t)
	writeManifest(t, dir, m)
	set, err := checkpoint.Open(dir)
	require.NoError(t, err)
	defer set.Close()
	require.Empty(t, set.Warnings())
	require.Equal(t, m.Metadata, set.Metadata())
	var names, dtypes []string
	for _, tensor := range set.Tensors() {
		names, dtypes = append(names, tensor.Name), append(dtypes, tensor.DType)
	}
	require.Equal(t, []string{"z/first", "a", "half", "double"}, names)
	require.Equal(t, []string{"BF16", "F32", "F16", "F64"}, dtypes)
	require.Equal(t, []float64{1, -2}, values(t, set.Tensors()[0]))
	require.Equal(t, []float64{1, math.Copysign(0, -1), math.Ldexp(1, -24)}, values(t, set.Tensors()[2]))
	_, ok := set.Lookup("b")
	require.False(t, ok)
}

func TestADirectoryWithoutManifest(t *testing.T) {
	dir, _ := record(t)
	set, err := checkpoint.Open(dir)
	require.NoError(t, err)
	defer set.Close()
	var names []string
	for _, tensor := range set.Tensors() {
		names = append(names, tensor.Name+" "+tensor.DType)
	}
	require.Equal(t, []string{"0 U16", "a F32", "double F64", "half F16"}, names)
	require.Nil(t, set.Metadata())
}

func TestTheFixturesOfTheReferenceScripts(t *testing.T) {
	dirs, err := filepath.Glob("../testdata/torch/*/*")
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, npy.ManifestName)); err != nil {
			continue
		}
		set, err := checkpoint.Open(dir)
		require.NoError(t, err)
		require.Empty(t, set.Warnings())
		require.NotEmpty(t, set.Tensors())
		for _, tensor := range set.Tensors() {
			require.Equal(t, "F32", tensor.DType)
			require.Len(t, tensor.SHA256, 64)
			require.NoError(t, tensor.ReadAt(make([]byte, tensor.Bytes()), 0))
		}
		require.NoError(t, set.Close())
	}
}

func TestDirectoriesThatAreNotAsTheirManifestSays(t *testing.T) {
	for name, c := range map[string]struct {
		spoil  func(t *testing.T, dir string, m *npy.Manifest)
		reason checkpoint.Reason
		words  []string
	}{
		"missing file": {func(t *testing.T, dir string, _ *npy.Manifest) {
			require.NoError(t, os.Remove(filepath.Join(dir, "a.npy")))
		}, checkpoint.MissingFile, []string{"a.npy", `"a"`}},
		"other dtype":    {func(_ *testing.T, _ string, m *npy.Manifest) { m.Tensors[1].DType = "f16" }, checkpoint.WrongTensor, []string{"a.npy", "f16", "F32"}},
		"bf16 in floats": {func(_ *testing.T, _ string, m *npy.Manifest) { m.Tensors[2].DType = "bf16" }, checkpoint.WrongTensor, []string{"half.npy", "U16", "F16"}},
		"other shape":    {func(_ *testing.T, _ string, m *npy.Manifest) { m.Tensors[1].Shape = nil }, checkpoint.WrongTensor, []string{"a.npy", "shape", "[1]", "[]"}},
		"circle": {func(t *testing.T, dir string, _ *npy.Manifest) {
			require.NoError(t, os.Remove(filepath.Join(dir, "a.npy")))
			if err := os.Symlink("a.npy", filepath.Join(dir, "a.npy")); err != nil {
				needs.Skip(t, "needs symbolic links: %v", err)
			}
		}, checkpoint.BrokenLink, []string{"a.npy", "symlink"}},
		"dangling": {func(t *testing.T, dir string, _ *npy.Manifest) {
			require.NoError(t, os.Remove(filepath.Join(dir, "a.npy")))
			if err := os.Symlink("gone.npy", filepath.Join(dir, "a.npy")); err != nil {
				needs.Skip(t, "needs symbolic links: %v", err)
			}
		}, checkpoint.MissingFile, []string{"a.npy", "symlink"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, m := record(t)
			c.spoil(t, dir, &m)
			writeManifest(t, dir, m)
			_, err := checkpoint.Open(dir)
			require.ErrorIs(t, err, c.reason, "%v", err)
			require.False(t, fault.IsCannotRun(err))
			require.NoError(t, hostile.Case{MustName: append(c.words, dir)}.CheckLine(err.Error()))
		})
	}
}

func TestALinkInsideTheDirectoryIsFollowed(t *testing.T) {
	dir, m := record(t)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "below"), 0o777))
	require.NoError(t, os.Rename(filepath.Join(dir, "a.npy"), filepath.Join(dir, "below", "x")))
	if err := os.Symlink(filepath.Join("below", "x"), filepath.Join(dir, "a.npy")); err != nil {
		needs.Skip(t, "needs symbolic links: %v", err)
	}
	writeManifest(t, dir, m)
	set, err := checkpoint.Open(dir)
	require.NoError(t, err)
	require.Equal(t, []float64{0.5}, values(t, set.Tensors()[1]))
	require.NoError(t, set.Close())
}

func TestFilesBesideTheSetAreNamed(t *testing.T) {
	dir, m := record(t)
	m.Tensors = m.Tensors[1:]
	writeManifest(t, dir, m)
	set, err := checkpoint.Open(dir)
	require.NoError(t, err)
	require.Len(t, set.Warnings(), 1)
	require.Contains(t, set.Warnings()[0], "0.npy")
	require.NoError(t, set.Close())

	for i := range 30 {
		writeArray(t, filepath.Join(dir, fmt.Sprintf("stray%02d.npy", i)), layout.F32, nil)
	}
	set, err = checkpoint.Open(dir)
	require.NoError(t, err)
	require.Len(t, set.Warnings(), 21)
	require.Contains(t, set.Warnings()[20], "11 more")
	require.NoError(t, set.Close())
}

// More files than stay open, read by several goroutines.
func TestADirectoryOfManyFiles(t *testing.T) {
	dir := t.TempDir()
	const n = 200
	for i := range n {
		writeArray(t, filepath.Join(dir, fmt.Sprintf("%03d.npy", i)), layout.F32, binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(i))))
	}
	set, err := checkpoint.Open(dir)
	require.NoError(t, err)
	require.Len(t, set.Tensors(), n)
	if fds, err := os.ReadDir("/proc/self/fd"); err == nil {
		require.Less(t, len(fds), 150)
	}
	var wait sync.WaitGroup
	failed := make([]error, 8)
	for worker := range failed {
		wait.Add(1)
		go func() {
			defer wait.Done()
			b := make([]byte, 4)
			for i := range n {
				k := (i*7 + worker*25) % n
				if err := set.Tensors()[k].ReadAt(b, 0); err != nil {
					failed[worker] = err
				} else if got := math.Float32frombits(binary.LittleEndian.Uint32(b)); got != float32(k) {
					failed[worker] = fmt.Errorf("tensor %d is %v", k, got)
				}
			}
		}()
	}
	wait.Wait()
	for _, err := range failed {
		require.NoError(t, err)
	}
	// A file that is another one by now is no longer read.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "000.npy"), []byte("short"), 0o600))
	for i := 100; i < n; i++ {
		require.NoError(t, set.Tensors()[i].ReadAt(make([]byte, 4), 0))
	}
	err = set.Tensors()[0].ReadAt(make([]byte, 4), 0)
	require.Error(t, err)
	require.True(t, fault.IsCannotRun(err))
	require.NoError(t, set.Close())
	require.Error(t, set.Tensors()[5].ReadAt(make([]byte, 4), 0))
}

// A file that is cut short while it is read is an error of the system, not a
// signal.
func TestAFileThatIsCutWhileItIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	header, _, total, err := safetensors.Header([]safetensors.Entry{{Name: "w", DType: layout.F32, Shape: []int64{1 << 20}}}, nil)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, header, 0o600))
	require.NoError(t, os.Truncate(path, total))
	set, err := checkpoint.Open(path)
	require.NoError(t, err)
	defer set.Close()
	pieces := 0
	err = set.Tensors()[0].Each(context.Background(), func(v []float64) error {
		pieces++
		return os.Truncate(path, total/2)
	})
	require.ErrorIs(t, err, safetensors.ReadFailed)
	require.True(t, fault.IsCannotRun(err))
	require.Greater(t, pieces, 1)
}

func TestFormsWithoutTheirEnding(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name    string
		content []byte
		tensors int
	}{
		{"blob1", hostile.Safetensors()[len(hostile.Safetensors())-1].Bytes(), 1},
		{"blob2.bin", hostile.NPY()[len(hostile.NPY())-1].Bytes(), 1},
		{"blob3", hostile.Archive(), 2},
		{"UPPER.NPY", hostile.NPY()[len(hostile.NPY())-1].Bytes(), 1},
	} {
		path := filepath.Join(dir, c.name)
		require.NoError(t, os.WriteFile(path, c.content, 0o600))
		set, err := checkpoint.Open(path)
		require.NoError(t, err, c.name)
		require.Len(t, set.Tensors(), c.tensors)
		require.NoError(t, set.Close())
	}
	set, err := checkpoint.Open(filepath.Join(dir, "UPPER.NPY"))
	require.NoError(t, err)
	require.Equal(t, "UPPER", set.Tensors()[0].Name)
	require.NoError(t, set.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x"), nil, 0o600))
	_, err = checkpoint.Open(filepath.Join(dir, "x"))
	require.ErrorIs(t, err, safetensors.HeaderLength)
	_, err = checkpoint.Open("")
	require.Error(t, err)
	require.False(t, fault.IsCannotRun(err))
}

func TestNewTensor(t *testing.T) {
	tensor, err := checkpoint.NewTensor("w", "U8", []int64{4}, bytes.NewReader([]byte{1, 2, 3, 4}))
	require.NoError(t, err)
	require.Equal(t, []float64{1, 2, 3, 4}, values(t, tensor))
	b := make([]byte, 2)
	require.NoError(t, tensor.ReadAt(b, 2))
	require.Equal(t, []byte{3, 4}, b)
	for _, off := range []int64{-1, 3, 5} {
		require.ErrorContains(t, tensor.ReadAt(b, off), "no bytes")
	}
	short, err := checkpoint.NewTensor("w", "U8", []int64{5}, bytes.NewReader([]byte{1, 2, 3, 4}))
	require.NoError(t, err)
	require.Error(t, short.ReadAt(make([]byte, 5), 0))
	for _, c := range []struct {
		dtype string
		shape []int64
	}{{"u8", nil}, {"U8", []int64{-1}}, {"F4", []int64{3}}, {"F64", []int64{1 << 61}}} {
		_, err := checkpoint.NewTensor("w", c.dtype, c.shape, nil)
		require.Error(t, err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, tensor.Each(cancelled, nil), context.Canceled)
}
