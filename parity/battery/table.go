package battery

import (
	"math"
	"sync"
)

// The tables replace special functions where a test asks for millions of
// values. Each cell holds the first terms of the Taylor series about its middle;
// relative errors are below 1e-12, which a test holds against the functions
// themselves. Outside the tables the functions are asked.

// taylor is a polynomial of degree 5.
type taylor [6]float64

// at returns the polynomial's value. No product may be fused with a sum: the
// results are the same on every machine.
func (c *taylor) at(d float64) float64 {
	high := float64(float64(c[5]*d)+c[4]) * d
	high = float64(float64(high+c[3])*d) + c[2]
	high = float64(high*d) + c[1]
	return float64(high*d) + c[0]
}

const (
	// upperEnd is where the table of [Upper] ends, which has upperSteps nodes a
	// unit. Farther out the series needs more terms, and values are rare.
	upperEnd   = 6
	upperSteps = 128
)

type upperTable [upperEnd*upperSteps + 1]taylor

var upperNodes = sync.OnceValue(func() *upperTable {
	t := new(upperTable)
	for i := range t {
		z := float64(i) / upperSteps
		// The derivatives of the density are it times Hermite's polynomials.
		density := math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
		t[i] = taylor{
			Upper(z),
			-density,
			density * z / 2,
			-density * (float64(z*z) - 1) / 6,
			density * (float64(z*z) - 3) * z / 24,
			-density * (float64((float64(z*z)-6)*z*z) + 3) / 120,
		}
	}
	return t
})

// upper returns [Upper] of z, which is not negative.
func (t *upperTable) upper(z float64) float64 {
	if !(z < upperEnd) {
		return Upper(z)
	}
	i := int(float64(z*upperSteps) + 0.5)
	return t[i].at(z - float64(float64(i)*(1.0/upperSteps)))
}

// The table of the normal quantile has 64 cells for each power of two of the
// chance, down to half of [edge].
const (
	quantileShift = 52 - 6
	quantileFirst = (1023 - 26) << 6
	quantileCells = 25 << 6 // up to 1/2
)

type quantileTable [quantileCells]taylor

var quantileNodes = sync.OnceValue(func() *quantileTable {
	t := new(quantileTable)
	for i := range t {
		p := quantileMiddle(i)
		z := normalQuantile(p)
		// The derivative of the quantile is 1 / density at it; d is that, and
		// each further derivative multiplies by it.
		d := math.Exp(z*z/2) * math.Sqrt(2*math.Pi)
		q := z * z
		t[i] = taylor{
			z,
			d,
			z * d * d / 2,
			(float64(2*q) + 1) * d * d * d / 6,
			(float64(6*q) + 7) * z * d * d * d * d / 24,
			(float64((float64(24*q)+46)*q) + 7) * d * d * d * d * d / 120,
		}
	}
	return t
})

func quantileMiddle(i int) float64 {
	return math.Float64frombits(uint64(i+quantileFirst)<<quantileShift | 1<<(quantileShift-1))
}

// quantile returns the normal quantile of p.
func (t *quantileTable) quantile(p float64) float64 {
	i := int(math.Float64bits(p)>>quantileShift) - quantileFirst
	if uint(i) >= quantileCells {
		return normalQuantile(p)
	}
	return t[i].at(p - quantileMiddle(i))
}

// curve is a law with its tables, for many values.
type curve struct {
	Law
	upper    *upperTable
	quantile *quantileTable
}

func (l Law) curve() curve { return curve{l, upperNodes(), quantileNodes()} }

// fill sets below and above to what [Law.tailsOf] returns of each value, within
// the tables' errors.
func fill[T Float](c *curve, below, above []float64, values []T) {
	below, above = below[:len(values)], above[:len(values)]
	switch c.kind {
	case normal:
		t := c.upper
		for i, v := range values {
			// This is upper, in place: the loop is the hottest of all.
			y := (float64(v) - c.location) / c.scale
			z, small := math.Abs(y), 0.0
			if k := uint(int(float64(z*upperSteps) + 0.5)); z < upperEnd && k < uint(len(t)) {
				small = t[k].at(z - float64(float64(int(k))*(1.0/upperSteps)))
			} else {
				small = Upper(z)
			}
			rest := 1 - small
			if y < 0 {
				below[i], above[i] = small, rest
			} else {
				below[i], above[i] = rest, small
			}
		}
	case uniform:
		high := c.location + c.scale
		for i, v := range values {
			x := float64(v)
			below[i], above[i] = atLeastEdge((x-c.location)/c.scale), atLeastEdge((high-x)/c.scale)
		}
	case cut:
		for i, v := range values {
			below[i], above[i] = c.cut((float64(v) - c.location) / c.scale)
		}
	default:
		for i, v := range values {
			t := c.tailsOf(float64(v))
			below[i], above[i] = t.below, t.above
		}
	}
}

// atLeastEdge bounds a chance as [Law.tailsOf] does.
func atLeastEdge(p float64) float64 {
	if !(p > edge) {
		return edge
	}
	if p > 1 {
		return 1
	}
	return p
}

// cut is [Law.cutTails] between the bounds of tailsOf.
func (c *curve) cut(y float64) (below, above float64) {
	if y <= c.low || y >= c.high || c.low >= 0 || c.high <= 0 {
		// Of a cut that leaves one side only, both tails are differences.
		below, above = c.cutTails(y)
		return max(below, edge), max(above, edge)
	}
	if y <= 0 {
		below = (c.upper.upper(-y) - c.cutLow) / c.kept
		return atLeastEdge(below), atLeastEdge(1 - below)
	}
	above = (c.upper.upper(y) - c.cutHigh) / c.kept
	return atLeastEdge(1 - above), atLeastEdge(above)
}

// standardise sets z to the standard normal values of values.
func standardise[T Float](c *curve, z []float64, values []T) {
	z = z[:len(values)]
	if c.kind == normal {
		for i, v := range values {
			z[i] = (float64(v) - c.location) / c.scale
		}
		return
	}
	var below, above [tableChunk]float64
	for start := 0; start < len(values); start += tableChunk {
		piece := values[start:min(len(values), start+tableChunk)]
		fill(c, below[:], above[:], piece)
		out := z[start : start+len(piece)]
		for i := range out {
			if b, a := below[i], above[i]; b < a {
				out[i] = c.quantile.quantile(b)
			} else {
				out[i] = -c.quantile.quantile(a)
			}
		}
	}
}

// tableChunk is how many values are looked up at once.
const tableChunk = 256
