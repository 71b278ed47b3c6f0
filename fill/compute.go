package fill

import (
	"encoding/binary"
	"math"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/rng"
)

// reader gives the elements of an operand in order.
type reader func() float64

// compute does one computation of a group.
func (h *held) compute(e layout.Event) {
	to := h.params[e.To.Param]
	switch {
	case to.of.Whole():
		h.copyWhole(e, to)
	case to.of == dtype.F64:
		store(h, e, to, to.wide)
	default:
		store(h, e, to, to.narrow)
	}
}

// store computes into the values of a parameter.
func store[T float32 | float64](h *held, e layout.Event, to *memory, values []T) {
	n := dist.Elements(e.To.Shape)
	if e.Do == layout.Norm {
		lengths := norm[T](h.params[e.From[0].View.Param], *e.From[0].View, e.Dims)
		rng.Round(lengths, to.of)
		place := places(e.To)
		for _, v := range lengths {
			values[place()] = v
		}
		return
	}
	read := make([]reader, len(e.From))
	overlap := false
	for i, operand := range e.From {
		read[i] = h.reader(operand)
		overlap = overlap || operand.View != nil && operand.View.Param == e.To.Param
	}
	const piece = 1 << 12
	room := int64(piece)
	if overlap { // an operand may be read after its place was written
		room = n
	}
	some := make([]T, min(room, n))
	place := places(e.To)
	for n > 0 {
		some = some[:min(int64(len(some)), n)]
		one(some, e, read)
		rng.Round(some, to.of)
		for _, v := range some {
			values[place()] = v
		}
		n -= int64(len(some))
	}
}

// one computes the next elements, in T with one rounding.
func one[T float32 | float64](dst []T, e layout.Event, read []reader) {
	switch e.Do {
	case layout.Add:
		for i := range dst {
			dst[i] = T(read[0]()) + T(read[1]())
		}
	case layout.Subtract:
		for i := range dst {
			dst[i] = T(read[0]()) - T(read[1]())
		}
	case layout.Multiply:
		for i := range dst {
			dst[i] = T(read[0]()) * T(read[1]())
		}
	case layout.Divide:
		for i := range dst {
			dst[i] = T(read[0]()) / T(read[1]())
		}
	case layout.Copy:
		for i := range dst {
			dst[i] = T(read[0]())
		}
	case layout.Clamp:
		low, high := math.Inf(-1), math.Inf(1)
		if e.Low != nil {
			low = float64(T(*e.Low))
		}
		if e.High != nil {
			high = float64(T(*e.High))
		}
		for i := range dst {
			dst[i] = rng.Clamped(T(read[0]()), T(low), T(high))
		}
	default:
		f := rng.Function(e.Do.String())
		for i := range dst {
			dst[i] = T(f(float64(T(read[0]()))))
		}
	}
}

// reader gives the elements of an operand; a single number as often as asked.
func (h *held) reader(o layout.Operand) reader {
	switch {
	case o.View != nil:
		from, place := h.params[o.View.Param], places(*o.View)
		return func() float64 { return from.at(place()) }
	case o.Literal != nil && o.Literal.Elements() != 1:
		i := int64(-1)
		return func() float64 { i++; return o.Literal.At(i) }
	case o.Literal != nil:
		v := o.Literal.At(0)
		return func() float64 { return v }
	default:
		return func() float64 { return o.Value }
	}
}

// places gives the elements of a view in C order, one after the other.
func places(v layout.View) func() int64 {
	if v.Strides == nil || len(v.Shape) == 0 {
		next := v.Offset - 1
		return func() int64 { next++; return next }
	}
	index := make([]int64, len(v.Shape))
	at := v.Offset
	return func() int64 {
		now := at
		for d := len(index) - 1; d >= 0; d-- {
			index[d]++
			at += v.Strides[d]
			if index[d] < v.Shape[d] {
				break
			}
			at -= v.Shape[d] * v.Strides[d]
			index[d] = 0
		}
		return now
	}
}

// copyWhole sets whole numbers: a copy of the same type, or one number.
func (h *held) copyWhole(e layout.Event, to *memory) {
	size := to.of.Size()
	n, place := dist.Elements(e.To.Shape), places(e.To)
	number := make([]byte, 8)
	from := func() []byte { return number[:size] }
	switch operand := e.From[0]; {
	case operand.View != nil:
		data, at := append([]byte(nil), h.params[operand.View.Param].bytes...), places(*operand.View)
		from = func() []byte { return data[at()*size:][:size] }
	case operand.Literal != nil && operand.Literal.Elements() != 1:
		i := int64(-1)
		from = func() []byte { i++; return operand.Literal.Data[i*size:][:size] }
	case operand.Literal != nil:
		copy(number, operand.Literal.Data)
	default:
		binary.LittleEndian.PutUint64(number, uint64(int64(operand.Value)))
	}
	for range n {
		copy(to.bytes[place()*size:][:size], from())
	}
}
