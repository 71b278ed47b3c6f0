package engine

import (
	"fmt"
	"math"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity/battery"
	"github.com/weightinit/weightinit/rng"
)

// patternTest compares values that leave nothing to chance with what is
// declared; -0 equals 0.
func patternTest[T battery.Float](s section, values []T, typ battery.Type) battery.Test {
	want := make([]T, len(values))
	rng.Pattern(want, s.dist.Draw.(dist.Pattern), 0, s.shape)
	for _, post := range s.dist.Post {
		rng.Apply(want, 0, s.shape, post)
	}
	name := "T0 " + s.dist.Draw.Kind()
	for i, v := range values {
		if w := rounded(float64(want[i]), typ); float64(v) != w {
			return battery.FactOf(name, len(values), i, "", fmt.Sprintf("%s at index %d, declared %s", full(float64(v)), i, full(w)))
		}
	}
	return battery.FactOf(name, len(values), -1, "every value is as declared", "")
}

// testSparse looks for the zeros of each column and holds the other values
// against their law.
func testSparse[T battery.Float](j *job, values [2][]T, sides int, typ battery.Type) {
	rows, cols := int(j.shape[0]), int(j.shape[1])
	zeros := int(math.Ceil(j.dist.Draw.(dist.Sparse).Sparsity * float64(rows)))
	ok := true
	for side := range sides {
		others, fact := withoutZeros(values[side], rows, cols, zeros)
		values[side] = others
		j.add(side, fact)
		tests := battery.OneSample(battery.Sample[T]{Values: others, Law: j.law, Type: typ})
		ok = ok && !fact.Failed && !tests[0].Failed
		j.add(side, tests...)
	}
	if sides == 2 && ok {
		j.add(candidateSide, battery.Between(values[referenceSide], values[candidateSide])...)
	}
}

// withoutZeros returns the values that are not zero and the fact that each
// column has as many zeros as declared. A normal value is 0 itself once in
// about 2^24, so a column may have two more.
func withoutZeros[T battery.Float](values []T, rows, cols, zeros int) ([]T, battery.Test) {
	counts := make([]int, cols)
	others := make([]T, 0, len(values))
	for i, v := range values {
		if v == 0 {
			counts[i%cols]++
		} else {
			others = append(others, v)
		}
	}
	for col, n := range counts {
		if n < zeros || n > min(rows, zeros+2) {
			return others, battery.FactOf("T0 sparse", len(values), col, "", fmt.Sprintf("column %d has %d zeros, declared %d", col, n, zeros))
		}
	}
	return others, battery.FactOf("T0 sparse", len(values), -1, fmt.Sprintf("every column has %d zeros", zeros), "")
}
