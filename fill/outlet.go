package fill

import (
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/plan"
)

// outlet hands values of parameters to a sink as elements of tensors.
type outlet struct {
	sink   Sink
	window window
	// tensors lists, for each parameter, the tensors that hold elements of it.
	tensors [][]target
}

// target is a tensor that holds elements [first, end) of a parameter.
type target struct {
	tensor     int
	first, end int64
	stored     dtype.Type
}

func newOutlet(p *plan.Plan, sink Sink, w window) *outlet {
	o := &outlet{sink: sink, window: w, tensors: make([][]target, p.Params().Len())}
	for i, t := range p.Tensors().All() {
		o.tensors[t.Param] = append(o.tensors[t.Param], target{i, t.First, t.First + t.Elements, t.DType})
	}
	return o
}

// put hands over the values of a part from its element first on. room returns
// a buffer for so many bytes. It returns how many values the window let pass.
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

// run hands over consecutive elements of a parameter.
func run[T float32 | float64](o *outlet, param int, first int64, values []T, room func(int64) []byte) (int64, error) {
	if !o.window.all {
		low, high := max(o.window.first-first, 0), min(o.window.end-first, int64(len(values)))
		if low >= high {
			return 0, nil
		}
		first, values = first+low, values[low:high]
	}
	end := first + int64(len(values))
	for _, t := range o.tensors[param] {
		low, high := max(first, t.first), min(end, t.end)
		if low >= high {
			continue
		}
		some := values[low-first : high-first]
		data := view(some, t.stored)
		if data == nil {
			data = room(int64(len(some)) * t.stored.Size())
			encode(data, some, t.stored)
		}
		if err := o.sink.WriteValues(t.tensor, low-t.first, data); err != nil {
			return 0, err
		}
	}
	return int64(len(values)), nil
}
