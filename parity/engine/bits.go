package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/checkpoint/safetensors"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/plan"
)

// chunkBytes is the most that is read of a tensor at once.
const chunkBytes = 1 << 20

// Bits compares two sets of tensors bit for bit, in memory that does not
// depend on their size. The error is one of reading.
func Bits(ctx context.Context, reference, candidate checkpoint.Set, opts Options) (*Report, error) {
	if opts.Workers <= 0 {
		opts.Workers = runtime.GOMAXPROCS(0)
	}
	c := &collector{report: pair(sidesOfSet(reference), sidesOfSet(candidate), opts), opts: opts}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(opts.Workers)
	for i := range c.report.Tensors {
		if c.report.Tensors[i].Status != Equal {
			continue
		}
		name := c.report.Tensors[i].Name
		ref, _ := reference.Lookup(name)
		cand, _ := candidate.Lookup(name)
		group.Go(func() error { return c.readBoth(ctx, i, ref, cand) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return c.report, nil
}

// readBoth compares one tensor chunk by chunk.
func (c *collector) readBoth(ctx context.Context, i int, ref, cand checkpoint.Tensor) error {
	width := widthOf(ref.DType)
	total := ref.Bytes()
	if ok, err := checkpoint.Together(ctx, ref, cand, c.opts.Workers, func(p *checkpoint.Piece) error {
		c.compare(i, p.A, p.B, p.Index, p.Rising)
		return nil
	}); ok || err != nil {
		return err
	}
	a, b := make([]byte, min(chunkBytes, total)), make([]byte, min(chunkBytes, total))
	for done := int64(0); done < total; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := min(int64(len(a)), total-done)
		if err := ref.ReadAt(a[:n], done); err != nil {
			return err
		}
		if err := cand.ReadAt(b[:n], done); err != nil {
			return err
		}
		c.compareFrom(i, done/width, a[:n], b[:n])
		done += n
	}
	return nil
}

// BitsOfPlan compares a set of tensors with what a plan makes, bit for bit.
// planned tells which side the plan is: the reference (as in verifying a
// file) or, if false, the candidate.
func BitsOfPlan(ctx context.Context, p *plan.Plan, set checkpoint.Set, planned bool, opts Options) (*Report, error) {
	reference, candidate := sidesOfPlan(p), sidesOfSet(set)
	if !planned {
		reference, candidate = candidate, reference
	}
	c := &collector{report: pair(reference, candidate, opts), opts: opts}
	s := &planSink{collector: c, set: set, planned: planned, plan: p}
	index := map[string]int{}
	for i, t := range c.report.Tensors {
		if t.Status == Equal {
			index[t.Name] = i
		}
	}
	// Only what is compared is made.
	var names []string
	for _, t := range p.Tensors().All() {
		if r, ok := index[t.Name]; ok {
			if opts.WithinBounds {
				c.report.Tensors[r].Within = t.ULPs
			}
			names, s.results = append(names, t.Name), append(s.results, r)
		}
	}
	if len(names) == 0 {
		return c.report, nil
	}
	var err error
	if s.plan, err = p.Subset(names); err != nil {
		return nil, err
	}
	if err := fill.Run(ctx, s.plan, s, fill.Options{Workers: opts.Workers, Filler: opts.Filler, WorkMemory: opts.WorkMemory}); err != nil {
		return nil, err
	}
	return c.report, nil
}

// planSink reads the other side of each chunk that the plan makes.
type planSink struct {
	*collector
	set     checkpoint.Set
	planned bool
	plan    *plan.Plan
	// results maps a tensor of the plan to that in the report.
	results []int
	buffers sync.Pool
}

func (s *planSink) WriteValues(made int, first int64, data []byte) error {
	i := s.results[made]
	tensor, _ := s.set.Lookup(s.report.Tensors[i].Name)
	pooled, _ := s.buffers.Get().(*[]byte)
	if pooled == nil || cap(*pooled) < len(data) {
		fresh := make([]byte, len(data))
		pooled = &fresh
	}
	defer s.buffers.Put(pooled)
	buffer := (*pooled)[:len(data)]
	if err := tensor.ReadAt(buffer, first*s.plan.Tensors().At(made).DType.Size()); err != nil {
		return err
	}
	s.forgive(i, data, buffer)
	if s.planned {
		s.compareFrom(i, first, data, buffer)
	} else {
		s.compareFrom(i, first, buffer, data)
	}
	return nil
}

// collector gathers the differences of all tensors.
type collector struct {
	report *Report
	opts   Options
	mu     sync.Mutex
}

// compareFrom takes the same range of both sides of tensor i, from element
// first on, little-endian.
func (c *collector) compareFrom(i int, first int64, reference, candidate []byte) {
	c.compare(i, reference, candidate, func(n int) int64 { return first + int64(n) }, func(int) int { return len(reference) })
}

// compare takes the same elements of both sides of tensor i, little-endian. The
// index of the n-th is index(n), and rising(n) elements from there on have
// rising indices.
func (c *collector) compare(i int, reference, candidate []byte, index func(n int) int64, rising func(n int) int) {
	t := &c.report.Tensors[i]
	width := int(widthOf(t.ReferenceDType))
	values := len(reference) / width
	var differing, least int64
	at := -1
	if !bytes.Equal(reference, candidate) {
		for begin, end := 0, 0; begin < values; begin = end {
			end = min(values, begin+rising(begin))
			count, first := countDiffering(reference[begin*width:end*width], candidate[begin*width:end*width], width)
			if differing += count; count == 0 {
				continue
			}
			if place := index(begin + first); at < 0 || place < least {
				at, least = (begin+first)*width, place
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t.Values += int64(values)
	t.Differing += differing
	if at >= 0 {
		t.Status = Differs
		if t.First == nil || least < t.First.Index {
			t.First = difference(t, least, reference[at:at+width], candidate[at:at+width])
		}
	}
	if c.opts.Progress != nil {
		c.opts.Progress(int64(values))
	}
}

// forgive counts the values of tensor i that differ and may, and gives those that
// were read the bits of those that were made.
func (c *collector) forgive(i int, made, read []byte) {
	t := &c.report.Tensors[i]
	if t.Within == 0 {
		return
	}
	width, count := int(widthOf(t.ReferenceDType)), int64(0)
	for off := 0; off < len(made); off += width {
		a, b := made[off:off+width], read[off:off+width]
		if !bytes.Equal(a, b) && (t.Within < 0 || ulps(a, b) <= int64(t.Within)) {
			copy(b, a)
			count++
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t.Near += count
}

// countDiffering counts the elements that differ, and tells the first of them.
func countDiffering(reference, candidate []byte, width int) (count int64, first int) {
	first = -1
	differ := func(off int) bool { return !bytes.Equal(reference[off:off+width], candidate[off:off+width]) }
	if width == 4 { // most are
		differ = func(off int) bool {
			return binary.LittleEndian.Uint32(reference[off:]) != binary.LittleEndian.Uint32(candidate[off:])
		}
	}
	for off := 0; off < len(reference); off += width {
		if differ(off) {
			if count++; first < 0 {
				first = off / width
			}
		}
	}
	return count, first
}

func difference(t *Tensor, index int64, reference, candidate []byte) *Difference {
	d := &Difference{
		Index: index, Coordinates: unravel(index, t.ReferenceShape),
		Reference: hexOf(reference), Candidate: hexOf(candidate),
		ReferenceValue: valueOf(reference, t.ReferenceDType),
		CandidateValue: valueOf(candidate, t.ReferenceDType),
		ULPs:           -1,
	}
	if part := complexPart(t.ReferenceDType); part != "" {
		d.ReferenceValue, d.ReferenceImag = complexOf(reference, part)
		d.CandidateValue, d.CandidateImag = complexOf(candidate, part)
	}
	if isFloat(t.ReferenceDType) && !math.IsNaN(d.ReferenceValue) && !math.IsNaN(d.CandidateValue) {
		d.ULPs = ulps(reference, candidate)
	}
	return d
}

// unravel turns a place in C order into one by dimension.
func unravel(index int64, shape []int64) []int64 {
	out := make([]int64, len(shape))
	for i := len(shape) - 1; i >= 0; i-- {
		out[i] = index % shape[i]
		index /= shape[i]
	}
	return out
}

// widthOf returns the bytes that are compared as one value. Elements of less
// than a byte, and whole bytes of them, are compared by the byte.
func widthOf(dtype string) int64 {
	if dtype == "C128" {
		return 16
	}
	elementBits, _ := safetensors.Bits(dtype)
	return int64(max(8, elementBits)) / 8
}

// hexOf shows a little-endian number, most significant digit first.
func hexOf(b []byte) string {
	out := ""
	for i := len(b) - 1; i >= 0; i-- {
		out += fmt.Sprintf("%02x", b[i])
	}
	return out
}

// ulps counts the steps between two IEEE numbers of one width: their patterns,
// read as sign and magnitude, are in the order of the numbers. The two zeros
// are one step apart, since their bits differ.
func ulps(a, b []byte) int64 {
	x, xNegative := magnitude(a)
	y, yNegative := magnitude(b)
	if xNegative == yNegative {
		return int64(max(x, y) - min(x, y))
	}
	sum, carry := bits.Add64(x, y, 0)
	if sum, carry = bits.Add64(sum, 1, carry); carry != 0 || sum > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(sum)
}

func magnitude(b []byte) (uint64, bool) {
	var v uint64
	for i := len(b) - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	sign := uint64(1) << (8*len(b) - 1)
	return v &^ sign, v&sign != 0
}

func isFloat(dtype string) bool {
	switch dtype {
	case "F16", "BF16", "F32", "F64":
		return true
	}
	return false
}

// valueOf decodes one value; NaN for types that have none.
func valueOf(b []byte, dtype string) float64 {
	var v [1]float64
	if err := checkpoint.Decode(v[:], b, dtype); err != nil {
		return math.NaN()
	}
	return v[0]
}
