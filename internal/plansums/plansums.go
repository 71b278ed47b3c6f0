// Package plansums holds a plan file, as it is drawn, against what torch's real
// constructor gave: the sums that scripts/reference/plans writes beside it.
package plansums

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/plan/planfile"
)

// sums is a file of sums.
type sums struct {
	Runs []struct {
		Seed           json.Number
		Tensors, Saved []tensor
	}
}

type tensor struct {
	Name, DType, SHA256 string
	Shape               []int64
	// Values are those of a tensor that is not exact: little-endian, zlib,
	// base64; empty for one that is too large to keep.
	Values string
}

// Result counts the tensors of a plan over all runs.
type Result struct {
	// Exact are equal in every bit; Within are not exact, and within their
	// bound; Unpromised have only the shape and type that they should;
	// Unchecked are not exact, and the file does not hold their values.
	Exact, Within, Unpromised, Unchecked int
	// Values counts those of tensors within a bound, and Off how many of these
	// differ.
	Values, Off int64
	// Names are those of the unchecked.
	Names []string
	// Wrong has a line for each tensor that is not as it should be.
	Wrong []string
}

// Check draws the plan file for each seed of its sums.
func Check(ctx context.Context, file, sumsFile []byte) (*Result, error) {
	var s sums
	if err := json.Unmarshal(sumsFile, &s); err != nil {
		return nil, err
	}
	r := &Result{}
	for _, run := range s.Runs {
		doc, err := planfile.Parse(file)
		if err != nil {
			return nil, err
		}
		seed, err := parseSeed(run.Seed)
		if err != nil {
			return nil, err
		}
		l := doc.Layout
		if run.Saved != nil {
			if err := r.check(ctx, l, seed, run.Saved); err != nil {
				return nil, err
			}
		}
		l.Saved = nil
		if err := r.check(ctx, l, seed, run.Tensors); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func parseSeed(n json.Number) (uint64, error) {
	v, err := n.Int64()
	return uint64(v), err
}

// check compares one run with the tensors that torch gave.
func (r *Result) check(ctx context.Context, l *layout.Layout, seed uint64, want []tensor) error {
	p, err := plan.FromProgram(l, plan.Options{Seed: seed})
	if err != nil {
		return err
	}
	made := &memory{plan: p, values: make([][]byte, p.Tensors().Len())}
	place := map[string]int{}
	for i, t := range p.Tensors().All() {
		made.values[i] = make([]byte, t.Bytes())
		place[t.Name] = i
	}
	if err := fill.Run(ctx, p, made, fill.Options{WorkMemory: math.MaxInt64}); err != nil {
		return err
	}
	same := map[string]string{}
	for _, e := range p.StateDict().All() {
		same[e.Name] = e.SameAs
	}
	for _, w := range want {
		i, known := place[w.Name]
		for name := w.Name; !known && same[name] != ""; {
			name = same[name]
			i, known = place[name]
		}
		if !known {
			r.wrong("%s: missing", w.Name)
			continue
		}
		r.tensor(p.Tensors().At(i), made.values[i], w)
	}
	return nil
}

func (r *Result) wrong(format string, args ...any) {
	r.Wrong = append(r.Wrong, fmt.Sprintf(format, args...))
}

// tensor compares one tensor.
func (r *Result) tensor(t plan.Tensor, got []byte, want tensor) {
	if t.DType.Torch() != want.DType || !slices.Equal(t.Shape, want.Shape) {
		r.wrong("%s: %s %v, want %s %v", want.Name, t.DType.Torch(), t.Shape, want.DType, want.Shape)
		return
	}
	sum := sha256.Sum256(got)
	equal := hex.EncodeToString(sum[:]) == want.SHA256
	switch {
	case t.ULPs < 0:
		r.Unpromised++
	case t.ULPs == 0 && equal:
		r.Exact++
	case t.ULPs == 0:
		r.wrong("%s: bits differ", want.Name)
	case want.Values == "" && !equal:
		r.Unchecked++
		r.Names = append(r.Names, want.Name)
	case equal:
		r.Within++
		r.Values += t.Elements
	default:
		r.within(t, got, want)
	}
}

// within compares the values of a tensor that is not exact.
func (r *Result) within(t plan.Tensor, got []byte, want tensor) {
	packed, err := base64.StdEncoding.DecodeString(want.Values)
	if err != nil {
		r.wrong("%s: %v", want.Name, err)
		return
	}
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		r.wrong("%s: %v", want.Name, err)
		return
	}
	data, err := io.ReadAll(z)
	if err != nil || len(data) != len(got) {
		r.wrong("%s: %d bytes of values, %v", want.Name, len(data), err)
		return
	}
	size := int(t.DType.Size())
	worst, off := int64(0), int64(0)
	for i := 0; i < len(got); i += size {
		if d := distance(got[i:i+size], data[i:i+size], t.DType); d > 0 {
			off++
			worst = max(worst, d)
		}
	}
	r.Values += t.Elements
	r.Off += off
	if worst > int64(t.ULPs) {
		r.wrong("%s: %d of %d values differ, by up to %d ulp: the bound is %d", want.Name, off, t.Elements, worst, t.ULPs)
		return
	}
	r.Within++
}

// distance is the number of values of the type from one to the other; two that
// are not numbers are equal.
func distance(a, b []byte, of dtype.Type) int64 {
	x, y := (&layout.Literal{DType: of, Data: a}).At(0), (&layout.Literal{DType: of, Data: b}).At(0)
	if math.IsNaN(x) && math.IsNaN(y) {
		return 0
	}
	ordered := func(data []byte) int64 {
		bits := uint64(0)
		for i := len(data) - 1; i >= 0; i-- {
			bits = bits<<8 | uint64(data[i])
		}
		sign := uint64(1) << (8*len(data) - 1)
		if bits&sign != 0 {
			return -int64(bits &^ sign)
		}
		return int64(bits)
	}
	d := ordered(a) - ordered(b)
	return max(d, -d)
}

// memory is a sink that keeps everything.
type memory struct {
	plan   *plan.Plan
	values [][]byte
}

func (m *memory) WriteValues(tensor int, first int64, data []byte) error {
	copy(m.values[tensor][first*m.plan.Tensors().At(tensor).DType.Size():], data)
	return nil
}
