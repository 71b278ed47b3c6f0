package engine

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/weightinit/weightinit/checkpoint"
)

// closeValues is how many values of a tensor are compared at once. It is even,
// so a piece of a type of four bits ends with a whole byte.
const closeValues = 64 << 10

// CloseOptions tune [Close].
type CloseOptions struct {
	Options
	// RTol and ATol are the relative and the absolute tolerance. Nil means the
	// default of the tensor's type, see [Tolerances].
	RTol, ATol *float64
	// EqualNaN makes two values that are no numbers equal, whatever their bits.
	EqualNaN bool
	// AnyDType compares tensors of two types by value, both converted to the
	// type that torch.promote_types names. Otherwise another type is a failure.
	AnyDType bool
}

// Extreme is the greatest of a tensor's differences and where it is.
type Extreme struct {
	// Value is NaN when a difference is not defined (one of the values is not a
	// number); that counts as greater than every number.
	Value float64
	// Index counts in C order, -1 for a tensor without values; Coordinates is
	// the same place by dimension.
	Index       int64
	Coordinates []int64
}

// CloseTensor is the result of one tensor. Differing counts the values that
// are not close, and First is the first of them.
type CloseTensor struct {
	Tensor
	// RTol and ATol are the tolerances that the tensor was held against.
	RTol, ATol float64
	// Absolute and Relative are the greatest |candidate - reference|, and the
	// greatest of that over |reference|: among the values that are not close,
	// or among all when all are.
	Absolute, Relative Extreme
}

// CloseReport is the result of [Close].
type CloseReport struct {
	// Tensors are in the reference's order, then the extra ones.
	Tensors []CloseTensor
}

// Passed reports whether all values of all tensors are close.
func (r *CloseReport) Passed() bool {
	return !slices.ContainsFunc(r.Tensors, func(t CloseTensor) bool { return t.Status != Equal })
}

// Failures returns the tensors that are not close: first those that could not
// be compared, then those with most mismatches.
func (r *CloseReport) Failures() []CloseTensor {
	return worst(r.Tensors, func(t CloseTensor) (Status, int64) { return t.Status, t.Differing })
}

// Tolerances returns the defaults of torch.testing.assert_close for a stored
// type: 0 and 0 for types that are no floating-point numbers of 16 bits or
// more. Of two types that are compared the larger tolerances hold.
func Tolerances(dtype string) (rtol, atol float64) {
	switch dtype {
	case "F16":
		return 1e-3, 1e-5
	case "BF16":
		return 1.6e-2, 1e-5
	case "F32", "C64":
		return 1.3e-6, 1e-5
	case "F64", "C128":
		return 1e-7, 1e-7
	}
	return 0, 0
}

// Close compares two sets of tensors by value: two values are close when they
// are equal, or when |candidate - reference| is finite and at most
// atol + rtol |reference|. So infinities are close only when identical, the
// two zeros are close, and NaN is close to nothing unless opts says so.
//
// The sides of the inequality are rounded after each step to the tensor's type
// (integers are compared in float32), as torch.testing.assert_close does, so
// that the verdicts are the same also at the edge of the tolerance. The reported
// differences are in float64. Of complex numbers the moduli are compared, that
// of the difference with that of the reference; one with a NaN part is no
// number. The floating-point types of six bits are compared by their bits.
//
// Memory does not depend on the size of the sets. The error is one of the
// options or of reading.
func Close(ctx context.Context, reference, candidate checkpoint.Set, opts CloseOptions) (*CloseReport, error) {
	for _, tol := range []struct {
		name  string
		value *float64
	}{{"rtol", opts.RTol}, {"atol", opts.ATol}} {
		if v := tol.value; v != nil && !(*v >= 0 && *v <= math.MaxFloat64) {
			return nil, fmt.Errorf("parity: %s %v: a tolerance is a number from 0 on", tol.name, *v)
		}
	}
	paired := pair(sidesOfSet(reference), sidesOfSet(candidate), opts.Options)
	report := &CloseReport{Tensors: make([]CloseTensor, len(paired.Tensors))}
	group, ctx := errgroup.WithContext(ctx)
	if opts.Workers <= 0 {
		opts.Workers = runtime.GOMAXPROCS(0)
	}
	group.SetLimit(opts.Workers)
	for i, t := range paired.Tensors {
		ct := &report.Tensors[i]
		*ct = CloseTensor{Tensor: t, Absolute: Extreme{Index: -1}, Relative: Extreme{Index: -1}}
		ref, inReference := reference.Lookup(t.Name)
		cand, inCandidate := candidate.Lookup(t.Name)
		if !inReference || !inCandidate {
			continue
		}
		c, ok := newCloser(ct, ref, cand, &opts)
		if !ok {
			continue
		}
		group.Go(func() error { return c.run(ctx) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return report, nil
}

// closer compares one tensor.
type closer struct {
	t         *CloseTensor
	ref, cand checkpoint.Tensor
	opts      *CloseOptions
	judge     judge
	// all are the extremes of all values, mismatched of those not close.
	all, mismatched extremes
}

type extremes struct{ absolute, relative Extreme }

// newCloser decides how a tensor is compared, and whether it is.
func newCloser(t *CloseTensor, ref, cand checkpoint.Tensor, opts *CloseOptions) (*closer, bool) {
	target, known := promote(ref.DType, cand.DType)
	if t.Status == DType && opts.AnyDType && known {
		t.Status = Equal
	}
	if t.Status != Equal {
		return nil, false
	}
	rtol, atol := Tolerances(ref.DType)
	rtol2, atol2 := Tolerances(cand.DType)
	t.RTol, t.ATol = max(rtol, rtol2), max(atol, atol2)
	if opts.RTol != nil {
		t.RTol = *opts.RTol
	}
	if opts.ATol != nil {
		t.ATol = *opts.ATol
	}
	none := Extreme{Index: -1}
	return &closer{
		t: t, ref: ref, cand: cand, opts: opts, judge: newJudge(target, t.RTol, t.ATol, opts.EqualNaN),
		all: extremes{none, none}, mismatched: extremes{none, none},
	}, true
}

// run compares piece by piece.
func (c *closer) run(ctx context.Context) error {
	if complexPart(c.judge.target) == "" && (!checkpoint.Decodable(c.ref.DType) || !checkpoint.Decodable(c.cand.DType)) {
		return c.runBits(ctx)
	}
	elements := c.ref.Elements()
	refs, cands := newPiece(c.ref, min(closeValues, elements)), newPiece(c.cand, min(closeValues, elements))
	together, err := checkpoint.Together(ctx, c.ref, c.cand, 1, func(p *checkpoint.Piece) error {
		if err := cmp.Or(refs.take(p.A, int64(p.Count), c.judge.target), cands.take(p.B, int64(p.Count), c.judge.target)); err != nil {
			return err
		}
		c.step(refs, cands, p.Index)
		return nil
	})
	if together && err == nil {
		c.finish()
	}
	if together || err != nil {
		return err
	}
	for done := int64(0); done < elements; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := min(closeValues, elements-done)
		if err := refs.read(done, n, c.judge.target); err != nil {
			return err
		}
		if err := cands.read(done, n, c.judge.target); err != nil {
			return err
		}
		c.step(refs, cands, func(i int) int64 { return done + int64(i) })
		done += n
	}
	c.finish()
	return nil
}

// step compares two pieces whose i-th values have the index place(i).
func (c *closer) step(refs, cands *piece, place func(i int) int64) {
	if !c.alike(refs, cands, place) {
		c.compare(refs, cands, place)
	}
	n := int64(len(refs.values))
	c.t.Values += n
	if c.opts.Progress != nil {
		c.opts.Progress(n)
	}
}

// alike reports whether equal bytes show that a piece has no difference, which
// holds for numbers; two NaN of the same bits are not equal.
func (c *closer) alike(refs, cands *piece, place func(i int) int64) bool {
	if c.ref.DType != c.cand.DType || !bytes.Equal(refs.raw, cands.raw) {
		return false
	}
	if !c.opts.EqualNaN && (slices.ContainsFunc(refs.values, math.IsNaN) || slices.ContainsFunc(refs.imag, math.IsNaN)) {
		return false
	}
	c.all.see(0, 0, 0, place) // element 0 is the first of a piece, so it is found
	return true
}

func (c *closer) compare(refs, cands *piece, place func(i int) int64) {
	for i, r := range refs.values {
		v := cands.values[i]
		var absolute, relative float64
		var near bool
		switch {
		case refs.imag != nil:
			a, b := complex(r, refs.imag[i]), complex(v, cands.imag[i])
			near = c.judge.closeComplex(a, b)
			absolute, relative = distances(a, b, near)
		case refs.wide != nil:
			near = c.judge.closeWide(refs.wide[i], cands.wide[i])
			absolute = c.judge.distance(refs.wide[i], cands.wide[i])
		default:
			near = c.judge.close(r, v)
			absolute = math.Abs(v - r)
			if r == v || near && math.IsNaN(absolute) { // identical infinities; NaN by option
				absolute = 0
			}
		}
		if absolute != 0 && refs.imag == nil {
			relative = absolute / math.Abs(r)
		}
		c.all.see(absolute, relative, i, place)
		if near {
			continue
		}
		c.mismatched.see(absolute, relative, i, place)
		c.t.Status = Differs
		c.t.Differing++
		if at := place(i); c.t.First == nil || at < c.t.First.Index {
			c.t.First = c.difference(at, i, refs, cands)
		}
	}
}

func (e *extremes) see(absolute, relative float64, i int, place func(i int) int64) {
	e.absolute.see(absolute, i, place)
	e.relative.see(relative, i, place)
}

// see takes the difference of a piece's i-th values. Of equal ones the first in
// C order counts, in whichever order they come.
func (e *Extreme) see(v float64, i int, place func(i int) int64) {
	switch {
	case e.Index < 0 || v > e.Value || math.IsNaN(v) && !math.IsNaN(e.Value):
		e.Value, e.Index = v, place(i)
	case v == e.Value || math.IsNaN(v):
		e.Index = min(e.Index, place(i))
	}
}

// finish puts the extremes into the result.
func (c *closer) finish() {
	e := c.all
	if c.t.Differing > 0 {
		e = c.mismatched
	}
	c.t.Absolute, c.t.Relative = e.absolute, e.relative
	for _, x := range []*Extreme{&c.t.Absolute, &c.t.Relative} {
		if x.Index >= 0 {
			x.Coordinates = unravel(x.Index, c.t.ReferenceShape)
		}
	}
}

// difference describes the value at index, the i-th of the pieces.
func (c *closer) difference(index int64, i int, refs, cands *piece) *Difference {
	r, v := refs.bytesOf(i), cands.bytesOf(i)
	d := &Difference{
		Index: index, Coordinates: unravel(index, c.t.ReferenceShape),
		Reference: hexOf(r), Candidate: hexOf(v),
		ReferenceValue: refs.values[i], CandidateValue: cands.values[i], ULPs: -1,
	}
	if refs.imag != nil {
		d.ReferenceImag, d.CandidateImag = refs.imag[i], cands.imag[i]
	}
	if c.ref.DType == c.cand.DType && isFloat(c.ref.DType) && !math.IsNaN(d.ReferenceValue) && !math.IsNaN(d.CandidateValue) {
		d.ULPs = ulps(r, v)
	}
	return d
}

// runBits compares what has no number.
func (c *closer) runBits(ctx context.Context) error {
	c.t.RTol, c.t.ATol = 0, 0
	if c.ref.DType != c.cand.DType {
		c.t.Status = DType
		return nil
	}
	one := &collector{report: &Report{Tensors: []Tensor{c.t.Tensor}}, opts: c.opts.Options}
	err := one.readBoth(ctx, 0, c.ref, c.cand)
	c.t.Tensor = one.report.Tensors[0]
	return err
}

// piece is a range of a tensor's values.
type piece struct {
	tensor checkpoint.Tensor
	bits   int64
	buffer []byte
	floats []float64
	ints   []int64

	// raw are the bytes, values the numbers in the type of the comparison. wide
	// has them exactly when that is an integer of 64 bits (one without a sign by
	// its bits), else it is nil.
	raw    []byte
	values []float64
	wide   []int64
	// imag has the imaginary parts when the comparison is of complex numbers,
	// and values the real ones. The others are room that is used again.
	imag            []float64
	imagRoom, pairs []float64
}

func newPiece(t checkpoint.Tensor, n int64) *piece {
	p := &piece{tensor: t, bits: 8, floats: make([]float64, n)}
	if t.Elements() > 0 {
		p.bits = t.Bytes() * 8 / t.Elements() // exact: a tensor is whole bytes of elements of one size
	}
	if t.DType == "F4" {
		p.bits = 4
	}
	p.buffer = make([]byte, n*p.bits/8)
	return p
}

func (p *piece) bytesOf(i int) []byte {
	at, width := int64(i)*p.bits/8, max(1, p.bits/8)
	return p.raw[at : at+width]
}

// read reads n values from the index first on and converts them to target.
func (p *piece) read(first, n int64, target string) error {
	raw := p.buffer[:n*p.bits/8]
	if err := p.tensor.ReadAt(raw, first*p.bits/8); err != nil {
		return err
	}
	return p.take(raw, n, target)
}

// take converts n values that were read to target.
func (p *piece) take(raw []byte, n int64, target string) error {
	p.raw, p.values, p.wide = raw, p.floats[:n], nil
	if part := complexPart(target); part != "" {
		return p.readComplex(part)
	}
	if err := p.decode(p.values, p.tensor.DType); err != nil {
		return err
	}
	if p.tensor.DType == target && target != "I64" && target != "U64" {
		return nil
	}
	p.convert(target)
	return nil
}
