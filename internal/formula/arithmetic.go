package formula

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/bits"
)

type binary struct {
	sign string
	x, y node
}

var errZero = errors.New("a division by 0")

func (n binary) eval(names Names) (Value, error) {
	x, err := n.x.eval(names)
	if err != nil {
		return Value{}, err
	}
	y, err := n.y.eval(names)
	if err != nil {
		return Value{}, err
	}
	switch {
	case n.sign == "+" && x.kind == List && y.kind == List:
		return OfList(append(append([]Value{}, x.list...), y.list...)), nil
	case !x.numeric() || !y.numeric():
		return Value{}, fmt.Errorf("%s %s %s", x.kind, n.sign, y.kind)
	case x.whole() && y.whole():
		return wholes(n.sign, x.n, y.n)
	}
	a, _ := x.Float()
	b, _ := y.Float()
	return floats(n.sign, a, b)
}

func wholes(sign string, a, b int64) (Value, error) {
	switch sign {
	case "+":
		if c := a + b; (c > a) == (b > 0) {
			return OfInt(c), nil
		}
	case "-":
		if c := a - b; (c < a) == (b > 0) {
			return OfInt(c), nil
		}
	case "*":
		if c, ok := multiply(a, b); ok {
			return OfInt(c), nil
		}
	case "/":
		if b == 0 {
			return Value{}, errZero
		}
		f, _ := new(big.Rat).SetFrac64(a, b).Float64()
		return OfFloat(f), nil
	case "//", "%":
		return floorDivision(sign, a, b)
	default:
		return wholePower(a, b)
	}
	return Value{}, errOverflow
}

func multiply(a, b int64) (int64, bool) {
	if a == math.MinInt64 || b == math.MinInt64 {
		c := a * b
		return c, a == 0 || b == 0 || a == 1 || b == 1
	}
	high, low := bits.Mul64(uint64(max(a, -a)), uint64(max(b, -b)))
	if high != 0 || low > math.MaxInt64 {
		return 0, false
	}
	return a * b, true
}

// floorDivision rounds down, and the rest has the sign of b.
func floorDivision(sign string, a, b int64) (Value, error) {
	switch {
	case b == 0:
		return Value{}, errZero
	case a == math.MinInt64 && b == -1 && sign == "//":
		return Value{}, errOverflow
	case a == math.MinInt64 && b == -1:
		return OfInt(0), nil
	}
	q, r := a/b, a%b
	if r != 0 && (r < 0) != (b < 0) {
		q, r = q-1, r+b
	}
	if sign == "//" {
		return OfInt(q), nil
	}
	return OfInt(r), nil
}

func wholePower(a, b int64) (Value, error) {
	if b < 0 {
		return floats("**", float64(a), float64(b))
	}
	if a == 0 || a == 1 || a == -1 {
		if b == 0 || a == -1 && b%2 == 0 {
			return OfInt(1), nil
		}
		return OfInt(a), nil
	}
	out := int64(1)
	for range b { // a doubles at least: 63 rounds
		var ok bool
		if out, ok = multiply(out, a); !ok {
			return Value{}, errOverflow
		}
	}
	return OfInt(out), nil
}

func floats(sign string, a, b float64) (Value, error) {
	switch sign {
	case "+":
		return OfFloat(a + b), nil
	case "-":
		return OfFloat(a - b), nil
	case "*":
		return OfFloat(a * b), nil
	case "**":
		return power(a, b)
	}
	if b == 0 {
		return Value{}, errZero
	}
	switch sign {
	case "/":
		return OfFloat(a / b), nil
	case "//":
		q, _ := divmod(a, b)
		return OfFloat(q), nil
	default:
		_, r := divmod(a, b)
		return OfFloat(r), nil
	}
}

// divmod is that of Python's floats.
func divmod(a, b float64) (quotient, rest float64) {
	rest = math.Mod(a, b)
	quotient = (a - rest) / b
	if rest == 0 {
		rest = math.Copysign(0, b)
	} else if (b < 0) != (rest < 0) {
		rest += b
		quotient--
	}
	if quotient == 0 {
		return math.Copysign(0, a/b), rest
	}
	floor := math.Floor(quotient)
	if quotient-floor > 0.5 {
		floor++
	}
	return floor, rest
}

// power is C's pow, correctly rounded, for exponents that are a small multiple
// of 1/16. Go's own rounds twice where the exponent is -0.5.
func power(a, b float64) (Value, error) {
	const parts, most = 16, 1 << 10
	scaled := b * parts
	switch {
	case b == 0 || a == 1:
		return OfFloat(1), nil
	case a == 0 && b < 0:
		return Value{}, errors.New("0 to a negative power")
	case a == 0 || a < 0 || math.IsInf(a, 0) || math.IsNaN(a) || math.Floor(scaled) != scaled || math.Abs(scaled) > most:
		if a < 0 && math.Floor(b) == b && math.Abs(b) <= most/parts {
			v, err := power(-a, b)
			if err == nil && math.Mod(b, 2) != 0 {
				v.f = -v.f
			}
			return v, err
		}
		if a == 0 {
			return OfFloat(0), nil
		}
		return Value{}, fmt.Errorf("%v ** %v: use a base above 0 and an exponent that is a multiple of 1/16", a, b)
	}
	x := new(big.Float).SetPrec(2000).SetFloat64(a)
	out := new(big.Float).SetPrec(2000).SetInt64(1)
	for n := int64(math.Abs(scaled)); n > 0; n /= 2 {
		if n%2 == 1 {
			out.Mul(out, x)
		}
		x.Mul(x, x)
	}
	for range 4 {
		out.Sqrt(out)
	}
	if b < 0 {
		out.Quo(new(big.Float).SetPrec(2000).SetInt64(1), out)
	}
	f, _ := out.Float64()
	if math.IsInf(f, 0) {
		return Value{}, errors.New("a power beyond the largest number")
	}
	return OfFloat(f), nil
}
