package layout

import "github.com/weightinit/weightinit/dtype"

// DType and the names below stand for those of package dtype.
type DType = dtype.Type

// The stored types.
const (
	F32  = dtype.F32
	F64  = dtype.F64
	BF16 = dtype.BF16
	F16  = dtype.F16
)

// DTypes lists the stored types.
func DTypes() []DType { return dtype.All() }

// ParseDType is dtype.Parse.
func ParseDType(name string) (DType, error) { return dtype.Parse(name) }
