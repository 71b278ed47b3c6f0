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

// Type is a floating-point type of a tensor.
type Type uint8

// The types.
const (
	F32 Type = iota + 1
	F64
	BF16
	F16
)

// All lists the types in the order in which messages name them.
func All() []Type { return []Type{F32, F64, BF16, F16} }

var names = [...]string{F32: "f32", F64: "f64", BF16: "bf16", F16: "f16"}

// Parse returns the type of one of the names f32, f64, bf16, f16 (any letter
// case).
func Parse(name string) (Type, error) {
	for t, n := range names {
		if n != "" && strings.EqualFold(n, name) {
			return Type(t), nil
		}
	}
	return 0, fmt.Errorf("dtype: unknown type %q: use one of f32, f64, bf16, f16", name)
}

// Valid reports whether t is one of the declared types.
func (t Type) Valid() bool { return t >= F32 && t <= F16 }

// String returns the lower-case name, such as "bf16".
func (t Type) String() string {
	if !t.Valid() {
		return fmt.Sprintf("Type(%d)", uint8(t))
	}
	return names[t]
}

// Size returns the bytes of one element.
func (t Type) Size() int64 {
	switch t {
	case F64:
		return 8
	case F32:
		return 4
	case BF16, F16:
		return 2
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
