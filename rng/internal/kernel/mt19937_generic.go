package kernel

// The parameters of MT19937 (Matsumoto and Nishimura 1998, with the seeding
// of 2002).
const (
	// N is the number of 32-bit words in the state, and so the number of
	// outputs between two refreshes.
	N = 624

	middle    = 397
	upperBit  = 0x80000000
	lowerBits = 0x7fffffff
	matrix    = 0x9908b0df
)

func seedGeneric(dst *[N]uint32, seed uint32) {
	dst[0] = seed
	for i := 1; i < N; i++ {
		previous := dst[i-1]
		dst[i] = 1812433253*(previous^previous>>30) + uint32(i)
	}
}

// refreshGeneric works in place: word i+N of the recurrence takes the place of
// word i, and the words it depends on are either not yet replaced (i+1 and,
// at first, i+middle) or already new, as the recurrence demands.
func refreshGeneric(state *[N]uint32) {
	first := state[0]
	for i := range N - middle {
		second := state[i+1]
		state[i] = state[i+middle] ^ twist(first, second)
		first = second
	}
	for i := N - middle; i < N-1; i++ {
		second := state[i+1]
		state[i] = state[i+middle-N] ^ twist(first, second)
		first = second
	}
	state[N-1] = state[middle-1] ^ twist(first, state[0])
}

// twist is the part of the recurrence that joins two neighbours.
func twist(first, second uint32) uint32 {
	y := first&upperBit | second&lowerBits
	return y>>1 ^ -(second&1)&matrix
}

func temperGeneric(dst, src []uint32) {
	n := min(len(dst), len(src))
	dst, src = dst[:n], src[:n]
	for i, y := range src {
		y ^= y >> 11
		y ^= y << 7 & 0x9d2c5680
		y ^= y << 15 & 0xefc60000
		y ^= y >> 18
		dst[i] = y
	}
}
