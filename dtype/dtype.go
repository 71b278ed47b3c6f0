// Package dtype names the number types in which values are drawn and stored:
// their sizes, their compute types and what they can hold.
//
// It converts nothing: package rng rounds.
package dtype

import (
	"fmt"
	"math"
	"strings"
)

// Type is the type of a tensor's elements.
type Type uint8

// The types in which values are drawn.
const (
	F32 Type = iota + 1
	F64
	BF16
	F16
)

// The types that tensors may only be stored in: tables and counters of
// recorded programs. Nothing is drawn or computed in them.
const (
	I64 Type = iota + 16
	I32
	I16
	I8
	U8
	Bool
)

// All lists the types of drawn values in the order in which messages name them.
func All() []Type { return []Type{F32, F64, BF16, F16} }

// Stored lists the types that are stored only.
func Stored() []Type { return []Type{I64, I32, I16, I8, U8, Bool} }

var names = [...]string{
	F32: "f32", F64: "f64", BF16: "bf16", F16: "f16",
	I64: "i64", I32: "i32", I16: "i16", I8: "i8", U8: "u8", Bool: "bool",
}

// torchNames are those of torch, as plan files and configs have them.
var torchNames = [...]string{
	F32: "float32", F64: "float64", BF16: "bfloat16", F16: "float16",
	I64: "int64", I32: "int32", I16: "int16", I8: "int8", U8: "uint8", Bool: "bool",
}

// Torch returns the name that torch has for t, such as "bfloat16".
func (t Type) Torch() string {
	if !t.Valid() && !t.Whole() {
		return t.String()
	}
	return torchNames[t]
}

// ParseTorch returns the type of a name of torch, such as "bfloat16" or "int64".
func ParseTorch(name string) (Type, error) {
	for t, n := range torchNames {
		if n != "" && n == name {
			return Type(t), nil
		}
	}
	return 0, fmt.Errorf("dtype: unknown type %q: use one of float32, float64, bfloat16, float16, int64, int32, int16, int8, uint8, bool", name)
}

// Parse returns the type of one of the names f32, f64, bf16, f16 (any letter
// case).
func Parse(name string) (Type, error) {
	for _, t := range All() {
		if strings.EqualFold(names[t], name) {
			return t, nil
		}
	}
	return 0, fmt.Errorf("dtype: unknown type %q: use one of f32, f64, bf16, f16", name)
}

// Valid reports whether values can be drawn in t.
func (t Type) Valid() bool { return t >= F32 && t <= F16 }

// Whole reports whether t is one of the [Stored] types: whole numbers.
func (t Type) Whole() bool { return t >= I64 && t <= Bool }

// String returns the lower-case name, such as "bf16".
func (t Type) String() string {
	if !t.Valid() && !t.Whole() {
		return fmt.Sprintf("Type(%d)", uint8(t))
	}
	return names[t]
}

// Size returns the bytes of one element.
func (t Type) Size() int64 {
	switch t {
	case F64, I64:
		return 8
	case F32, I32:
		return 4
	case BF16, F16, I16:
		return 2
	case I8, U8, Bool:
		return 1
	default:
		panic("dtype: Size of invalid " + t.String())
	}
}

// Compute returns the type in which values of type t are computed: F64 for
// F64, F32 for all others. A parameter whose drawn type is the compute type is
// rounded when it is stored, as torch's module.to(dtype) does.
func (t Type) Compute() Type {
	if t == F64 {
		return F64
	}
	return F32
}

// Half tells whether t has two bytes: a value of it is computed in float32 and
// rounded.
func (t Type) Half() bool { return t == BF16 || t == F16 }

// Max returns the largest finite value.
func (t Type) Max() float64 {
	switch t {
	case F64:
		return math.MaxFloat64
	case BF16:
		return 0x1.fep127
	case F16:
		return 65504
	default:
		return math.MaxFloat32
	}
}
