package plan

import (
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
)

// keyedWords is the number of words of a parameter's own streams that its
// values depend on; unknown tells that only a run can tell. A float32 value
// takes a word and a float64 value two; normals are made in pairs.
func keyedWords(draw dist.Draw, shape []int64, wide bool) (words int64, unknown bool) {
	n, perValue := layout.Param{Shape: shape}.Elements(), int64(1)
	if wide {
		perValue = 2
	}
	if n == 0 {
		return 0, false
	}
	switch d := draw.(type) {
	case dist.Uniform:
		return n * perValue, false
	case dist.Normal, dist.Orthogonal:
		return (n + n%2) * perValue, false
	case dist.Sparse:
		return (n+n%2)*perValue + shape[1]*(shape[0]-1), false
	case dist.TruncNormal:
		return 0, true
	case dist.Blocks:
		for _, part := range d.Parts {
			w, unknown := keyedWords(part.Dist.Draw, dist.PartShape(shape, part.Rows), wide)
			if unknown {
				return 0, true
			}
			words += w
		}
	}
	return words, false
}

// keyedNotes names what has no counterpart among PyTorch's keyed functions:
// whoever compares with PyTorch has to know the definition.
func (p *Plan) keyedNotes() []string {
	if p.Streams != Keyed {
		return nil
	}
	var notes []string
	for _, k := range []struct {
		is   func(dist.Draw) bool
		what string
	}{
		{is[dist.TruncNormal], "trunc_normal, for which PyTorch has no keyed function: each pass has a key of its own, folded from the parameter's"},
		{is[dist.Sparse], "sparse, for which PyTorch has no keyed function: the normals and each column's zeros have keys of their own, folded from the parameter's"},
		{is[dist.Blocks], "made of blocks: each is a tensor of its own, with its number folded into the parameter's key"},
	} {
		if count, first := p.having(k.is); count > 0 {
			notes = append(notes, which(count, first)+" "+k.what)
		}
	}
	return notes
}
