package plan

import "iter"

// View is a list that can be read and not changed. Slices inside its elements
// are shared with the plan: treat them as constants.
type View[T any] struct{ items []T }

// Len returns the number of elements.
func (v View[T]) Len() int { return len(v.items) }

// At returns element i.
func (v View[T]) At(i int) T { return v.items[i] }

// All yields every element with its number.
func (v View[T]) All() iter.Seq2[int, T] {
	return func(yield func(int, T) bool) {
		for i, item := range v.items {
			if !yield(i, item) {
				return
			}
		}
	}
}
