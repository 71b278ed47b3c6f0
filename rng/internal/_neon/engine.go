package main

// The parameters of MT19937.
const (
	words  = 624
	middle = 397
)

// engine writes what works on the state of the generator: 624 words and room
// for 16 more. The first four words of a refreshed block are written there
// too. Then the block is whole vectors, each of which looks at the words 1 and
// 397 places on, or, from word 228 on, 227 places back; no vector lies on both
// sides of the border, and the last one finds its neighbour.
func (g *gen) engine() {
	g.start("refresh", "state *[640]uint32, blocks int",
		"replaces the state by the block of words that comes blocks later.")
	g.blocks(func(y []vec) {})

	g.start("outputs", "dst *uint32, state *[640]uint32, blocks int",
		"refreshes the state blocks times and writes all outputs, 624 words a time.")
	g.general("dst", "R0")
	t := g.tempering()
	g.blocks(func(y []vec) { g.each(y, t.temper) })

	g.start("temper", "dst *uint32, src *uint32, n int",
		"writes the outputs of n state words; n is a multiple of 8.")
	t = g.tempering()
	g.vectors("dst", "src", t.temper)

	g.uniform32("uniform32", false)
	g.uniform32("uniform32Fold", true)
}

// each emits what makes a vector of each of those given and writes them to
// where R0 points.
func (g *gen) each(y []vec, of func(vec) vec) {
	var sequences []func()
	for i, y := range y {
		sequences = append(sequences, func() { g.store(of(y), "R0", 4*lanes*i) })
	}
	g.abreast(sequences...)
	g.advance(4*lanes*len(y), "R0")
}

// vectors emits the rest of a function that makes a vector of each vector of a
// source; parameter n, a multiple of two vectors, counts the elements.
func (g *gen) vectors(dst, src string, of func(vec) vec) {
	g.general(dst, "R0")
	g.general(src, "R1")
	g.general("n", "R2")
	part := func(name string, pairs int) {
		g.loop(name, "R2", 2*lanes*pairs, func() {
			var made []func()
			for i := range pairs {
				made = append(made, func() {
					a, b := g.loadPair("R1", 8*lanes*i)
					g.storePair(of(a), of(b), "R0", 8*lanes*i)
				})
			}
			g.abreast(made...)
			g.advance(8*lanes*pairs, "R1")
			g.advance(8*lanes*pairs, "R0")
		})
	}
	part("pairs", 2)
	part("pair", 1)
	g.finish()
}

// uniform32 writes the two kernels of the float32 uniform: whole blocks, and
// any number of pairs of vectors of state words. A value is k*step + low for
// the 24 lower bits k of a word, step being the width of the range times 2^-24.
func (g *gen) uniform32(name string, fold bool) {
	note := ""
	if fold {
		note = " Values equal to high become low."
	}
	const numbers = ", step float32, low float32, high float32"
	maker := func() func(vec) vec {
		t := g.tempering()
		step, low, mask := g.float("step"), g.float("low"), g.bits(0xffffff)
		var high vec
		if fold {
			high = g.float("high")
		}
		return func(y vec) vec {
			k, v := g.toFloat(g.and(t.temper(y), mask)), g.copyOf(low)
			g.fma(v, k, step)
			if fold {
				g.insert(v, low, g.equal(v, high))
			}
			return v
		}
	}

	g.start(name+"Blocks", "dst *float32, state *[640]uint32, blocks int"+numbers,
		"refreshes the state blocks times and makes 624 values of each block."+note)
	g.general("dst", "R0")
	value := maker()
	g.blocks(func(y []vec) { g.each(y, value) })

	g.start(name, "dst *float32, src *uint32, n int"+numbers,
		"makes the values of n state words; n is a multiple of 8."+note)
	g.vectors("dst", "src", maker())
}

// blocks emits the rest of a function that refreshes parameter state as often
// as parameter blocks says. each gets the new vectors in order, some at a time.
func (g *gen) blocks(each func(y []vec)) {
	g.general("state", "R1")
	g.general("blocks", "R2")
	upper, one, matrix := g.bits(0x80000000), g.bits(1), g.bits(0x9908b0df)
	const cursor, source = "R3", "R4"
	// All words are read before one is replaced: the sequences are alike.
	some := func(count int, copies bool) {
		made := make([]vec, count)
		var sequences []func()
		for i := range made {
			sequences = append(sequences, func() {
				at := 4 * lanes * i
				next := g.load(cursor, at+4)
				odd := g.and(g.test(next, one), matrix)
				g.insert(next, g.load(cursor, at), upper)
				y := g.xor(g.shiftRight(1, next), odd)
				made[i] = g.xor(y, g.load(source, at))
				g.store(made[i], cursor, at)
			})
		}
		g.abreast(sequences...)
		if copies {
			g.store(made[0], cursor, 4*words)
		}
		g.advance(4*lanes*count, cursor)
		g.advance(4*lanes*count, source)
		each(made)
	}
	// The vectors before the border but for the first, and those behind it.
	const early = (words - middle) / lanes
	const late = words/lanes - early - 1
	g.loop("block", "R2", 1, func() {
		g.raw("MOVD R1, " + cursor)
		g.raw("ADD $1588, R1, " + source)
		some(1, true)
		g.repeat("early", "R5", early/4, func() { some(4, false) })
		g.raw("ADD $4, R1, " + source)
		g.repeat("late", "R5", late/3, func() { some(3, false) })
	})
	g.finish()
}

// tempering holds the constants of the outputs.
type tempering struct {
	*gen
	b, c vec
}

func (g *gen) tempering() tempering { return tempering{g, g.bits(0x9d2c5680), g.bits(0xefc60000)} }

func (t tempering) temper(x vec) vec {
	y := t.xor(x, t.shiftRight(11, x))
	y = t.xor(y, t.and(t.shiftLeft(7, y), t.b))
	y = t.xor(y, t.and(t.shiftLeft(15, y), t.c))
	return t.xor(y, t.shiftRight(18, y))
}
