package fill

import (
	"cmp"
	"slices"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/plan"
)

// outlet hands values of parameters to a sink as elements of its targets.
type outlet struct {
	sink Sink
	// takers lists the targets of each parameter.
	takers []takers
}

// target is who takes elements of a parameter.
type target struct {
	// number is what the sink calls it, and at what it calls the first element
	// of the box.
	number int
	at     int64
	param  int
	box    box
	stored dtype.Type
}

// takers are the targets of a parameter, by their first elements. ends are the
// ends of the longest target so far.
type takers struct {
	targets []target
	ends    []int64
}

func newOutlet(p *plan.Plan, targets []target, sink Sink) *outlet {
	o := &outlet{sink: sink, takers: make([]takers, p.Params().Len())}
	for _, t := range targets {
		if t.box.rows > 0 {
			of := &o.takers[t.param]
			of.targets = append(of.targets, t)
		}
	}
	for i := range o.takers {
		of := &o.takers[i]
		slices.SortStableFunc(of.targets, func(a, b target) int { return cmp.Compare(a.box.first, b.box.first) })
		end := int64(0)
		for k := range of.targets {
			end = max(end, of.targets[k].box.end())
			of.ends = append(of.ends, end)
		}
	}
	return o
}

// from returns the targets that may have elements from element first on.
func (t *takers) from(first int64) []target {
	i, _ := slices.BinarySearch(t.ends, first+1)
	return t.targets[i:]
}

// put hands over the values of a part from its element first on. room returns
// a buffer for so many bytes. It returns how many
// values were taken.
func put[T float32 | float64](o *outlet, p *part, first int64, values []T, room func(int64) []byte) (int64, error) {
	if p.into.Contiguous() {
		return kept(o, p, p.into.First+first, values, room)
	}
	total := int64(0)
	for len(values) > 0 {
		row, column := first/p.into.Row, first%p.into.Row
		count := min(p.into.Row-column, int64(len(values)))
		n, err := kept(o, p, p.into.First+row*p.into.Stride+column, values[:count], room)
		if err != nil {
			return total, err
		}
		total += n
		first += count
		values = values[count:]
	}
	return total, nil
}

// kept hands over those consecutive elements that no later step replaces.
func kept[T float32 | float64](o *outlet, p *part, at int64, values []T, room func(int64) []byte) (total int64, err error) {
	if p.lost == nil {
		return run(o, p.param, at, values, room)
	}
	err = plan.Without(p.lost, at, at+int64(len(values)), func(first, end int64) error {
		n, err := run(o, p.param, first, values[first-at:end-at], room)
		total += n
		return err
	})
	return total, err
}

// run hands over consecutive elements of a parameter. It returns how many values
// were taken.
func run[T float32 | float64](o *outlet, param int, first int64, values []T, room func(int64) []byte) (int64, error) {
	end, total := first+int64(len(values)), int64(0)
	some := o.takers[param].from(first)
	for i := range some {
		t := &some[i]
		if t.box.first >= end {
			break
		}
		n, err := take(o.sink, t, first, values, room)
		if total += n; err != nil {
			return total, err
		}
	}
	return total, nil
}

// take hands a target those of consecutive elements of a parameter that it
// holds. They follow each other there.
func take[T float32 | float64](sink Sink, t *target, first int64, values []T, room func(int64) []byte) (int64, error) {
	b, end := &t.box, first+int64(len(values))
	row := b.find(first)
	if row == b.rows {
		return 0, nil
	}
	start := b.start(row)
	low, high := max(start, first), min(start+b.row, end)
	if low >= high {
		return 0, nil
	}
	at := t.at + row*b.row + low - start
	if row++; row == b.rows || b.start(row) >= end { // all in one row
		some := values[low-first : high-first]
		data := view(some, t.stored)
		if data == nil {
			data = room(int64(len(some)) * t.stored.Size())
			encode(data, some, t.stored)
		}
		return int64(len(some)), sink.WriteValues(t.number, at, data)
	}
	data, size := room(int64(len(values))*t.stored.Size()), t.stored.Size()
	count := int64(0)
	for {
		encode(data[count*size:], values[low-first:high-first], t.stored)
		count += high - low
		if row == b.rows {
			break
		}
		if low = b.start(row); low >= end {
			break
		}
		high = min(low+b.row, end)
		row++
	}
	return count, sink.WriteValues(t.number, at, data[:count*size])
}
