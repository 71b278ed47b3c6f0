package dist

// Position is a place in the stream of PyTorch's CPU generator. The zero value
// is the place right after seeding. Together with the seed it determines all
// later draws; two positions of one seed are the same place exactly if they
// are equal.
//
// A number of words alone is not enough: a draw of fewer than [Block] normals
// may leave one normal in the generator, which the next such draw uses first.
type Position struct {
	// Words is the number of 32-bit outputs drawn so far.
	Words int64
	// Cached tells that the generator holds a cached normal.
	Cached bool
	// CachedAt is the first of the four words that the cached normal was
	// made of; 0 when there is none.
	CachedAt int64
}

// After returns the position after a draw of the given cost at p.
func (p Position) After(c Cost) Position {
	q := p
	switch c.Cache {
	case CacheEmptied:
		q.Cached, q.CachedAt = false, 0
	case CacheFilled:
		q.Cached, q.CachedAt = true, p.Words+c.CacheAt
	}
	q.Words += c.Words
	return q
}
