package planfile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/strictjson"
	"github.com/weightinit/weightinit/layout"
)

// region is some elements of a memory: a tensor of the shape that begins at
// the offset, with strides in elements. It lies in its memory and has no
// element twice.
type region struct {
	memory   int
	offset   int64
	shape    []int64
	strides  []int64 // nil for a contiguous one
	elements int64
}

// dim is a size of a region with its stride.
type dim struct{ size, stride int64 }

// view is the region as package layout says it.
func (g region) view() layout.View {
	return layout.View{Param: g.memory, Offset: g.offset, Shape: g.shape, Strides: g.strides}
}

// contiguous is a contiguous region's elements.
func (g region) contiguous() layout.Region {
	return layout.Region{First: g.offset, Rows: 1, Row: g.elements, Stride: g.elements}
}

// rows is the region's elements in whatever order as runs of equal length at
// equal distance; false when it has more dimensions than that.
func (g region) rows() (layout.Region, bool) {
	if g.strides == nil {
		return g.contiguous(), true
	}
	dims := g.dims()
	slices.SortFunc(dims, func(a, b dim) int { return cmp.Compare(b.stride, a.stride) })
	dims = joined(dims)
	switch {
	case len(dims) == 1 && dims[0].stride == 1:
		return g.contiguous(), true
	case len(dims) == 1:
		return layout.Region{First: g.offset, Rows: dims[0].size, Row: 1, Stride: dims[0].stride}, true
	case len(dims) == 2 && dims[1].stride == 1:
		return layout.Region{First: g.offset, Rows: dims[0].size, Row: dims[1].size, Stride: dims[0].stride}, true
	}
	return layout.Region{}, false
}

// dims leaves out what has one place only.
func (g region) dims() []dim {
	out := make([]dim, 0, len(g.shape))
	for i, size := range g.shape {
		if size != 1 {
			out = append(out, dim{size, g.strides[i]})
		}
	}
	return out
}

// joined makes one dimension of neighbours that follow one another in memory.
func joined(dims []dim) []dim {
	out := dims[:0]
	for _, d := range dims {
		if n := len(out); n > 0 && out[n-1].stride == d.stride*d.size {
			out[n-1] = dim{out[n-1].size * d.size, d.stride}
			continue
		}
		out = append(out, d)
	}
	return out
}

// place is what a document says of a region, before it is checked.
type place struct {
	memory, offset int64
	shape, strides []int64 // nil where nothing is said
}

// placeKey reads the member of a region under a key; false when it has no such key.
func (r *reader) placeKey(p *strictjson.Parser, at *place, key string) (known bool, err error) {
	switch key {
	case "memory":
		at.memory, err = count(p)
	case "offset":
		at.offset, err = count(p)
	case "shape":
		at.shape, err = r.shape(p)
	case "strides":
		at.strides, err = r.arena.read(p, limits.Dims)
	default:
		return false, nil
	}
	return true, at1(key, err)
}

// shape reads a shape whose elements can be counted.
func (r *reader) shape(p *strictjson.Parser) ([]int64, error) {
	shape, err := r.arena.read(p, limits.Dims)
	if err == nil {
		_, err = layout.ElementsOf(shape)
	}
	return shape, err
}

// region reads a region.
func (r *reader) region(p *strictjson.Parser) (region, error) {
	at := place{memory: -1}
	err := p.Object(func(key string, _ int64) error {
		known, err := r.placeKey(p, &at, key)
		if !known {
			return unknownKey(key, "memory", "offset", "shape", "strides")
		}
		return err
	})
	if err != nil {
		return region{}, err
	}
	if at.memory < 0 {
		return region{}, errors.New(`no "memory"`)
	}
	return r.locate(at)
}

// locate checks a region.
func (r *reader) locate(at place) (region, error) {
	if at.memory >= int64(len(r.memory)) {
		return region{}, fmt.Errorf("memory %d: the plan has %d", at.memory, len(r.memory))
	}
	g := region{memory: int(at.memory), offset: at.offset, shape: at.shape, strides: at.strides}
	whole := r.memory[g.memory].elements
	if g.shape == nil {
		if g.offset != 0 {
			return region{}, errors.New("an offset needs a shape")
		}
		if g.strides != nil {
			return region{}, errors.New("strides need a shape")
		}
		g.shape = r.arena.keep([]int64{whole})
	}
	var err error
	if g.elements, err = layout.ElementsOf(g.shape); err != nil {
		return region{}, err
	}
	if g.strides != nil {
		if err := g.settleStrides(); err != nil {
			return region{}, err
		}
	}
	if !g.within(whole) {
		return region{}, fmt.Errorf("offset %d, shape %v%s: does not lie in the %d elements of memory %d", g.offset, short(g.shape), stridesText(g.strides), whole, g.memory)
	}
	return g, nil
}

// settleStrides drops the strides of a contiguous region and checks others.
func (g *region) settleStrides() error {
	if len(g.strides) != len(g.shape) {
		return fmt.Errorf("%d strides for %d sizes", len(g.strides), len(g.shape))
	}
	dense, expect := true, int64(1)
	for i := len(g.shape) - 1; i >= 0 && dense; i-- {
		dense = g.shape[i] == 1 || g.strides[i] == expect
		expect *= g.shape[i]
	}
	if dense || g.elements <= 1 {
		g.strides = nil
		return nil
	}
	dims := g.dims()
	slices.SortFunc(dims, func(a, b dim) int { return cmp.Compare(a.stride, b.stride) })
	reach := int64(0) // the last element of the dimensions so far
	for _, d := range dims {
		if d.stride <= reach {
			return fmt.Errorf("shape %v, strides %v: it overlaps itself", short(g.shape), short(g.strides))
		}
		const most = 1 << 61 // of elements in any memory, as these have bytes
		if d.size-1 > most/d.stride || reach > most-(d.size-1)*d.stride {
			return fmt.Errorf("shape %v, strides %v: reaches beyond every memory", short(g.shape), short(g.strides))
		}
		reach += (d.size - 1) * d.stride
	}
	return nil
}

// within tells whether the region lies in whole elements.
func (g region) within(whole int64) bool {
	if g.elements == 0 || g.offset >= whole {
		return g.elements == 0 && g.offset <= whole
	}
	reach := g.elements - 1
	if g.strides != nil {
		reach = 0
		for _, d := range g.dims() {
			reach += (d.size - 1) * d.stride // settleStrides has bounded it
		}
	}
	return reach < whole-g.offset
}

// short is a list as messages show it.
func short(shape []int64) []int64 { return shape[:min(len(shape), 8)] }

func stridesText(strides []int64) string {
	if strides == nil {
		return ""
	}
	return fmt.Sprintf(", strides %v", short(strides))
}

// operand reads what a computation takes.
func (r *reader) operand(p *strictjson.Parser) (operand, error) {
	at := place{memory: -1}
	var out operand
	kinds, literal := 0, int64(0)
	err := p.Object(func(key string, _ int64) error {
		if known, err := r.placeKey(p, &at, key); known {
			return err
		}
		kinds++
		var err error
		switch key {
		case "value":
			out.value, err = number(p)
		case "literal":
			literal, err = count(p)
			out.isLiteral = true
		default:
			return unknownKey(key, "memory, offset, shape, strides", "value or literal")
		}
		return at1(key, err)
	})
	switch {
	case err != nil:
		return out, err
	case at.memory >= 0 && kinds == 0:
		out.isRegion = true
		out.region, err = r.locate(at)
		return out, err
	case at.memory >= 0 || kinds != 1 || at.offset != 0 || at.shape != nil || at.strides != nil:
		return out, errors.New(`an operand is a region, {"value": x} or {"literal": i}`)
	case out.isLiteral:
		out.literal, err = r.literal(literal)
	}
	return out, err
}

// operand is a region, a literal or a value.
type operand struct {
	isRegion, isLiteral bool
	region              region
	literal             *layout.Literal
	value               float64
}

// literal returns the literal of a number.
func (r *reader) literal(i int64) (*layout.Literal, error) {
	if i >= int64(len(r.literals)) {
		return nil, fmt.Errorf("literal %d: the plan has %d", i, len(r.literals))
	}
	return r.literals[i], nil
}

// of is the operand as package layout says it.
func (o operand) of() layout.Operand {
	switch {
	case o.isRegion:
		view := o.region.view()
		return layout.Operand{View: &view}
	case o.isLiteral:
		return layout.Operand{Literal: o.literal}
	}
	return layout.Operand{Value: o.value}
}

// typed is the operand's type and number of elements; 0 and 1 for a value.
func (r *reader) typed(o operand) (dtype.Type, int64) {
	switch {
	case o.isRegion:
		return r.memory[o.region.memory].dtype, o.region.elements
	case o.isLiteral:
		return o.literal.DType, o.literal.Elements()
	}
	return 0, 1
}
