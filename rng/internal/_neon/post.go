package main

// post writes what is done to values after the draw.
func (g *gen) post() {
	g.start("multiply32", "dst *float32, n int, by float32",
		"multiplies n elements; n is a multiple of 8. Every NaN gets the bits ffc00000.")
	by, invalid := g.float("by"), g.bits(0xffc00000)
	g.vectors("dst", "dst", func(v vec) vec {
		v = g.mul(v, by)
		g.insertUnless(v, invalid, g.equal(v, v))
		return v
	})

	half, ones := vec(0), vec(0)
	g.cast("bf16", func() { half, ones = g.bits(0x7fff), g.bits(0xffffffff) },
		func(a, b vec) vec {
			rounded := func(v vec) vec {
				r := g.addInt(v, half)
				g.addShifted(31, r, g.shiftLeft(15, v)) // the lowest bit that stays
				g.insertUnless(r, ones, g.equal(v, v))
				return r
			}
			return g.upperHalves(rounded(a), rounded(b))
		})
	g.cast("f16", func() {}, func(a, b vec) vec {
		v := g.operation(fcvtn, a)
		g.lacking(fcvtn2, []vec{v}, []vec{v, b}, v, b)
		return v
	})
}

// cast writes a conversion of two vectors to one of numbers half as wide.
func (g *gen) cast(name string, constants func(), convert func(a, b vec) vec) {
	g.start(name, "dst *byte, src *float32, n int", "converts n values; n is a multiple of 8.")
	g.general("dst", "R0")
	g.general("src", "R1")
	g.general("n", "R2")
	constants()
	part := func(name string, pairs int) {
		g.loop(name, "R2", 2*lanes*pairs, func() {
			var made []func()
			for i := range pairs {
				made = append(made, func() {
					a, b := g.loadPair("R1", 8*lanes*i)
					g.store(convert(a, b), "R0", 4*lanes*i)
				})
			}
			g.abreast(made...)
			g.advance(8*lanes*pairs, "R1")
			g.advance(4*lanes*pairs, "R0")
		})
	}
	part("pairs", 2)
	part("pair", 1)
	g.finish()
}
