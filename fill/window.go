package fill

import (
	"container/heap"
	"iter"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/plan"
)

// runs are ranges [first, end) of elements: in order, apart from each other,
// none empty.
type runs = iter.Seq2[int64, int64]

// window is the part of a plan that a run makes: everything, or what lies in
// boxes of the parameters.
type window struct {
	all   bool
	boxes map[int][]box // of a parameter by its number
	// held tells, by the number of a group, whether it is made.
	held []bool
}

func newWindow(targets []target) window {
	w := window{boxes: map[int][]box{}}
	for _, t := range targets {
		if t.box.rows > 0 {
			w.boxes[t.param] = append(w.boxes[t.param], t.box)
		}
	}
	return w
}

// values is how many values of a plan are in the window, at most.
func (w window) values(p *plan.Plan) int64 {
	if w.all {
		return p.Elements()
	}
	total := int64(0)
	for _, boxes := range w.boxes {
		for _, b := range boxes {
			total = min(total+b.rows*b.row, p.Elements()) // they may overlap
		}
	}
	return total
}

// of returns the elements of a step that have values in the window, and those
// between them where two runs would lie less than gap apart.
func (w window) of(s plan.Step, gap int64) runs {
	if w.all || s.Held > 0 && s.Param != plan.Discard && w.held[s.Held-1] {
		return oneRun(s)
	}
	boxes := w.boxes[s.Param]
	if s.Param == plan.Discard || s.Elements == 0 || len(boxes) == 0 {
		return func(func(int64, int64) bool) {}
	}
	into := s.Into
	if into.Contiguous() {
		some := make([]box, 0, len(boxes))
		for _, b := range boxes {
			some = append(some, b.coarse(gap))
		}
		return joined(gap, merged(some, into.First, into.First+s.Elements), func(at int64) int64 { return at - into.First })
	}
	last := into.First + (into.Rows-1)*into.Stride + into.Row
	return joined(gap, merged(boxes, into.First, last), func(at int64) int64 {
		row, column := (at-into.First)/into.Stride, (at-into.First)%into.Stride
		return row*into.Row + min(column, into.Row)
	})
}

// oneRun is the whole step, unless nobody takes its values.
func oneRun(s plan.Step) runs {
	return func(yield func(int64, int64) bool) {
		if s.Param != plan.Discard && s.Elements > 0 {
			yield(0, s.Elements)
		}
	}
}

// last returns the number of steps up to the last one with values in the
// window.
func (w window) last(p *plan.Plan) int {
	if w.all {
		return p.Live()
	}
	for n := p.Live(); n > 0; n-- {
		if !none(w.of(p.Steps().At(n-1), 1)) {
			return n
		}
	}
	return 0
}

// none tells that there are no runs.
func none(r runs) bool {
	for range r {
		return false
	}
	return true
}

// hull is from the first element of the runs to the last.
func hull(r runs) (first, end int64) {
	first = -1
	for a, b := range r {
		if first < 0 {
			first = a
		}
		end = b
	}
	return max(first, 0), end
}

// merged yields the rows of boxes, or what lies of them in [from, end), by their
// first element; they may overlap.
func merged(boxes []box, from, end int64) runs {
	return func(yield func(int64, int64) bool) {
		var heads rowHeap
		for _, b := range boxes {
			row := b.find(from)
			if row < b.rows {
				heads = append(heads, rowHead{b, row, b.start(row)})
			}
		}
		heap.Init(&heads)
		for len(heads) > 0 && heads[0].at < end {
			h := &heads[0]
			if !yield(max(h.at, from), min(h.at+h.box.row, end)) {
				return
			}
			if h.row++; h.row == h.box.rows {
				heap.Pop(&heads)
				continue
			}
			h.at = h.box.start(h.row)
			heap.Fix(&heads, 0)
		}
	}
}

// rowHead is the next row of a box, which begins at at.
type rowHead struct {
	box box
	row int64
	at  int64
}

// rowHeap implements [heap.Interface].
type rowHeap []rowHead

func (h rowHeap) Len() int           { return len(h) }
func (h rowHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h rowHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *rowHeap) Push(x any)        { *h = append(*h, x.(rowHead)) }
func (h *rowHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

// joined yields runs by their places among the elements of a step, which place
// tells, with those joined that lie less than gap apart there.
func joined(gap int64, r runs, place func(int64) int64) runs {
	return func(yield func(int64, int64) bool) {
		first, end := int64(0), int64(-1)
		for a, b := range r {
			a, b = place(a), place(b)
			switch {
			case a >= b: // between two rows of the step
			case end < 0:
				first, end = a, b
			case a-end < gap:
				end = max(end, b)
			default:
				if !yield(first, end) {
					return
				}
				first, end = a, b
			}
		}
		if end >= 0 {
			yield(first, end)
		}
	}
}

// leastGap keeps runs apart when each is widened to what can be drawn by
// itself; see aligned.
const leastGap = 4 * dist.Block

// The most elements between two runs that are drawn, and lost, with them.
const (
	// gapPassed is for words that are passed over, which takes a sixth of the
	// time of drawing them, or less for a jump, and a beginning of its own.
	gapPassed = 1 << 11
	// gapTruncated is for a truncated normal, whose every part jumps once a
	// pass.
	gapTruncated = 1 << 17
	// gapKeyed is for keyed streams, where only the beginning costs.
	gapKeyed = 1 << 8
)

// gapOf is the gap for a draw of PyTorch's one stream.
func gapOf(d dist.Draw) int64 {
	if _, truncated := d.(dist.TruncNormal); truncated {
		return gapTruncated
	}
	return gapPassed
}
