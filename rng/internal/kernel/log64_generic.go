package kernel

import "math"

// The logarithm below is glibc's for processors with fused multiply-add
// (sysdeps/ieee754/dbl-64/e_log.c of 2.36, after ARM's optimized routines):
// the same coefficients, the same products fused. It is not correctly rounded
// in about 0.1 % of arguments, and the bits of torch are its bits. The
// standard library's math.Log differs from it in every fourth argument.

var (
	log64Ln2High = math.Float64frombits(0x3fe62e42fefa3800)
	log64Ln2Low  = math.Float64frombits(0x3d2ef35793c76730)

	// log64A is the polynomial for the reduced argument, lowest power first.
	log64A = [...]float64{
		math.Float64frombits(0xbfe0000000000001), math.Float64frombits(0x3fd555555551305b),
		math.Float64frombits(0xbfcfffffffeb4590), math.Float64frombits(0x3fc999b324f10111),
		math.Float64frombits(0xbfc55575e506c89f),
	}
	// log64B is the polynomial near 1.
	log64B = [...]float64{
		math.Float64frombits(0xbfe0000000000000), math.Float64frombits(0x3fd5555555555577),
		math.Float64frombits(0xbfcffffffffffdcb), math.Float64frombits(0x3fc999999995dd0c),
		math.Float64frombits(0xbfc55555556745a7), math.Float64frombits(0x3fc24924a344de30),
		math.Float64frombits(0xbfbfffffa4423d65), math.Float64frombits(0x3fbc7184282ad6ca),
		math.Float64frombits(0xbfb999eb43b068ff), math.Float64frombits(0x3fb78182f7afd085),
		math.Float64frombits(0xbfb5521375d145cd),
	}
)

// log64 returns the natural logarithm of x, 0 < x <= 1, x not subnormal.
func log64(x float64) float64 {
	const nearLow, nearHigh = 0x3fee000000000000, 0x3ff1090000000000
	if bits := math.Float64bits(x); bits < nearLow || bits >= nearHigh {
		return log64Far(bits)
	}
	return log64Near(x)
}

// log64Near works around 1 with r = x - 1: the square of r is formed from its
// upper half rh exactly, so that r - r*r/2 keeps its low bits.
func log64Near(x float64) float64 {
	if x == 1 {
		return 0
	}
	b := &log64B
	r := x - 1
	r2 := float64(r * r)
	r3 := float64(r * r2)
	p1 := math.FMA(r2, b[3], math.FMA(b[2], r, b[1]))
	p2 := math.FMA(r2, b[6], math.FMA(b[5], r, b[4]))
	p3 := math.FMA(r3, b[10], math.FMA(r2, b[9], math.FMA(b[8], r, b[7])))
	p := math.FMA(math.FMA(p3, r3, p2), r3, p1)

	rh := math.FMA(-0x1p27, r, math.FMA(r, 0x1p27, r))
	q := float64(rh * rh)
	rl := r - rh
	hi := math.FMA(q, b[0], r)
	lo := math.FMA(q, b[0], r-hi)
	lo = math.FMA(float64(b[0]*rl), rh+r, lo)
	return hi + math.FMA(p, r3, lo)
}

// log64Far writes x as 2^k z with z near one of 128 points c, of which 1/c
// and log c are tabled.
func log64Far(bits uint64) float64 {
	const origin = 0x3fe6000000000000
	t := bits - origin
	k := float64(int64(t) >> 52)
	z := math.Float64frombits(bits - t&(0xfff<<52))
	row := &log64Table[t>>45&127]

	a := &log64A
	r := math.FMA(z, row.inverse, -1)
	w := math.FMA(k, log64Ln2High, row.log)
	hi := r + w
	r2 := float64(r * r)
	lo := math.FMA(k, log64Ln2Low, (w-hi)+r)
	lo = math.FMA(r2, a[0], lo)
	q := math.FMA(math.FMA(r, a[4], a[3]), r2, math.FMA(a[2], r, a[1]))
	return math.FMA(float64(r*r2), q, lo) + hi
}
