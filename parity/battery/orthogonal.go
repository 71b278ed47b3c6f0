package battery

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

const (
	// wholeLines is the most rows or columns of which every pair is
	// multiplied; of larger matrices someLines are multiplied with all.
	wholeLines = 512
	someLines  = 64
	// haarEntries is the most entries that are held against their law.
	haarEntries = 1 << 16
)

// Orthogonal runs T11 on a matrix in C order that should be gain times a matrix
// of orthogonal rows or columns, whichever are fewer: their products, and the
// law of single entries under the uniform (Haar) measure. It also returns how
// many entries of the diagonal are negative, and how many there are, for
// [SignBalance]: a decomposition whose signs were not set right passes every
// other test. A gain of 0 has no test but that of finite values.
func Orthogonal[T Float](values []T, rows, cols int, gain float64, t Type) (tests []Test, negative, diagonals int64) {
	n := len(values)
	if i := Finite(values); i >= 0 {
		f := fact("T0 finite", n, true, fmt.Sprintf("value %v at index %d", values[i], i))
		f.Index = int64(i)
		return []Test{f}, 0, 0
	}
	tests = append(tests, fact("T0 finite", n, false, "all values are finite"))
	if n == 0 || gain == 0 || rows <= 0 || cols <= 0 || n%rows != 0 || n/rows != cols {
		return tests, 0, 0
	}
	tests = append(tests, productsTest(values, rows, cols, gain, t))
	// Where rows are fewer, the matrix is the transpose of one with orthogonal
	// columns, and has its diagonal.
	for i := range min(rows, cols) {
		diagonals++
		if float64(values[i*cols+i])/gain < 0 {
			negative++
		}
	}
	if haar, ok := haarTest(values, max(rows, cols), gain); ok {
		tests = append(tests, haar)
	}
	return tests, negative, diagonals
}

// productsTest is the fact that rows, or columns if they are fewer, are of
// length gain and orthogonal.
func productsTest[T Float](values []T, rows, cols int, gain float64, t Type) Test {
	count, length, what := rows, cols, "rows"
	all := values
	if cols < rows {
		count, length, what = cols, rows, "columns"
		all = transposed(values, rows, cols)
	}
	chosen := chosenLines(count)
	text := fmt.Sprintf("%d %s", count, what)
	if len(chosen) < count {
		text = fmt.Sprintf("%d random ones of %d %s, each with all others", len(chosen), count, what)
	}
	w := worstProduct{square: gain * gain, a: -1, b: -1}
	whole := len(chosen) == count
	for ; len(chosen) > 0; chosen = chosen[min(len(chosen), 4):] {
		first := 0
		if whole {
			first = chosen[0] // the others were multiplied before
		}
		multiply(&w, all, length, count, first, chosen[:min(len(chosen), 4)])
	}
	tolerance := orthogonalTolerance(t)
	f := fact("T11 orthogonality", len(values), !(w.off <= tolerance),
		fmt.Sprintf("%s: products off by at most %.2g of gain squared, allowed %.2g", text, w.off, tolerance))
	if f.Effect = w.off; f.Failed {
		f.EffectText = fmt.Sprintf("%s %d and %d: product off by %.3g of gain squared, allowed %.2g (%s)", what, w.a, w.b, w.off, tolerance, text)
		if f.Index = int64(w.a); cols >= rows {
			f.Index *= int64(cols)
		}
	}
	return f
}

// transposed returns the columns one after the other.
func transposed[T Float](values []T, rows, cols int) []T {
	out := make([]T, len(values))
	const tile = 32 // both sides of a tile stay in the cache
	for top := 0; top < rows; top += tile {
		for left := 0; left < cols; left += tile {
			for i := top; i < min(rows, top+tile); i++ {
				for j := left; j < min(cols, left+tile); j++ {
					out[j*rows+i] = values[i*cols+j]
				}
			}
		}
	}
	return out
}

// chosenLines returns the lines that are multiplied with all, in order: all of
// them, or someLines that are random but always the same ones.
func chosenLines(count int) []int {
	lines := make([]int, count)
	for i := range lines {
		lines[i] = i
	}
	if count <= wholeLines {
		return lines
	}
	slices.SortFunc(lines, func(a, b int) int { return cmp.Compare(mix(uint64(a)+1), mix(uint64(b)+1)) })
	lines = lines[:someLines]
	slices.Sort(lines)
	return lines
}

// worstProduct is the product of two lines that is farthest from what it should
// be, relative to square.
type worstProduct struct {
	square, off float64
	a, b        int
}

// multiply multiplies at most four lines with all from first on.
func multiply[T Float](w *worstProduct, all []T, length, count, first int, chosen []int) {
	var lines [4][]T
	for k := range lines {
		at := chosen[min(k, len(chosen)-1)]
		lines[k] = all[at*length : (at+1)*length]
	}
	for j := first; j < count; j++ {
		products := fourProducts(lines, all[j*length:(j+1)*length])
		for k, at := range chosen {
			p := products[k]
			if j == at {
				p -= w.square
			}
			// A product that is not a number counts as the worst.
			if off := math.Abs(p) / w.square; !(off <= w.off) {
				w.off, w.a, w.b = off, at, j
			}
		}
	}
}

// fourProducts multiplies a line with four others, which it is loaded once for.
func fourProducts[T Float](lines [4][]T, line []T) (products [4]float64) {
	a, b, c, d := lines[0][:len(line)], lines[1][:len(line)], lines[2][:len(line)], lines[3][:len(line)]
	var p, q, r, s float64
	for i, v := range line {
		x := float64(v)
		p += float64(x * float64(a[i]))
		q += float64(x * float64(b[i]))
		r += float64(x * float64(c[i]))
		s += float64(x * float64(d[i]))
	}
	return [4]float64{p, q, r, s}
}

// orthogonalTolerance is how far a product may be off, relative to the gain
// squared. Rounding to a narrow type changes each entry by at most one part in
// 2^digits, so by the inequality of Cauchy and Schwarz a product by at most
// twice that, and the same squared; to which comes what float32 is allowed.
func orthogonalTolerance(t Type) float64 {
	const single = 1e-5
	switch t {
	case F64:
		return 1e-12
	case BF16, F16:
		digits, _ := t.format()
		unit := math.Ldexp(1, -digits)
		return single + 2*unit + float64(unit*unit)
	}
	return single
}

// haarTest holds the entries against the law that each has in a random
// orthogonal matrix whose lines have n entries: q^2 is Beta(1/2, (n-1)/2). They
// depend on each other, which makes the test cautious.
func haarTest[T Float](values []T, n int, gain float64) (Test, bool) {
	if n < 4 || len(values) < 16 {
		return Test{}, false
	}
	step := (len(values) + haarEntries - 1) / haarEntries
	if step > 1 && n%step == 0 {
		step++ // else it would look at some columns only
	}
	u := make([]chance, 0, len(values)/step+1)
	b := (float64(n) - 1) / 2
	for i := 0; i < len(values); i += step {
		q := float64(values[i]) / gain
		below, above := entryTails(q, b)
		u = append(u, chance{below, above, i})
	}
	slices.SortFunc(u, func(x, y chance) int { return cmp.Or(cmp.Compare(x.below, y.below), cmp.Compare(y.above, x.above)) })
	size, sum := float64(len(u)), 0.0
	for i, c := range u {
		rank := float64(i)
		sum += float64((2*rank+1)*math.Log(max(c.below, 1e-300))) + float64((2*(size-rank)-1)*math.Log(max(c.above, 1e-300)))
	}
	a := -size - sum/size
	t := newTest("T11 Haar marginal", len(u), a, AndersonDarling(a), true)
	if step > 1 {
		t.EffectText += fmt.Sprintf(" (%d of %d entries)", len(u), len(values))
	}
	return t, true
}

// entryTails returns the chances below and above one entry of a random
// orthogonal matrix, b being half of its size less 1.
func entryTails(q, b float64) (below, above float64) {
	inside := mathext.RegIncBeta(0.5, b, min(1, float64(q*q)))
	outside := 1 - inside
	if outside < 0.1 {
		outside = mathext.RegIncBeta(b, 0.5, max(0, (1-q)*(1+q)))
	}
	if q < 0 {
		return outside / 2, (1 + inside) / 2
	}
	return (1 + inside) / 2, outside / 2
}

// SignBalance tests that as many diagonal entries of orthogonal matrices are
// negative as not.
func SignBalance(negative, diagonals int64) Test {
	t := newTest("T11 sign balance", int(diagonals), float64(negative), BinomialTwoSided(negative, diagonals, 0.5), true)
	t.Discrete = true
	t.EffectText = fmt.Sprintf("%d of %d diagonal entries negative", negative, diagonals)
	return t
}
