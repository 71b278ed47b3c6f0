package formula

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Kind is the kind of a value.
type Kind uint8

// The kinds of values. The zero Value is null.
const (
	Null Kind = iota
	Bool
	Int
	Float
	Text
	List
)

var kindNames = [...]string{"null", "a boolean", "an integer", "a number", "a text", "a list"}

// String returns the kind for a message, such as "an integer".
func (k Kind) String() string { return kindNames[k] }

// Value is a value of the language.
type Value struct {
	kind Kind
	n    int64 // of an integer; 1 for true
	f    float64
	s    string
	list []Value
}

// OfBool, OfInt, OfFloat, OfText and OfList make values; the list is not
// copied.
func OfBool(b bool) Value {
	if b {
		return Value{kind: Bool, n: 1}
	}
	return Value{kind: Bool}
}

// OfInt makes an integer.
func OfInt(n int64) Value { return Value{kind: Int, n: n} }

// OfFloat makes a number.
func OfFloat(f float64) Value { return Value{kind: Float, f: f} }

// OfText makes a text.
func OfText(s string) Value { return Value{kind: Text, s: s} }

// OfList makes a list of values.
func OfList(list []Value) Value { return Value{kind: List, list: list} }

// Kind returns the kind of v.
func (v Value) Kind() Kind { return v.kind }

// IsNull tells whether v is null.
func (v Value) IsNull() bool { return v.kind == Null }

// Int returns an integer; a boolean is 0 or 1, as in Python.
func (v Value) Int() (int64, error) {
	if v.kind != Int && v.kind != Bool {
		return 0, fmt.Errorf("%s where an integer is needed", v.kind)
	}
	return v.n, nil
}

// Float returns a number as float64, an integer by rounding to nearest.
func (v Value) Float() (float64, error) {
	switch v.kind {
	case Float:
		return v.f, nil
	case Int, Bool:
		return float64(v.n), nil
	}
	return 0, fmt.Errorf("%s where a number is needed", v.kind)
}

// Text returns a text; false if v is none.
func (v Value) Text() (string, bool) { return v.s, v.kind == Text }

// List returns the entries of a list; false if v is none.
func (v Value) List() ([]Value, bool) { return v.list, v.kind == List }

// True is Python's bool(v).
func (v Value) True() bool {
	switch v.kind {
	case Bool, Int:
		return v.n != 0
	case Float:
		return v.f != 0
	case Text:
		return v.s != ""
	case List:
		return len(v.list) > 0
	}
	return false
}

// String shows v as JSON would.
func (v Value) String() string {
	switch v.kind {
	case Bool:
		return strconv.FormatBool(v.n != 0)
	case Int:
		return strconv.FormatInt(v.n, 10)
	case Float:
		return strconv.FormatFloat(v.f, 'g', -1, 64)
	case Text:
		return strconv.Quote(v.s)
	case List:
		var parts []string
		for _, e := range v.list {
			parts = append(parts, e.String())
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return "null"
}

// Equal is Python's ==: numbers by their value, whatever their kind.
func (v Value) Equal(w Value) bool {
	if v.numeric() && w.numeric() {
		c, ordered := compare(v, w)
		return ordered && c == 0
	}
	if v.kind != w.kind {
		return false
	}
	switch v.kind {
	case Text:
		return v.s == w.s
	case List:
		if len(v.list) != len(w.list) {
			return false
		}
		for i := range v.list {
			if !v.list[i].Equal(w.list[i]) {
				return false
			}
		}
	}
	return true
}

func (v Value) numeric() bool { return v.kind == Bool || v.kind == Int || v.kind == Float }

func (v Value) whole() bool { return v.kind == Bool || v.kind == Int }

// compare orders two numbers exactly; ordered is false when one is no number
// (NaN).
func compare(v, w Value) (order int, ordered bool) {
	if v.whole() && w.whole() {
		switch {
		case v.n < w.n:
			return -1, true
		case v.n > w.n:
			return 1, true
		}
		return 0, true
	}
	a, okA := exact(v)
	b, okB := exact(w)
	if !okA || !okB {
		return 0, false
	}
	return a.Cmp(b), true
}

// exact returns a number as it is.
func exact(v Value) (*big.Float, bool) {
	if v.whole() {
		return new(big.Float).SetInt64(v.n), true
	}
	if math.IsNaN(v.f) {
		return nil, false
	}
	return new(big.Float).SetFloat64(v.f), true
}
