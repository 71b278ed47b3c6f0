package plan

import (
	"fmt"
	"math"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
)

// place checks the distributions and gives every step its place in the stream.
func (p *Plan) place(l *layout.Layout, dists []dist.Dist, allowFilled bool) error {
	maxFinite, wide := math.MaxFloat32, false
	if p.DType.Compute() == layout.F64 {
		maxFinite, wide = math.MaxFloat64, true
	}
	at := cursor{wide: wide}
	for i, d := range dists {
		param := l.Params[i]
		err := d.Check(maxFinite)
		if err == nil {
			err = d.CheckShape(param.Shape)
		}
		if err == nil {
			err = drawable(d, param.Shape, maxFinite, allowFilled)
		}
		if err != nil {
			return fmt.Errorf("mode %q, parameter %q: %w", p.Mode, param.Name, err)
		}
		s := Step{Param: param, Dist: d, Elements: param.Elements()}
		if p.Streams == Keyed {
			s.Words, s.WordsUnknown = keyedWords(d.Draw, param.Shape, wide)
		} else {
			at.place(&s)
		}
		p.Steps[i] = s
		p.Values += s.Elements
		p.Words += s.Words
		p.WordsUnknown = p.WordsUnknown || s.WordsUnknown
	}
	if p.WordsUnknown {
		p.Words = 0
	}
	return nil
}

// cursor walks the stream of a plan.
type cursor struct {
	wide bool
	at   dist.Position
	// unknown tells that at is not known any more, but for its Cached, and
	// cacheUnknown that this is not known either.
	unknown, cacheUnknown bool
}

// place sets where s stands and what it uses, and moves on.
func (c *cursor) place(s *Step) {
	if s.StartUnknown = c.unknown; !c.unknown {
		s.Start = c.at
	}
	cost, known := dist.CostIn(s.Dist.Draw, s.Param.Shape, c.wide, c.at.Cached)
	if known && c.cacheUnknown {
		// A few normals cost more or less with a cached one. Which it is
		// stays unknown after a draw, as one takes and leaves it alike.
		other, _ := dist.CostIn(s.Dist.Draw, s.Param.Shape, c.wide, !c.at.Cached)
		known = other.Words == cost.Words
	}
	if !known {
		s.WordsUnknown = true
		c.unknown = true
		// Only draws of fewer than 16 normals touch the cached one.
		c.cacheUnknown = c.cacheUnknown || hasFew(s.Dist.Draw, s.Param.Shape)
		return
	}
	s.Words = cost.Words
	c.at = c.at.After(cost)
}

// hasFew tells whether a draw holds a draw of fewer than 16 normals.
func hasFew(draw dist.Draw, shape []int64) bool {
	blocks, ok := draw.(dist.Blocks)
	if !ok {
		n := layout.Param{Shape: shape}.Elements()
		return n < dist.Block
	}
	for _, part := range blocks.Parts {
		if hasFew(part.Dist.Draw, dist.PartShape(shape, part.Rows)) {
			return true
		}
	}
	return false
}

// maxOrthogonal is the largest orthogonal matrix that is made: the
// decomposition needs the whole of it in memory, at 20 bytes an element.
const maxOrthogonal = 1 << 26

// maxPermutation is the largest number of rows whose permutation torch draws
// with a word a step.
const maxPermutation = (1<<32-1)/20 - 1

// drawable refuses what the vocabulary can say and a run cannot draw.
func drawable(d dist.Dist, shape []int64, maxFinite float64, allowFilled bool) error {
	if err := drawableDraw(d.Draw, shape, maxFinite, allowFilled); err != nil {
		return fmt.Errorf("%s: %w", d.Draw.Kind(), err)
	}
	return nil
}

func drawableDraw(draw dist.Draw, shape []int64, maxFinite float64, allowFilled bool) error {
	n := layout.Param{Shape: shape}.Elements()
	switch d := draw.(type) {
	case dist.Constant, dist.Uniform, dist.Normal, dist.Eye:
	case dist.TruncNormal:
		return drawableTruncated(d, maxFinite)
	case dist.Dirac:
		ones := min(shape[0]/d.Groups, shape[1])
		for i, size := range shape[2:] {
			if size == 0 && ones > 0 {
				return fmt.Errorf("shape %v has size 0 in dimension %d, where a one has to go", shape, i+2)
			}
		}
	case dist.Sparse:
		if shape[0] > maxPermutation {
			return fmt.Errorf("shape %v has %d rows: this version permutes at most %d", shape, shape[0], int64(maxPermutation))
		}
	case dist.Orthogonal:
		if n > maxOrthogonal {
			return fmt.Errorf("shape %v has %d elements: the limit is %d, as the matrix is decomposed in memory", shape, n, maxOrthogonal)
		}
	case dist.Blocks:
		for i, part := range d.Parts {
			if err := drawable(part.Dist, dist.PartShape(shape, part.Rows), maxFinite, allowFilled); err != nil {
				return fmt.Errorf("block %d: %w", i, err)
			}
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

// ownNotes says what a user should know of the steps whatever the mode.
func (p *Plan) ownNotes() []string {
	notes := p.keyedNotes()
	if count, first := p.having(is[dist.Orthogonal]); count > 0 {
		notes = append(notes, which(count, first)+" orthogonal and not bit-exact: the draws are those of PyTorch, the decomposition is not")
	}
	return notes
}

// which is the subject of a note about so many parameters.
func which(count int, first string) string {
	if count > 1 {
		return fmt.Sprintf("%d parameters, the first of them %q, are", count, first)
	}
	return fmt.Sprintf("parameter %q is", first)
}

// having counts the steps with elements that hold a draw of a kind, and names
// the parameter of the first.
func (p *Plan) having(is func(dist.Draw) bool) (count int, first string) {
	for _, s := range p.Steps {
		if s.Elements == 0 || !holds(s.Dist.Draw, is) {
			continue
		}
		if count == 0 {
			first = s.Param.Name
		}
		count++
	}
	return count, first
}

func is[T dist.Draw](draw dist.Draw) bool {
	_, ok := draw.(T)
	return ok
}

// holds tells whether a draw, or one of its blocks, is of a kind.
func holds(draw dist.Draw, is func(dist.Draw) bool) bool {
	if is(draw) {
		return true
	}
	if blocks, ok := draw.(dist.Blocks); ok {
		for _, part := range blocks.Parts {
			if holds(part.Dist.Draw, is) {
				return true
			}
		}
	}
	return false
}
