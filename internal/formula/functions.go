package formula

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// functions are those that an expression may call, with the number of their
// arguments; most 0 means any.
var functions = map[string]struct {
	least, most int
	apply       func([]Value) (Value, error)
}{
	"sqrt":       {1, 1, sqrt},
	"len":        {1, 1, length},
	"max":        {1, 0, func(a []Value) (Value, error) { return extreme(a, 1) }},
	"min":        {1, 0, func(a []Value) (Value, error) { return extreme(a, -1) }},
	"int":        {1, 1, toInt},
	"abs":        {1, 1, absolute},
	"at":         {2, 2, at},
	"or0":        {2, 2, func(a []Value) (Value, error) { return orElse(a[0], a[1]), nil }},
	"ceildiv":    {2, 2, ceilDivision},
	"startswith": {2, 2, startsWith},
	"repeated":   {1, 1, repeated},
}

func sqrt(a []Value) (Value, error) {
	f, err := a[0].Float()
	if err != nil {
		return Value{}, err
	}
	if f < 0 {
		return Value{}, fmt.Errorf("of %v", f)
	}
	return OfFloat(math.Sqrt(f)), nil
}

func length(a []Value) (Value, error) {
	switch a[0].kind {
	case List:
		return OfInt(int64(len(a[0].list))), nil
	case Text:
		return OfInt(int64(len([]rune(a[0].s)))), nil
	}
	return Value{}, fmt.Errorf("of %s", a[0].kind)
}

// extreme is the largest value (1) or the smallest (-1), the first of equal
// ones.
func extreme(a []Value, order int) (Value, error) {
	if len(a) == 1 {
		list, ok := a[0].List()
		if !ok || len(list) == 0 {
			return Value{}, fmt.Errorf("of %s", a[0])
		}
		a = list
	}
	best := a[0]
	for _, v := range a {
		if !v.numeric() {
			return Value{}, fmt.Errorf("of %s", v.kind)
		}
		if c, ordered := compare(v, best); ordered && c == order {
			best = v
		}
	}
	return best, nil
}

func toInt(a []Value) (Value, error) {
	v := a[0]
	switch {
	case v.whole():
		return OfInt(v.n), nil
	case v.kind != Float:
		return Value{}, fmt.Errorf("of %s", v.kind)
	case !(math.Abs(v.f) < 1<<63):
		return Value{}, errOverflow
	}
	return OfInt(int64(v.f)), nil
}

func absolute(a []Value) (Value, error) {
	v := a[0]
	switch {
	case v.kind == Float:
		return OfFloat(math.Abs(v.f)), nil
	case !v.whole():
		return Value{}, fmt.Errorf("of %s", v.kind)
	case v.n == math.MinInt64:
		return Value{}, errOverflow
	}
	return OfInt(max(v.n, -v.n)), nil
}

func at(a []Value) (Value, error) {
	if a[0].kind != List {
		return a[0], nil
	}
	i, err := a[1].Int()
	if err != nil {
		return Value{}, err
	}
	v, _ := entry(a[0].list, i)
	return v, nil
}

func orElse(x, y Value) Value {
	if x.True() {
		return x
	}
	return y
}

func ceilDivision(a []Value) (Value, error) {
	x, errX := a[0].Int()
	y, errY := a[1].Int()
	if err := errors.Join(errX, errY); err != nil {
		return Value{}, err
	}
	if x == math.MinInt64 {
		return Value{}, errOverflow
	}
	q, err := floorDivision("//", -x, y)
	if err != nil {
		return Value{}, err
	}
	if q.n == math.MinInt64 {
		return Value{}, errOverflow
	}
	return OfInt(-q.n), nil
}

func startsWith(a []Value) (Value, error) {
	word, ok := a[0].Text()
	start, text := a[1].Text()
	if !text {
		return Value{}, fmt.Errorf("with %s", a[1].kind)
	}
	return OfBool(ok && strings.HasPrefix(word, start)), nil
}

// repeated is how many entries a list of [LIST, TIMES] stands for.
func repeated(a []Value) (Value, error) {
	list, isList := a[0].List()
	total := int64(0)
	for _, v := range list {
		pair, isPair := v.List()
		if !isPair || len(pair) != 2 {
			return Value{}, fmt.Errorf("of %s", v.kind)
		}
		entries, isEntries := pair[0].List()
		times, err := pair[1].Int()
		if !isEntries || err != nil || times < 0 || times > 1<<20 {
			return Value{}, fmt.Errorf("of %s, %s times", pair[0].kind, pair[1])
		}
		total += int64(len(entries)) * times
	}
	if !isList {
		return Value{}, fmt.Errorf("of %s", a[0].kind)
	}
	return OfInt(total), nil
}
