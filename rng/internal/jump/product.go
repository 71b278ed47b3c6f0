package jump

// scratch holds the sums of Karatsuba's trick, those for size n at place n or
// on.
type scratch struct {
	assembly bool

	coeffSums [order]digit
	planeSums [2 * order]plane
	products  [order]digit
}

// multiply sets plane b of dst to the sum over j of coeffs[j] applied to
// planes[b+j]; applying a digit c to a plane s gives at position k the sum of
// the bits c(i) s(k+i). There are n coefficients, n planes in dst and 2n-1 in
// planes, n a power of two up to 32.
//
// With halves c0, c1 of the coefficients and X0, X1, X2 for the planes from 0,
// n/2 and n on, the result is c0 X0 + c1 X1 and c0 X1 + c1 X2. Three products
// give it: c0 (X0+X1) + (c0+c1) X1 and c1 (X1+X2) + (c0+c1) X1.
func (s *scratch) multiply(dst, coeffs []digit, planes []plane) {
	n := len(coeffs)
	if n == 1 {
		s.correlate(&dst[0], &coeffs[0], &planes[0])
		return
	}
	h := n / 2
	sums := s.planeSums[n : n+n-1]
	for i := range sums {
		addPlanes(&sums[i], &planes[i], &planes[h+i])
	}
	s.multiply(dst[:h], coeffs[:h], sums)
	for i := range sums {
		addPlanes(&sums[i], &planes[h+i], &planes[n+i])
	}
	s.multiply(dst[h:], coeffs[h:], sums)
	both := s.coeffSums[h : h+h]
	for i := range both {
		both[i] = coeffs[i]
		both[i].add(&coeffs[h+i])
	}
	middle := s.products[h : h+h]
	s.multiply(middle, both, planes[h:h+n-1])
	for i := range middle {
		dst[i].add(&middle[i])
		dst[h+i].add(&middle[i])
	}
}

// addPlanes handles four words a turn, twice as fast as one.
func addPlanes(dst, a, b *plane) {
	for i := 0; i < planeWords; i += 4 {
		v0, v1, v2, v3 := a[i]^b[i], a[i+1]^b[i+1], a[i+2]^b[i+2], a[i+3]^b[i+3]
		dst[i], dst[i+1], dst[i+2], dst[i+3] = v0, v1, v2, v3
	}
}
