package kernel

import "math"

// glibc's log1p (sysdeps/ieee754/dbl-64/s_log1p.c of 2.36, after fdlibm), in
// the form with fused multiply-add. It is off by one unit in the last place
// in every fourteenth argument.

var (
	log1pLn2High = math.Float64frombits(0x3fe62e42fee00000)
	log1pLn2Low  = math.Float64frombits(0x3dea39ef35793c76)
	log1pThirds  = math.Float64frombits(0x3fe5555555555555)

	// log1pL is the polynomial in s*s, lowest power first; index 0 is unused,
	// as in fdlibm's names Lp1 to Lp7.
	log1pL = [...]float64{
		0,
		math.Float64frombits(0x3fe5555555555593), math.Float64frombits(0x3fd999999997fa04),
		math.Float64frombits(0x3fd2492494229359), math.Float64frombits(0x3fcc71c51d8e78af),
		math.Float64frombits(0x3fc7466496cb03de), math.Float64frombits(0x3fc39a09d078c69f),
		math.Float64frombits(0x3fc2f112df3e5244),
	}
)

// log1p64 returns log(1 + x) for -1 < x <= 0.
func log1p64(x float64) float64 {
	const (
		tiny  = 0x3c900000 // 2^-54
		small = 0x3e200000 // 2^-29
	)
	switch top := uint32(math.Float64bits(x)>>32) & 0x7fffffff; {
	case top < tiny:
		return x
	case top < small:
		return math.FMA(-float64(x*x), 0.5, x)
	}
	k, f, c, rest := log1pReduce(x)
	return log1pReduced(k, f, c, rest)
}

// log1pReduce writes 1 + x as 2^k (1 + f), with sqrt(1/2) < 1 + f < sqrt(2).
// c is what the rounding of 1 + x lost, relative to it; rest is false if the
// mantissa is so close to a power of two that f has no leading bits. An x near
// 0 is f itself. Masks choose, as branches on random numbers would be
// mispredicted.
func log1pReduce(x float64) (k, f, c float64, rest bool) {
	const (
		near  = 0x3fd2bec4 // 1 - sqrt(1/2), upper half
		sqrt2 = 0x6a09e    // upper fraction bits of the square root of 2
	)
	v := 1 + x
	bits := math.Float64bits(v)
	fraction := bits & (1<<52 - 1)
	upper := int64(fraction >> 32)
	high := uint64(sqrt2-1-upper) >> 63 // 1 if the exponent is one more
	far := uint64(int64(near-1)-int64(math.Float64bits(x)<<1>>33)) >> 63
	mask := -far
	k = float64((int64(bits>>52) - 1023 + int64(high)) & int64(mask))
	c = math.Float64frombits(math.Float64bits((x-(v-1))/v) & mask)
	f = math.Float64frombits(fraction|(1023-high)<<52) - 1
	f = math.Float64frombits(math.Float64bits(f)&mask | math.Float64bits(x)&^mask)
	upper = (upper ^ -int64(high)&0xfffff) + int64(high) // 0x100000 - upper
	return k, f, c, upper>>(2*high) != 0 || far == 0
}

// log1pReduced returns k log 2 + log(1 + f), corrected by c.
func log1pReduced(k, f, c float64, rest bool) float64 {
	h := float64(float64(0.5*f) * f)
	if !rest {
		if f == 0 {
			if k == 0 {
				return 0
			}
			return math.FMA(k, log1pLn2High, math.FMA(k, log1pLn2Low, c))
		}
		r := float64(math.FMA(-f, log1pThirds, 1) * h)
		if k == 0 {
			return f - r
		}
		return math.FMA(k, log1pLn2High, -((r - math.FMA(k, log1pLn2Low, c)) - f))
	}
	l := &log1pL
	s := f / (2 + f)
	z := float64(s * s)
	z2 := float64(z * z)
	z4 := float64(z2 * z2)
	z6 := float64(z2 * z4)
	r := math.FMA(z, l[1], float64(z2*math.FMA(l[3], z, l[2])))
	r = math.FMA(z4, math.FMA(l[5], z, l[4]), r)
	r = math.FMA(z6, math.FMA(l[7], z, l[6]), r)
	t := float64((r + h) * s)
	return math.FMA(k, log1pLn2High, -((h - (math.FMA(k, log1pLn2Low, c) + t)) - f))
}
