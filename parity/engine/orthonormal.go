package engine

import (
	"fmt"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity/battery"
)

// mostBoxes is the most matrices of a tensor that have tests of their own. Of
// further ones only facts that fail are reported.
const mostBoxes = 16

// testOrthogonal is T11 on both sides, for each matrix of the tensor, and the
// fact that all else is 0.
func testOrthogonal[T battery.Float](r *statsRun, j *job, values [2][]T, sides int, typ battery.Type) {
	draw := j.dist.Draw.(dist.Orthonormal)
	gain := scaled(draw.Factor(), j.dist.Post)
	for side := range sides {
		rest := values[side]
		whole := true
		number := 0
		for box := range draw.Boxes(j.shape) {
			matrix, label := rest, j.label
			if n := dist.Elements(box.Shape); n != int64(len(rest)) {
				if whole {
					rest, whole = append([]T(nil), rest...), false
				}
				matrix, label = taken(rest, box, j.shape), joinLabels(j.label, fmt.Sprintf("matrix %d", number))
			}
			r.testMatrix(j, side, label, number, func() ([]battery.Test, int64, int64) {
				rows := 0
				if len(matrix) > 0 {
					rows = int(box.Shape[0])
				}
				return battery.Orthogonal(matrix, rows, len(matrix)/max(rows, 1), gain, typ)
			})
			number++
		}
		if !whole {
			j.add(side, zeroTest(rest))
		}
	}
}

// testMatrix adds the tests of a matrix, and its signs to those of the run.
func (r *statsRun) testMatrix(j *job, side int, label string, number int, run func() ([]battery.Test, int64, int64)) {
	tests, negative, diagonals := run()
	if number >= mostBoxes {
		failed := tests[:0]
		for _, t := range tests {
			if t.Failed {
				failed = append(failed, t)
			}
		}
		tests = failed
	}
	if len(tests) > 0 {
		j.results = append(j.results, tested{tensor: j.name, label: label, side: side, law: j.lawText(), tests: tests})
	}
	r.signs.mu.Lock()
	defer r.signs.mu.Unlock()
	if diagonals > 0 {
		r.signs.negative[side] += negative
		r.signs.diagonals[side] += diagonals
		if members := r.signs.members[side]; len(members) == 0 || members[len(members)-1] != j.name {
			r.signs.members[side] = append(members, j.name)
		}
	}
}

// taken returns the elements of a box, and leaves zeros in their places.
func taken[T battery.Float](values []T, box dist.Box, shape []int64) []T {
	matrix := make([]T, 0, dist.Elements(box.Shape))
	row := box.Shape[len(box.Shape)-1]
	for first := range box.Runs(shape) {
		run := values[first : first+row]
		matrix = append(matrix, run...)
		clear(run)
	}
	return matrix
}

// zeroTest is the fact that all values are 0.
func zeroTest[T battery.Float](values []T) battery.Test {
	for i, v := range values {
		if v != 0 {
			return battery.FactOf("T0 zeros", len(values), i, "", fmt.Sprintf("%s at index %d, declared 0 outside of the matrices", full(float64(v)), i))
		}
	}
	return battery.FactOf("T0 zeros", len(values), -1, "every value outside of the matrices is 0", "")
}

// scaled is a number after the multiplications and divisions among posts.
func scaled(number float64, posts []dist.Post) float64 {
	for _, post := range posts {
		switch post := post.(type) {
		case dist.Multiply:
			number *= post.By
		case dist.Divide:
			number /= post.By
		}
	}
	return number
}
