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
	products := serialProducts(values, momentsMean(values, near))
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

// runsTest counts the runs of values above and not above the mean of the law.
func runsTest[T Float](values []T, mean float64) Test {
	above, changes, last := 0, 0, 0
	if len(values) > 0 && float64(values[0]) > mean {
		last = 1
	}
	for _, v := range values {
		now := 0
		if float64(v) > mean {
			now = 1
		}
		above += now
		changes += now ^ last
		last = now
	}
	runs := min(len(values), changes+1)
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
	c := s.Law.curve()
	var buffer [tableChunk]float64
	for i := range s.Rows {
		row := s.Values[i*s.Cols : (i+1)*s.Cols]
		for start := 0; start < len(row); start += tableChunk {
			end := min(len(row), start+tableChunk)
			z := buffer[:end-start]
			standardise(&c, z, row[start:end])
			sums, squares := cols.sums[start:end], cols.squares[start:end]
			sum, square := 0.0, 0.0
			for j, v := range z {
				q := float64(v * v)
				sum += v
				square += q
				sums[j] += v
				squares[j] += q
			}
			rows.sums[i] += sum
			rows.squares[i] += square
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
		sum += float64((2*rank+1)*math.Log(max(v.below, 1e-300))) + float64((2*(size-rank)-1)*math.Log(max(v.above, 1e-300)))
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
