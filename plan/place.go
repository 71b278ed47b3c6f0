package plan

import (
	"fmt"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/registry"
)

// place gives every step its place in the stream.
func (p *Plan) place() {
	at := newWalk()
	for i := range p.steps {
		s := &p.steps[i]
		if p.opts.Streams == Keyed {
			words, known := dist.KeyedWords(s.Dist.Draw, s.Shape, s.In)
			if s.Param == Discard {
				words, known = 0, true
			}
			s.Words, s.WordsUnknown = words, !known
		} else {
			at.place(s)
		}
		if !s.Again {
			p.words += s.Words
			p.wordsUnknown = p.wordsUnknown || s.WordsUnknown
		}
	}
	if p.wordsUnknown {
		p.words = 0
	}
}

// walk follows the generators of a plan.
type walk struct {
	streams, slots map[int]*cursor
}

func newWalk() *walk {
	return &walk{streams: map[int]*cursor{0: {}}, slots: map[int]*cursor{}}
}

// place does what happens before s, sets where s stands and what it uses, and
// moves on.
func (w *walk) place(s *Step) {
	for _, m := range s.Before {
		switch m.Do {
		case layout.Seed:
			w.streams[m.Stream] = &cursor{}
		case layout.Save:
			w.slots[m.Slot] = new(*w.streams[m.Stream])
		case layout.Load:
			w.streams[m.Stream] = new(*w.slots[m.Slot])
		}
	}
	c := w.streams[s.Stream]
	if s.Again {
		c = new(*c)
	}
	c.place(s)
}

// cursor walks one stream.
type cursor struct {
	at dist.Position
	// unknown tells that at is not known any more, but for its Cached, and
	// cacheUnknown that this is not known either.
	unknown, cacheUnknown bool
}

// place sets where s stands and what it uses, and moves on.
func (c *cursor) place(s *Step) {
	if s.StartUnknown = c.unknown; !c.unknown {
		s.Start = c.at
	}
	cost, known := dist.CostIn(s.Dist.Draw, s.Shape, s.In, c.at.Cached)
	if known && c.cacheUnknown {
		// A few normals cost more or less with a cached one. Whether there is
		// one stays unknown: a draw takes one and leaves one in both cases, or
		// in neither.
		other, _ := dist.CostIn(s.Dist.Draw, s.Shape, s.In, !c.at.Cached)
		known = other.Words == cost.Words
	}
	if !known {
		s.WordsUnknown = true
		c.unknown = true
		// Only draws of fewer than 16 normals touch the cached one.
		c.cacheUnknown = c.cacheUnknown || s.Elements < dist.Block
		return
	}
	s.Words = cost.Words
	c.at = c.at.After(cost)
}

// drawable refuses what the vocabulary can say and a run cannot draw.
func drawable(s Step, allowFilled bool) error {
	if _, filled := s.Dist.Draw.(dist.Filled); filled && !allowFilled {
		return fmt.Errorf("only the plugin of the mode can make the values, and this command does not ask it")
	}
	if limited, ok := s.Dist.Draw.(dist.Limited); ok {
		if err := limited.CheckRun(s.Shape, s.In); err != nil {
			return err
		}
	}
	for _, post := range s.Dist.Post {
		if limited, ok := post.(dist.Limited); ok {
			if err := limited.CheckRun(s.Shape, s.In); err != nil {
				return fmt.Errorf("%s: %w", post.Kind(), err)
			}
		}
	}
	return nil
}

// ownNotes says what a user should know of the steps whatever the mode. With
// keyed streams it names what has no counterpart among PyTorch's functions:
// whoever compares with PyTorch has to know the definition.
func (p *Plan) ownNotes() []registry.Note {
	var notes []registry.Note
	note := func(level registry.Level, is func(Step) bool, text string) {
		if count, first := p.having(is); count > 0 {
			notes = append(notes, registry.Note{Level: level, Text: which(count, first) + " " + text})
		}
	}
	if p.opts.Streams == Keyed {
		note(registry.Remark, draws[dist.TruncNormal], "trunc_normal, for which PyTorch has no keyed function: each pass has a key of its own, folded from the parameter's")
		note(registry.Remark, draws[dist.Sparse], "sparse, for which PyTorch has no keyed function: the normals and each column's zeros have keys of their own, folded from the parameter's")
		note(registry.Remark, func(s Step) bool { return s.Block >= 0 }, "made of blocks: each is a tensor of its own, with its number folded into the parameter's key")
	}
	for _, family := range dist.Families() {
		if _, ok := family.(dist.Orthonormal); ok {
			kind := family.Kind()
			is := func(s Step) bool { return s.Dist.Draw.Kind() == kind }
			note(registry.Warning, is, kind+" and not bit-exact: the draws are those of PyTorch, the decomposition is not")
		}
	}
	if count, first, most := p.bounded(); count > 0 {
		notes = append(notes, registry.Note{Level: registry.Remark, Text: fmt.Sprintf(
			"%s within %d units in the last place of torch's: torch's own log, exp, sqrt and their like are not correctly rounded", which(count, first), most)})
	}
	normalised := func(s Step) bool { return dist.Whole(s.Dist.Post) }
	note(registry.Warning, normalised, "normalised and not bit-exact: PyTorch sums the squares in another order")
	return notes
}

// bounded counts the parameters whose values may differ from torch's by a
// bound, and names the first; most is the largest bound.
func (p *Plan) bounded() (count int, first string, most int) {
	seen := map[int]bool{}
	for _, t := range p.tensors {
		if t.ULPs > 0 && !seen[t.Param] {
			if seen[t.Param] = true; count == 0 {
				first = p.params[t.Param].Name
			}
			count++
			most = max(most, t.ULPs)
		}
	}
	return count, first, most
}

// which is the subject of a note about so many parameters.
func which(count int, first string) string {
	if count > 1 {
		return fmt.Sprintf("%d parameters, the first of them %q, are", count, first)
	}
	return fmt.Sprintf("parameter %q is", first)
}

// having counts the parameters with a step of a kind that has elements, and
// names the first.
func (p *Plan) having(is func(Step) bool) (count int, first string) {
	found := map[int]bool{}
	for _, s := range p.steps {
		if s.Param == Discard || p.params[s.Param].Elements == 0 || found[s.Param] || !is(s) {
			continue
		}
		if count == 0 {
			first = p.params[s.Param].Name
		}
		found[s.Param] = true
		count++
	}
	return count, first
}

func draws[T dist.Draw](s Step) bool {
	_, ok := s.Dist.Draw.(T)
	return ok
}
