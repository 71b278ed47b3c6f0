package battery

import "slices"

// Alone runs the tests that mean something for one member of a pool, with the
// numbers that [OneSample] gives: facts, bounds, edges and, from 16 values on,
// mean, standard deviation and Anderson-Darling.
func Alone[T Float](s Sample[T]) []Test {
	s.Rows, s.Cols = 0, 0
	return slices.DeleteFunc(OneSample(s), func(t Test) bool {
		switch t.Name {
		case "T0 finite", "T0 constant", "T7 bounds", "T7 edges", "T1 mean", "T2 std", "T4 Anderson-Darling":
			return false
		}
		return true
	})
}
