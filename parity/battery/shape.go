package battery

import (
	"fmt"
	"math"
)

// shapes are the sums of T3 to T6 over sorted values.
type shapes struct {
	smooth   [4]float64
	anderson accurate
	distance float64
	counts   []int
}

// accurate is a sum that keeps what rounding loses (Neumaier 1974). The terms
// of Anderson and Darling's statistic add up to N squared before N is taken
// off.
type accurate struct{ sum, lost float64 }

func (a *accurate) add(v float64) {
	next := a.sum + v
	if math.Abs(a.sum) >= math.Abs(v) {
		a.lost += (a.sum - next) + v
	} else {
		a.lost += (v - next) + a.sum
	}
	a.sum = next
}

func (a *accurate) total() float64 { return a.sum + a.lost }

// shapesOf walks through the sorted values, a chunk at a time.
func shapesOf[T Float](s Sample[T], bins int) *shapes {
	r := &shapes{counts: make([]int, bins)}
	c := s.Law.curve()
	n := len(s.Values)
	var below, above [tableChunk]float64
	for start := 0; start < n; start += tableChunk {
		piece := s.Values[start:min(n, start+tableChunk)]
		fill(&c, below[:], above[:], piece)
		u := below[:len(piece)]
		r.addSmooth(u)
		r.addDistance(u, start, n)
		r.addCounts(u)
		addAnderson(r, &c, piece, u, above[:len(piece)], start, n)
	}
	return r
}

// addSmooth adds the normalised Legendre polynomials of degree 2 to 4, see
// [legendre]: that of degree 1 is not tested.
func (r *shapes) addSmooth(u []float64) {
	var s2, s3, s4 float64
	for _, v := range u {
		t := float64(2*v) - 1
		q := float64(t * t)
		s2 += float64(3*q) - 1
		s3 += float64(t * (float64(5*q) - 3))
		s4 += float64((float64(35*q)-30)*q) + 3
	}
	r.smooth[1] += float64(math.Sqrt(5)*s2) / 2
	r.smooth[2] += float64(math.Sqrt(7)*s3) / 2
	r.smooth[3] += 3 * s4 / 8
}

func (r *shapes) addDistance(u []float64, start, n int) {
	size := float64(n)
	step, rank, worst := 1/size, float64(start), r.distance
	for _, v := range u {
		d := v - float64(rank*step)
		rank++
		if d > worst {
			worst = d
		}
		if d = step - d; d > worst {
			worst = d
		}
	}
	r.distance = worst
}

// addCounts counts by bin. Sorted values stay in a bin for long.
func (r *shapes) addCounts(u []float64) {
	bins := len(r.counts)
	if bins == 0 {
		return
	}
	at, run, size := 0, 0, float64(bins)
	for _, v := range u {
		k := min(bins-1, int(float64(v*size)))
		if k != at {
			r.counts[at] += run
			at, run = k, 0
		}
		run++
	}
	r.counts[at] += run
}

// logGroup is how many values share their logarithms.
const logGroup = 8

// groupLeast is the smallest chance that may enter a group: its 28th power
// must be a number.
const groupLeast = 1.0 / (1 << 28)

// addAnderson adds (2i+1) ln F(x_i) + (2(n-i)-1) ln(1 - F(x_i)). The weights of
// neighbours differ by 2, so a group of them needs the logarithms of two
// products: of all its chances, and of their powers 0 to 7.
func addAnderson[T Float](r *shapes, c *curve, values []T, below, above []float64, start, n int) {
	sum := 0.0
	at := 0
	for ; at+logGroup <= len(values); at += logGroup {
		b, a := (*[logGroup]float64)(below[at:]), (*[logGroup]float64)(above[at:])
		if b[0] < groupLeast || a[logGroup-1] < groupLeast || b[logGroup-1] < groupLeast || a[0] < groupLeast {
			sum += andersonOf(c, values[at:at+logGroup], start+at, n)
			continue
		}
		pb, pa := b[7], a[7]
		qb, qa := pb, pa
		for j := logGroup - 2; j > 0; j-- {
			pb *= b[j]
			pa *= a[j]
			qb *= pb
			qa *= pa
		}
		pb *= b[0]
		pa *= a[0]
		rank, size := float64(start+at), float64(n)
		sum += float64((2*rank+1)*math.Log(pb)) + float64((2*(size-rank)-1)*math.Log(pa)) + float64(2*math.Log(qb/qa))
	}
	sum += andersonOf(c, values[at:], start+at, n)
	r.anderson.add(sum)
}

// andersonOf is addAnderson value by value, also where a chance is 0 in
// float64.
func andersonOf[T Float](c *curve, values []T, start, n int) float64 {
	sum, size := 0.0, float64(n)
	for i, v := range values {
		below, above := c.LogTails(float64(v))
		rank := float64(start + i)
		sum += float64((2*rank+1)*below) + float64((2*(size-rank)-1)*above)
	}
	return sum
}

// shapeTests are T3 to T6, on sorted values.
func shapeTests[T Float](s Sample[T]) []Test {
	n := len(s.Values)
	if n < 16 {
		return nil
	}
	size, k := float64(n), binsFor(n)
	r := shapesOf(s, k)
	var tests []Test
	if n >= 64 {
		for j := 1; j < 4; j++ {
			z := r.smooth[j] / math.Sqrt(size)
			tests = append(tests, newTest(fmt.Sprintf("T3 S%d", j+1), n, z, TwoSided(z), true))
		}
	}
	a := -size - r.anderson.total()/size
	tests = append(tests, newTest("T4 Anderson-Darling", n, a, AndersonDarling(a), true),
		newTest("T5 Kolmogorov", n, r.distance, Kolmogorov(r.distance, size), true))
	if k > 0 {
		expected, x := size/float64(k), 0.0
		for _, c := range r.counts {
			d := float64(c) - expected
			x += float64(d*d) / expected
		}
		tests = append(tests, newTest("T6 chi-square", n, x, ChiSquareUpper(x, k-1), true))
	}
	return tests
}
