package planfile

import (
	"fmt"
	"math"
	"strconv"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/strictjson"
)

// ints keeps many short lists of whole numbers in few pieces of memory.
type ints struct{ free, scratch []int64 }

// keep returns a copy of list.
func (a *ints) keep(list []int64) []int64 {
	const piece = 4096
	if len(list) > len(a.free) {
		a.free = make([]int64, max(piece, len(list)))
	}
	out := a.free[:len(list):len(list)]
	a.free = a.free[len(list):]
	copy(out, list)
	return out
}

// read reads a list of counts; most is how many there may be.
func (a *ints) read(p *strictjson.Parser, most int) ([]int64, error) {
	a.scratch = a.scratch[:0]
	err := p.Array(func(i int) error {
		if i >= most {
			return fmt.Errorf("more than the limit of %d numbers", most)
		}
		n, err := count(p)
		a.scratch = append(a.scratch, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	return a.keep(a.scratch), nil
}

// count reads a whole number from 0 to 2^63-1.
func count(p *strictjson.Parser) (int64, error) {
	text, err := p.Number()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || text[0] == '-' {
		return 0, fmt.Errorf("%s: must be a whole number from 0 to 2^63-1", shown.Cut(text, 40))
	}
	return n, nil
}

// small reads a whole number that counts few things.
func small(p *strictjson.Parser) (int, error) {
	const most = 1 << 20
	n, err := count(p)
	if err == nil && n > most {
		err = fmt.Errorf("%d: the limit is %d", n, most)
	}
	return int(n), err
}

// words stand for numbers that JSON does not have.
var words = map[string]float64{
	"inf": math.Inf(1), "-inf": math.Inf(-1), "nan": math.NaN(), "-0.0": math.Copysign(0, -1),
}

// number reads a float64.
func number(p *strictjson.Parser) (float64, error) {
	kind, err := p.Peek()
	if err != nil {
		return 0, err
	}
	if kind == strictjson.String {
		text, err := p.String()
		if err != nil {
			return 0, err
		}
		v, ok := words[text]
		if !ok {
			return 0, fmt.Errorf(`%s: must be a number, or one of "inf", "-inf", "nan", "-0.0"`, shown.Quote(text))
		}
		return v, nil
	}
	text, err := p.Number()
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: does not fit float64", shown.Cut(text, 40))
	}
	return v, nil
}

// appendNumber writes a float64 as [number] reads it.
func appendNumber(dst []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, `"nan"`...)
	case math.IsInf(v, 1):
		return append(dst, `"inf"`...)
	case math.IsInf(v, -1):
		return append(dst, `"-inf"`...)
	case v == 0 && math.Signbit(v):
		return append(dst, `"-0.0"`...)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}

// typeName reads the name of a type.
func typeName(p *strictjson.Parser) (dtype.Type, error) {
	text, err := p.String()
	if err != nil {
		return 0, err
	}
	t, err := dtype.ParseTorch(text)
	if err != nil {
		return 0, fmt.Errorf("%s: use one of float32, float64, bfloat16, float16, int64, int32, int16, int8, uint8, bool", shown.Quote(text))
	}
	return t, nil
}

// holds reports why a type of whole numbers cannot hold v.
func holds(t dtype.Type, v float64) error {
	low, high := 0.0, 1.0
	if t != dtype.Bool {
		bits := 8 * int(t.Size())
		high = math.Ldexp(1, bits) - 1
		if t != dtype.U8 {
			low, high = -math.Ldexp(1, bits-1), math.Nextafter(math.Ldexp(1, bits-1), 0)
		}
	}
	if v != math.Trunc(v) || v < low || v > high || math.IsNaN(v) || v == 0 && math.Signbit(v) {
		return fmt.Errorf("%v is no value of %s", v, t.Torch())
	}
	return nil
}
