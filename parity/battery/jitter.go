package battery

import "math"

// Jitter replaces each value of a coarse type by one that the law could have
// given before it was rounded to that type, so that tests of the whole shape
// keep their p-values. Values that the law cannot give stay as they are, and
// so do all values of a type that is not narrow. It is deterministic.
//
// Values that torch drew in the type itself are told from rounded ones, see
// [drawnAs], and give what those would.
func Jitter[T Float](values []T, l Law, t Type) { jitter(values, drawnAs(values, l, t), l, t) }

// jitter takes values that were drawn under one law, as [drawnAs] returns it, to
// those of another.
func jitter[T Float](values []T, drawn, l Law, t Type) {
	if !t.Narrow() || l.kind == constant {
		return
	}
	c := l.curve()
	known := newCells(len(values))
	state := uint64(0x5DEECE66D)
	for i, v := range values {
		state += 0x9E3779B97F4A7C15
		g := known.of(float32(v))
		if g == nil {
			g = known.add(float32(v), drawn.cellOf(float64(v), t))
		}
		if !g.possible {
			continue
		}
		r := (float64(mix(state)>>11) + 0.5) / (1 << 53)
		if y := c.between(g.below+float64(r*g.belowWidth), g.above-float64(r*g.aboveWidth)); !math.IsInf(y, 0) && !math.IsNaN(y) {
			values[i] = T(y)
		}
	}
}

// lawCell is what a law says of the numbers that a narrow type rounds to one
// value: the chances below and above its lower end, and how much the first
// grows and the second falls up to its upper end.
type lawCell struct {
	below, belowWidth, above, aboveWidth float64
	possible                             bool
}

func (l Law) cellOf(x float64, t Type) lawCell {
	low, high := t.cell(x)
	b1, a1 := l.Tails(low)
	b2, a2 := l.Tails(high)
	return lawCell{b1, b2 - b1, a1, a1 - a2, b2-b1 > 1e-300 || a1-a2 > 1e-300}
}

// cells remember those of the values seen: a narrow type has few.
type cells struct {
	// at is the place in list of the value with those leading bits, plus 1; nil
	// for few values, which are not worth it.
	at   []int32
	list []lawCell
}

// cellBits are the bits of a float32 that half precision leaves 0; bfloat16
// leaves more.
const cellBits = 13

func newCells(n int) *cells {
	if n < 1<<10 {
		return &cells{}
	}
	return &cells{at: make([]int32, 1<<(32-cellBits))}
}

// of returns the cell of a value; nil if it is not known.
func (c *cells) of(v float32) *lawCell {
	bits := math.Float32bits(v)
	if c.at == nil || bits&(1<<cellBits-1) != 0 {
		return nil
	}
	if at := c.at[bits>>cellBits]; at > 0 {
		return &c.list[at-1]
	}
	return nil
}

// add remembers a cell, unless the value is not one of a narrow type.
func (c *cells) add(v float32, cell lawCell) *lawCell {
	bits := math.Float32bits(v)
	if c.at == nil || bits&(1<<cellBits-1) != 0 {
		return &cell
	}
	c.list = append(c.list, cell)
	c.at[bits>>cellBits] = int32(len(c.list))
	return &c.list[len(c.list)-1]
}

// between is [Law.between] by the table of quantiles.
func (c *curve) between(below, above float64) float64 {
	switch c.kind {
	case normal:
		if below < above {
			return c.location + float64(c.scale*c.quantile.quantile(below))
		}
		return c.location - float64(c.scale*c.quantile.quantile(above))
	case cut:
		p, q := c.cutLow+float64(below*c.kept), c.cutHigh+float64(above*c.kept)
		var y float64
		if q < p {
			y = -c.quantile.quantile(q)
		} else {
			y = c.quantile.quantile(p)
		}
		return c.location + float64(c.scale*max(c.low, min(c.high, y)))
	}
	return c.Law.between(below, above)
}

// mix is the finaliser of SplitMix64.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// cell returns the midpoints between x and its two neighbours in t.
func (t Type) cell(x float64) (low, high float64) {
	digits, smallest := t.format()
	outer := t.ULP(x) / 2
	inner := outer
	// The neighbour towards zero of a power of two is twice as near.
	if fraction, exponent := math.Frexp(math.Abs(x)); fraction == 0.5 && exponent-1 > smallest {
		inner = math.Ldexp(1, exponent-1-digits) / 2
	}
	if x < 0 {
		return x - outer, x + inner
	}
	return x - inner, x + outer
}
