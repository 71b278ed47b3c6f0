package rng

import (
	"math"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/rng/internal/kernel"
)

// Truncated draws one tensor of a truncated normal in pieces, in memory that
// does not depend on its size. [BeginTruncated] makes one.
//
// The specification, after torch.nn.init.trunc_normal_ of PyTorch 2.15. Let p
// be [dist.TruncNormal.KeptMass], n the number of elements.
//
// p > 0.3: low and high are a and b rounded to the compute type. The tensor is
// drawn by normal(mean, std). While any element is below low or above high,
// another whole tensor is drawn in the same way, and these elements take its
// values. Each pass costs what a normal tensor of n elements costs.
//
// p <= 0.3: mode = max(a, min(mean, b)) and peak = -0.5·((mode - mean)/std)²,
// in float64. A pass draws a whole tensor x of uniform(a, b) and then a whole
// tensor u of uniform(0, 1). All pending elements, in the first pass all there
// are, take their x; those stay pending for which log(u) > q, where q is, each
// step rounded to the compute type, x - mean, divided by std, squared, times
// -0.5, minus peak. log(0) is below everything. There are passes until nothing
// is pending.
//
// In float32 log is the correctly rounded logarithm. The official wheel's
// vector logarithm is off by one place in 7.5 % of its arguments, which shows
// only where q is exactly between the two: not seen in 7·10^7 elements.
//
// In a half type all that is said of the compute type holds of the half type:
// bounds, draws and every step of q are rounded to it.
//
// [dist.UnitThenScale] draws the unit normal so, then multiplies by std and
// adds mean, each rounded to the compute type.
type Truncated[T float32 | float64] struct {
	stream *Stream // the caller's, moved at the end
	// frontier stands after all passes made so far. A tensor of a single
	// unit is drawn from it directly.
	frontier *Stream
	passes   int64
	kept     []*pass
	deep     *Stream // at the start of pass number maxKept

	in        dtype.Type
	draw      dist.TruncNormal // unscaled
	scale     *dist.TruncNormal
	proposes  bool
	low, high T
	peak      T

	n, done, end      int64 // of the tensor; next to make; where to stop
	unitSize, maxKept int64
	held              []T // the unit under way
	taken, made       int

	pending    []int32
	words, few []uint32
	values     []T
}

// pass is a place in one of the passes over a long tensor, at an element.
type pass struct {
	values, tests *Stream
	at            int64
}

const (
	// truncatedUnit is the number of elements that go through all passes
	// together. The last unit of a tensor may be up to 31 longer, as it holds
	// the whole end of the normal draw.
	truncatedUnit = 1 << 13
	// maxKept is the number of passes whose places are kept from unit to
	// unit, at 5 kB each. Only proposals with next to no chance need more.
	maxKept = 1 << 11
)

// BeginTruncated starts a tensor of n elements (none if n < 0) at the place
// where s stands. The numbers must have passed [dist.Dist.Check] for T; the
// algorithm is [dist.TorchRejection] or [dist.UnitThenScale].
func BeginTruncated[T float32 | float64](s *Stream, d dist.TruncNormal, n int64) *Truncated[T] {
	return BeginTruncatedIn[T](s, d, n, computeType[T]())
}

// BeginTruncatedIn is [BeginTruncated] for a tensor of type in, whose compute
// type is T.
func BeginTruncatedIn[T float32 | float64](s *Stream, d dist.TruncNormal, n int64, in dtype.Type) *Truncated[T] {
	return beginTruncated[T](s, d, n, 0, n, in, truncatedUnit, maxKept)
}

// BeginTruncatedPart starts count of the n elements of a tensor, from element
// first on, which several goroutines can do at once. first is a multiple of
// 16, and so is count unless the part ends with the tensor, which must then have
// 32 elements or more. s stands where the whole tensor begins and is not moved:
// the most [Truncated.Passes] of all parts, at [TruncatedWords] each, tell where
// the stream stands after the tensor.
func BeginTruncatedPart[T float32 | float64](s *Stream, d dist.TruncNormal, n, first, count int64, in dtype.Type) *Truncated[T] {
	t := beginTruncated[T](s, d, n, first, first+count, in, truncatedUnit, maxKept)
	t.stream = nil
	return t
}

// TruncatedWords returns the words of one pass over n elements of type in, of
// which there are 32 or more.
func TruncatedWords(d dist.TruncNormal, n int64, in dtype.Type) int64 {
	if !(d.KeptMass() > dist.WholeTensors) {
		return 2 * dist.CostOf(dist.Uniform{}, n, in, false).Words
	}
	return dist.CostOf(dist.Normal{}, n, in, false).Words
}

func beginTruncated[T float32 | float64](s *Stream, d dist.TruncNormal, n, first, end int64, in dtype.Type, unitSize, maxKept int64) *Truncated[T] {
	t := &Truncated[T]{
		stream: s, frontier: s.Clone(), in: in, draw: d.Unscaled(), n: max(n, 0), done: first, end: max(end, 0),
		unitSize: unitSize, maxKept: maxKept,
		proposes: !(d.KeptMass() > dist.WholeTensors),
	}
	if d.Algorithm == dist.UnitThenScale {
		t.scale = &d
	}
	u := t.draw
	t.low, t.high = rounded(T(u.A), in), rounded(T(u.B), in)
	mode := max(u.A, min(u.Mean, u.B))
	z := (mode - u.Mean) / u.Std
	t.peak = T(-0.5 * float64(z*z))
	if longest := min(t.end-t.done, unitSize+2*kernel.Block); longest > 0 {
		words := (longest + kernel.Block) * int64(wordsPer[T]())
		t.held = make([]T, longest)
		t.values = make([]T, longest)
		t.words, t.few = make([]uint32, words), make([]uint32, words)
		t.pending = make([]int32, 0, longest)
	}
	return t
}

// Passes returns the number of whole tensors drawn so far.
func (t *Truncated[T]) Passes() int64 { return t.passes }

// Next fills dst with the next elements and returns how many: len(dst), or
// less at the end of the tensor or with an error. With the last element of the
// tensor the stream given to [BeginTruncated] stands where torch's generator
// would; until then it is not touched.
//
// The number of passes has no bound: a narrow peak in a wide cut can take
// millions. stop is asked before each; its error ends the tensor and is
// returned.
func (t *Truncated[T]) Next(dst []T, stop func() error) (int, error) {
	delivered := 0
	for delivered < len(dst) && t.done < t.end {
		if t.taken == t.made {
			rest := dst[delivered:]
			if int64(len(rest)) < t.next() {
				rest = nil
			}
			n, err := t.unit(rest, stop)
			if err != nil {
				return delivered, err
			}
			if rest != nil {
				t.taken = t.made
				t.done += int64(n)
				delivered += n
				continue
			}
		}
		k := copy(dst[delivered:], t.held[t.taken:t.made])
		t.taken += k
		t.done += int64(k)
		delivered += k
	}
	if delivered > 0 && t.done == t.end && t.stream != nil {
		*t.stream = *t.frontier
	}
	return delivered, nil
}

// next is the number of elements of the next unit.
func (t *Truncated[T]) next() int64 {
	if t.end-t.done-t.unitSize < 2*kernel.Block {
		return t.end - t.done
	}
	return t.unitSize
}

// unit makes the elements from done on, in dst or, if that is nil, in held, and
// returns how many.
func (t *Truncated[T]) unit(dst []T, stop func() error) (int, error) {
	count := t.next()
	if dst == nil {
		dst = t.held
	}
	dst = dst[:count]
	var walker *Stream
	for k := int64(0); k == 0 || len(t.pending) > 0; k++ {
		if err := stop(); err != nil {
			return 0, err
		}
		values, tests := t.place(k, count, &walker)
		switch {
		case t.proposes:
			if k == 0 {
				t.allPending(count)
			}
			t.propose(dst, values, tests)
		case k == 0:
			t.drawFirst(dst, values)
		default:
			t.redraw(dst, values)
		}
	}
	t.taken, t.made = 0, int(count)
	if t.scale != nil {
		multiply(dst, t.scale.Std)
		Round(dst, t.in)
		add(dst, t.scale.Mean)
		Round(dst, t.in)
	}
	return int(count), nil
}

func (t *Truncated[T]) allPending(count int64) {
	t.pending = t.pending[:0]
	for i := range count {
		t.pending = append(t.pending, int32(i))
	}
}

// drawFirst is [Truncated.redraw] with all elements pending.
func (t *Truncated[T]) drawFirst(dst []T, s *Stream) {
	normal := dist.Normal{Mean: t.draw.Mean, Std: t.draw.Std}
	FillIn(s, dist.Dist{Draw: normal}, dst, t.in)
	t.pending = kernel.Outside(t.pending[:0], dst, t.low, t.high)
}

// place returns streams that stand in pass k at the unit's first element. Both
// are one stream if the unit is the whole tensor, where one draw follows the
// other.
func (t *Truncated[T]) place(k, count int64, walker **Stream) (values, tests *Stream) {
	if count == t.n {
		t.passes = k + 1
		return t.frontier, t.frontier
	}
	per := int64(wordsPer[T]())
	cost := TruncatedWords(t.draw, t.n, t.in)
	if k == t.passes {
		p := &pass{values: t.frontier.Clone()}
		if t.proposes {
			t.frontier.Advance(t.n * per)
			p.tests = t.frontier.Clone()
			t.frontier.Advance(t.n * per)
		} else {
			t.frontier.Advance(cost)
		}
		if k < t.maxKept {
			t.kept = append(t.kept, p)
		} else if t.deep == nil {
			t.deep = p.values
		}
		t.passes++
	}
	if k < t.maxKept {
		p := t.kept[k]
		p.values.Advance((t.done - p.at) * per)
		if t.proposes {
			p.tests.Advance((t.done - p.at) * per)
		}
		p.at = t.done + count
		return p.values, p.tests
	}
	if *walker == nil {
		*walker = t.deep.Clone()
	} else {
		(*walker).Advance(cost)
	}
	values = (*walker).Clone()
	values.Advance(t.done * per)
	tests = values.Clone()
	tests.Advance(t.n * per)
	return values, tests
}

// redraw draws the unit's normals, gives them to the pending elements, and
// keeps those pending that lie outside. It draws all words, as torch does, but
// makes only the blocks that are needed.
func (t *Truncated[T]) redraw(dst []T, s *Stream) {
	normal := dist.Normal{Mean: t.draw.Mean, Std: t.draw.Std}
	values := t.values[:len(dst)]
	if t.n < kernel.Block {
		smallNormals(s, values, normal)
	} else {
		t.someBlocks(values, s, normal)
	}
	if t.in.Half() {
		for _, i := range t.pending {
			values[i] = rounded(values[i], t.in)
		}
	}
	rest := t.pending[:0]
	for _, i := range t.pending {
		v := values[i]
		dst[i] = v
		if v < t.low || v > t.high {
			rest = append(rest, i)
		}
	}
	t.pending = rest
}

// someBlocks makes the blocks of 16 that hold pending elements. If the unit
// ends in a ragged block, its last 16 elements are of 16 words of their own,
// after the words of all elements; in a half type after those of whole blocks.
func (t *Truncated[T]) someBlocks(values []T, s *Stream, normal dist.Normal) {
	per := wordsPer[T]()
	count, tail, drawn := len(values), len(values), len(values)
	words := t.words[:count*per]
	if ragged := count % kernel.Block; ragged != 0 {
		tail -= kernel.Block
		if t.in.Half() {
			drawn -= ragged
		}
		words = t.words[:(drawn+kernel.Block)*per]
	}
	s.read(words)
	var block [kernel.Block]T
	for end := 0; end < count; {
		// The first block with a pending element at or after end.
		i := t.pendingFrom(end)
		if i < 0 {
			return
		}
		start, from := i&^(kernel.Block-1), (i&^(kernel.Block-1))*per
		end = min(start+kernel.Block, tail)
		if i >= tail {
			start, from, end = tail, drawn*per, count
		}
		makeNormal(block[:], words[from:from+kernel.Block*per], normal)
		copy(values[start:end], block[:])
	}
}

// pendingFrom returns the first pending element that is at least i, -1 if
// there is none.
func (t *Truncated[T]) pendingFrom(i int) int {
	low, high := 0, len(t.pending)
	for low < high {
		middle := (low + high) / 2
		if int(t.pending[middle]) < i {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == len(t.pending) {
		return -1
	}
	return int(t.pending[low])
}

// propose draws the unit's proposals and tests, gives the proposals to the
// pending elements, and keeps those pending that fail.
func (t *Truncated[T]) propose(dst []T, values, tests *Stream) {
	x := t.uniforms(len(dst), values, dist.Uniform{Low: t.draw.A, High: t.draw.B})
	for j, i := range t.pending {
		dst[i] = x[j]
	}
	u := t.uniforms(len(dst), tests, dist.Uniform{High: 1})
	rest := t.pending[:0]
	for j, i := range t.pending {
		if t.rejected(dst[i], u[j]) {
			rest = append(rest, i)
		}
	}
	t.pending = rest
}

// uniforms draws count uniforms and makes those of the pending elements, one
// after the other.
func (t *Truncated[T]) uniforms(count int, s *Stream, d dist.Uniform) []T {
	out := t.values[:len(t.pending)]
	if len(t.pending) == count {
		drawUniform(s, out, d)
		finish(out, d, t.in)
		return out
	}
	per := wordsPer[T]()
	words := t.words[:count*per]
	s.read(words)
	few := t.few[:0]
	for _, i := range t.pending {
		few = append(few, words[int(i)*per:(int(i)+1)*per]...)
	}
	makeUniform(out, few, d)
	finish(out, d, t.in)
	return out
}

// rejected tells whether the proposal x fails its test u.
func (t *Truncated[T]) rejected(x, u T) bool {
	mean, std := T(t.draw.Mean), T(t.draw.Std)
	if !t.in.Half() {
		return rejected(x, u, mean, std, t.peak)
	}
	// torch rounds a number that it subtracts from a half tensor to that type,
	// one by which it divides to float32.
	round := func(v T) T { return rounded(v, t.in) }
	z := round(round(x-round(mean)) / std)
	q := round(round(round(T(z*z))*-0.5) - round(t.peak))
	return round(logarithm(u)) > q
}

// rejected tells whether the proposal x fails its test u: whether log(u) is
// above the logarithm of the density at x against that of its peak.
func rejected[T float32 | float64](x, u, mean, std, peak T) bool {
	z := T(x-mean) / std
	return logarithm(u) > T(T(z*z)*-0.5)-peak
}

// logarithm is the natural logarithm in T of a uniform in [0, 1).
func logarithm[T float32 | float64](u T) T {
	if u == 0 {
		return T(math.Inf(-1))
	}
	return T(kernel.Log(float64(u)))
}
