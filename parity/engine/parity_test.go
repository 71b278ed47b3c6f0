package engine_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/parity/engine"
)

// memory is a set of tensors that is no file.
type memory []checkpoint.Tensor

func (m memory) Tensors() []checkpoint.Tensor { return m }

func (m memory) Lookup(name string) (checkpoint.Tensor, bool) {
	for _, t := range m {
		if t.Name == name {
			return t, true
		}
	}
	return checkpoint.Tensor{}, false
}
func (memory) Metadata() map[string]string { return nil }
func (memory) Warnings() []string          { return nil }
func (memory) Close() error                { return nil }

func tensor(t *testing.T, name, dtype string, shape []int64, data []byte) checkpoint.Tensor {
	t.Helper()
	out, err := checkpoint.NewTensor(name, dtype, shape, bytes.NewReader(data))
	require.NoError(t, err)
	return out
}

func f32(values ...float32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func TestBitsTellsWhereTensorsDiffer(t *testing.T) {
	next := math.Nextafter32(2, 3)
	nan := float32(math.NaN())
	negativeZero := float32(math.Copysign(0, -1))
	reference := memory{
		tensor(t, "same", "F32", []int64{2}, f32(1, nan)),
		tensor(t, "differs", "F32", []int64{2, 2}, f32(1, 2, 3, 4)),
		tensor(t, "zeros", "F32", []int64{1}, f32(0)),
		tensor(t, "missing", "F32", nil, f32(1)),
		tensor(t, "shape", "F32", []int64{2, 3}, f32(1, 2, 3, 4, 5, 6)),
		tensor(t, "dtype", "F32", []int64{1}, f32(1)),
		tensor(t, "empty", "F32", []int64{0}, nil),
		tensor(t, "number", "F32", []int64{1}, f32(nan)),
	}
	candidate := memory{
		tensor(t, "number", "F32", []int64{1}, f32(1)),
		tensor(t, "empty", "F32", []int64{0}, nil),
		tensor(t, "dtype", "I32", []int64{1}, f32(1)),
		tensor(t, "shape", "F32", []int64{3, 2}, f32(1, 2, 3, 4, 5, 6)),
		tensor(t, "extra", "F32", nil, f32(1)),
		tensor(t, "zeros", "F32", []int64{1}, f32(negativeZero)),
		tensor(t, "differs", "F32", []int64{2, 2}, f32(1, next, 3, 5)),
		tensor(t, "same", "F32", []int64{2}, f32(1, nan)),
	}
	report, err := engine.Bits(t.Context(), reference, candidate, engine.Options{})
	require.NoError(t, err)
	status := map[string]engine.Status{}
	for _, r := range report.Tensors {
		status[r.Name] = r.Status
	}
	require.Equal(t, map[string]engine.Status{
		"same": engine.Equal, "differs": engine.Differs, "zeros": engine.Differs, "missing": engine.Missing,
		"shape": engine.Shape, "dtype": engine.DType, "empty": engine.Equal, "extra": engine.Extra, "number": engine.Differs,
	}, status)
	require.False(t, report.Passed())
	require.Equal(t, int64(8), report.Values())

	differs := report.Tensors[1]
	require.Equal(t, int64(2), differs.Differing)
	require.Equal(t, &engine.Difference{
		Index: 1, Coordinates: []int64{0, 1}, Reference: "40000000", Candidate: "40000001",
		ReferenceValue: 2, CandidateValue: float64(next), ULPs: 1,
	}, differs.First)
	require.Equal(t, int64(1), report.Tensors[2].First.ULPs, "0 and -0 are neighbours whose bits differ")
	require.Equal(t, int64(-1), report.Tensors[7].First.ULPs, "no distance from NaN")

	failures := report.Failures()
	require.Equal(t, "differs", failures[4].Name, "tensors that cannot be compared come first, then the worst: %v", failures)

	some, err := engine.Bits(t.Context(), reference, candidate, engine.Options{Keep: regexp.MustCompile("^(same|empty)$").MatchString})
	require.NoError(t, err)
	require.True(t, some.Passed())
	require.Len(t, some.Tensors, 2)
}

func TestULPsCountsStepsInEveryType(t *testing.T) {
	for _, c := range []struct {
		dtype          string
		reference, cut []byte
		want           int64
	}{
		{"F32", f32(1), f32(-1), 2*0x3f800000 + 1},
		{"F16", []byte{0, 0x3c}, []byte{3, 0x3c}, 3},
		{"BF16", []byte{0, 0x80}, []byte{1, 0x00}, 2},
		{"F64", []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f}, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xef, 0x3f}, 1},
		{"F64", []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x7f}, []byte{0, 0, 0, 0, 0, 0, 0xf0, 0xff}, math.MaxInt64},
		{"I32", []byte{1, 0, 0, 0}, []byte{2, 0, 0, 0}, -1},
	} {
		report, err := engine.Bits(t.Context(),
			memory{tensor(t, "x", c.dtype, nil, c.reference)}, memory{tensor(t, "x", c.dtype, nil, c.cut)}, engine.Options{})
		require.NoError(t, err)
		require.Equal(t, c.want, report.Tensors[0].First.ULPs, c.dtype)
	}
}

func TestTheFirstDifferenceIsTheFirstWhateverTheNumberOfChunks(t *testing.T) {
	const n = 700_000 // three chunks
	data := make([]byte, 4*n)
	changed := bytes.Clone(data)
	for _, i := range []int{650_000, 300_000, 262_143, 262_144} {
		changed[4*i+1] = 7
	}
	reference := memory{tensor(t, "x", "F32", []int64{n}, data)}
	report, err := engine.Bits(t.Context(), reference, memory{tensor(t, "x", "F32", []int64{n}, changed)}, engine.Options{Workers: 3})
	require.NoError(t, err)
	require.Equal(t, int64(262_143), report.Tensors[0].First.Index)
	require.Equal(t, int64(4), report.Tensors[0].Differing)
	require.Equal(t, int64(n), report.Tensors[0].Values)
}

func TestAFileCutWhileItIsReadIsAnErrorAndNoDifference(t *testing.T) {
	short, err := checkpoint.NewTensor("x", "F32", []int64{4}, bytes.NewReader(f32(1, 2)))
	require.NoError(t, err)
	_, err = engine.Bits(t.Context(), memory{tensor(t, "x", "F32", []int64{4}, f32(1, 2, 3, 4))}, memory{short}, engine.Options{})
	require.Error(t, err)
}

// fixtures lists the folders that PyTorch made.
func fixtures(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob("../../testdata/torch/*/*/manifest.json")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(dirs), 18)
	for i := range dirs {
		dirs[i] = filepath.Dir(dirs[i])
	}
	return dirs
}

// caseOf reads what the reference script says of a fixture.
func caseOf(t *testing.T, dir string) (mode, seed string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	require.NoError(t, err)
	var manifest struct {
		Mode string
		Seed json.Number
	}
	require.NoError(t, json.Unmarshal(text, &manifest))
	return manifest.Mode, manifest.Seed.String()
}
