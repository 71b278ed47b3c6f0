package battery

import (
	"math"
	"slices"

	"github.com/weightinit/weightinit/dist"
)

// drawnAs returns the law of the values before they were rounded to a narrow
// type. There are two ways to the same scheme: to draw in float32 and round
// afterwards, and torch's draw in the type itself, which treats the bounds in
// another way.
//
//   - A uniform value that rounds to the upper bound becomes the lower one. Where
//     the upper bound does not occur, values of the lower one are given back to it,
//     each with the chance that it came from there.
//   - A cut normal is cut where its values, rounded, pass the rounded bounds: in
//     the middle between those and the next numbers. That law is returned if the
//     numbers of values on the bounds are the likelier under it.
//
// l is returned for all other values.
func drawnAs[T Float](values []T, l Law, t Type) Law {
	if !t.Narrow() || !l.bounded() || len(values) == 0 {
		return l
	}
	low, high := l.Bounds()
	ends := [2]float64{t.round(low), t.round(high)}
	var counts [2]int
	for _, v := range values {
		switch float64(v) {
		case ends[0]:
			counts[0]++
		case ends[1]:
			counts[1]++
		}
	}
	if l.kind == uniform {
		if counts[1] == 0 && counts[0] > 0 {
			giveBack(values, l, ends, t)
		}
		return l
	}
	a, _ := t.cell(ends[0])
	_, b := t.cell(ends[1])
	inType, ok := cutNormal(dist.TruncNormal{Mean: l.location, Std: l.scale, A: a, B: b})
	if ok && inType.likelihood(ends, counts, len(values), t) > l.likelihood(ends, counts, len(values), t) {
		return inType
	}
	return l
}

// mass returns the chance of a value that is x when rounded.
func (l Law) mass(x float64, t Type) float64 {
	c := l.cellOf(x, t)
	return max(0, c.belowWidth, c.aboveWidth)
}

// giveBack undoes the fold of a uniform's upper bound.
func giveBack[T Float](values []T, l Law, ends [2]float64, t Type) {
	lower, upper := l.mass(ends[0], t), l.mass(ends[1], t)
	if !(upper > 0) {
		return // no value rounds to it
	}
	share := upper / (lower + upper)
	state := uint64(0x2545F4914F6CDD1D)
	for i, v := range values {
		if float64(v) != ends[0] {
			continue
		}
		state += 0x9E3779B97F4A7C15
		if float64(mix(state)>>11)/(1<<53) < share {
			values[i] = T(ends[1])
		}
	}
}

// likelihood is the logarithm of the chance of those numbers of values at both
// ends among n, up to what all laws share.
func (l Law) likelihood(ends [2]float64, counts [2]int, n int, t Type) float64 {
	sum, inside := 0.0, 1.0
	for i, x := range ends {
		p := l.mass(x, t)
		inside -= p
		n -= counts[i]
		if counts[i] > 0 {
			sum += float64(counts[i]) * math.Log(p)
		}
	}
	return sum + float64(n)*math.Log(max(inside, 0))
}

// foldAlike does to both of two samples of a narrow type what torch does to one
// that it draws in the type itself: the largest value becomes the smallest one.
// It does so only where that explains the difference: one sample ends a step
// after the other, which has about as many values at its beginning.
func foldAlike[T Float](x, y []T, t Type) {
	if !t.Narrow() {
		return
	}
	folded, whole := x, y
	if slices.Max(x) > slices.Max(y) {
		folded, whole = y, x
	}
	most, least, last := slices.Max(whole), slices.Min(folded), float64(slices.Max(folded))
	if last >= float64(most) || last+t.stepUp(last) < float64(most) {
		return
	}
	count := func(l []T, value T) (n int) {
		for _, v := range l {
			if v == value {
				n++
			}
		}
		return n
	}
	if ends := count(folded, least); ends < 4 || 4*ends < count(whole, most) {
		return
	}
	for i, v := range whole {
		if v == most {
			whole[i] = least
		}
	}
}

// stepUp returns the distance from x to the next larger number.
func (t Type) stepUp(x float64) float64 {
	if x >= 0 {
		return t.ULP(x)
	}
	_, high := t.cell(x)
	return 2 * (high - x)
}
