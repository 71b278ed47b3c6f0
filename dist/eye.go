package dist

// Eye is 1 on the main diagonal of a matrix, else 0.
type Eye struct{}

var _ = family(Eye{})

func (Eye) sealed() {}

// Kind implements [Draw].
func (Eye) Kind() string { return "eye" }

// Check implements [Draw].
func (Eye) Check(float64) error { return nil }

// CheckShape implements [Draw].
func (e Eye) CheckShape(shape []int64) error {
	if len(shape) != 2 {
		return needs(e, "2 dimensions", shape)
	}
	return nil
}

// Values implements [Pattern].
func (Eye) Values(dst []float64, first int64, shape []int64) { diagonal(dst, first, shape[1]) }

// diagonal sets dst to the elements from first on of a matrix of cols columns
// with ones on the main diagonal and zeros elsewhere.
func diagonal(dst []float64, first, cols int64) {
	clear(dst)
	if cols <= 0 {
		return
	}
	// The ones are at i*(cols+1) for i < cols.
	for i := (first + cols) / (cols + 1); i < cols; i++ {
		at := i*(cols+1) - first
		if at >= int64(len(dst)) {
			return
		}
		dst[at] = 1
	}
}
