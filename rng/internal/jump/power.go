package jump

import (
	"math/bits"
	"sync"
)

// power makes p the residue of t^e, e = high 2^64 + low.
func (p *poly) power(high, low uint64) {
	*p = poly{}
	bit := func(i int) uint64 {
		if i >= 64 {
			return high >> (i - 64) & 1
		}
		return low >> i & 1
	}
	// The leading bits, as long as they are an exponent below 623, are their
	// own residue.
	first, i := uint64(0), 127
	for ; i >= 0 && 2*first+1 < baseHigh; i-- {
		first = 2*first + bit(i)
	}
	p.digits[0][first/64] = 1 << (first % 64)
	var t tower
	for ; i >= 0; i-- {
		p.square(&t)
		if bit(i) == 1 {
			p.timesT()
		}
	}
}

// remembers is how many distances a memory keeps, of 2.6 kB each.
const remembers = 64

// memory holds the polynomials of the distances that were asked for last.
type memory struct {
	mu sync.Mutex
	// ring is in the order of first use, next the place that goes next.
	ring  [remembers]*entry
	next  int
	known map[uint64]*entry
}

type entry struct {
	blocks uint64
	once   sync.Once
	p      poly
}

var remembered = newMemory()

func newMemory() *memory { return &memory{known: make(map[uint64]*entry, remembers)} }

// power returns the polynomial that moves ahead by so many blocks (at least
// one), for use in apply. It must not be changed.
func (m *memory) power(blocks uint64) *poly {
	e := m.find(blocks)
	// Outside the lock: others may go on; who wants the same waits for it.
	e.once.Do(func() {
		// n blocks are t^(624 n); apply makes up for the other two.
		high, low := bits.Mul64(blocks, N)
		low, borrow := bits.Sub64(low, 2, 0)
		e.p.power(high-borrow, low)
	})
	return &e.p
}

// knows tells whether a polynomial has been asked for.
func (m *memory) knows(blocks uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.known[blocks]
	return ok
}

func (m *memory) find(blocks uint64) *entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.known[blocks]; ok {
		return e
	}
	if old := m.ring[m.next]; old != nil {
		delete(m.known, old.blocks)
	}
	e := &entry{blocks: blocks}
	m.ring[m.next] = e
	m.next = (m.next + 1) % remembers
	m.known[blocks] = e
	return e
}
