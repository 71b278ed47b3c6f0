package main

import (
	"fmt"
	"math"
	"strings"
)

// lanes is the number of float32 in a vector.
const lanes = 4

// vec is a value in a vector register. Which register is found when the whole
// function is known: see [function.assign].
type vec int

// lane is one number of a vector.
type lane struct {
	vec
	index int
}

// gen collects functions and the constants that they load.
type gen struct {
	*function // the one that is being written
	functions []*function
	rows      [][lanes]uint32
	offsets   map[[lanes]uint32]int // of rows, in bytes
}

// function is one kernel.
type function struct {
	name, signature, doc string
	parameters           map[string]int // offsets in the frame
	size                 int            // of the parameters
	lines                []line
	values               int // vecs given out
}

// line is an instruction, or a label.
type line struct {
	text          func(register func(vec) int) string
	reads, writes []vec
	loop          int // 1: a loop begins here, -1: it ends
}

// Registers that keep one meaning.
const (
	table   = "R9" // address of the constants
	counter = "R10"
)

// start begins the function name with the suffix NEON. Parameters are written
// as in Go, each with its type.
func (g *gen) start(name, parameters, doc string) {
	f := &function{name: name + "NEON", doc: doc, signature: "(" + parameters + ")", parameters: map[string]int{}}
	for p := range strings.SplitSeq(parameters, ", ") {
		name, kind, _ := strings.Cut(p, " ")
		width := 8
		if kind == "float32" {
			width = 4
		}
		f.size = (f.size + width - 1) / width * width
		f.parameters[name] = f.size
		f.size += width
	}
	g.function = f
	g.functions = append(g.functions, f)
	g.raw("MOVD $constants<>(SB), " + table)
}

// raw emits a line without vectors.
func (f *function) raw(text string) {
	f.lines = append(f.lines, line{text: func(func(vec) int) string { return text }})
}

// finish ends the function.
func (f *function) finish() { f.raw("RET") }

// value is a new vec.
func (f *function) value() vec {
	f.values++
	return vec(f.values)
}

// general loads a parameter of 64 bits into a register.
func (f *function) general(parameter, register string) {
	f.raw(fmt.Sprintf("MOVD %s+%d(FP), %s", parameter, f.parameters[parameter], register))
}

// float loads a parameter into all lanes.
func (f *function) float(parameter string) vec {
	f.raw(fmt.Sprintf("MOVWU %s+%d(FP), %s", parameter, f.parameters[parameter], counter))
	v := f.value()
	f.emit([]vec{v}, nil, "VDUP "+counter+", V%d.S4", v)
	return v
}

// set puts a parameter into one lane of a vector.
func (f *function) set(to lane, parameter string) {
	f.raw(fmt.Sprintf("MOVWU %s+%d(FP), %s", parameter, f.parameters[parameter], counter))
	f.emit([]vec{to.vec}, []vec{to.vec}, fmt.Sprintf("VMOV %s, V%%d.S[%d]", counter, to.index), to.vec)
}

// emit adds an instruction of Go's assembler; format has a verb for each of
// the operands.
func (f *function) emit(writes, reads []vec, format string, operands ...vec) {
	text := func(register func(vec) int) string {
		var numbers []any
		for _, v := range operands {
			numbers = append(numbers, register(v))
		}
		return fmt.Sprintf(format, numbers...)
	}
	f.lines = append(f.lines, line{text: text, reads: reads, writes: writes})
}

// lacking adds an instruction that Go's assembler lacks.
func (f *function) lacking(i form, writes, reads []vec, operands ...vec) {
	text := func(register func(vec) int) string {
		var numbers []int
		for _, v := range operands {
			numbers = append(numbers, register(v))
		}
		return i.word(numbers...)
	}
	f.lines = append(f.lines, line{text: text, reads: reads, writes: writes})
}

// row loads four numbers from memory.
func (g *gen) row(bits [lanes]uint32) vec {
	at, known := g.offsets[bits]
	if !known {
		at = 4 * lanes * len(g.rows)
		g.rows = append(g.rows, bits)
		g.offsets[bits] = at
	}
	return g.load(table, at)
}

// bits is a vector of the same pattern in all lanes.
func (g *gen) bits(b uint32) vec { return g.row([lanes]uint32{b, b, b, b}) }

// number is a vector of the same number in all lanes.
func (g *gen) number(v float32) vec { return g.bits(math.Float32bits(v)) }

// factors loads numbers that other vectors will be multiplied by; room leaves
// that many lanes at the end free, for [function.set].
func (g *gen) factors(room int, numbers ...float32) []lane {
	var out []lane
	for at := 0; at < len(numbers)+room; at += lanes {
		var bits [lanes]uint32
		for i := range bits {
			if at+i < len(numbers) {
				bits[i] = math.Float32bits(numbers[at+i])
			}
		}
		v := g.row(bits)
		for i := range lanes {
			out = append(out, lane{v, i})
		}
	}
	return out[:len(numbers)+room]
}

// Loads and stores take any address; of pairs the offset is a multiple of 16.

func (f *function) load(base string, offset int) vec {
	v := f.value()
	f.emit([]vec{v}, nil, fmt.Sprintf("FMOVQ %d(%s), F%%d", offset, base), v)
	return v
}

func (f *function) store(v vec, base string, offset int) {
	f.emit(nil, []vec{v}, fmt.Sprintf("FMOVQ F%%d, %d(%s)", offset, base), v)
}

func (f *function) loadPair(base string, offset int) (first, second vec) {
	first, second = f.value(), f.value()
	f.emit([]vec{first, second}, nil, fmt.Sprintf("FLDPQ %d(%s), (F%%d, F%%d)", offset, base), first, second)
	return first, second
}

func (f *function) storePair(first, second vec, base string, offset int) {
	f.emit(nil, []vec{first, second}, fmt.Sprintf("FSTPQ (F%%d, F%%d), %d(%s)", offset, base), first, second)
}

// The operations below return a new value.

// binary emits name, in Go's order of operands: the last source first.
func (f *function) binary(name, arrangement string, a, b vec) vec {
	v := f.value()
	operand := ", V%d." + arrangement
	f.emit([]vec{v}, []vec{a, b}, name+" V%d."+arrangement+operand+operand, b, a, v)
	return v
}

func (f *function) and(a, b vec) vec    { return f.binary("VAND", "B16", a, b) }
func (f *function) xor(a, b vec) vec    { return f.binary("VEOR", "B16", a, b) }
func (f *function) addInt(a, b vec) vec { return f.binary("VADD", "S4", a, b) }
func (f *function) subInt(a, b vec) vec { return f.binary("VSUB", "S4", a, b) }

// test is all ones in the lanes in which a and b have a bit in common.
func (f *function) test(a, b vec) vec { return f.binary("VCMTST", "S4", a, b) }

// upperHalves are those of the lanes of a, then of b.
func (f *function) upperHalves(a, b vec) vec { return f.binary("VUZP2", "H8", a, b) }

func (f *function) shift(name string, n int, a vec) vec {
	v := f.value()
	f.emit([]vec{v}, []vec{a}, fmt.Sprintf("%s $%d, V%%d.S4, V%%d.S4", name, n), a, v)
	return v
}

func (f *function) shiftRight(n int, a vec) vec { return f.shift("VUSHR", n, a) }
func (f *function) shiftLeft(n int, a vec) vec  { return f.shift("VSHL", n, a) }

// operation emits an instruction that Go's assembler lacks.
func (f *function) operation(i form, sources ...vec) vec {
	v := f.value()
	f.lacking(i, []vec{v}, sources, append([]vec{v}, sources...)...)
	return v
}

func (f *function) shiftSigned(n int, a vec) vec { return f.operation(signedShift(n), a) }
func (f *function) add(a, b vec) vec             { return f.operation(fadd, a, b) }
func (f *function) mul(a, b vec) vec             { return f.operation(fmul, a, b) }
func (f *function) equal(a, b vec) vec           { return f.operation(fcmeq, a, b) }
func (f *function) negative(a vec) vec           { return f.operation(fneg, a) }
func (f *function) root(a vec) vec               { return f.operation(fsqrt, a) }
func (f *function) toFloat(a vec) vec            { return f.operation(scvtf, a) }
func (f *function) mulBy(a vec, b lane) vec      { return f.operation(fmulLane(b.index), a, b.vec) }

func (f *function) copyOf(a vec) vec {
	v := f.value()
	f.emit([]vec{v}, []vec{a}, "VMOV V%d.B16, V%d.B16", a, v)
	return v
}

// The operations below change dst.

func (f *function) change(dst vec, format string, sources ...vec) {
	f.emit([]vec{dst}, append([]vec{dst}, sources...), format, append(sources, dst)...)
}

// fma is dst += a*b, fms dst -= a*b, each with one rounding.
func (f *function) fma(dst, a, b vec) { f.change(dst, "VFMLA V%d.S4, V%d.S4, V%d.S4", b, a) }
func (f *function) fms(dst, a, b vec) { f.change(dst, "VFMLS V%d.S4, V%d.S4, V%d.S4", b, a) }

func (f *function) fmaBy(dst, a vec, b lane) {
	f.lacking(fmlaLane(b.index), []vec{dst}, []vec{dst, a, b.vec}, dst, a, b.vec)
}

func (f *function) fmsBy(dst, a vec, b lane) {
	f.lacking(fmlsLane(b.index), []vec{dst}, []vec{dst, a, b.vec}, dst, a, b.vec)
}

// insert replaces the bits of dst where mask has ones (insertUnless: zeros) by
// those of a.
func (f *function) insert(dst, a, mask vec) { f.change(dst, "VBIT V%d.B16, V%d.B16, V%d.B16", mask, a) }
func (f *function) insertUnless(dst, a, mask vec) {
	f.change(dst, "VBIF V%d.B16, V%d.B16, V%d.B16", mask, a)
}

// insertTop replaces the upper bits of dst by the lowest 32-n of a.
func (f *function) insertTop(n int, dst, a vec) {
	f.change(dst, fmt.Sprintf("VSLI $%d, V%%d.S4, V%%d.S4", n), a)
}

// addShifted is dst += a>>n.
func (f *function) addShifted(n int, dst, a vec) {
	f.change(dst, fmt.Sprintf("VUSRA $%d, V%%d.S4, V%%d.S4", n), a)
}

// loop emits body as often as step fits into the number in register, and
// leaves the rest there. The number is not negative.
func (f *function) loop(name, register string, step int, body func()) {
	begin, end := name, name+"End"
	f.raw(fmt.Sprintf("SUBS $%d, %s", step, register))
	f.raw("BLT " + end)
	f.mark(1, begin+":")
	body()
	f.raw(fmt.Sprintf("SUBS $%d, %s", step, register))
	f.mark(-1, "BGE "+begin)
	f.raw(end + ":")
	f.raw(fmt.Sprintf("ADD $%d, %s", step, register))
}

// repeat emits body in a loop that runs a known number of times.
func (f *function) repeat(name, register string, times int, body func()) {
	f.raw(fmt.Sprintf("MOVD $%d, %s", times, register))
	f.mark(1, name+":")
	body()
	f.raw(fmt.Sprintf("SUB $1, %s", register))
	f.mark(-1, fmt.Sprintf("CBNZ %s, %s", register, name))
}

// mark emits the first or last line of a loop.
func (f *function) mark(loop int, text string) {
	f.raw(text)
	f.lines[len(f.lines)-1].loop = loop
}

// advance adds a number to a register.
func (f *function) advance(by int, register string) { f.raw(fmt.Sprintf("ADD $%d, %s", by, register)) }

// abreast emits sequences that do not depend on each other side by side, each
// at a pace in proportion to its length. Not all processors look far ahead for
// something to do while a step of a polynomial waits for the one before.
func (f *function) abreast(sequences ...func()) {
	before := f.lines
	var parts [][]line
	total := 0
	for _, emit := range sequences {
		f.lines = nil
		emit()
		parts = append(parts, f.lines)
		total += len(f.lines)
	}
	f.lines = before
	taken := make([]int, len(parts))
	for range total {
		next := -1
		for i, part := range parts {
			// The part that is least far, compared as fractions.
			if taken[i] < len(part) && (next < 0 || taken[i]*len(parts[next]) < taken[next]*len(part)) {
				next = i
			}
		}
		f.lines = append(f.lines, parts[next][taken[next]])
		taken[next]++
	}
}
