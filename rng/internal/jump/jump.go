// Package jump moves the state of MT19937 ahead by any number of words in
// constant memory and almost constant time, with the bits that stepping
// would give, all 624 words included.
//
// It draws nothing, tempers nothing and does not know where in its block a
// stream stands: package rng does. Package rng/internal/kernel steps.
//
// # How
//
// Write t for "one word on" and B for t^623 + t^396. The recurrence says that
// t B replaces word k by the twist of words k and k+1. With the word
// y(k) = top bit of x(k-1), other bits of x(k), that is: B replaces y by
// y>>1 xor (the matrix constant a, if y is odd), where the top bit comes from
// one word earlier. Following one bit through 32 such shifts gives the
// characteristic polynomial in closed form, of degree 19937:
//
//	phi = t B^32 + a0 t B^31 + a1 t B^30 + ... + a30 t B + a31
//
// (135 terms when multiplied out; program gen finds the same by
// Berlekamp-Massey from output alone, and a test compares). To move ahead by
// n words is to apply t^n mod phi. Both halves use the form above:
//
//   - A polynomial is kept as digits in base B, each of degree below 623.
//     Squaring squares the digits, and reduction modulo phi is 15 additions
//     of whole digits, without shifts, for each digit too many.
//   - For the state, the planes s(j) = lowest bit of B^j x, j = 0...63, are
//     made of the planes of y by the same 15 additions. Then plane b of the
//     new state is the sum over j of digit j applied to plane b+j: a product
//     in two directions, which Karatsuba's trick (in its form for middle
//     products) does with 243 products of one digit and one plane, not 1024.
//
// Sources: Matsumoto and Nishimura 1998 (the recurrence and the shape of its
// characteristic polynomial); Hanrot, Quercia and Zimmermann 2004 (middle
// product).
package jump

//go:generate go run ./gen

// N is the number of words in the state.
const N = 624

// Blocks moves state ahead by n blocks: what n refreshes (624 words each, the
// words of one block taking the place of the block before) do. All words are
// equal to the refreshed ones. The low 31 bits of state[0], which the
// recurrence never reads, have no influence. Nothing happens for n <= 0.
//
// It may be called by many goroutines at once. The distances of late are
// remembered: for them it takes a third of the time and does not allocate. See
// [Pays] for what it costs.
func Blocks(state *[N]uint32, n int64) {
	if n <= 0 {
		return
	}
	w := workspaces.Get().(*workspace)
	w.apply(state, remembered.power(uint64(n)))
	workspaces.Put(w)
}

// Words moves a stream ahead by words that are drawn and thrown away: next is
// the index in state of the first word that has not been drawn, 0 to N, where
// N means that a refresh comes first. It returns the new next, which is N, not
// 0, when the last word of a block has been drawn: a block that is used up
// stays until the next draw. Nothing happens for words <= 0.
func Words(state *[N]uint32, next int, words int64) int {
	blocks, next := Split(next, words)
	Blocks(state, blocks)
	return next
}

// Split says what drawing words does to a stream that stands at next: how many
// refreshes, and where it stands then. It is for callers who choose between
// [Blocks] and stepping; see [Words] for next.
func Split(next int, words int64) (blocks int64, after int) {
	switch left := int64(N - next); {
	case words <= 0:
		return 0, next
	case words <= left:
		return 0, next + int(words)
	default:
		words -= left
		return (words-1)/N + 1, int((words-1)%N) + 1
	}
}
