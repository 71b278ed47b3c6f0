package rng

import "github.com/weightinit/weightinit/dist"

// keyedUnit is the number of elements that go through all passes together.
const keyedUnit = 1 << 12

// FillKeyedTruncated sets dst to elements of a truncated normal of the key k,
// from element first on. Torch has none of keys; this one is torch's rejection
// ([Truncated]) with a stream of its own for each pass, so that again every
// element depends on the key and its number alone:
//
//   - kept mass above 0.3: in pass j = 0, 1, … an element is that of
//     normal(mean, std) of fold_in(k, j); it takes the first that lies in the cut.
//   - else: in pass j its proposal x is that of uniform(a, b) of fold_in(k, 2j),
//     its test u that of uniform(0, 1) of fold_in(k, 2j + 1); it takes the first
//     x that passes.
//
// The number of passes has no bound. stop is asked before each; its error ends
// the work and is returned. passes is the largest number that an element of
// dst took or, with an error, had taken.
func FillKeyedTruncated[T float32 | float64](dst []T, k Key, d dist.TruncNormal, first int64, stop func() error) (passes int64, err error) {
	t := keyedTruncated[T]{key: k, draw: d.Unscaled()}
	u := t.draw
	t.low, t.high = T(u.A), T(u.B)
	t.proposes = !(d.KeptMass() > dist.WholeTensors)
	mode := max(u.A, min(u.Mean, u.B))
	z := (mode - u.Mean) / u.Std
	t.peak = T(-0.5 * float64(z*z))
	size := min(len(dst), keyedUnit)
	t.values, t.tests, t.pending = make([]T, size), make([]T, size), make([]int32, 0, size)
	for rest := dst; len(rest) > 0; {
		unit := rest[:min(len(rest), keyedUnit)]
		n, err := t.unit(unit, first, stop)
		passes = max(passes, n)
		if err != nil {
			return passes, err
		}
		first += int64(len(unit))
		rest = rest[len(unit):]
	}
	if d.Algorithm == dist.UnitThenScale {
		multiply(dst, d.Std)
		add(dst, d.Mean)
	}
	return passes, nil
}

type keyedTruncated[T float32 | float64] struct {
	key             Key
	draw            dist.TruncNormal // unscaled
	proposes        bool
	low, high, peak T
	values, tests   []T
	pending         []int32
}

// unit makes the elements of dst, from element first on.
func (t *keyedTruncated[T]) unit(dst []T, first int64, stop func() error) (passes int64, err error) {
	t.pending = t.pending[:0]
	for i := range dst {
		t.pending = append(t.pending, int32(i))
	}
	for len(t.pending) > 0 {
		if err := stop(); err != nil {
			return passes, err
		}
		if t.proposes {
			t.propose(dst, first, uint64(passes))
		} else {
			t.redraw(dst, first, uint64(passes))
		}
		passes++
	}
	return passes, nil
}

func (t *keyedTruncated[T]) redraw(dst []T, first int64, pass uint64) {
	k, normal := t.key.FoldIn(pass), dist.Normal{Mean: t.draw.Mean, Std: t.draw.Std}
	t.make(t.values, len(dst), func(values []T, at int) { keyedNormal(values, k, first+int64(at), normal) })
	rest := t.pending[:0]
	for _, i := range t.pending {
		v := t.values[i]
		dst[i] = v
		if v < t.low || v > t.high {
			rest = append(rest, i)
		}
	}
	t.pending = rest
}

func (t *keyedTruncated[T]) propose(dst []T, first int64, pass uint64) {
	proposals, tests := t.key.FoldIn(2*pass), t.key.FoldIn(2*pass+1)
	within := dist.Uniform{Low: t.draw.A, High: t.draw.B}
	t.make(t.values, len(dst), func(values []T, at int) { keyedUniform(values, proposals, first+int64(at), within) })
	t.make(t.tests, len(dst), func(values []T, at int) { keyedUniform(values, tests, first+int64(at), dist.Uniform{High: 1}) })
	mean, std := T(t.draw.Mean), T(t.draw.Std)
	rest := t.pending[:0]
	for _, i := range t.pending {
		v := t.values[i]
		dst[i] = v
		if rejected(v, t.tests[i], mean, std, t.peak) {
			rest = append(rest, i)
		}
	}
	t.pending = rest
}

// make sets the pending ones among n values by calls of draw: one call for all
// while many are pending, else one for each.
func (t *keyedTruncated[T]) make(values []T, n int, draw func(values []T, at int)) {
	if len(t.pending) > n/40 {
		draw(values[:n], 0)
		return
	}
	for _, i := range t.pending {
		draw(values[i:i+1], int(i))
	}
}
