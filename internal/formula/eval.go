package formula

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// Names gives the value of a name; known is false where nothing has it.
type Names interface {
	Value(name string) (v Value, known bool, err error)
}

// Eval computes the expression.
func (e *Expr) Eval(names Names) (Value, error) {
	v, err := e.root.eval(names)
	if err != nil {
		return Value{}, &Error{e.text, err}
	}
	return v, nil
}

// Error is a computation that has no result.
type Error struct {
	Formula string
	Err     error
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("formula %q: %v", e.Formula, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

var errOverflow = errors.New("an integer beyond 2^63-1")

type node interface {
	eval(names Names) (Value, error)
}

type constant struct{ Value }

func (c constant) eval(Names) (Value, error) { return c.Value, nil }

type name string

func (n name) eval(names Names) (Value, error) {
	if names == nil {
		return Value{}, fmt.Errorf("unknown name %q", string(n))
	}
	v, known, err := names.Value(string(n))
	if err == nil && !known {
		err = fmt.Errorf("unknown name %q", string(n))
	}
	return v, err
}

type choice struct{ c, x, y node }

func (n choice) eval(names Names) (Value, error) {
	c, err := n.c.eval(names)
	if err != nil {
		return Value{}, err
	}
	if c.True() {
		return n.x.eval(names)
	}
	return n.y.eval(names)
}

// either is x or y, or else x and y; the result is an operand, as in Python.
type either struct {
	x, y node
	or   bool
}

func (n either) eval(names Names) (Value, error) {
	x, err := n.x.eval(names)
	if err != nil || x.True() == n.or {
		return x, err
	}
	return n.y.eval(names)
}

type not struct{ x node }

func (n not) eval(names Names) (Value, error) {
	x, err := n.x.eval(names)
	return OfBool(!x.True()), err
}

type list struct{ items []node }

func (n list) eval(names Names) (Value, error) {
	out, err := evalAll(n.items, names)
	return OfList(out), err
}

func evalAll(nodes []node, names Names) ([]Value, error) {
	out := make([]Value, len(nodes))
	for i, x := range nodes {
		var err error
		if out[i], err = x.eval(names); err != nil {
			return nil, err
		}
	}
	return out, nil
}

type index struct{ x, i node }

func (n index) eval(names Names) (Value, error) {
	x, err := n.x.eval(names)
	if err != nil {
		return Value{}, err
	}
	i, err := n.i.eval(names)
	if err != nil {
		return Value{}, err
	}
	if x.kind != List || !i.whole() {
		return Value{}, fmt.Errorf("%s[%s]", x.kind, i.kind)
	}
	v, inside := entry(x.list, i.n)
	if !inside {
		return Value{}, fmt.Errorf("entry %d of a list of %d", i.n, len(x.list))
	}
	return v, nil
}

// entry returns the entry of a number, from the end if that is negative.
func entry(list []Value, i int64) (Value, bool) {
	if i < 0 {
		i += int64(len(list))
	}
	if i < 0 || i >= int64(len(list)) {
		return Value{}, false
	}
	return list[i], true
}

type related struct {
	sign string
	y    node
}

// comparison is a chain: a < b < c.
type comparison struct {
	first node
	rest  []related
}

func (n comparison) eval(names Names) (Value, error) {
	x, err := n.first.eval(names)
	if err != nil {
		return Value{}, err
	}
	for _, r := range n.rest {
		y, err := r.y.eval(names)
		if err != nil {
			return Value{}, err
		}
		holds, err := relate(r.sign, x, y)
		if err != nil || !holds {
			return OfBool(false), err
		}
		x = y
	}
	return OfBool(true), nil
}

func relate(sign string, x, y Value) (bool, error) {
	switch sign {
	case "==":
		return x.Equal(y), nil
	case "!=":
		return !x.Equal(y), nil
	case "is", "is not":
		return x.IsNull() == (sign == "is"), nil
	case "in", "not in":
		in, err := contains(y, x)
		return in == (sign == "in"), err
	}
	order, ordered := 0, true
	switch {
	case x.numeric() && y.numeric():
		order, ordered = compare(x, y)
	case x.kind == Text && y.kind == Text:
		order = strings.Compare(x.s, y.s)
	default:
		return false, fmt.Errorf("%s %s %s", x.kind, sign, y.kind)
	}
	switch sign {
	case "<":
		return ordered && order < 0, nil
	case "<=":
		return ordered && order <= 0, nil
	case ">":
		return ordered && order > 0, nil
	default:
		return ordered && order >= 0, nil
	}
}

func contains(in, x Value) (bool, error) {
	switch {
	case in.kind == List:
		for _, e := range in.list {
			if e.Equal(x) {
				return true, nil
			}
		}
		return false, nil
	case in.kind == Text && x.kind == Text:
		return strings.Contains(in.s, x.s), nil
	}
	return false, fmt.Errorf("%s in %s", x.kind, in.kind)
}

type signed struct {
	minus bool
	x     node
}

func (n signed) eval(names Names) (Value, error) {
	x, err := n.x.eval(names)
	switch {
	case err != nil:
		return Value{}, err
	case !x.numeric():
		return Value{}, fmt.Errorf("- %s", x.kind)
	case x.kind == Float && n.minus:
		return OfFloat(-x.f), nil
	case x.kind == Float:
		return x, nil
	case !n.minus:
		return OfInt(x.n), nil
	case x.n == math.MinInt64:
		return Value{}, errOverflow
	}
	return OfInt(-x.n), nil
}

type call struct {
	name  string
	apply func([]Value) (Value, error)
	args  []node
}

func (n call) eval(names Names) (Value, error) {
	args, err := evalAll(n.args, names)
	if err != nil {
		return Value{}, err
	}
	v, err := n.apply(args)
	if err != nil {
		return Value{}, fmt.Errorf("%s: %w", n.name, err)
	}
	return v, nil
}
