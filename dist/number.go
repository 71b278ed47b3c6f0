package dist

import (
	"fmt"
	"math"
	"reflect"
	"slices"
)

// Number is one number of a family.
type Number struct {
	// Name is that of the field in the plugin protocol and in JSON.
	Name string
	// Value is a float64, an int64, a []int64, a string that names a choice,
	// the []Part of [Blocks], or the []Dist of [Pieces].
	Value any
}

// choice is a number that has names, such as [Algorithm].
type choice interface{ choose(name string) error }

// Numbers returns everything that decides the values of d, in the order of its
// fields: those with a tag "number", which is the name.
func Numbers(d Draw) []Number {
	v := reflect.ValueOf(d)
	out := make([]Number, 0, v.NumField())
	for i := range v.NumField() {
		name, ok := v.Type().Field(i).Tag.Lookup("number")
		if !ok {
			continue
		}
		value := v.Field(i).Interface()
		if text, ok := value.(fmt.Stringer); ok {
			value = text.String()
		}
		out = append(out, Number{name, value})
	}
	return out
}

// New returns the draw of a kind with the given numbers; those that are not
// given are 0. It is the inverse of [Numbers]. A kind or a name that is not
// known, and a value of another type, is an error.
func New(kind string, numbers []Number) (Draw, error) {
	family, ok := families[kind]
	if !ok {
		return nil, fmt.Errorf("%s: no such distribution", kind)
	}
	v := reflect.New(reflect.TypeOf(family)).Elem()
	for _, n := range numbers {
		if err := setNumber(v, n); err != nil {
			return nil, fmt.Errorf("%s: %w", kind, err)
		}
	}
	return v.Interface().(Draw), nil
}

func setNumber(v reflect.Value, n Number) error {
	for i := range v.NumField() {
		if name, ok := v.Type().Field(i).Tag.Lookup("number"); !ok || name != n.Name {
			continue
		}
		field, value := v.Field(i), reflect.ValueOf(n.Value)
		if c, ok := field.Addr().Interface().(choice); ok && value.Kind() == reflect.String {
			return c.choose(value.String())
		}
		if !value.IsValid() || value.Type() != field.Type() {
			return fmt.Errorf("%s is a %s, not a %T", n.Name, field.Type(), n.Value)
		}
		field.Set(value)
		return nil
	}
	return fmt.Errorf("no number is called %q", n.Name)
}

// families are all draws by kind, without numbers.
var families = map[string]Draw{}

// family adds a draw to the vocabulary. Each family's file calls it.
func family(d Draw) struct{} {
	families[d.Kind()] = d
	return struct{}{}
}

// Families returns a draw of every kind, without numbers, sorted by kind.
func Families() []Draw {
	out := make([]Draw, 0, len(families))
	for _, d := range families {
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b Draw) int {
		if a.Kind() < b.Kind() {
			return -1
		}
		return 1
	})
	return out
}

// equalValues compares numbers bit by bit.
func equalValues(a, b any) bool {
	switch a := a.(type) {
	case float64:
		b, ok := b.(float64)
		return ok && math.Float64bits(a) == math.Float64bits(b)
	case []int64:
		b, ok := b.([]int64)
		return ok && slices.Equal(a, b)
	case []Range:
		b, ok := b.([]Range)
		return ok && slices.Equal(a, b)
	case []Part:
		b, ok := b.([]Part)
		return ok && slices.EqualFunc(a, b, func(p, q Part) bool { return p.Rows == q.Rows && p.Dist.Equal(q.Dist) })
	case []Dist:
		b, ok := b.([]Dist)
		return ok && slices.EqualFunc(a, b, Dist.Equal)
	}
	return a == b
}
