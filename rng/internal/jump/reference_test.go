package jump

// What the tests compare with: the recurrence as it is written down, and the
// textbook's way to jump, with nothing of the package's but the table of
// exponents that program gen found.

// seeded returns the engine's words for a seed, before the first refresh.
func seeded(seed uint32) *[N]uint32 {
	var x [N]uint32
	x[0] = seed
	for i := 1; i < N; i++ {
		x[i] = 1812433253*(x[i-1]^x[i-1]>>30) + uint32(i)
	}
	return &x
}

// step refreshes the block n times.
func step(state *[N]uint32, n int64) {
	for range n {
		for i := range N {
			y := state[i]&0x80000000 | state[(i+1)%N]&0x7fffffff
			state[i] = state[(i+397)%N] ^ y>>1
			if y%2 == 1 {
				state[i] ^= 0x9908b0df
			}
		}
	}
}

// sequence returns the first n words of the recurrence, beginning with state.
func sequence(state *[N]uint32, n int) []uint32 {
	s := *state
	x := append(make([]uint32, 0, n+N), s[:]...)
	for len(x) < n {
		step(&s, 1)
		x = append(x, s[:]...)
	}
	return x[:n]
}

const degree = 19937

// residue has bit i set if t^i is among the terms.
type residue []uint64

// textbookPower returns t^e modulo the characteristic polynomial.
func textbookPower(e uint64) residue {
	p := make(residue, 2*degree/64+2)
	p[0] = 1
	for i := 63; i >= 0; i-- {
		square := make(residue, len(p))
		for k := range degree/64 + 1 {
			square[2*k] = spread(uint32(p[k]))
			square[2*k+1] = spread(uint32(p[k] >> 32))
		}
		p = square
		if e>>i&1 == 1 {
			for k := len(p) - 1; k > 0; k-- {
				p[k] = p[k]<<1 | p[k-1]>>63
			}
			p[0] <<= 1
		}
		// In chunks of 64 from the top: the next exponent is 623 lower.
		for low := degree / 64 * 64; low >= 0; low -= 64 {
			at := degree + low
			chunk := p[at/64]>>(at%64) | p[at/64+1]<<1<<(63-at%64)
			for _, exponent := range characteristic {
				to := exponent + low
				p[to/64] ^= chunk << (to % 64)
				p[to/64+1] ^= chunk >> 1 >> (63 - to%64)
			}
		}
	}
	return p[:degree/64+1]
}

// textbookBlocks moves state ahead by n >= 1 blocks by adding windows of the
// sequence from x(1) on, the first word of which every bit is part of the
// state.
func textbookBlocks(state *[N]uint32, n int64) {
	p := textbookPower(uint64(n)*N - 1)
	x := sequence(state, 1+degree+N)
	var sum [N]uint32
	for i := range degree {
		if p[i/64]>>(i%64)&1 == 1 {
			for k, v := range x[1+i : 1+i+N] {
				sum[k] ^= v
			}
		}
	}
	*state = sum
}
