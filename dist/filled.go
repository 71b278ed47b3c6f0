package dist

// Filled is made by the plugin that assigned it. It uses no words.
type Filled struct{}

var _ = family(Filled{})

func (Filled) sealed() {}

// Kind implements [Draw].
func (Filled) Kind() string { return "fill" }

// Check implements [Draw].
func (Filled) Check(float64) error { return nil }

// CheckShape implements [Draw].
func (Filled) CheckShape([]int64) error { return nil }
