package plan

import (
	"fmt"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/registry"
)

// place gives every step its place in the stream.
func (p *Plan) place() {
	var at cursor
	for i := range p.steps {
		s := &p.steps[i]
		if p.opts.Streams == Keyed {
			s.Words, s.WordsUnknown = keyedWords(s)
		} else {
			at.place(s)
		}
		p.words += s.Words
		p.wordsUnknown = p.wordsUnknown || s.WordsUnknown
	}
	if p.wordsUnknown {
		p.words = 0
	}
}

// cursor walks the stream of a plan.
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
	switch d := s.Dist.Draw.(type) {
	case dist.Constant, dist.Uniform, dist.Normal, dist.Eye:
	case dist.TruncNormal:
		return drawableTruncated(d, s.In.Max())
	case dist.Dirac:
		ones := min(s.Shape[0]/d.Groups, s.Shape[1])
		for i, size := range s.Shape[2:] {
			if size == 0 && ones > 0 {
				return fmt.Errorf("shape %v has size 0 in dimension %d, where a one has to go", s.Shape, i+2)
			}
		}
	case dist.Sparse:
		if s.Shape[0] > dist.MaxPermutation {
			return fmt.Errorf("shape %v has %d rows: this version permutes at most %d", s.Shape, s.Shape[0], int64(dist.MaxPermutation))
		}
	case dist.Orthogonal:
		if s.Elements > dist.MaxOrthogonal {
			return fmt.Errorf("shape %v has %d elements: the limit is %d, as the matrix is decomposed in memory", s.Shape, s.Elements, dist.MaxOrthogonal)
		}
		if s.In.Half() {
			return fmt.Errorf("torch has no decomposition in %s: draw it in f32", s.In)
		}
	case dist.Filled:
		if !allowFilled {
			return fmt.Errorf("only the plugin of the mode can make the values, and this command does not ask it")
		}
	default:
		return fmt.Errorf("this version cannot draw it")
	}
	return nil
}

func drawableTruncated(t dist.TruncNormal, maxFinite float64) error {
	if t.Algorithm == dist.TorchICDF {
		return fmt.Errorf("this version cannot draw trunc_normal by %s: use %s", t.Algorithm, dist.TorchRejection)
	}
	if u := t.Unscaled(); !(u.KeptMass() > dist.WholeTensors) {
		// The candidates are uniform in the cut.
		return dist.Uniform{Low: u.A, High: u.B}.Check(maxFinite)
	}
	return nil
}

// keyedWords is the number of words of a parameter's own streams that the
// values of a step depend on; unknown tells that only a run can tell. A float32
// value takes a word and a float64 value two; normals are made in pairs.
func keyedWords(s *Step) (words int64, unknown bool) {
	n, perValue := s.Elements, int64(1)
	if s.In.Size() == 8 {
		perValue = 2
	}
	if n == 0 || s.Param == Discard {
		return 0, false
	}
	switch s.Dist.Draw.(type) {
	case dist.Uniform:
		return n * perValue, false
	case dist.Normal, dist.Orthogonal:
		return (n + n%2) * perValue, false
	case dist.Sparse:
		return (n+n%2)*perValue + s.Shape[1]*(s.Shape[0]-1), false
	case dist.TruncNormal:
		return 0, true
	}
	return 0, false
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
	note(registry.Warning, draws[dist.Orthogonal], "orthogonal and not bit-exact: the draws are those of PyTorch, the decomposition is not")
	return notes
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
