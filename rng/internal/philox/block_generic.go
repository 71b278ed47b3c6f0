package philox

// The constants of Philox4x32: the two multipliers, and what is added to the
// two halves of the key from round to round.
const (
	mul0, mul1   = 0xd2511f53, 0xcd9e8d57
	weyl0, weyl1 = 0x9e3779b9, 0xbb67ae85
	rounds       = 10
)

// schedule is the keys of the rounds of one seed.
type schedule [rounds][2]uint32

func newSchedule(seed uint64) (s schedule) {
	k0, k1 := uint32(seed), uint32(seed>>32)
	for i := range s {
		s[i] = [2]uint32{k0, k1}
		k0 += weyl0
		k1 += weyl1
	}
	return s
}

// block returns the four words of a counter.
func (s *schedule) block(counter uint64) (w0, w1, w2, w3 uint32) {
	w0, w1 = uint32(counter), uint32(counter>>32)
	for i := range s {
		p0, p1 := uint64(w0)*mul0, uint64(w2)*mul1
		w0, w1, w2, w3 = uint32(p1>>32)^w1^s[i][0], uint32(p1), uint32(p0>>32)^w3^s[i][1], uint32(p0)
	}
	return w0, w1, w2, w3
}

// wordsGeneric makes the blocks from counter on; dst holds whole blocks.
func (s *schedule) wordsGeneric(dst []uint32, counter uint64) {
	for ; len(dst) >= 8; dst = dst[8:] {
		s.pair((*[8]uint32)(dst), counter)
		counter += 2
	}
	if len(dst) >= 4 {
		dst[0], dst[1], dst[2], dst[3] = s.block(counter)
	}
}

// pair makes two blocks side by side: a round of one has to wait for the round
// before it, the other fills the wait.
func (s *schedule) pair(dst *[8]uint32, counter uint64) {
	next := counter + 1
	a0, a1, a2, a3 := uint32(counter), uint32(counter>>32), uint32(0), uint32(0)
	b0, b1, b2, b3 := uint32(next), uint32(next>>32), uint32(0), uint32(0)
	for i := range s {
		k0, k1 := s[i][0], s[i][1]
		p0, p1 := uint64(a0)*mul0, uint64(a2)*mul1
		q0, q1 := uint64(b0)*mul0, uint64(b2)*mul1
		a0, a1, a2, a3 = uint32(p1>>32)^a1^k0, uint32(p1), uint32(p0>>32)^a3^k1, uint32(p0)
		b0, b1, b2, b3 = uint32(q1>>32)^b1^k0, uint32(q1), uint32(q0>>32)^b3^k1, uint32(q0)
	}
	*dst = [8]uint32{a0, a1, a2, a3, b0, b1, b2, b3}
}
