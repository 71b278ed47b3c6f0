package battery

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// lags is how many serial correlations T9 looks at.
const lags = 64

// orderTests are T9: on values in C order.
func orderTests[T Float](s Sample[T]) []Test {
	var tests []Test
	n := len(s.Values)
	if n >= 4096 {
		q := serialCorrelation(s.Values, s.Law.Mean())
		tests = append(tests, newTest("T9 serial correlation", n, q, ChiSquareUpper(q, lags), true))
	}
	if n >= 256 {
		tests = append(tests, runsTest(s.Values, s.Law.Mean()))
	}
	if s.Rows >= 16 && s.Cols >= 16 && s.Rows*s.Cols == n {
		tests = append(tests, lineTests(s)...)
	}
	return tests
}

// serialCorrelation returns the statistic of Ljung and Box over 64 lags; 0 for
// equal values, which have none.
func serialCorrelation[T Float](values []T, near float64) float64 {
	n := len(values)
	mean := momentsMean(values, near)
	var products [lags + 1]float64
	// A piece of 4,096 deviations and the 64 before it.
	var buffer [lags + 4096]float64
	for start := 0; start < n; start += 4096 {
		piece := values[start:min(n, start+4096)]
		for i, v := range piece {
			buffer[lags+i] = float64(v) - mean
		}
		for k := range products {
			later, earlier := buffer[lags:lags+len(piece)], buffer[lags-k:lags-k+len(piece)]
			var a, b float64
			i := 0
			for ; i+1 < len(later) && i+1 < len(earlier); i += 2 {
				a += float64(later[i] * earlier[i])
				b += float64(later[i+1] * earlier[i+1])
			}
			if i < len(later) {
				a += float64(later[i] * earlier[i])
			}
			products[k] += a + b
		}
		copy(buffer[:lags], buffer[len(piece):])
	}
	if products[0] == 0 {
		return 0
	}
	q := 0.0
	for k := 1; k <= lags; k++ {
		r := products[k] / products[0]
		q += float64(r*r) / float64(n-k)
	}
	return float64(n) * float64(n+2) * q
}

func momentsMean[T Float](values []T, near float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += float64(v) - near
	}
	return near + sum/float64(len(values))
}

// runsTest counts the runs of values above and not above the mean of the law.
func runsTest[T Float](values []T, mean float64) Test {
	above, runs, last := 0, 0, -1
	for _, v := range values {
		now := 0
		if float64(v) > mean {
			now = 1
			above++
		}
		if now != last {
			runs++
		}
		last = now
	}
	n, n1 := float64(len(values)), float64(above)
	expected := 2*n1*(n-n1)/n + 1
	variance := (expected - 1) * (expected - 2) / (n - 1)
	z := 0.0
	if variance > 0 {
		z = (float64(runs) - expected) / math.Sqrt(variance)
	}
	p := TwoSided(z)
	if !(variance > 0) {
		p = 1 // all on one side: a matter for T1, not for the order
	}
	t := newTest("T9 runs", len(values), z, p, true)
	t.EffectText = fmt.Sprintf("%d runs, expected %.4g", runs, expected)
	return t
}

// lineTests look for a row or a column that is unlike the others.
func lineTests[T Float](s Sample[T]) []Test {
	rows, cols := newLines(s.Rows, s.Cols), newLines(s.Cols, s.Rows)
	for i := range s.Rows {
		row := s.Values[i*s.Cols : (i+1)*s.Cols]
		for j, v := range row {
			z := s.Law.normalised(float64(v))
			q := float64(z * z)
			rows.sums[i] += z
			rows.squares[i] += q
			cols.sums[j] += z
			cols.squares[j] += q
		}
	}
	return append(rows.tests("row"), cols.tests("column")...)
}

// lines are the sums over each row, or each column, of length values each.
type lines struct {
	sums, squares []float64
	length        int
}

func newLines(count, length int) lines {
	return lines{make([]float64, count), make([]float64, count), length}
}

// chance is a uniform value and its complement, each accurate where small.
type chance struct {
	below, above float64
	line         int
}

func (l lines) tests(what string) []Test {
	sums, squares := make([]chance, len(l.sums)), make([]chance, len(l.sums))
	for i := range l.sums {
		z := l.sums[i] / math.Sqrt(float64(l.length))
		sums[i] = chance{Upper(-z), Upper(z), i}
		squares[i] = chance{ChiSquareLower(l.squares[i], l.length), ChiSquareUpper(l.squares[i], l.length), i}
	}
	n := len(l.sums) * l.length
	return append(chanceTests("T9 "+what+" sums", what, n, sums), chanceTests("T9 "+what+" squares", what, n, squares)...)
}

// chanceTests test that the chances are uniform, and their most extreme one.
func chanceTests(name, what string, n int, c []chance) []Test {
	slices.SortFunc(c, func(a, b chance) int {
		return cmp.Or(cmp.Compare(a.below, b.below), cmp.Compare(b.above, a.above))
	})
	size, sum := float64(len(c)), 0.0
	extreme := chance{1, 1, -1}
	for i, v := range c {
		rank := float64(i)
		sum += (2*rank+1)*math.Log(max(v.below, 1e-300)) + (2*(size-rank)-1)*math.Log(max(v.above, 1e-300))
		if min(v.below, v.above) < min(extreme.below, extreme.above) {
			extreme = v
		}
	}
	a := -size - sum/size
	p := most(2*min(extreme.below, extreme.above), len(c))
	outlier := newTest(name+" extreme", n, 2*min(extreme.below, extreme.above), p, true)
	outlier.EffectText = fmt.Sprintf("%s %d: p=%.2g", what, extreme.line, outlier.Stat)
	return []Test{newTest(name, n, a, AndersonDarling(a), true), outlier}
}
