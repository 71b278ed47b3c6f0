package engine

import (
	"encoding/binary"
	"math"
)

// judge decides whether two values of one type are close.
type judge struct {
	// target is the type in which the values are compared.
	target     string
	rtol, atol float64
	equalNaN   bool
	// exact: with both tolerances 0 only equal values are close.
	exact bool
}

func newJudge(target string, rtol, atol float64, equalNaN bool) judge {
	return judge{target, rtol, atol, equalNaN, rtol == 0 && atol == 0}
}

// close compares two values that are exactly in the target's type.
func (j *judge) close(reference, candidate float64) bool {
	switch {
	case reference == candidate:
		return true
	case math.IsNaN(reference) || math.IsNaN(candidate):
		return j.equalNaN && math.IsNaN(reference) && math.IsNaN(candidate)
	case j.exact:
		return false
	}
	switch j.target {
	case "F16", "BF16":
		return j.closeHalf(float32(reference), float32(candidate))
	case "F64", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "F4":
		// torch has no arithmetic of the narrow ones; float64 holds them exactly.
		allowed := j.atol + math.Abs(float64(j.rtol*reference))
		found := math.Abs(candidate - reference)
		return !math.IsInf(found, 0) && found <= allowed
	}
	return j.closeSingle(float32(reference), float32(candidate))
}

// closeSingle is the inequality in float32, a rounding a step.
func (j *judge) closeSingle(reference, candidate float32) bool {
	allowed := float32(j.atol) + abs32(float32(float32(j.rtol)*reference))
	found := abs32(candidate - reference)
	return !math.IsInf(float64(found), 0) && found <= allowed
}

// closeHalf is the inequality in a type of 16 bits: each step is done in
// float32 and then rounded. torch rounds the absolute tolerance to the type
// before it adds it, and does not round the relative one.
func (j *judge) closeHalf(reference, candidate float32) bool {
	product := j.half(float32(float32(j.rtol) * reference))
	allowed := j.half(j.half(float32(j.atol)) + abs32(product))
	found := abs32(j.half(candidate - reference))
	return !math.IsInf(float64(found), 0) && found <= allowed
}

func (j *judge) half(v float32) float32 {
	if j.target == "BF16" {
		return roundBF16(v)
	}
	return roundF16(v)
}

// closeWide compares integers of 64 bits.
func (j *judge) closeWide(reference, candidate int64) bool {
	switch {
	case reference == candidate:
		return true
	case j.exact:
		return false
	case j.target == "U64":
		return j.closeSingle(float32(uint64(reference)), float32(uint64(candidate)))
	}
	return j.closeSingle(float32(reference), float32(candidate))
}

// distance is the absolute difference of integers of 64 bits, rounded once.
func (j *judge) distance(a, b int64) float64 {
	if j.target == "U64" && uint64(a) < uint64(b) || j.target != "U64" && a < b {
		a, b = b, a
	}
	return float64(uint64(a) - uint64(b))
}

func abs32(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }

// roundBF16 rounds to nearest even; the values are no NaN.
func roundBF16(v float32) float32 {
	b := math.Float32bits(v)
	return math.Float32frombits((b + 0x7fff + b>>16&1) &^ 0xffff)
}

// roundF16 rounds to nearest even, to infinity from 65520 on.
func roundF16(v float32) float32 {
	a := abs32(v)
	switch {
	case a >= 65520:
		a = float32(math.Inf(1))
	case a < 0x1p-14:
		// Numbers from a half to one have the spacing of these: 2^-24.
		sum := float32(a + 0.5)
		a = sum - 0.5
	default:
		b := math.Float32bits(a)
		a = math.Float32frombits((b + 0xfff + b>>13&1) &^ 0x1fff)
	}
	return float32(math.Copysign(float64(a), float64(v)))
}

// integerRank orders the integers by what holds what; the unsigned ones of more
// than 8 bits are taken as I64 beside another type, as torch's tests do.
var integerRank = map[string]int{"BOOL": 0, "U8": 1, "I8": 2, "I16": 3, "I32": 4, "I64": 5, "U16": 5, "U32": 5, "U64": 5}

// promote returns the type in which values of two types are compared, that of
// torch.promote_types; false for two types that cannot be.
func promote(a, b string) (string, bool) {
	if a == b {
		return a, true
	}
	if complexPart(a) != "" || complexPart(b) != "" {
		return promoteComplex(a, b)
	}
	aRank, aInteger := integerRank[a]
	bRank, bInteger := integerRank[b]
	switch {
	case aInteger && bInteger:
		return promoteIntegers(a, b, aRank, bRank), true
	case aInteger:
		return b, isFloat(b)
	case bInteger:
		return a, isFloat(a)
	case !isFloat(a) || !isFloat(b):
		return "", false
	case a == "F64" || b == "F64":
		return "F64", true
	}
	return "F32", true // F16 with BF16, or one of them with F32
}

func promoteIntegers(a, b string, aRank, bRank int) string {
	switch {
	case aRank == 5 || bRank == 5:
		return "I64"
	case a == "U8" && b == "I8" || a == "I8" && b == "U8":
		return "I16"
	case aRank > bRank:
		return a
	}
	return b
}

// convert turns the piece's values, decoded, into numbers of the target type.
func (p *piece) convert(target string) {
	wide := p.tensor.DType == "I64" || p.tensor.DType == "U64"
	if p.ints == nil {
		p.ints = make([]int64, len(p.floats))
	}
	ints := p.ints[:len(p.values)]
	for i, v := range p.values {
		if wide {
			ints[i] = int64(binary.LittleEndian.Uint64(p.raw[8*i:]))
		} else if target == "I64" {
			ints[i] = int64(v)
		}
	}
	switch target {
	case "I64", "U64":
		p.wide = ints
		if p.tensor.DType == "U64" && target == "I64" {
			for i, n := range ints {
				p.values[i] = float64(n)
			}
		}
	case "F32", "F16", "BF16":
		round := func(v float32) float32 { return v }
		if target == "F16" {
			round = roundF16
		} else if target == "BF16" {
			round = roundBF16
		}
		for i, v := range p.values {
			single := float32(v)
			if wide { // a rounding less than by way of float64
				single = float32(ints[i])
				if p.tensor.DType == "U64" {
					single = float32(uint64(ints[i]))
				}
			}
			if single == single {
				p.values[i] = float64(round(single))
			}
		}
	}
}
