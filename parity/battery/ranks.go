package battery

// ranks are the sums over two sorted lists of n and m values, merged.
type ranks struct {
	n, m int64
	// taken values are merged; the current group of equal ones, last, began at
	// start.
	taken, start int64
	last         float64
	// ahead is the difference of the two distribution functions, times n m.
	ahead, low, high int64
	anderson         accurate
}

// mergeRanks returns the distance of Kolmogorov and the statistic of Anderson
// and Darling of two sorted lists that are not empty.
func mergeRanks[T Float](x, y []T) (distance, anderson float64) {
	r := ranks{n: int64(len(x)), m: int64(len(y)), last: float64(min(x[0], y[0]))}
	// The first value by itself: no group ends before it.
	i, j := 1, 0
	if x[0] <= y[0] {
		r.one(r.last, r.m)
	} else {
		i, j = 0, 1
		r.one(r.last, -r.n)
	}
	for i < len(x) && j < len(y) {
		// As many steps at least before one of the lists is used up.
		steps := min(len(x)-i, len(y)-j, momentsChunk)
		at := mergeSteps(&r, x[i:], y[j:], steps)
		i, j = i+at, j+steps-at
	}
	// The rest is in one list, and the other's function is 1 there.
	for _, v := range x[i:] {
		r.one(float64(v), r.m)
	}
	for _, v := range y[j:] {
		r.one(float64(v), -r.n)
	}
	scale := float64(r.n) * float64(r.m)
	return float64(max(r.high, -r.low)) / scale, r.anderson.total() / scale
}

// mergeSteps merges that many values, and returns how many were of x. Which
// list has the next value is as good as random, so nothing branches on it.
func mergeSteps[T Float](r *ranks, x, y []T, steps int) int {
	n, m, size := r.n, r.m, float64(r.n+r.m)
	taken, start, ahead, low, high := r.taken, r.start, r.ahead, r.low, r.high
	last, sum := T(r.last), 0.0
	i, j := 0, 0
	for range steps {
		u, v := x[i], y[j]
		fromX := 0
		if u <= v {
			fromX = 1
		}
		next := min(u, v)
		// All ones where a group has ended, at which the functions count.
		ended := 0
		if next != last {
			ended = 1
		}
		count := (taken - start) & -int64(ended)
		start += count
		seen := ahead & -int64(ended)
		low, high = min(low, seen), max(high, seen)
		position, a := float64(taken), float64(ahead)
		sum += float64(float64(count)*float64(a*a)) / float64(position*(size-position))
		last = next
		i += fromX
		j += 1 - fromX
		taken++
		ahead += (n+m)&-int64(fromX) - n
	}
	r.taken, r.start, r.ahead, r.low, r.high, r.last = taken, start, ahead, low, high, float64(last)
	r.anderson.add(sum)
	return i
}

// one merges the next value, which moves the difference by that much.
func (r *ranks) one(next float64, ahead int64) {
	if next != r.last {
		a, position := float64(r.ahead), float64(r.taken)
		r.low, r.high = min(r.low, r.ahead), max(r.high, r.ahead)
		r.anderson.add(float64(float64(r.taken-r.start)*float64(a*a)) / float64(position*(float64(r.n+r.m)-position)))
		r.start, r.last = r.taken, next
	}
	r.taken++
	r.ahead += ahead
}
