package jump

import "math/bits"

// What a jump costs, in nanoseconds, on an AMD EPYC of the first generation
// (go test -bench .); newer CPUs are faster at this and at stepping alike.
const (
	costPortable = 240_000
	costAssembly = 70_000
	// costSquaring is the price of one more bit in a distance not remembered.
	costSquaring = 8_000
)

// Pays tells whether [Blocks] is likely to be faster than n refreshes that
// take nsPerWord nanoseconds a word.
func Pays(n int64, nsPerWord float64) bool {
	if n <= 0 {
		return false
	}
	cost := float64(costPortable)
	if hasAssembly && allowed.Load() {
		cost = costAssembly
	}
	stepping := float64(n) * N * nsPerWord
	if !(stepping > cost) { // not a number does not pay
		return false
	}
	if !remembered.knows(uint64(n)) {
		cost += costSquaring * float64(bits.Len64(uint64(n))) // 9 bits are free, N has 10
	}
	return stepping > cost
}
