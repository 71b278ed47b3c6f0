package dist

import (
	"fmt"
	"math"
	"reflect"
)

// Post is one step done to the drawn values, in the compute type, with the
// operand rounded to that type first. It is not the same as scaling the
// numbers of the draw: the bits differ.
type Post interface {
	// Kind returns the vocabulary's name, such as "multiply".
	Kind() string
	// Operand returns what the step is done with: a float64, an int64 or the
	// []Range of [ZeroRows].
	Operand() any
	// Check reports an operand that no step can be done with.
	Check() error
	// CheckShape reports why the step cannot follow d in a tensor of the
	// shape.
	CheckShape(d Draw, shape []int64) error
	sealedPost()
}

// posts are all steps by kind. Each is a struct with one field, the operand.
var posts = map[string]Post{
	Multiply{}.Kind(): Multiply{}, Divide{}.Kind(): Divide{}, ZeroRows{}.Kind(): ZeroRows{},
	L2Normalize{}.Kind(): L2Normalize{},
}

// NewPost returns the step of a kind with its operand. A kind that is not
// known, and an operand of another type, is an error.
func NewPost(kind string, operand any) (Post, error) {
	post, ok := posts[kind]
	if !ok {
		return nil, fmt.Errorf("%s: no such step", kind)
	}
	v, value := reflect.New(reflect.TypeOf(post)).Elem(), reflect.ValueOf(operand)
	if !value.IsValid() || value.Type() != v.Field(0).Type() {
		return nil, fmt.Errorf("%s: the operand is a %s, not a %T", kind, v.Field(0).Type(), operand)
	}
	v.Field(0).Set(value)
	return v.Interface().(Post), nil
}

// Multiply multiplies each drawn value by By.
type Multiply struct{ By float64 }

// Kind implements [Post].
func (Multiply) Kind() string { return "multiply" }

// Operand implements [Post].
func (m Multiply) Operand() any { return m.By }

// Check implements [Post].
func (m Multiply) Check() error { return checkFactor(m, m.By) }

// CheckShape implements [Post].
func (Multiply) CheckShape(Draw, []int64) error { return nil }
func (Multiply) sealedPost()                    {}

// Divide divides each drawn value by By.
type Divide struct{ By float64 }

// Kind implements [Post].
func (Divide) Kind() string { return "divide" }

// Operand implements [Post].
func (d Divide) Operand() any { return d.By }

// Check implements [Post].
func (d Divide) Check() error { return checkFactor(d, d.By) }

// CheckShape implements [Post].
func (Divide) CheckShape(Draw, []int64) error { return nil }
func (Divide) sealedPost()                    {}

func checkFactor(p Post, by float64) error {
	if math.IsNaN(by) || math.IsInf(by, 0) {
		return fmt.Errorf("%s by %v: must be finite", p.Kind(), by)
	}
	return nil
}

// ZeroRows sets rows along dimension 0 to +0, such as the padding row of an
// embedding.
type ZeroRows struct{ Ranges []Range }

// Range is Count rows from First on.
type Range struct{ First, Count int64 }

// Kind implements [Post].
func (ZeroRows) Kind() string { return "zero_rows" }

// Operand implements [Post].
func (z ZeroRows) Operand() any { return z.Ranges }

// Check implements [Post].
func (ZeroRows) Check() error { return nil }

// CheckShape implements [Post].
func (z ZeroRows) CheckShape(_ Draw, shape []int64) error {
	if len(shape) == 0 {
		return fmt.Errorf("a scalar has no rows to set to zero")
	}
	for _, r := range z.Ranges {
		if r.First < 0 || r.Count < 0 || r.First > shape[0] || r.Count > shape[0]-r.First {
			return fmt.Errorf("rows %d and %d more do not lie in shape %v", r.First, r.Count, shape)
		}
	}
	return nil
}
func (ZeroRows) sealedPost() {}
