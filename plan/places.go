package plan

import (
	"sync"

	"github.com/weightinit/weightinit/dist"
)

// Places is what runs of a plan have found: where the stream stands after a
// step whose number of words depends on its values. It is safe for use by
// several goroutines. A plan and its subsets share one.
type Places struct {
	mu    sync.Mutex
	after map[int]dist.Position
}

// After returns the place after a step, if a run has found it.
func (p *Places) After(step int) (at dist.Position, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, known = p.after[step]
	return at, known
}

// Remember keeps the place after a step.
func (p *Places) Remember(step int, at dist.Position) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.after == nil {
		p.after = map[int]dist.Position{}
	}
	p.after[step] = at
}
