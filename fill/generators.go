package fill

import (
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/rng"
)

// generator is one of a plan, while another one is drawn from or in a slot.
type generator struct {
	at     dist.Position
	stream *rng.Stream
}

// generators are those of a plan by their numbers, and slots those that were
// saved.
type generators struct {
	streams map[int]generator
	slots   map[int]generator
}

// turn does what happens to generators before a step, and takes the step's.
func (l *leader) turn(s plan.Step) error {
	if len(s.Before) == 0 && s.Stream == l.number {
		return nil
	}
	if err := l.emit(); err != nil {
		return err
	}
	o := &l.others
	if o.streams == nil {
		o.streams, o.slots = map[int]generator{}, map[int]generator{}
	}
	o.streams[l.number] = generator{l.at, l.stream}
	for _, m := range s.Before {
		switch m.Do {
		case layout.Seed:
			seed := l.plan.Seed()
			if m.Seed != nil {
				seed = *m.Seed
			}
			o.streams[m.Stream] = generator{stream: rng.New(seed)}
		case layout.Save:
			o.slots[m.Slot] = o.streams[m.Stream].standing()
		case layout.Load:
			o.streams[m.Stream] = o.slots[m.Slot].standing()
		}
	}
	now := o.streams[s.Stream]
	l.number, l.at, l.stream = s.Stream, now.at, now.stream
	return nil
}

// standing is a generator of its own at the same place. Its stream may stand
// behind the place, never beyond.
func (g generator) standing() generator {
	g.stream = g.stream.Clone()
	return g
}
