package layout

import (
	"fmt"
	"strings"
)

// DType is the number type in which a parameter is stored.
type DType uint8

// The stored types. A parameter is drawn in [DType.Compute] and then rounded
// to nearest even, as torch's module.to(dtype) does.
const (
	F32 DType = iota + 1
	F64
	BF16
	F16
)

// DTypes lists the stored types in the order in which messages name them.
func DTypes() []DType { return []DType{F32, F64, BF16, F16} }

var dtypeNames = [...]string{F32: "f32", F64: "f64", BF16: "bf16", F16: "f16"}

// ParseDType returns the type of one of the names f32, f64, bf16, f16
// (any letter case).
func ParseDType(name string) (DType, error) {
	for d, n := range dtypeNames {
		if n != "" && strings.EqualFold(n, name) {
			return DType(d), nil
		}
	}
	return 0, fmt.Errorf("layout: unknown dtype %q: use one of f32, f64, bf16, f16", name)
}

// Valid reports whether d is one of the declared types.
func (d DType) Valid() bool { return d >= F32 && d <= F16 }

// String returns the lower-case name, such as "bf16".
func (d DType) String() string {
	if !d.Valid() {
		return fmt.Sprintf("DType(%d)", uint8(d))
	}
	return dtypeNames[d]
}

// Size returns the bytes of one element.
func (d DType) Size() int64 {
	switch d {
	case F64:
		return 8
	case F32:
		return 4
	case BF16, F16:
		return 2
	default:
		panic("layout: Size of invalid " + d.String())
	}
}

// Compute returns the type in which values are drawn before they are rounded
// to d: F64 for F64, F32 for all others.
func (d DType) Compute() DType {
	if d == F64 {
		return F64
	}
	return F32
}
