package kernel

import "math"

// glibc's sine and cosine for processors with fused multiply-add
// (sysdeps/ieee754/dbl-64/s_sin.c of 2.36, after IBM's Accurate Mathematical
// Library), for arguments from 0 to 2 pi. Names follow glibc's.

var (
	sn3 = math.Float64frombits(0xbfc5555555555515)
	sn5 = math.Float64frombits(0x3f811110e829872f)
	cs2 = math.Float64frombits(0x3fe0000000000000)
	cs4 = math.Float64frombits(0xbfa5555555555535)
	cs6 = math.Float64frombits(0x3f56c16bedd9e239)

	// The Taylor polynomial of the sine near 0.
	taylor1 = math.Float64frombits(0xbfc5555555555555)
	taylor2 = math.Float64frombits(0x3f81111111110ece)
	taylor3 = math.Float64frombits(0xbf2a01a019db08b8)
	taylor4 = math.Float64frombits(0x3ec71de27b9a7ed9)
	taylor5 = math.Float64frombits(0xbe5addffc2fcdf59)

	// pi / 2 in two parts, and in four whose products with a small integer
	// are exact or nearly so.
	hp0 = math.Float64frombits(0x3ff921fb54442d18)
	hp1 = math.Float64frombits(0x3c91a62633145c07)
	mp1 = math.Float64frombits(0x3ff921fb58000000)
	mp2 = math.Float64frombits(0xbe4dde973c000000)
	pp3 = math.Float64frombits(0xbc8cb3b398000000)
	pp4 = math.Float64frombits(0xbacd747f23e32ed7)

	twoOverPi   = math.Float64frombits(0x3fe45f306dc9c883)
	taylorBelow = math.Float64frombits(0x3fc020c49ba5e354) // 0.126
)

const (
	roundTo128th = 1.5 * (1 << 45) // added: the sum's low bits count 1/128ths
	roundToInt   = 1.5 * (1 << 52)

	// Upper halves of the bounds between the ranges.
	sinTiny = 0x3e500000 // 2^-26: sin x is x
	cosTiny = 0x3e400000 // 2^-27: cos x is 1
	direct  = 0x3feb6000 // 0.855: no reduction
	folded  = 0x400368fd // 2.426: reduction by one pi / 2
)

// sincos64 returns the sine and the cosine of x, 0 <= x <= 2 pi. One of them
// is always sinNear and the other cosNear of what the reduction leaves.
func sincos64(x float64) (sin, cos float64) {
	switch top := math.Float64bits(x) >> 32; {
	case top < cosTiny:
		return x, 1
	case top < sinTiny:
		return x, cosNear(x, 0)
	case top < direct:
		return sinNear(x, 0), cosNear(x, 0)
	case top < folded:
		y := hp0 - x
		a := y + hp1
		return cosNear(y, hp1), sinNear(a, (y-a)+hp1)
	}
	a, d, quadrant := reduce(x)
	return turn64(sinNear(a, d), cosNear(a, d), quadrant)
}

// turn64 adds quarter turns to an angle. As [turn] it works on the bits.
func turn64(sin, cos float64, quadrant uint64) (float64, float64) {
	s, c := math.Float64bits(sin), math.Float64bits(cos)
	swap := (s ^ c) & -(quadrant & 1)
	s ^= swap ^ quadrant>>1<<63
	c ^= swap ^ (quadrant+1)>>1<<63
	return math.Float64frombits(s), math.Float64frombits(c)
}

// along is d with the sign turned if that of a is set.
func along(a, d float64) float64 {
	return math.Float64frombits(math.Float64bits(d) ^ math.Float64bits(a)>>63<<63)
}

// reduce subtracts the nearest multiple of pi / 2; the rest is a + d.
func reduce(x float64) (a, d float64, quadrant uint64) {
	t := math.FMA(x, twoOverPi, roundToInt)
	m := t - roundToInt
	quadrant = math.Float64bits(t) & 3
	y := math.FMA(-m, mp2, math.FMA(-m, mp1, x))
	t2 := math.FMA(-m, pp3, y)
	d = math.FMA(-pp3, m, y-t2)
	a = math.FMA(-m, pp4, t2)
	d += math.FMA(-m, pp4, t2-a)
	return a, d, quadrant
}

// sinNear is the sine of a + d, |a| < 0.86 and d small against a.
func sinNear(a, d float64) float64 {
	if math.Abs(a) < taylorBelow {
		q := float64(a * a)
		p := math.FMA(math.FMA(math.FMA(math.FMA(taylor5, q, taylor4), q, taylor3), q, taylor2), q, taylor1)
		return a + math.FMA(q, math.FMA(p, a, -float64(0.5*d)), d)
	}
	d = along(a, d)
	row, y := nearestRow(math.Abs(a))
	q := float64(y * y)
	s := y + math.FMA(float64(y*q), math.FMA(sn5, q, sn3), d)
	c := math.FMA(y, d, float64(q*math.FMA(math.FMA(cs6, q, cs4), q, cs2)))
	v := row.sin + math.FMA(s, row.cos, math.FMA(-c, row.sin, math.FMA(row.cosLow, s, row.sinLow)))
	return math.Copysign(v, a)
}

// cosNear is the cosine of a + d, as [sinNear].
func cosNear(a, d float64) float64 {
	row, y := nearestRow(math.Abs(a))
	y += along(a, d)
	q := float64(y * y)
	s := math.FMA(float64(y*q), math.FMA(sn5, q, sn3), y)
	c := float64(q * math.FMA(math.FMA(cs6, q, cs4), q, cs2))
	return row.cos + math.FMA(-s, row.sin, math.FMA(-c, row.cos, math.FMA(-s, row.sinLow, row.cosLow)))
}

// nearestRow returns the table's row for the multiple of 1/128 nearest to a,
// and what a is beyond it.
func nearestRow(a float64) (row *sincosRow, y float64) {
	v := roundTo128th + a
	y = a - (v - roundTo128th)
	return &sincosTable[uint32(math.Float64bits(v))], y
}
