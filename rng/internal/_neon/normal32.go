package main

// normal32 writes the Box-Muller transform of float32 as the kernels for amd64
// have it, where the ways in which it differs from the generic code are
// explained. A block is two vectors of radii and two of angles, made side by
// side.
//
// Numbers that something is multiplied by share registers, four in each;
// numbers that something is added to are loaded at every use, as the addition
// overwrites them.
func (g *gen) normal32() {
	g.start("normal32", "dst *float32, words *uint32, blocks int, mean float32, std float32",
		"makes blocks of 16 normals of 16 words each. mean is not -0, and both are finite.")
	g.general("dst", "R0")
	g.general("words", "R1")
	g.general("blocks", "R2")
	n := g.normal()
	g.loop("blocks", "R2", 1, func() {
		var radius, sin, cos, turns [2]vec
		r1, r2 := g.loadPair("R1", 0)
		a1, a2 := g.loadPair("R1", 8*lanes)
		g.advance(16*lanes, "R1")
		g.abreast(
			func() { radius[0] = n.radius(r1) },
			func() { sin[0], cos[0], turns[0] = n.sinCos(a1) },
			func() { radius[1] = n.radius(r2) },
			func() { sin[1], cos[1], turns[1] = n.sinCos(a2) })
		var x, y [2]vec
		var places []func()
		for i := range 2 {
			places = append(places, func() {
				g.insertTop(31, radius[i], g.shiftRight(23, turns[i])) // a radius has no sign
				x[i], y[i] = n.place(radius[i], cos[i]), n.place(radius[i], sin[i])
			})
		}
		g.abreast(places...)
		g.storePair(x[0], x[1], "R0", 0)
		g.storePair(y[0], y[1], "R0", 8*lanes)
		g.advance(16*lanes, "R0")
	})
	g.finish()
}

// The bit pattern of sqrt(1/2), the mantissa below which the exponent is one
// less.
const split = 0x3f3504f3

// normal holds the constants of the transform.
type normal struct {
	*gen
	low24, full, scaled, mantissa, split, minusOne vec
	eighth, quarter                                vec
	log0, logLow, minusTwo, logHigh                lane
	turn, part1, part2, cos0, sin0, half, std      lane
	mean                                           vec
}

func (g *gen) normal() normal {
	f := g.factors(2,
		-2*0x1.204376p-4, 2*0x1.bd0106p-13, -2, -2*0x1.63p-1,
		0x1.921fb6p2*0x1p-24, 2*(-0x1.92p-1+-0x1.fb4p-13), 2*-0x1.4442d2p-25, 2*0x1.99eb9cp-16,
		-0x1.9943f2p-13, 0.5)
	n := normal{
		gen: g, low24: g.bits(0xffffff), full: g.bits(1 << 24), scaled: g.bits(split + 24<<23),
		mantissa: g.bits(0x7fffff), split: g.bits(split), minusOne: g.number(-1),
		eighth: g.bits(1 << 21), quarter: g.bits(1 << 22),
		log0: f[0], logLow: f[1], minusTwo: f[2], logHigh: f[3],
		turn: f[4], part1: f[5], part2: f[6], cos0: f[7], sin0: f[8], half: f[9], std: f[10],
		mean: g.float("mean"),
	}
	g.set(n.std, "std")
	return n
}

// radius returns sqrt(-2 log(1 - u)).
func (n normal) radius(word vec) vec {
	m := n.toFloat(n.subInt(n.full, n.and(word, n.low24)))
	m = n.subInt(m, n.scaled)
	e := n.toFloat(n.shiftSigned(23, m))
	m = n.add(n.addInt(n.and(m, n.mantissa), n.split), n.minusOne)
	p := n.number(2 * 0x1.d7a37p-4)
	n.fmaBy(p, m, n.log0)
	for _, c := range []float32{
		-2 * 0x1.de4a34p-4, 2 * 0x1.fcba9ep-4, -2 * 0x1.23d37ep-3, 2 * 0x1.555cap-3,
		-2 * 0x1.999d58p-3, 2 * 0x1.fffff8p-3, -2 * 0x1.555554p-2,
	} {
		p = n.horner(p, m, c)
	}
	p = n.mul(p, m)
	z := n.mul(m, m)
	sum := n.mulBy(e, n.logLow)
	n.fma(sum, p, z)
	sum = n.add(sum, z)
	n.fmaBy(sum, m, n.minusTwo)
	n.fmaBy(sum, e, n.logHigh)
	return n.root(sum)
}

// horner returns p*x + c.
func (n normal) horner(p, x vec, c float32) vec {
	sum := n.number(c)
	n.fma(sum, p, x)
	return sum
}

// sinCos returns sine and cosine of the angle, apart from the sign that they
// have in common: they are to be negated if bit 23 of turns is set.
func (n normal) sinCos(word vec) (sin, cos, turns vec) {
	u := n.and(word, n.low24)
	x := n.mulBy(n.toFloat(u), n.turn)
	// Bit 22 stands for a quarter turn, after rounding to whole ones.
	turns = n.addInt(u, n.eighth)
	q := n.toFloat(n.shiftRight(22, turns))
	n.fmaBy(x, q, n.part1)
	n.fmaBy(x, q, n.part2)
	z := n.mul(x, x)

	c, s := n.number(2*-0x1.6c0c34p-10), n.number(0x1.11073cp-7)
	n.fmaBy(c, z, n.cos0)
	n.fmaBy(s, z, n.sin0)
	c, s = n.horner(c, z, 2*0x1.55554ap-5), n.horner(s, z, -0x1.555546p-3)
	c, s = n.mul(c, z), n.mul(s, z)
	n.fms(z, c, z) // minus what the kernels for amd64 have, so half of it is subtracted
	cos = n.number(1)
	n.fmsBy(cos, z, n.half)
	n.fma(x, s, x)
	sin = x

	// An odd number of quarter turns swaps the two and negates the cosine.
	odd, minus := n.test(turns, n.quarter), n.negative(sin)
	n.insert(sin, cos, odd)
	n.insert(cos, minus, odd)
	return sin, cos, turns
}

// place returns a value in its place.
func (n normal) place(radius, direction vec) vec {
	v := n.copyOf(n.mean)
	n.fmaBy(v, n.mul(radius, direction), n.std)
	return v
}
