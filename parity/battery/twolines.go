package battery

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// The tests of this file are T9 for two samples of one shape: of the lines of a
// tensor (its rows, its columns, the slices along each dimension) and of
// neighbours. Each place of one sample is compared with the same place of the
// other, so that nothing is asked of the law: lines may have laws of their own,
// as long as both samples share them.
//
// Under that hypothesis the two values of a place may be exchanged, and the
// difference of any function of them is as likely negative as positive. So the
// sum of such differences by the root of the sum of their squares has a
// variance of 1 and no heavier tails than a normal value (Efron 1969, Pinelis
// 1994), whatever the law.

// twoOrders are the tests of this file; x and y are in C order.
func twoOrders[T Float](x, y []T, shape []int64) []Test {
	n := len(x)
	if n < 256 {
		return nil
	}
	near := float64(x[0])
	centre := (momentsMean(x, near) + momentsMean(y, near)) / 2
	tests := []Test{neighboursTest(x, y, centre)}
	dims := dimensionsOf(shape, n)
	if len(dims) == 0 {
		return tests
	}
	scores := scoresOf(x, y)
	var places [tableChunk]placeSums
	all := population{smooth: scores.smooth}
	for start := 0; start < n; start += tableChunk {
		end := min(n, start+tableChunk)
		for i := start; i < end; i++ {
			p := placeOf(float64(x[i]), float64(y[i]), centre)
			p.x, p.y = scores.of(x[i]), scores.of(y[i])
			all.sum += p.x + p.y
			all.squares += float64(p.x*p.x) + float64(p.y*p.y)
			places[i-start] = p
		}
		for _, d := range dims {
			d.add(places[:end-start], start)
		}
	}
	for _, d := range dims {
		tests = append(tests, d.tests(n, all)...)
	}
	return append(tests, kernelsTest(x, y, shape)...)
}

// paired is a sum of differences.
type paired struct{ sum, squares, size float64 }

// leastSpread is the share of the squares of both values that the squares of
// their differences make up at least if the two are independent. Samples of one
// seed that differ in their last bits make up less, and are not to be told apart
// by the sign of a rounding.
const leastSpread = 0.1

// z is standard normal at most; 0 when the samples do not differ.
func (p paired) z() float64 {
	s := max(p.squares, leastSpread*p.size)
	if s == 0 {
		return 0
	}
	return p.sum / math.Sqrt(s)
}

// neighboursTest compares the products of values that stand side by side, each
// value being in one product only.
func neighboursTest[T Float](x, y []T, centre float64) Test {
	var p paired
	for i := 0; i+1 < len(x); i += 2 {
		a := (float64(x[i]) - centre) * (float64(x[i+1]) - centre)
		b := (float64(y[i]) - centre) * (float64(y[i+1]) - centre)
		d := a - b
		p.sum += d
		p.squares += float64(d * d)
		p.size += float64(a*a) + float64(b*b)
	}
	return newTest("T9' neighbours", 2*len(x), p.z(), TwoSided(p.z()), true)
}

// placeSums are what one place adds to its lines.
type placeSums struct {
	shift, spread   float64 // the differences of values, and of distances from the centre
	shift2, spread2 float64
	size            float64
	x, y            float64 // the squares of the scores
	xZero, yZero    int32
}

func placeOf(x, y, centre float64) placeSums {
	a, b := x-centre, y-centre
	p := placeSums{shift: a - b, spread: math.Abs(a) - math.Abs(b), size: float64(a*a) + float64(b*b)}
	p.shift2, p.spread2 = float64(p.shift*p.shift), float64(p.spread*p.spread)
	if x == 0 {
		p.xZero = 1
	}
	if y == 0 {
		p.yZero = 1
	}
	return p
}

func (p *placeSums) add(q *placeSums) {
	p.shift += q.shift
	p.spread += q.spread
	p.shift2 += q.shift2
	p.spread2 += q.spread2
	p.size += q.size
	p.x += q.x
	p.y += q.y
	p.xZero += q.xZero
	p.yZero += q.yZero
}

// dimension is one along which a tensor is cut into lines.
type dimension struct {
	what string
	// inner values in a row belong to one line, of length values each.
	inner, length int
	lines         []placeSums
}

// leastLine is the number of values from which a line is looked at.
const leastLine = 8

// dimensionsOf returns the dimensions along which there is more than one line
// worth it.
func dimensionsOf(shape []int64, n int) []*dimension {
	var out []*dimension
	inner := n
	for i, size := range shape {
		inner /= int(size)
		if size < 2 || n/int(size) < leastLine {
			continue
		}
		what := fmt.Sprintf("dimension %d", i)
		if len(shape) == 2 {
			what = [2]string{"row", "column"}[i]
		}
		out = append(out, &dimension{what, inner, n / int(size), make([]placeSums, size)})
	}
	return out
}

// add adds the places from start on.
func (d *dimension) add(places []placeSums, start int) {
	line, left := start/d.inner%len(d.lines), d.inner-start%d.inner
	for i := range places {
		if left == 0 {
			if line, left = line+1, d.inner; line == len(d.lines) {
				line = 0
			}
		}
		d.lines[line].add(&places[i])
		left--
	}
}

func (d *dimension) tests(n int, all population) []Test {
	shift, spread := make([]float64, len(d.lines)), make([]float64, len(d.lines))
	for i, l := range d.lines {
		shift[i] = paired{l.shift, l.shift2, l.size}.z()
		spread[i] = paired{l.spread, l.spread2, l.size}.z()
	}
	sums, spreads := d.pairTests("sums", n, shift), d.pairTests("spread", n, spread)
	extreme := &spreads[1]
	if p, line := d.scaleChance(n, all); p < extreme.P {
		extreme.P = p
		d.point(extreme, line, p)
	}
	extreme.P = min(1, 2*extreme.P) // the smaller of two
	return append([]Test{d.zeroTest(n)}, append(sums, spreads...)...)
}

// point says which line a test is about.
func (d *dimension) point(t *Test, line int, p float64) {
	t.EffectText, t.Index = fmt.Sprintf("%s %d: p=%.2g of %d", d.what, line, p, len(d.lines)), int64(line*d.inner)
}

// pairTests look at all lines together, and at the one that differs most.
func (d *dimension) pairTests(of string, n int, z []float64) []Test {
	sum, line := 0.0, 0
	for i, v := range z {
		sum += float64(v * v)
		if math.Abs(v) > math.Abs(z[line]) {
			line = i
		}
	}
	name := "T9' " + d.what + " " + of
	all := newTest(name, 2*n, sum, ChiSquareUpper(sum, len(z)), true)
	all.Discrete = true // where lines are short the chance is too large
	p := most(TwoSided(z[line]), len(z))
	outlier := newTest(name+" extreme", 2*n, z[line], p, true)
	outlier.Discrete = true
	d.point(&outlier, line, p)
	return []Test{all, outlier}
}

// zeroTest looks for lines of zeros that the other sample does not have. Were
// the zeros anywhere by chance, all others but those of lines that are zero in
// both samples would be as likely places of them.
func (d *dimension) zeroTest(n int) Test {
	lines := make([]zeros, len(d.lines))
	for i, l := range d.lines {
		lines[i] = zeros{l.xZero, l.yZero}
	}
	return zeroTest(d.what, n, d.inner, d.length, lines)
}

// zeros are how many values of a line are 0 in each sample.
type zeros struct{ x, y int32 }

// kernelsTest is the same of the kernels of a convolution: what lies at one place
// of the first two dimensions. There is none for other tensors.
func kernelsTest[T Float](x, y []T, shape []int64) []Test {
	if len(shape) < 3 || shape[0] < 2 || shape[1] < 2 {
		return nil
	}
	lines := make([]zeros, shape[0]*shape[1])
	length := len(x) / len(lines)
	if length < leastLine {
		return nil
	}
	for i := range lines {
		for k := i * length; k < (i+1)*length; k++ {
			if x[k] == 0 {
				lines[i].x++
			}
			if y[k] == 0 {
				lines[i].y++
			}
		}
	}
	return []Test{zeroTest("kernel", len(x), length, length, lines)}
}

func zeroTest(kind string, n, inner, length int, lines []zeros) Test {
	zeros, places, found := 0, 2*n, -1
	count, what := 0, ""
	whole := int32(length)
	for i, l := range lines {
		if l.x == whole && l.y == whole {
			places -= 2 * length
			continue
		}
		zeros += int(l.x + l.y)
		if l.x == whole || l.y == whole {
			count++
			if found < 0 {
				found, what = i, "candidate"
				if l.y == whole {
					what = "reference"
				}
			}
		}
	}
	t := newTest("T0' "+kind+" of zeros", 2*n, float64(count), 1, true)
	t.Discrete = true
	if count == 0 {
		t.EffectText = "none that the other does not have"
		return t
	}
	log := math.Log(float64(2 * len(lines)))
	for k := range length {
		log += math.Log(float64(zeros-k) / float64(places-k))
	}
	t.P = min(1, math.Exp(log))
	t.Index = int64(found * inner)
	t.EffectText = fmt.Sprintf("%d on one side only, the first is %s %d of the %s", count, kind, found, what)
	return t
}

// scores are squares of normal values: what a value's rank among both samples
// stands for under a normal law. The ranks are those among values at some
// places, the same ones of both samples.
type scores[T Float] struct {
	knots []T // sorted, all different
	// at is the score of a knot, before that of what lies before it; the last
	// one is that of what lies behind all.
	at, before []float64
	// smooth tells that no value is frequent: else a whole line may well be of
	// one value, and the sum of its scores no gamma variable.
	smooth bool
}

// frequent is the share of the values from which one of them is.
const frequent = 0.02

// scorePlaces is at how many places of each sample ranks are known.
const scorePlaces = 512

func scoresOf[T Float](x, y []T) *scores[T] {
	step := max(1, len(x)/scorePlaces)
	var some []T
	for i := 0; i < len(x); i += step {
		some = append(some, x[i], y[i])
	}
	slices.Sort(some)
	score := func(rank float64) float64 {
		z := normalQuantile(rank / float64(len(some)+1))
		return float64(z * z)
	}
	s := &scores[T]{smooth: true}
	for i, j := 0, 0; i < len(some); i = j {
		for j = i; j < len(some) && some[j] == some[i]; j++ {
		}
		s.smooth = s.smooth && float64(j-i) <= max(1, frequent*float64(len(some)))
		s.knots = append(s.knots, some[i])
		s.before = append(s.before, score(float64(i)+0.5))
		s.at = append(s.at, score(float64(i+1+j)/2))
	}
	s.before = append(s.before, score(float64(len(some))+0.5))
	return s
}

func (s *scores[T]) of(v T) float64 {
	low, high := 0, len(s.knots)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if s.knots[middle] < v {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low < len(s.knots) && s.knots[low] == v {
		return s.at[low]
	}
	return s.before[low]
}

// population are the scores of all values.
type population struct {
	sum, squares float64
	smooth       bool
}

// The pooled test of lines asks the other sample to be made of equal lines, and
// the two lines at one place to differ by themselves: these are the least chance
// at which lines are said to be equal, and the largest at which two differ.
const (
	equalLines = 0.001
	otherLine  = 1e-5
)

// scaleChance returns the chance of the line whose values are spread most
// unlike all others, and the line: for lines too short for the comparison place
// by place. It supposes that all lines follow one law, which the other sample
// must bear out: its lines must look alike, and the one at the same place must
// not lean the same way. Otherwise the chance is 1.
func (d *dimension) scaleChance(n int, all population) (p float64, line int) {
	if len(d.lines) < 4 || !all.smooth {
		return 1, 0
	}
	mean := all.sum / float64(2*n)
	variance := all.squares/float64(2*n) - mean*mean
	if !(variance > 0) || !(mean > 0) {
		return 1, 0
	}
	// The sum over a line, as a gamma variable of that mean and variance: with
	// scores of normal values it is half a chi-square one.
	form := float64(d.length) * mean * mean / variance
	var sides [2][]chance
	var sums [2][]float64
	for i, l := range d.lines {
		if int(l.xZero) == d.length && int(l.yZero) == d.length {
			continue
		}
		for side, q := range [2]float64{l.x, l.y} {
			g := q * mean / variance
			sums[side] = append(sums[side], q)
			sides[side] = append(sides[side], chance{mathext.GammaIncReg(form, g), mathext.GammaIncRegComp(form, g), i})
		}
	}
	best := 0.5
	for side, mine := range sides {
		if !d.alike(sides[1-side]) {
			continue
		}
		for i, c := range mine {
			p, a, b := c.above, sums[side][i], sums[1-side][i]
			if c.below < c.above {
				p, a, b = c.below, b, a
			}
			if p < best && mathext.RegIncBeta(form, form, b/(a+b)) < otherLine {
				best, line = p, c.line
			}
		}
	}
	return most(2*best, 2*len(d.lines)), line
}

// alike reports whether the lines look like lines of one law: neither one of
// them nor all together are too far from the mean.
func (d *dimension) alike(c []chance) bool {
	least, sum := 0.5, 0.0
	for _, v := range c {
		least = min(least, v.below, v.above)
		z := normalQuantile(v.below)
		if v.above < v.below {
			z = -normalQuantile(v.above)
		}
		sum += float64(z * z)
	}
	return most(2*least, len(c)) >= equalLines && ChiSquareUpper(sum, len(c)) >= equalLines
}
