package jump

const (
	halfDigit = digitWords / 2
	halfPlane = planeWords / 2
)

// correlateGeneric sets bit k of dst, 640 of them, to the sum over i of bit i
// of c and bit k+i of s. Bits of s from 1280 on do not matter: i + k is at
// most 1278.
//
// It is once more the trick of [scratch.multiply], on halves of the words.
func correlateGeneric(dst, c *digit, s *plane) {
	var sum [halfPlane]uint64
	var both, middle [halfDigit]uint64
	for i := range sum {
		sum[i] = s[i] ^ s[i+halfDigit]
	}
	correlateHalf((*[halfDigit]uint64)(dst[:halfDigit]), (*[halfDigit]uint64)(c[:halfDigit]), &sum)
	for i := range sum {
		sum[i] = s[i+halfDigit] ^ s[i+2*halfDigit]
	}
	correlateHalf((*[halfDigit]uint64)(dst[halfDigit:]), (*[halfDigit]uint64)(c[halfDigit:]), &sum)
	for i := range both {
		both[i] = c[i] ^ c[i+halfDigit]
	}
	correlateHalf(&middle, &both, (*[halfPlane]uint64)(s[halfDigit:]))
	for i, v := range middle {
		dst[i] ^= v
		dst[i+halfDigit] ^= v
	}
}

// correlateHalf is correlateGeneric for half as many bits: 320 of dst and c,
// 640 of s.
//
// It takes c in groups of four bits: one of 16 sums of shifted copies of s
// fits each group, and groups at the same place of their words share a shift.
// Written out because the six sums must stay in registers.
func correlateHalf(dst, c *[halfDigit]uint64, s *[halfPlane]uint64) {
	var table [16][16]uint64 // the rows are longer than s for their address's sake
	sumsOfShifts(&table, s)
	c0, c1, c2, c3, c4 := c[0], c[1], c[2], c[3], c[4]
	var r0, r1, r2, r3, r4, r5 uint64 // one word more than dst, to shift in from
	for shift := 60; shift >= 0; shift -= 4 {
		n := uint(shift) & 63
		r0 = r0>>4 | r1<<60
		r1 = r1>>4 | r2<<60
		r2 = r2>>4 | r3<<60
		r3 = r3>>4 | r4<<60
		r4 = r4>>4 | r5<<60
		r5 >>= 4
		t := &table[c0>>n&15]
		r0, r1, r2, r3, r4, r5 = r0^t[0], r1^t[1], r2^t[2], r3^t[3], r4^t[4], r5^t[5]
		t = &table[c1>>n&15]
		r0, r1, r2, r3, r4, r5 = r0^t[1], r1^t[2], r2^t[3], r3^t[4], r4^t[5], r5^t[6]
		t = &table[c2>>n&15]
		r0, r1, r2, r3, r4, r5 = r0^t[2], r1^t[3], r2^t[4], r3^t[5], r4^t[6], r5^t[7]
		t = &table[c3>>n&15]
		r0, r1, r2, r3, r4, r5 = r0^t[3], r1^t[4], r2^t[5], r3^t[6], r4^t[7], r5^t[8]
		t = &table[c4>>n&15]
		r0, r1, r2, r3, r4, r5 = r0^t[4], r1^t[5], r2^t[6], r3^t[7], r4^t[8], r5^t[9]
	}
	dst[0], dst[1], dst[2], dst[3], dst[4] = r0, r1, r2, r3, r4
}

// sumsOfShifts sets row g of dst to the sum of the s >> b over the bits b of g.
func sumsOfShifts(dst *[16][16]uint64, s *[halfPlane]uint64) {
	for i, v1 := range s {
		var next uint64
		if i+1 < len(s) {
			next = s[i+1]
		}
		v2, v4, v8 := v1>>1|next<<63, v1>>2|next<<62, v1>>3|next<<61
		v3, v12 := v1^v2, v4^v8
		dst[1][i], dst[2][i], dst[3][i] = v1, v2, v3
		dst[4][i], dst[5][i], dst[6][i], dst[7][i] = v4, v4^v1, v4^v2, v4^v3
		dst[8][i], dst[9][i], dst[10][i], dst[11][i] = v8, v8^v1, v8^v2, v8^v3
		dst[12][i], dst[13][i], dst[14][i], dst[15][i] = v12, v12^v1, v12^v2, v12^v3
	}
}
