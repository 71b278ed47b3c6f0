package fill

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"sync/atomic"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/plan"
)

// Overflow is a sink that passes values on and counts those that are not finite
// in their stored type, such as 70000 in float16. Only tensors whose numbers
// allow that are looked at, so it costs nothing for a usual plan.
type Overflow struct {
	plan *plan.Plan
	sink Sink
	// tensors are those of the plan by what sink calls them, and of are the
	// values that it takes.
	tensors []int
	of      int64
	// found counts by number; nil when no tensor is looked at.
	found   []atomic.Int64
	watched []bool
}

// Watch returns a sink that hands the values of p to sink.
func Watch(p *plan.Plan, sink Sink) *Overflow {
	tensors := make([]int, p.Tensors().Len())
	for i := range tensors {
		tensors[i] = i
	}
	return watch(p, sink, tensors, p.Elements())
}

// WatchRegions returns a sink that hands the values of regions of p, as
// [RunRegions] makes them, to sink.
func WatchRegions(p *plan.Plan, regions []Region, sink Sink) *Overflow {
	tensors, values := make([]int, len(regions)), int64(0)
	for i, r := range regions {
		tensors[i] = r.Tensor
		values += dist.Elements(r.Sizes)
	}
	return watch(p, sink, tensors, values)
}

func watch(p *plan.Plan, sink Sink, tensors []int, values int64) *Overflow {
	o := &Overflow{plan: p, sink: sink, tensors: tensors, of: values}
	most := make([]float64, p.Params().Len())
	for _, s := range p.Steps().All() {
		if s.Param != plan.Discard {
			most[s.Param] = max(most[s.Param], bound(s.Dist))
		}
	}
	held := map[int]bool{}
	for _, h := range p.Held().All() {
		for _, param := range h.Params {
			held[param], most[param] = true, math.Inf(1)
		}
	}
	for i, tensor := range tensors {
		t := p.Tensors().At(tensor)
		// What a recorded program computes in a type it may also mean.
		if t.DType.Whole() || most[t.Param] <= t.DType.Max() || held[t.Param] && t.DType == p.Type(t.Param) {
			continue
		}
		if o.watched == nil {
			o.watched, o.found = make([]bool, len(tensors)), make([]atomic.Int64, len(tensors))
		}
		o.watched[i] = true
	}
	return o
}

// WriteValues implements [Sink].
func (o *Overflow) WriteValues(number int, first int64, data []byte) error {
	if o.watched != nil && o.watched[number] {
		if n := countNotFinite(data, o.plan.Tensors().At(o.tensors[number]).DType); n > 0 {
			o.found[number].Add(n)
		}
	}
	return o.sink.WriteValues(number, first, data)
}

// Found returns what was counted, nil when every value is finite.
func (o *Overflow) Found() *OverflowError {
	e := &OverflowError{Of: o.of}
	counted := map[int]bool{}
	for i := range o.found {
		n := o.found[i].Load()
		if n == 0 {
			continue
		}
		if e.Values += n; e.Tensors == 0 {
			first := o.plan.Tensors().At(o.tensors[i])
			e.First, e.DType = first.Name, first.DType
		}
		if !counted[o.tensors[i]] {
			counted[o.tensors[i]] = true
			e.Tensors++
		}
	}
	if e.Values == 0 {
		return nil
	}
	return e
}

// OverflowError tells how many values are not finite in the stored type.
type OverflowError struct {
	DType dtype.Type
	// Values counts them, Of all values that were made.
	Values, Of int64
	// Tensors counts the tensors that have one, and First is the name of the
	// first.
	Tensors int
	First   string
}

// Error returns one line.
func (e *OverflowError) Error() string {
	where := "tensor " + shown.Quote(e.First)
	if e.Tensors > 1 {
		where = fmt.Sprintf("%d tensors, the first is %s", e.Tensors, shown.Quote(e.First))
	}
	return fmt.Sprintf("%d of %d values do not fit %s and are not finite there (%s): use a wider type, or smaller numbers",
		e.Values, e.Of, e.DType, where)
}

// countNotFinite counts the values whose exponent is all ones, eight bytes at
// a time: of the missing ones of an exponent, if there are any, adding all its
// ones carries into the place of the sign, and no further.
func countNotFinite(data []byte, stored dtype.Type) (n int64) {
	exponents, signs := uint64(0x7f800000_7f800000), uint64(0x80000000_80000000)
	switch stored {
	case dtype.F16:
		exponents, signs = 0x7c00_7c00_7c00_7c00, 0x8000_8000_8000_8000
	case dtype.BF16:
		exponents, signs = 0x7f80_7f80_7f80_7f80, 0x8000_8000_8000_8000
	case dtype.F64:
		exponents, signs = 0x7ff<<52, 1<<63
	}
	look := func(word uint64) {
		finite := (^word&exponents + exponents) & signs
		n += int64(bits.OnesCount64(finite ^ signs))
	}
	for ; len(data) >= 8; data = data[8:] {
		look(binary.LittleEndian.Uint64(data))
	}
	var rest [8]byte // zeros are finite
	copy(rest[:], data)
	look(binary.LittleEndian.Uint64(rest[:]))
	return n
}

// mostStds is more than any normal draw lies from its mean: one of 53 bits
// reaches sqrt(2 ln 2^53), which is 8.6.
const mostStds = 10

// bound is a number that no value of d exceeds, before or after any of the
// steps after the draw.
func bound(d dist.Dist) float64 {
	now := boundOfDraw(d.Draw)
	most := now
	for _, post := range d.Post {
		switch post := post.(type) {
		case dist.Multiply:
			now = math.Abs(now * post.By)
		case dist.Divide:
			now = math.Abs(now / post.By)
		case dist.Add:
			now += math.Abs(post.By)
		case dist.Apply, dist.Clamp:
			now = math.Inf(1)
		}
		if most = max(most, now); math.IsNaN(most) {
			return math.Inf(1)
		}
	}
	return most
}

func boundOfDraw(d dist.Draw) float64 {
	switch d := d.(type) {
	case dist.Constant:
		return math.Abs(d.Value)
	case dist.Uniform:
		return max(math.Abs(d.Low), math.Abs(d.High))
	case dist.Normal:
		return math.Abs(d.Mean) + float64(mostStds*d.Std)
	case dist.TruncNormal:
		return max(math.Abs(d.A), math.Abs(d.B))
	case dist.Sparse:
		return mostStds * d.Std
	case dist.Orthogonal:
		return 2 * math.Abs(d.Gain)
	case dist.Eye, dist.Dirac:
		return 1
	case dist.Blocks:
		most := 0.0
		for _, part := range d.Parts {
			most = max(most, bound(part.Dist))
		}
		return most
	}
	return math.Inf(1) // filled: nobody knows
}
