package engine_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/parity/engine"
)

func f64(values ...float64) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

// closeOne compares one tensor of one dimension.
func closeOne(t *testing.T, dtype string, reference, candidate []byte, values int64, opts engine.CloseOptions) engine.CloseTensor {
	t.Helper()
	report, err := engine.Close(t.Context(), memory{tensor(t, "w", dtype, []int64{values}, reference)},
		memory{tensor(t, "w", dtype, []int64{values}, candidate)}, opts)
	require.NoError(t, err)
	require.Len(t, report.Tensors, 1)
	return report.Tensors[0]
}

// closeCase is a case as scripts/reference/close_check writes it, with the
// verdicts of torch.testing.assert_close.
type closeCase struct {
	ReferenceDType string   `json:"reference_dtype"`
	CandidateDType string   `json:"candidate_dtype"`
	Reference      string   `json:"reference"`
	Candidate      string   `json:"candidate"`
	RTol           *float64 `json:"rtol"`
	ATol           *float64 `json:"atol"`
	EqualNaN       bool     `json:"equal_nan"`
	Passed         bool     `json:"passed"`
	// Close has a digit a value: 1 where that value alone passes.
	Close      string `json:"close"`
	AbsoluteAt *int64 `json:"absolute_at"`
	RelativeAt *int64 `json:"relative_at"`
}

func (c closeCase) options() engine.CloseOptions {
	return engine.CloseOptions{RTol: c.RTol, ATol: c.ATol, EqualNaN: c.EqualNaN, AnyDType: true}
}

// sets returns the whole tensor and each value as a scalar of its own.
func (c closeCase) sets(t *testing.T) (reference, candidate memory) {
	t.Helper()
	n := len(c.Close)
	add := func(dtype, text string) (out memory) {
		raw, err := hex.DecodeString(text)
		require.NoError(t, err)
		width := len(raw) / n
		out = append(out, tensor(t, "all", dtype, []int64{int64(n)}, raw))
		for i := range n {
			out = append(out, tensor(t, fmt.Sprint(i), dtype, nil, raw[i*width:][:width]))
		}
		return out
	}
	return add(c.ReferenceDType, c.Reference), add(c.CandidateDType, c.Candidate)
}

// TestCloseIsTorchsAssertClose holds Close against torch's own verdicts: those
// of the fixture, or of the file that WEIGHTINIT_CLOSE_CASES names.
func TestCloseIsTorchsAssertClose(t *testing.T) {
	path := filepath.Join("testdata", "close.json")
	if p := os.Getenv("WEIGHTINIT_CLOSE_CASES"); p != "" {
		path = p
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var cases []closeCase
	require.NoError(t, json.Unmarshal(text, &cases))
	require.NotEmpty(t, cases)
	values, disagree, extremes := 0, 0, 0
	for i, c := range cases {
		reference, candidate := c.sets(t)
		report, err := engine.Close(t.Context(), reference, candidate, c.options())
		require.NoError(t, err)
		whole := report.Tensors[0]
		values += len(c.Close)
		if (whole.Status == engine.Equal) != c.Passed || whole.Differing != int64(strings.Count(c.Close, "0")) ||
			whole.First != nil && whole.First.Index != int64(strings.IndexByte(c.Close, '0')) {
			disagree++
			t.Errorf("case %d of %s and %s: torch %v, %+v", i, c.ReferenceDType, c.CandidateDType, c.Passed, whole)
		}
		if c.AbsoluteAt != nil && c.ReferenceDType != "I64" {
			extremes++
			require.Equal(t, *c.AbsoluteAt, whole.Absolute.Index, "case %d: %+v", i, whole)
			if c.ReferenceDType == "F64" {
				require.Equal(t, *c.RelativeAt, whole.Relative.Index, "case %d: %+v", i, whole)
			}
		}
		for k, one := range report.Tensors[1:] {
			if (one.Status == engine.Equal) != (c.Close[k] == '1') {
				disagree++
				t.Errorf("case %d value %d of %s and %s, rtol %v, atol %v: torch %c, %+v, first %+v", i, k, c.ReferenceDType,
					c.CandidateDType, one.RTol, one.ATol, c.Close[k], one, one.First)
			}
		}
	}
	require.Positive(t, extremes)
	t.Logf("compared with torch: %d cases, %d values, %d greatest differences: %d disagreements", len(cases), values, extremes, disagree)
}

func TestTheDefaultTolerancesAreThoseOfTheType(t *testing.T) {
	for dtype, want := range map[string][2]float64{
		"F16": {1e-3, 1e-5}, "BF16": {1.6e-2, 1e-5}, "F32": {1.3e-6, 1e-5}, "F64": {1e-7, 1e-7}, "C64": {1.3e-6, 1e-5}, "C128": {1e-7, 1e-7}, "I32": {}, "BOOL": {}, "F8_E4M3": {},
	} {
		rtol, atol := engine.Tolerances(dtype)
		require.Equal(t, want, [2]float64{rtol, atol}, dtype)
	}
	got := closeOne(t, "F64", f64(1), f64(1), 1, engine.CloseOptions{})
	require.Equal(t, 1e-7, got.RTol)
	rtol := 0.5
	got = closeOne(t, "F64", f64(1), f64(1.4), 1, engine.CloseOptions{RTol: &rtol})
	require.Equal(t, engine.Equal, got.Status)
	require.Equal(t, 1e-7, got.ATol)
}

func TestCloseTellsTheGreatestDifferences(t *testing.T) {
	got := closeOne(t, "F64", f64(1, 100, 1e-12, 2), f64(1, 101, 3e-12, 2.5), 4, engine.CloseOptions{})
	require.Equal(t, engine.Differs, got.Status)
	require.EqualValues(t, 4, got.Values)
	require.EqualValues(t, 2, got.Differing)
	require.EqualValues(t, 1, got.First.Index)
	// The third value has the greatest relative difference of all, but is close.
	require.Equal(t, engine.Extreme{Value: 1, Index: 1, Coordinates: []int64{1}}, got.Absolute)
	require.Equal(t, engine.Extreme{Value: 0.25, Index: 3, Coordinates: []int64{3}}, got.Relative)

	got = closeOne(t, "F64", f64(1, 4), f64(1+1e-9, 4), 2, engine.CloseOptions{})
	require.Equal(t, engine.Equal, got.Status)
	require.Nil(t, got.First)
	require.InDelta(t, 1e-9, got.Absolute.Value, 1e-15)
	require.Zero(t, got.Absolute.Index)
}

func TestSpecialValues(t *testing.T) {
	inf, nan, negativeZero := math.Inf(1), math.NaN(), math.Copysign(0, -1)
	for name, c := range map[string]struct {
		reference, candidate float64
		equalNaN, close      bool
	}{
		"zeros":                   {0, negativeZero, false, true},
		"same infinity":           {inf, inf, false, true},
		"other infinity":          {inf, -inf, false, false},
		"infinity for a number":   {1, inf, false, false},
		"a number for infinity":   {inf, 1, false, false},
		"not a number":            {nan, nan, false, false},
		"not a number, by option": {nan, nan, true, true},
		"a number for NaN":        {nan, 1, true, false},
		"NaN for a number":        {1, nan, true, false},
	} {
		rtol, atol := 0.5, 100.0
		for _, opts := range []engine.CloseOptions{{EqualNaN: c.equalNaN}, {EqualNaN: c.equalNaN, RTol: &rtol, ATol: &atol}} {
			got := closeOne(t, "F64", f64(c.reference), f64(c.candidate), 1, opts)
			require.Equal(t, c.close, got.Status == engine.Equal, "%s: %+v", name, got)
			if c.close {
				require.Zero(t, got.Absolute.Value, name)
			}
		}
	}
}

// The verdicts are torch's: see the complex cases of the fixture.
func TestComplexNumbersAreComparedByModulus(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for name, c := range map[string]struct {
		reference, candidate complex128
		equalNaN, close      bool
	}{
		"zeros":                         {0, complex(math.Copysign(0, -1), math.Copysign(0, -1)), false, true},
		"last bits":                     {3 + 4i, 3 + 4.0000000001i, false, true},
		"a small part beside a large":   {complex(1e6, 0), complex(1e6, 0.05), false, true},
		"another part":                  {1 + 2i, 2 + 1i, false, false},
		"same infinities":               {complex(inf, 1), complex(inf, 1), false, true},
		"other infinity":                {complex(inf, 1), complex(-inf, 1), false, false},
		"one infinite part":             {complex(inf, 1), complex(inf, 2), false, false},
		"NaN part":                      {complex(nan, 1), complex(nan, 1), false, false},
		"NaN part, by option":           {complex(nan, 1), complex(1, nan), true, true},
		"infinite and NaN":              {complex(inf, nan), complex(nan, inf), true, true},
		"a number for a NaN, by option": {complex(1, nan), 1, true, false},
	} {
		got := closeOne(t, "C128", f64(real(c.reference), imag(c.reference)), f64(real(c.candidate), imag(c.candidate)), 1,
			engine.CloseOptions{EqualNaN: c.equalNaN})
		require.Equal(t, c.close, got.Status == engine.Equal, "%s: %+v", name, got)
	}
	got := closeOne(t, "C64", f32(1, 2, 3, 4), f32(1, 2, 3, -1), 2, engine.CloseOptions{})
	require.EqualValues(t, 1, got.Differing)
	require.Equal(t, engine.Extreme{Value: 5, Index: 1, Coordinates: []int64{1}}, got.Absolute)
	require.Equal(t, engine.Extreme{Value: 1, Index: 1, Coordinates: []int64{1}}, got.Relative)
	text := (&engine.CloseReport{Tensors: []engine.CloseTensor{got}}).Findings()[0].Detail
	require.Contains(t, text, "reference 3+4i, candidate 3-1i")
	require.Contains(t, text, "rtol 1.3e-06 and atol 1e-05")
}

func TestStructureFailsClose(t *testing.T) {
	reference := memory{
		tensor(t, "a", "F32", []int64{2}, f32(1, 2)),
		tensor(t, "b", "F32", []int64{2}, f32(1, 2)),
		tensor(t, "c", "F32", []int64{1}, f32(1)),
		tensor(t, "z", "C64", []int64{1}, f32(1, 2)),
		tensor(t, "y", "C64", []int64{1}, f32(1, 2)),
		tensor(t, "empty", "F32", []int64{0, 3}, nil),
	}
	candidate := memory{
		tensor(t, "b", "F32", []int64{1, 2}, f32(1, 2)),
		tensor(t, "c", "F64", []int64{1}, f64(1+1e-7)),
		tensor(t, "d", "F32", nil, f32(1)),
		tensor(t, "z", "C64", []int64{1}, f32(1, 2)),
		tensor(t, "y", "C64", []int64{1}, f32(1, 3)),
		tensor(t, "empty", "F32", []int64{0, 3}, nil),
	}
	statuses := func(opts engine.CloseOptions) map[string]engine.Status {
		report, err := engine.Close(t.Context(), reference, candidate, opts)
		require.NoError(t, err)
		require.False(t, report.Passed())
		out := map[string]engine.Status{}
		for _, f := range report.Tensors {
			out[f.Name] = f.Status
		}
		require.Equal(t, engine.Differs, report.Failures()[len(report.Failures())-1].Status)
		return out
	}
	want := map[string]engine.Status{
		"a": engine.Missing, "b": engine.Shape, "c": engine.DType, "d": engine.Extra, "z": engine.Equal, "y": engine.Differs, "empty": engine.Equal,
	}
	require.Equal(t, want, statuses(engine.CloseOptions{}))
	want["c"] = engine.Equal
	require.Equal(t, want, statuses(engine.CloseOptions{AnyDType: true}))
}

func TestIntegersOf64BitsAreExact(t *testing.T) {
	wide := func(v ...uint64) []byte {
		var b []byte
		for _, n := range v {
			b = binary.LittleEndian.AppendUint64(b, n)
		}
		return b
	}
	for _, dtype := range []string{"I64", "U64"} {
		got := closeOne(t, dtype, wide(1<<62, 1<<62), wide(1<<62, 1<<62+1), 2, engine.CloseOptions{})
		require.EqualValues(t, 1, got.Differing, dtype)
		require.Equal(t, 1.0, got.Absolute.Value, dtype)
	}
	got := closeOne(t, "U64", wide(0), wide(math.MaxUint64), 1, engine.CloseOptions{})
	require.Equal(t, 0x1p64, got.Absolute.Value)
}

func TestTolerancesThatAreNoneAreRefused(t *testing.T) {
	for _, bad := range []float64{-1, math.NaN(), math.Inf(1)} {
		_, err := engine.Close(t.Context(), memory{}, memory{}, engine.CloseOptions{ATol: &bad})
		require.ErrorContains(t, err, "parity: atol")
		_, err = engine.Close(t.Context(), memory{}, memory{}, engine.CloseOptions{RTol: &bad})
		require.ErrorContains(t, err, "parity: rtol")
	}
}

type brokenReader struct{ err error }

func (b brokenReader) ReadAt([]byte, int64) (int, error) { return 0, b.err }

func TestReadErrorsAndCancellationEndClose(t *testing.T) {
	broken := errors.New("broken")
	bad, err := checkpoint.NewTensor("w", "F32", []int64{4}, brokenReader{broken})
	require.NoError(t, err)
	good := tensor(t, "w", "F32", []int64{4}, f32(1, 2, 3, 4))
	for _, sets := range [][2]memory{{{bad}, {good}}, {{good}, {bad}}} {
		_, err = engine.Close(t.Context(), sets[0], sets[1], engine.CloseOptions{})
		require.ErrorIs(t, err, broken)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(broken)
	_, err = engine.Close(ctx, memory{good}, memory{good}, engine.CloseOptions{})
	require.ErrorIs(t, err, broken)
}

// TestPiecesJoin compares a tensor of several pieces with the simple loop.
func TestPiecesJoin(t *testing.T) {
	n := int64(64<<10)*2 + 77
	reference := bytes.Repeat(f32(1), int(n))
	candidate := bytes.Clone(reference)
	for _, at := range []int64{64 << 10, n - 1} {
		copy(candidate[4*at:], f32(1.5))
	}
	copy(candidate[4*(n-2):], f32(1.75))
	for _, workers := range []int{1, 3} {
		var seen int64
		got := closeOne(t, "F32", reference, candidate, n, engine.CloseOptions{Options: engine.Options{
			Workers: workers, Progress: func(v int64) { seen += v },
		}})
		require.Equal(t, n, seen)
		require.Equal(t, n, got.Values)
		require.EqualValues(t, 3, got.Differing)
		require.EqualValues(t, 64<<10, got.First.Index)
		require.EqualValues(t, n-2, got.Absolute.Index)
		require.Equal(t, 0.75, got.Absolute.Value)
	}
}

func TestCloseOfFloat64IsTheFormula(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		reference, candidate := rapid.Float64().Draw(r, "reference"), rapid.Float64().Draw(r, "candidate")
		rtol, atol := rapid.Float64Range(0, 1).Draw(r, "rtol"), rapid.Float64Range(0, 1).Draw(r, "atol")
		got := closeOne(t, "F64", f64(reference), f64(candidate), 1, engine.CloseOptions{RTol: &rtol, ATol: &atol})
		bound := atol + float64(rtol*math.Abs(reference))
		distance := math.Abs(candidate - reference)
		want := reference == candidate || !math.IsInf(distance, 0) && distance <= bound
		require.Equal(t, want, got.Status == engine.Equal)
	})
}
