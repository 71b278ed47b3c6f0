package engine

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity/battery"
)

// method is how the values of a section are tested.
type method int

const (
	// byLaw holds them against a declared law.
	byLaw method = iota
	// byReference holds them against the reference's: no law is declared.
	byReference
	// byPattern compares them with values that leave nothing to chance.
	byPattern
	// bySparse looks for the zeros of each column, and at the law of the rest.
	bySparse
	// byOrthogonality looks at the products of rows or columns.
	byOrthogonality
	// byLength looks at the lengths of vectors, then at the reference's values.
	byLength
	// byBits compares the bytes: types that hold no numbers to test.
	byBits
)

// section is a part of a tensor, contiguous in C order, that is tested as one
// list of values.
type section struct {
	first, count int64
	// label tells the section from others of its tensor; empty for the whole.
	label  string
	method method
	law    battery.Law
	dist   dist.Dist
	// shape is that of the section; rows of it are along dimension 0.
	shape []int64
}

// maxSection is the most values that are tested as one list. It bounds the
// memory: a list is held and sorted in whole.
const maxSection = 1 << 25

// sectionsOf says how a tensor filled with d is tested. known is false for a
// tensor of which nothing is declared.
func sectionsOf(d dist.Dist, known bool, shape []int64) []section {
	whole := section{count: product(shape), dist: d, shape: shape, method: byReference}
	if !known {
		return whole.pieces()
	}
	return whole.declared()
}

// declared settles the method of a section by its dist.
func (s section) declared() []section {
	zero, posts := zeroRows(s.dist.Post)
	switch draw := s.dist.Draw.(type) {
	case dist.Blocks:
		return s.blocks(draw)
	case dist.Pattern:
		s.method = byPattern
		return []section{s}
	case dist.Sparse, dist.Orthonormal:
		if len(zero) > 0 || dist.Whole(posts) {
			break // no rule for such a mixture: the reference decides
		}
		s.method = byOrthogonality
		if draw, sparse := draw.(dist.Sparse); sparse {
			law, ok := battery.LawOf(dist.Dist{Draw: dist.Normal{Std: draw.Std}, Post: posts})
			if !ok {
				break
			}
			s.method, s.law = bySparse, law
		}
		return []section{s}
	default:
		law, ok := battery.LawOf(dist.Dist{Draw: s.dist.Draw, Post: posts})
		if !ok {
			break
		}
		s.method, s.law = byLaw, law
		return s.aroundZeros(zero)
	}
	s.method = byReference
	if _, _, ok := lengths(posts); ok && len(zero) == 0 && s.count <= maxSection && !vanishes(s.dist.Draw) {
		s.method = byLength
	}
	return s.pieces()
}

// vanishes tells that all values of a draw are 0, whose vectors have no length.
func vanishes(draw dist.Draw) bool {
	law, ok := battery.LawOf(dist.Dist{Draw: draw})
	value, constant := law.Constant()
	return ok && constant && value == 0
}

// blocks cuts along dimension 0.
func (s section) blocks(b dist.Blocks) []section {
	var out []section
	row := s.count / max(1, s.shape[0])
	at := int64(0)
	for _, part := range b.Parts {
		block := section{
			first: s.first + at*row, count: part.Rows * row, shape: dist.PartShape(s.shape, part.Rows),
			label: fmt.Sprintf("rows %d to %d", at, at+part.Rows-1),
			dist:  dist.Dist{Draw: part.Dist.Draw, Post: slices.Concat(part.Dist.Post, rowsWithin(s.dist.Post, at, part.Rows))},
		}
		out = append(out, block.declared()...)
		at += part.Rows
	}
	return out
}

// rowsWithin returns the steps as a block of rows from first on sees them.
func rowsWithin(posts []dist.Post, first, rows int64) []dist.Post {
	out := make([]dist.Post, 0, len(posts))
	for _, p := range posts {
		z, ok := p.(dist.ZeroRows)
		if !ok {
			out = append(out, p)
			continue
		}
		var inside []dist.Range
		for _, r := range z.Ranges {
			low, high := max(r.First, first), min(r.First+r.Count, first+rows)
			if low < high {
				inside = append(inside, dist.Range{First: low - first, Count: high - low})
			}
		}
		if len(inside) > 0 {
			out = append(out, dist.ZeroRows{Ranges: inside})
		}
	}
	return out
}

// zeroRows takes the rows that are set to zero out of the steps. Sorted,
// without overlap.
func zeroRows(posts []dist.Post) (zero []dist.Range, others []dist.Post) {
	for _, p := range posts {
		if z, ok := p.(dist.ZeroRows); ok {
			zero = append(zero, z.Ranges...)
		} else {
			others = append(others, p)
		}
	}
	slices.SortFunc(zero, func(a, b dist.Range) int { return cmp.Compare(a.First, b.First) })
	var merged []dist.Range
	for _, r := range zero {
		if r.Count == 0 {
			continue
		}
		if last := len(merged) - 1; last >= 0 && merged[last].First+merged[last].Count >= r.First {
			merged[last].Count = max(merged[last].Count, r.First+r.Count-merged[last].First)
			continue
		}
		merged = append(merged, r)
	}
	return merged, others
}

// aroundZeros cuts the rows that must be zero out of a section of one law.
func (s section) aroundZeros(zero []dist.Range) []section {
	if len(zero) == 0 {
		return s.pieces()
	}
	var out []section
	row := s.count / max(1, s.shape[0])
	add := func(first, rows int64, law battery.Law) {
		if rows > 0 {
			part := section{first: s.first + first*row, count: rows * row, method: byLaw, law: law, dist: s.dist, shape: dist.PartShape(s.shape, rows),
				label: joinLabels(s.label, fmt.Sprintf("rows %d to %d", first, first+rows-1))}
			out = append(out, part.pieces()...)
		}
	}
	nothing, _ := battery.LawOf(dist.Dist{Draw: dist.Constant{}})
	at := int64(0)
	for _, r := range zero {
		add(at, r.First-at, s.law)
		add(r.First, r.Count, nothing)
		at = r.First + r.Count
	}
	add(at, s.shape[0]-at, s.law)
	return out
}

func joinLabels(outer, inner string) string {
	if outer == "" {
		return inner
	}
	return outer + ", " + inner
}

// pieces cuts a section that is too large to be held at once into equal ones,
// each of whole rows if rows are not larger still.
func (s section) pieces() []section {
	if s.count <= maxSection {
		return []section{s}
	}
	unit := int64(1)
	if n := len(s.shape); n > 1 && s.shape[n-1] > 0 && s.shape[n-1] <= maxSection/16 {
		unit = s.shape[n-1]
	}
	units := s.count / unit // exact: the last dimension divides the whole
	count := (s.count + maxSection - 1) / maxSection
	each := (units + count - 1) / count
	var out []section
	for at := int64(0); at < units; at += each {
		n := min(each, units-at)
		piece := s
		piece.first, piece.count = s.first+at*unit, n*unit
		piece.shape = []int64{n, unit}
		piece.label = joinLabels(s.label, fmt.Sprintf("values %d to %d", at*unit, (at+n)*unit-1))
		out = append(out, piece)
	}
	return out
}

// thinned takes from each section of one law so many values, in whole rows from
// its middle, that those of the tensor are at most about most; 0 takes all.
// Sections whose values only mean something together stay whole.
func thinned(all []section, most int64) []section {
	total := int64(0)
	for _, s := range all {
		total += s.count
	}
	if most <= 0 || total <= most {
		return all
	}
	for i, s := range all {
		row := int64(1)
		if n := len(s.shape); n > 1 && s.shape[0] > 0 {
			row = s.count / s.shape[0]
		}
		rows := int64(float64(s.count) * (float64(most) / float64(total)) / float64(row))
		if s.method != byLaw || rows == 0 || rows*row >= s.count {
			continue
		}
		part := s
		part.first, part.count = s.first+(s.count/row-rows)/2*row, rows*row
		part.shape = dist.PartShape(s.shape, rows)
		if len(s.shape) < 2 {
			part.shape = []int64{part.count}
		}
		part.label = joinLabels(s.label, fmt.Sprintf("%d values of its middle", part.count))
		all[i] = part
	}
	return all
}

// matrix returns the sizes of the section as rows of its last dimension; 0
// when it has less than two dimensions.
func (s section) matrix() (rows, cols int) {
	n := len(s.shape)
	if n < 2 || s.count == 0 {
		return 0, 0
	}
	last := s.shape[n-1]
	return int(s.count / last), int(last)
}

func product(shape []int64) int64 {
	n := int64(1)
	for _, size := range shape {
		n *= size
	}
	return n
}
