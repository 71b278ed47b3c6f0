package engine

import (
	"fmt"
	"math"
	"math/big"
	"strings"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/internal/shown"
)

// complexPart returns the type of the two parts of a complex type, "" for
// another type.
func complexPart(dtype string) string {
	switch dtype {
	case "C64":
		return "F32"
	case "C128":
		return "F64"
	}
	return ""
}

// promoteComplex is promote for two types of which one is complex.
func promoteComplex(a, b string) (string, bool) {
	target := "C64"
	for _, dtype := range []string{a, b} {
		_, integer := integerRank[dtype]
		switch part := complexPart(dtype); {
		case part == "F64" || dtype == "F64":
			target = "C128"
		case part == "" && !integer && !isFloat(dtype):
			return "", false
		}
	}
	return target, true
}

// readComplex converts the bytes of the piece to numbers of the complex type
// with these parts.
func (p *piece) readComplex(part string) error {
	n := len(p.values)
	if p.imagRoom == nil {
		p.imagRoom = make([]float64, len(p.floats))
	}
	p.imag = p.imagRoom[:n]
	own := complexPart(p.tensor.DType)
	if own == "" {
		clear(p.imag)
		if err := p.decode(p.values, p.tensor.DType); err != nil {
			return err
		}
		p.convert(part)
		return nil
	}
	if p.pairs == nil {
		p.pairs = make([]float64, 2*len(p.floats))
	}
	pairs := p.pairs[:2*n]
	if err := p.decode(pairs, own); err != nil {
		return err
	}
	for i := range p.values {
		p.values[i], p.imag[i] = pairs[2*i], pairs[2*i+1]
	}
	return nil
}

func (p *piece) decode(dst []float64, dtype string) error {
	if err := checkpoint.Decode(dst, p.raw, dtype); err != nil {
		return fmt.Errorf("parity: tensor %s: %w", shown.Quote(p.tensor.Name), err)
	}
	return nil
}

// closeComplex compares two complex numbers, of which the parts are exactly in
// the target's part type. It is the inequality of [judge.close] with moduli: a
// number with a part that is NaN is no number.
func (j *judge) closeComplex(reference, candidate complex128) bool {
	switch {
	case reference == candidate:
		return true
	case isNaN(reference) || isNaN(candidate):
		return j.equalNaN && isNaN(reference) && isNaN(candidate)
	case j.exact:
		return false
	case j.target == "C64":
		return j.closeComplexSingle(reference, candidate)
	}
	rtol := j.rtol
	x, y := float64(rtol*real(reference)), float64(rtol*imag(reference))
	dx, dy := real(candidate)-real(reference), imag(candidate)-imag(reference)
	found, allowed := math.Hypot(dx, dy), j.atol+math.Hypot(x, y)
	if math.Abs(found-allowed) <= float64(1e-14*allowed) { // the last bits decide
		found, allowed = modulus(dx, dy), j.atol+modulus(x, y)
	}
	return !math.IsInf(found, 0) && found <= allowed
}

// closeComplexSingle is the inequality in float32, a rounding a step.
func (j *judge) closeComplexSingle(reference, candidate complex128) bool {
	rtol := float32(j.rtol)
	product := modulusSingle(float32(rtol*float32(real(reference))), float32(rtol*float32(imag(reference))))
	allowed := float32(j.atol) + product
	found := modulusSingle(float32(real(candidate))-float32(real(reference)), float32(imag(candidate))-float32(imag(reference)))
	return !math.IsInf(float64(found), 0) && found <= allowed
}

// isNaN reports whether a part is NaN, also beside an infinite one.
func isNaN(v complex128) bool { return math.IsNaN(real(v)) || math.IsNaN(imag(v)) }

// modulusSingle returns the modulus rounded to float32: the squares are exact
// in float64.
func modulusSingle(x, y float32) float32 {
	a, b := float64(x), float64(y)
	return float32(math.Sqrt(float64(a*a) + float64(b*b)))
}

// modulus returns the modulus rounded once.
func modulus(x, y float64) float64 {
	if math.IsInf(x, 0) || math.IsInf(y, 0) || math.IsNaN(x) || math.IsNaN(y) {
		return math.Hypot(x, y)
	}
	const precision = 2300 // the squares of any two float64 are exact, and so is their sum
	square := func(v float64) *big.Float {
		f := new(big.Float).SetPrec(precision).SetFloat64(v)
		return f.Mul(f, f)
	}
	sum := square(x)
	sum.Add(sum, square(y))
	root, _ := new(big.Float).SetPrec(200).Sqrt(sum.SetPrec(400)).Float64()
	return root
}

// distances returns |candidate - reference| and that over |reference|.
func distances(reference, candidate complex128, near bool) (absolute, relative float64) {
	d := candidate - reference
	absolute = math.Hypot(real(d), imag(d))
	if isNaN(d) {
		absolute = math.NaN() // Hypot takes an infinite part for infinite
	}
	if reference == candidate || near && math.IsNaN(absolute) { // identical infinities; NaN by option
		return 0, 0
	}
	if absolute == 0 {
		return 0, 0
	}
	return absolute, absolute / math.Hypot(real(reference), imag(reference))
}

// complexOf decodes one complex value.
func complexOf(b []byte, part string) (re, im float64) {
	half := len(b) / 2
	return valueOf(b[:half], part), valueOf(b[half:], part)
}

// number shows a value of a difference in full.
func number(re, im float64, dtype string) string {
	if complexPart(dtype) == "" {
		return full(re)
	}
	sign := "+"
	if text := full(im); strings.HasPrefix(text, "-") {
		sign = ""
	}
	return full(re) + sign + full(im) + "i"
}
