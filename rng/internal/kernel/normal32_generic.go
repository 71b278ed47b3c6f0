package kernel

import "math"

// half is the number of pairs in a block.
const half = Block / 2

// lanes holds a number for each pair of a block. The functions of this file
// go over all lanes in several short loops, not once in a long one: each step
// of a polynomial waits for the one before, and only other lanes give the
// processor something to do meanwhile. That halves the time.
type lanes [half]float32

// normalF32Generic is the Box-Muller transform of PyTorch's AVX2 kernel
// (ATen/native/cpu/DistributionTemplates.h): of each block of 16 words the
// first eight give the radii and the last eight the angles.
func normalF32Generic(dst []float32, words []uint32, mean, std float32) {
	out := dst
	var radius, sin, cos lanes
	for len(dst) >= Block && len(words) >= Block {
		d := (*[Block]float32)(dst)
		radii32(&radius, (*[half]uint32)(words))
		sincos32(&sin, &cos, (*[half]uint32)(words[half:]))
		for j, r := range radius {
			sin, cos := float32(r*sin[j]), float32(r*cos[j])
			x, y := sum64(cos, std, mean), sum64(sin, std, mean)
			d[j], d[j+half] = float32(x), float32(y)
			if roundsTwice(x) {
				d[j] = fma32Odd(cos, std, mean)
			}
			if roundsTwice(y) {
				d[j+half] = fma32Odd(sin, std, mean)
			}
		}
		dst, words = dst[Block:], words[Block:]
	}
	if isInf32(mean) || isInf32(std) {
		fixNaN(out[:len(out)-len(dst)])
	}
}

// The logarithm's constants: the mantissa below which the exponent is one
// less, the polynomial (highest power first), and log 2 in two parts.
const (
	logSplit = 0x3f3504f3 // a bit pattern, of sqrt(1/2)

	log0    float32 = 0x1.204376p-4   // 3d9021bb
	log1    float32 = -0x1.d7a37p-4   // bdebd1b8
	log2    float32 = 0x1.de4a34p-4   // 3def251a
	log3    float32 = -0x1.fcba9ep-4  // bdfe5d4f
	log4    float32 = 0x1.23d37ep-3   // 3e11e9bf
	log5    float32 = -0x1.555cap-3   // be2aae50
	log6    float32 = 0x1.999d58p-3   // 3e4cceac
	log7    float32 = -0x1.fffff8p-3  // be7ffffc
	log8    float32 = 0x1.555554p-2   // 3eaaaaaa
	logLow  float32 = -0x1.bd0106p-13 // b95e8083
	logHigh float32 = 0x1.63p-1       // 3f318000
)

// radii32 sets dst to sqrt(-2 log(1 - u)) for the uniform u of each word. The
// square root is correctly rounded; the logarithm is PyTorch's vector
// logarithm (ATen/native/cpu/avx_mathfun.h, after Cephes), with the products
// fused that the compiler of the official build fused.
func radii32(dst *lanes, words *[half]uint32) {
	var e, m, y lanes
	for j, w := range words {
		// 1 - u = k 2^-24 = (1 + m) 2^e. Exponent and mantissa come out of one
		// subtraction of integers; a comparison of the mantissa would be a
		// branch that is mispredicted every third time.
		k := 1<<24 - w&0xffffff
		bits := math.Float32bits(float32(int32(k))) - (logSplit + 24<<23)
		e[j] = float32(int32(bits) >> 23)
		m[j] = math.Float32frombits(bits&0x7fffff+logSplit) - 1
	}
	for j, m := range m {
		p := mulAdd(log0, m, log1)
		p = mulAdd(p, m, log2)
		p = mulAdd(p, m, log3)
		y[j] = mulAdd(p, m, log4)
	}
	for j, m := range m {
		p := mulAdd(y[j], m, log5)
		p = mulAdd(p, m, log6)
		p = mulAdd(p, m, log7)
		p = mulAdd(p, m, log8)
		y[j] = float32(p * m)
	}
	for j, m := range m {
		z := float32(m * m)
		p := mulAdd(y[j], z, float32(e[j]*logLow))
		p = mulAdd(-0.5, z, p)
		log := mulAdd(e[j], logHigh, m+p)
		dst[j] = float32(math.Sqrt(float64(-2 * log)))
	}
}

// The constants of sine and cosine: 2 pi, 4 / pi, pi / 4 in three parts
// (negated), and the polynomials (highest power first).
const (
	twoPi32 float32 = 0x1.921fb6p2    // 40c90fdb
	octants float32 = 0x1.45f306p0    // 3fa2f983
	part1   float32 = -0x1.92p-1      // bf490000
	part2   float32 = -0x1.fb4p-13    // b97da000
	part3   float32 = -0x1.4442d2p-25 // b3222169
	cos0    float32 = 0x1.99eb9cp-16  // 37ccf5ce
	cos1    float32 = -0x1.6c0c34p-10 // bab6061a
	cos2    float32 = 0x1.55554ap-5   // 3d2aaaa5
	sin0    float32 = -0x1.9943f2p-13 // b94ca1f9
	sin1    float32 = 0x1.11073cp-7   // 3c08839e
	sin2    float32 = -0x1.555546p-3  // be2aaaa3
)

// sincos32 sets sin and cos to PyTorch's vector sine and cosine
// (avx_mathfun.h) of 2 pi u for the uniform u of each word.
func sincos32(sin, cos *lanes, words *[half]uint32) {
	var x, z lanes
	var octant [half]int32
	for j, w := range words {
		theta := float32(twoPi32 * unit24(w))
		octant[j] = (int32(float32(theta*octants)) + 1) &^ 1
		y := float32(octant[j])
		v := mulAdd(y, part1, theta)
		v = mulAdd(y, part2, v)
		v = mulAdd(y, part3, v)
		x[j], z[j] = v, float32(v*v)
	}
	for j, z := range z {
		c := mulAdd(cos0, z, cos1)
		c = mulAdd(c, z, cos2)
		cos[j] = float32(c * z)
		s := mulAdd(sin0, z, sin1)
		s = mulAdd(s, z, sin2)
		sin[j] = float32(s * z)
	}
	for j, x := range x {
		c := mulAdd(cos[j], z[j], -float32(z[j]*0.5)) + 1
		s := mulAdd(sin[j], x, x)
		sin[j], cos[j] = turn(s, c, octant[j])
	}
}

// turn makes the sine and cosine of an angle from those of its distance to an
// even octant. It works on the bits, as branches on random octants would be
// mispredicted.
func turn(sin, cos float32, octant int32) (float32, float32) {
	const sign = 1 << 31
	s, c, o := math.Float32bits(sin), math.Float32bits(cos), uint32(octant)
	swap := (s ^ c) & -(o >> 1 & 1)
	s ^= swap ^ o<<29&sign
	c ^= swap ^ ^(o-2)<<29&sign
	return math.Float32frombits(s), math.Float32frombits(c)
}

func isInf32(v float32) bool { return math.IsInf(float64(v), 0) }
