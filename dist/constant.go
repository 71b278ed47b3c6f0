package dist

import "fmt"

// Constant sets every element to Value. It uses no words of the stream.
type Constant struct {
	Value float64 `number:"value"`
}

var _ = family(Constant{})

func (Constant) sealed() {}

// Kind implements [Draw].
func (Constant) Kind() string { return "constant" }

// Check implements [Draw]: the value must be finite and fit the type.
func (c Constant) Check(maxFinite float64) error {
	if !within(c.Value, maxFinite) {
		return fmt.Errorf("constant: value %v cannot be converted without overflow", c.Value)
	}
	return nil
}

// CheckShape implements [Draw].
func (Constant) CheckShape([]int64) error { return nil }
