package philox

import "math"

// glibc's logf, sinf and cosf, for the arguments that normals have: float64
// inside, rounded once at the end. Fused or not they give the same bits, for
// every argument that a word can make.

var (
	ln2 = math.Float64frombits(0x3fe62e42fefa39ef)

	logA0 = math.Float64frombits(0xbfd00ea348b88334)
	logA1 = math.Float64frombits(0x3fd5575b0be00b6a)
	logA2 = math.Float64frombits(0xbfdffffef20a4123)

	// logTable holds 1/c and log c for 16 points c.
	logTable = [16][2]float64{
		{math.Float64frombits(0x3ff661ec79f8f3be), math.Float64frombits(0xbfd57bf7808caade)},
		{math.Float64frombits(0x3ff571ed4aaf883d), math.Float64frombits(0xbfd2bef0a7c06ddb)},
		{math.Float64frombits(0x3ff49539f0f010b0), math.Float64frombits(0xbfd01eae7f513a67)},
		{math.Float64frombits(0x3ff3c995b0b80385), math.Float64frombits(0xbfcb31d8a68224e9)},
		{math.Float64frombits(0x3ff30d190c8864a5), math.Float64frombits(0xbfc6574f0ac07758)},
		{math.Float64frombits(0x3ff25e227b0b8ea0), math.Float64frombits(0xbfc1aa2bc79c8100)},
		{math.Float64frombits(0x3ff1bb4a4a1a343f), math.Float64frombits(0xbfba4e76ce8c0e5e)},
		{math.Float64frombits(0x3ff12358f08ae5ba), math.Float64frombits(0xbfb1973c5a611ccc)},
		{math.Float64frombits(0x3ff0953f419900a7), math.Float64frombits(0xbfa252f438e10c1e)},
		{math.Float64frombits(0x3ff0000000000000), math.Float64frombits(0x0000000000000000)},
		{math.Float64frombits(0x3fee608cfd9a47ac), math.Float64frombits(0x3faaa5aa5df25984)},
		{math.Float64frombits(0x3feca4b31f026aa0), math.Float64frombits(0x3fbc5e53aa362eb4)},
		{math.Float64frombits(0x3feb2036576afce6), math.Float64frombits(0x3fc526e57720db08)},
		{math.Float64frombits(0x3fe9c2d163a1aa2d), math.Float64frombits(0x3fcbc2860d224770)},
		{math.Float64frombits(0x3fe886e6037841ed), math.Float64frombits(0x3fd1058bc8a07ee1)},
		{math.Float64frombits(0x3fe767dcf5534862), math.Float64frombits(0x3fd4043057b6ee09)},
	}
)

// logf is the natural logarithm of x, 0 < x <= 1, not subnormal.
func logf(x float32) float32 {
	const origin = 0x3f330000
	bits := math.Float32bits(x)
	t := bits - origin
	row := &logTable[t>>19&15]
	k := float64(int32(t) >> 23)
	z := float64(math.Float32frombits(bits - t&0xff800000))
	r := float64(z*row[0]) - 1
	y0 := float64(k*ln2) + row[1]
	r2 := float64(r * r)
	y := float64(r2*logA0) + (float64(logA1*r) + logA2)
	return float32(float64(r2*y) + (y0 + r))
}

var (
	quadrants = math.Float64frombits(0x41645f306dc9c883) // 2^24 / (pi/2)
	halfPi    = math.Float64frombits(0x3ff921fb54442d18)

	sin1 = math.Float64frombits(0xbfc555545995a603)
	sin2 = math.Float64frombits(0x3f81107605230bc4)
	sin3 = math.Float64frombits(0xbf2994eb3774cf24)
	cos1 = math.Float64frombits(0xbfdffffffd0c621c)
	cos2 = math.Float64frombits(0x3fa55553e1068f19)
	cos3 = math.Float64frombits(0xbf56c087e89a359d)
	cos4 = math.Float64frombits(0x3ef99343027bf8c3)
)

// sincosf returns sine and cosine of y, 0 <= y <= 2 pi. glibc takes a shorter
// way for small arguments, which changes no bit. There are no branches: where
// y lies cannot be foretold.
func sincosf(y float32) (sin, cos float32) {
	x := float64(y)
	n := uint32((int32(float64(x*quadrants)) + 1<<23) >> 24)
	x -= float64(float64(int32(n)) * halfPi)
	q := float64(x * x)
	x3 := float64(q * x)
	s := float64((float64(sin3*q)+sin2)*float64(q*x3)) + (float64(x3*sin1) + x)
	q2 := float64(q * q)
	c := float64((float64(cos4*q)+cos3)*float64(q*q2)) + (float64(q2*cos2) + (float64(cos1*q) + 1))

	sinBits, cosBits := math.Float32bits(float32(s)), math.Float32bits(float32(c))
	exchange := (sinBits ^ cosBits) & -(n & 1)
	sinBits ^= exchange ^ (n&2)<<30
	cosBits ^= exchange ^ ((n+1)&2)<<30
	return math.Float32frombits(sinBits), math.Float32frombits(cosBits)
}
