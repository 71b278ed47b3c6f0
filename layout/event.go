package layout

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
)

// Event is one thing that a framework's own constructor and init functions do
// to the generator or to the parameters, in order.
//
// A draw, the usual one, takes what Dist says as a tensor of its own of the
// given Shape, in the type In, and leaves the values in the elements Into of
// Param. The others compute: they leave in To what Do makes of From, element by
// element, in the type of To's parameter with one rounding. Seed, Save and Load
// move the generator only.
type Event struct {
	Do Do

	// Param is the number of the parameter that takes the values of a draw,
	// [Lost] if none does.
	Param int
	// Dist is what is drawn, as a tensor of its own of this Shape.
	Dist  dist.Dist
	Shape []int64
	// In is the type in which it is drawn; 0 means the parameter's own or, for
	// a lost draw and a parameter without one, that in which the plan draws.
	In dtype.Type
	// Into are the elements of the parameter that take the values; the zero
	// Region means all.
	Into Region

	// To takes what a computation makes of From.
	To   View
	From []Operand
	// Low and High are the bounds of [Clamp]; nil where there is none.
	Low, High *float64
	// Dims are the dimensions that [Norm] keeps.
	Dims []int

	// Stream is the generator that a draw, Seed, Save or Load is about; 0 is
	// the default one, which has the plan's seed at the start. Others need a
	// Seed before they draw.
	Stream int
	// Seed is that of [Seed]; nil means the plan's.
	Seed *uint64
	// Slot is that of [Save] and [Load].
	Slot int
}

// Lost is the parameter of an event whose values nobody keeps.
const Lost = -1

// Do says what an event does.
type Do uint8

// What events do.
const (
	Draw Do = iota
	// Copy leaves From, rounded to the type of To.
	Copy
	// Add, Subtract, Multiply and Divide have two operands.
	Add
	Subtract
	Multiply
	Divide
	// Negate to Erfinv have one.
	Negate
	Abs
	Sqrt
	Log
	Log1p
	Exp
	Expm1
	Erfinv
	// Clamp is at least Low and at most High.
	Clamp
	// Norm is the 2-norm over all dimensions of From but Dims; To has one
	// element for each place along these.
	Norm
	// Seed restarts a stream, Save keeps its state in a slot, Load takes it
	// back.
	Seed
	Save
	Load
)

var doNames = [...]string{
	Draw: "draw", Copy: "copy", Add: "add", Subtract: "subtract", Multiply: "multiply", Divide: "divide",
	Negate: "negate", Abs: "abs", Sqrt: "sqrt", Log: "log", Log1p: "log1p", Exp: "exp", Expm1: "expm1", Erfinv: "erfinv",
	Clamp: "clamp", Norm: "norm", Seed: "seed", Save: "save", Load: "load",
}

// String returns the name, such as "log1p".
func (d Do) String() string {
	if int(d) < len(doNames) {
		return doNames[d]
	}
	return fmt.Sprintf("Do(%d)", uint8(d))
}

// ParseDo returns what has the name; false when nothing has.
func ParseDo(name string) (Do, bool) {
	i := slices.Index(doNames[:], name)
	return Do(max(i, 0)), i >= 0
}

// Computes tells whether d makes values of other values.
func (d Do) Computes() bool { return d >= Copy && d <= Norm }

// Operands is the number of operands of a computation.
func (d Do) Operands() int {
	switch {
	case d >= Add && d <= Divide:
		return 2
	case d.Computes():
		return 1
	default:
		return 0
	}
}

// View is some elements of a parameter: a tensor of the given Shape that begins
// at element Offset of it, with Strides in elements. No Strides mean a
// contiguous one.
type View struct {
	Param   int
	Offset  int64
	Shape   []int64
	Strides []int64
}

// Operand is what a computation takes: a view, a Literal, or else the Value.
type Operand struct {
	View    *View
	Literal *Literal
	Value   float64
}

// Literal is values that are given outright: little-endian bytes of a type.
type Literal struct {
	DType dtype.Type
	Data  []byte
}

// Elements returns the number of values.
func (l *Literal) Elements() int64 { return int64(len(l.Data)) / l.DType.Size() }

// Entry is a tensor of a state dict or of what a framework saves: elements of
// a parameter, from First on, in C order.
type Entry struct {
	Name  string
	Shape []int64
	Param int
	First int64
	// SameAs names an earlier tensor that this one is tied to; Param and First
	// are then of no meaning.
	SameAs string
	// Buffer tells that it is a persistent buffer and no parameter.
	Buffer bool
	// ULPs is the bound that a maker measured for values that are not exact;
	// 0 where it said nothing.
	ULPs int
}

// At returns value i as a float64.
func (l *Literal) At(i int64) float64 {
	data := l.Data[i*l.DType.Size():]
	switch l.DType {
	case dtype.F64:
		return math.Float64frombits(binary.LittleEndian.Uint64(data))
	case dtype.F32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(data)))
	case dtype.BF16:
		return float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(data)) << 16))
	case dtype.F16:
		return half(binary.LittleEndian.Uint16(data))
	case dtype.I64:
		return float64(int64(binary.LittleEndian.Uint64(data)))
	case dtype.I32:
		return float64(int32(binary.LittleEndian.Uint32(data)))
	case dtype.I16:
		return float64(int16(binary.LittleEndian.Uint16(data)))
	case dtype.I8:
		return float64(int8(data[0]))
	default:
		return float64(data[0])
	}
}

// half is a float16 as a float64.
func half(bits uint16) float64 {
	const mantissaBits, exponentMax, bias = 10, 31, 15
	sign, exponent, mantissa := 1.0, int(bits>>mantissaBits)&exponentMax, float64(bits&(1<<mantissaBits-1))
	if bits>>15 == 1 {
		sign = -1
	}
	switch exponent {
	case exponentMax:
		if mantissa != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	case 0:
		return math.Copysign(math.Ldexp(mantissa, 1-bias-mantissaBits), sign)
	default:
		return sign * math.Ldexp(mantissa+(1<<mantissaBits), exponent-bias-mantissaBits)
	}
}
