package fill

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"sync/atomic"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
)

// Overflow counts the values of one run that are not finite in the stored
// type, such as 70000 in float16. Only steps whose numbers allow that are
// looked at, so it costs nothing for a usual plan.
type Overflow struct {
	// Strict makes [Run] fail with an [OverflowError] in the end, when all
	// values have been handed over.
	Strict bool

	steps []atomic.Int64
}

// OverflowError tells how many values are not finite in the stored type.
type OverflowError struct {
	DType layout.DType
	// Values counts them, Of all values of the plan.
	Values, Of int64
	// Params counts the parameters that have one, and First is the name of the
	// first.
	Params int
	First  string
}

// Error returns one line.
func (e *OverflowError) Error() string {
	where := "parameter " + shown.Quote(e.First)
	if e.Params > 1 {
		where = fmt.Sprintf("%d parameters, the first is %s", e.Params, shown.Quote(e.First))
	}
	return fmt.Sprintf("%d of %d values do not fit %s and are not finite there (%s): use a wider --dtype, or smaller numbers",
		e.Values, e.Of, e.DType, where)
}

// Found returns what a run of p has counted, nil when every value is finite.
func (o *Overflow) Found(p *plan.Plan) *OverflowError {
	e := &OverflowError{DType: p.DType, Of: p.Values}
	for i := range o.steps {
		n := o.steps[i].Load()
		if n == 0 {
			continue
		}
		if e.Values += n; e.Params == 0 {
			e.First = p.Steps[i].Param.Name
		}
		e.Params++
	}
	if e.Values == 0 {
		return nil
	}
	return e
}

// start prepares for a run of p and tells which steps are looked at; nil when
// no step needs to be.
func (o *Overflow) start(p *plan.Plan) (watched []bool) {
	o.steps = nil
	for i, s := range p.Steps {
		if bound(s.Dist) <= largest(p.DType) {
			continue
		}
		if watched == nil {
			watched, o.steps = make([]bool, len(p.Steps)), make([]atomic.Int64, len(p.Steps))
		}
		watched[i] = true
	}
	return watched
}

// count looks at encoded values.
func (o *Overflow) count(step int, data []byte, dtype layout.DType) {
	if n := countNotFinite(data, dtype); n > 0 {
		o.steps[step].Add(n)
	}
}

// countNotFinite counts the values whose exponent is all ones, eight bytes at
// a time: of the missing ones of an exponent, if there are any, adding all its
// ones carries into the place of the sign, and no further.
func countNotFinite(data []byte, dtype layout.DType) (n int64) {
	exponents, signs := uint64(0x7f800000_7f800000), uint64(0x80000000_80000000)
	switch dtype {
	case layout.F16:
		exponents, signs = 0x7c00_7c00_7c00_7c00, 0x8000_8000_8000_8000
	case layout.BF16:
		exponents, signs = 0x7f80_7f80_7f80_7f80, 0x8000_8000_8000_8000
	case layout.F64:
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

// largest is the largest finite number of a type.
func largest(dtype layout.DType) float64 {
	switch dtype {
	case layout.F16:
		return 65504
	case layout.BF16:
		return 0xffp120 // 8 bits, 2^127 on
	case layout.F64:
		return math.MaxFloat64
	default:
		return math.MaxFloat32
	}
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
