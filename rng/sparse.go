package rng

// Mask marks elements of a matrix that are to be zero. It covers a range of
// the elements, in C order, and takes a bit for each.
type Mask struct {
	low, high int64
	bits      []uint64
}

// NewMask draws the zeros of torch.nn.init.sparse_ from s: for each column in
// order a permutation of the rows, whose first zeros entries are the rows set
// to zero. Only the elements of [low, high) are remembered; a mask of another
// range takes a stream at the same place again. s then stands after all
// columns: rows - 1 words each, none if there are fewer than two rows.
//
// It takes four bytes a row beside the mask. rows is at most
// [dist.MaxPermutation]; zeros beyond rows count as rows. stop is asked before each column; its
// error ends the work and is returned.
func NewMask(s *Stream, rows, cols, zeros, low, high int64, stop func() error) (*Mask, error) {
	rows = max(rows, 0)
	zeros = min(max(zeros, 0), rows)
	m := &Mask{low: low, high: high, bits: make([]uint64, (max(high-low, 0)+63)/64)}
	order := make([]uint32, rows)
	var words [1024]uint32
	for col := range cols {
		if err := stop(); err != nil {
			return nil, err
		}
		for i := range order {
			order[i] = uint32(i)
		}
		// Step i swaps entry i with one from i on. After zeros steps the
		// entries that count stand.
		steps := min(zeros, max(rows-1, 0))
		for i := int64(0); i < steps; {
			k := min(int64(len(words)), steps-i)
			s.read(words[:k])
			for _, w := range words[:k] {
				j := i + int64(w)%(rows-i)
				order[i], order[j] = order[j], order[i]
				i++
			}
		}
		s.Advance(rows - 1 - steps)
		for _, row := range order[:zeros] {
			m.set(int64(row)*cols + col)
		}
	}
	return m, nil
}

func (m *Mask) set(element int64) {
	if element >= m.low && element < m.high {
		at := element - m.low
		m.bits[at/64] |= 1 << (at % 64)
	}
}

// Zero sets the marked elements among dst to +0; dst holds the elements from
// first on. Elements outside the mask's range are not marked.
func Zero[T float32 | float64](dst []T, first int64, m *Mask) {
	low := min(max(m.low-first, 0), int64(len(dst)))
	high := min(max(m.high-first, low), int64(len(dst)))
	for i := low; i < high; i++ {
		at := first + i - m.low
		if m.bits[at/64]>>(at%64)&1 == 1 {
			dst[i] = 0
		}
	}
}
