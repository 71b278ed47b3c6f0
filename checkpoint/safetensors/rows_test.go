package safetensors_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/checkpoint/safetensors"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/hostile"
)

// refusal is what a refusal must be by its type: the reason, the tensor, the
// field, and the offset in the file (-1 where the row does not fix it).
type refusal struct {
	reason        safetensors.Reason
	tensor, field string
	offset        int64
}

// Offsets in the base file: 8 bytes of length, then {"alpha":{"dtype":"F32",…
var refusals = map[string]refusal{
	"S01": {safetensors.HeaderLength, "", "", 0},
	"S02": {safetensors.HeaderLength, "", "", 0},
	"S03": {safetensors.HeaderLength, "", "", 0},
	"S04": {safetensors.HeaderLength, "", "", 0},
	"S05": {safetensors.HeaderLength, "", "", 0},
	"S06": {safetensors.HeaderLength, "", "", 0},
	"S07": {safetensors.HeaderLength, "", "", 0},
	"S08": {safetensors.HeaderText, "", "", 68},
	"S09": {safetensors.HeaderText, "", "", 12},
	"S10": {safetensors.HeaderLength, "", "", 0},
	"S11": {safetensors.HeaderText, "", "", 8},
	"S12": {safetensors.HeaderText, "", "", 8},
	"S13": {safetensors.HeaderText, "", "", 69},
	"S14": {safetensors.HeaderText, "", "", 8},
	"S15": {safetensors.HeaderText, "", "", 69},
	"S16": {safetensors.HeaderText, "", "", 8},
	"S17": {safetensors.DuplicateName, "alpha", "", 69},
	"S18": {safetensors.DuplicateName, "alpha", "", -1},
	"S19": {safetensors.DuplicateName, "alpha", "", -1},
	"S20": {safetensors.DuplicateName, "beta", "", -1},
	"S21": {safetensors.DuplicateName, "alpha", "dtype", 32},
	"S22": {safetensors.DuplicateName, "", "__metadata__", -1},
	"S23": {safetensors.DuplicateName, "", "format", -1},
	"S24": {safetensors.BadMetadata, "", "format", 34},
	"S25": {safetensors.BadMetadata, "", "format", 34},
	"S26": {safetensors.BadMetadata, "", "shape", -1},
	"S28": {safetensors.BadDType, "alpha", "dtype", 26},
	"S29": {safetensors.BadDType, "alpha", "dtype", 26},
	"S30": {safetensors.BadEntry, "alpha", "dtype", 9},
	"S31": {safetensors.BadEntry, "alpha", "shape", 9},
	"S32": {safetensors.BadEntry, "alpha", "data_offsets", 9},
	"S33": {safetensors.BadEntry, "alpha", "extra", -1},
	"S34": {safetensors.BadEntry, "alpha", "", 17},
	"S35": {safetensors.BadEntry, "alpha", "", 17},
	"S36": {safetensors.BadEntry, "alpha", "DTYPE", 18},
	"S37": {safetensors.BadShape, "alpha", "shape", 43},
	"S38": {safetensors.BadShape, "alpha", "shape", 41},
	"S39": {safetensors.BadShape, "alpha", "shape", 41},
	"S40": {safetensors.BadShape, "alpha", "shape", 41},
	"S41": {safetensors.BadShape, "alpha", "shape", 40},
	"S42": {safetensors.BadShape, "alpha", "shape", 41},
	"S43": {safetensors.BadShape, "alpha", "shape", 41},
	"S44": {safetensors.BadShape, "alpha", "shape", 40},
	"S45": {safetensors.BadShape, "alpha", "shape", 40},
	"S46": {safetensors.BadShape, "alpha", "shape", 40},
	"S47": {safetensors.BadShape, "alpha", "shape", 43},
	"S48": {safetensors.BadShape, "alpha", "shape", 41},
	"S49": {safetensors.BadOffsets, "alpha", "data_offsets", -1},
	"S50": {safetensors.BadOffsets, "alpha", "data_offsets", -1},
	"S51": {safetensors.BadOffsets, "alpha", "data_offsets", -1},
	"S52": {safetensors.BadOffsets, "alpha", "data_offsets", -1},
	"S53": {safetensors.BadOffsets, "alpha", "data_offsets", -1},
	"S54": {safetensors.BadOffsets, "alpha", "data_offsets", -1},
	"S55": {safetensors.BadOffsets, "alpha", "data_offsets", 80},
	"S56": {safetensors.BadOffsets, "alpha", "data_offsets", -1},
	"S57": {safetensors.BadOffsets, "beta", "data_offsets", -1},
	"S58": {safetensors.BadOffsets, "beta", "data_offsets", -1},
	"S59": {safetensors.BadOffsets, "alpha", "data_offsets", -1},
	"S60": {safetensors.BadOffsets, "beta", "data_offsets", -1},
	"S61": {safetensors.TrailingData, "", "", 85},
	"S62": {safetensors.TrailingData, "", "", 85},
	"S63": {safetensors.BadOffsets, "alpha", "data_offsets", -1},
	"S64": {safetensors.TrailingData, "", "", 10},
	"S65": {safetensors.BadShape, "alpha", "shape", -1},
	"S66": {safetensors.HeaderText, "", "", -1},
	"S67": {safetensors.BadShape, "alpha", "shape", 40},
	"S68": {safetensors.BadOffsets, "t00001", "data_offsets", -1},
	"S69": {safetensors.HeaderText, "", "", 12},
	"S70": {safetensors.HeaderText, "", "", 12},
	"S71": {safetensors.HeaderText, "", "", 69},
	"S72": {safetensors.HeaderText, "", "", 41},
	"S73": {safetensors.HeaderText, "", "", 9},
	"S79": {safetensors.HeaderLength, "", "", 0},
	"S81": {safetensors.DuplicateName, "beta", "", -1},
	"S82": {safetensors.BadMetadata, "", "", 24},
	"S83": {safetensors.HeaderText, "", "", -1},
}

func TestRows(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range hostile.Safetensors() {
		require.False(t, seen[c.ID], c.ID)
		seen[c.ID] = true
		t.Run(c.ID, func(t *testing.T) {
			if c.Large && (testing.Short() || hostile.Race) {
				return
			}
			path, err := c.Write(t.TempDir())
			require.NoError(t, err)
			start := hostile.CPU()
			f, err := safetensors.Open(path)
			require.True(t, hostile.Race || hostile.CPU()-start < 10*time.Second)
			if c.Verdict == hostile.Refuse {
				checkRefusal(t, c, path, err)
				return
			}
			require.NoError(t, err)
			defer f.Close()
			if c.Verdict == hostile.Accept {
				require.Empty(t, f.Warnings())
				return
			}
			require.Len(t, f.Warnings(), 1)
			require.NoError(t, c.CheckLine(f.Warnings()[0]))
			require.Contains(t, f.Warnings()[0], path)
		})
	}
	require.Len(t, seen, 84+15)
}

func checkRefusal(t *testing.T, c hostile.Case, path string, err error) {
	t.Helper()
	require.Error(t, err)
	require.NoError(t, c.CheckLine(err.Error()))
	require.Contains(t, err.Error(), path)
	require.False(t, fault.IsCannotRun(err), "bad input is not a fault of the system")
	var e *safetensors.Error
	require.ErrorAs(t, err, &e)
	want, ok := refusals[c.ID]
	require.True(t, ok, "no expectation for %s: %v", c.ID, err)
	require.ErrorIs(t, err, want.reason, "%v", err)
	require.Equal(t, path, e.Path)
	require.Equal(t, want.tensor, e.Tensor)
	require.Equal(t, want.tensor != "", e.HasTensor)
	require.Equal(t, want.field, e.Field)
	if want.offset >= 0 {
		require.Equal(t, want.offset, e.Offset, "%v", err)
	}
}

func TestAcceptedRowsHoldWhatTheySay(t *testing.T) {
	cases := hostile.Safetensors()
	open := func(id string) *safetensors.File {
		for _, c := range cases {
			if c.ID == id {
				b := c.Bytes()
				f, err := safetensors.NewFile(bytes.NewReader(b), int64(len(b)), id)
				require.NoError(t, err)
				return f
			}
		}
		t.Fatal(id)
		return nil
	}
	names := func(f *safetensors.File) (names []string) {
		for _, t := range f.Tensors() {
			names = append(names, t.Name)
		}
		return names
	}
	require.Empty(t, open("VS01").Tensors())
	require.Equal(t, []string{"alpha", "beta"}, names(open("VS04")))
	require.Equal(t, []string{"alpha", "beta", "gamma"}, names(open("VS08")))
	require.Equal(t, "al\x1b[31m\npha\u009b2J", open("S80").Tensors()[0].Name)
	if !hostile.Race {
		require.Len(t, open("VS11").Tensors(), 100_000)
	}

	f := open("VS13")
	require.Equal(t, map[string]string{"format": "pt", "größe": "ü \U0001F600"}, f.Metadata())
	require.Equal(t, "layer/0.\U0001F600.größe", f.Tensors()[0].Name)
	require.Nil(t, open("VS10").Metadata())
	require.NotNil(t, open("VS15").Metadata())

	f = open("VS06")
	require.Len(t, f.Tensors(), 22)
	var got []string
	for i, tensor := range f.Tensors() {
		bits, ok := safetensors.Bits(tensor.DType)
		require.True(t, ok)
		require.Equal(t, bits, tensor.Bits)
		require.Equal(t, int64(8), tensor.Elements)
		require.Equal(t, int64(bits), tensor.End-tensor.Begin)
		require.Equal(t, safetensors.DTypes()[i], tensor.DType)
		got = append(got, tensor.Name)
	}
	require.Equal(t, strings.ToLower(strings.Join(safetensors.DTypes(), " ")), strings.Join(got, " "))

	scalar := open("VS02").Tensors()[0]
	require.Empty(t, scalar.Shape)
	require.Equal(t, int64(1), scalar.Elements)
}

func TestReadAtStaysInsideTheTensor(t *testing.T) {
	for _, c := range hostile.Safetensors() {
		if c.ID != "S84" {
			continue
		}
		b := c.Bytes()
		f, err := safetensors.NewFile(bytes.NewReader(b), int64(len(b)), "two")
		require.NoError(t, err)
		p := make([]byte, 12)
		n, err := f.ReadAt(p, 1, 4)
		require.NoError(t, err)
		require.Equal(t, 12, n)
		require.Equal(t, b[f.DataOffset()+20:], p)
		n, err = f.ReadAt(p, 0, 8)
		require.Equal(t, 8, n)
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, b[f.DataOffset()+8:f.DataOffset()+16], p[:8])
		for _, off := range []int64{-1, 17} {
			_, err = f.ReadAt(p, 0, off)
			require.Error(t, err)
			require.NotErrorIs(t, err, io.EOF)
		}
		_, err = f.ReadAt(p, 2, 0)
		require.Error(t, err)
	}
}

// cut is a file that is shorter than it was.
type cut struct {
	io.ReaderAt
	size int64
	err  error
}

func (c cut) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > c.size {
		return 0, c.err
	}
	return c.ReaderAt.ReadAt(p, off)
}

func TestFailedReadsAreFaultsOfTheSystem(t *testing.T) {
	header, _, total, err := safetensors.Header([]safetensors.Entry{{Name: "a", DType: 1, Shape: []int64{4}}}, nil)
	require.NoError(t, err)
	file := append(header, make([]byte, total-int64(len(header)))...)
	for _, cause := range []error{io.EOF, errors.New("input/output\nerror")} {
		for _, size := range []int64{4, 20} {
			_, err = safetensors.NewFile(cut{bytes.NewReader(file), size, cause}, total, "x")
			require.ErrorIs(t, err, safetensors.ReadFailed)
			require.True(t, fault.IsCannotRun(err))
			require.NotContains(t, err.Error(), "\n")
		}
		f, err := safetensors.NewFile(cut{bytes.NewReader(file), total - 1, cause}, total, "x")
		require.NoError(t, err)
		_, err = f.ReadAt(make([]byte, 16), 0, 0)
		require.ErrorIs(t, err, safetensors.ReadFailed)
		require.True(t, fault.IsCannotRun(err))
	}
}

func TestRefusedFilesAreNamedWhenWellKnown(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("0a", 32) + "\nsize 548105171\n", "LFS"},
		{"\n<!DOCTYPE html>\n<html><body>404</body></html>", "HTML"},
		{"PK\x03\x04 and so on, at least some bytes", "zip archive"},
		{"\x93NUMPY\x01\x00v\x00{'descr'", ".npy"},
		{"\x80\x02}q\x00(X\x00\x00\x00\x00", "pickle"},
	} {
		path := filepath.Join(t.TempDir(), "x.safetensors")
		require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
		_, err := safetensors.Open(path)
		require.ErrorIs(t, err, safetensors.HeaderLength)
		require.ErrorContains(t, err, c.want)
		require.NoError(t, hostile.Case{}.CheckLine(err.Error()))
	}
}

// A fault of the text counts before one of a field, wherever they stand.
func TestTextIsCheckedBeforeFields(t *testing.T) {
	text := `{"alpha":{"dtype":"F31","shape":[2,2],"data_offsets":[0,16]},}`
	b := append([]byte{byte(len(text)), 0, 0, 0, 0, 0, 0, 0}, text...)
	_, err := safetensors.NewFile(bytes.NewReader(b), int64(len(b)), "x")
	require.ErrorIs(t, err, safetensors.HeaderText)
	require.ErrorContains(t, err, fmt.Sprintf("byte %d", 8+len(text)-1))
}

func TestWarningsAreCounted(t *testing.T) {
	var b strings.Builder
	b.WriteByte('{')
	for i := range 30 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"../%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`, i)
	}
	b.WriteByte('}')
	file := append([]byte{byte(b.Len()), byte(b.Len() >> 8), 0, 0, 0, 0, 0, 0}, b.String()...)
	f, err := safetensors.NewFile(bytes.NewReader(file), int64(len(file)), "x")
	require.NoError(t, err)
	require.Len(t, f.Warnings(), 21)
	require.Contains(t, f.Warnings()[20], "10 more")
}
