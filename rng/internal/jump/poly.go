package jump

// Parameters of the recurrence.
const (
	matrix uint32 = 0x9908b0df // a, bit i is a_i
	upper  uint32 = 0x80000000
	lower  uint32 = 0x7fffffff
)

const (
	middle = 397

	// baseHigh and baseLow are the exponents of B = t^623 + t^396.
	baseHigh = N - 1
	baseLow  = middle - 1

	// order is the degree of phi in B.
	order = 32

	// digitWords is the size of a digit: 640 bits, of which a reduced digit
	// uses 623.
	digitWords = 10
	// topShift places t^623 in the last word of a digit.
	topShift = baseHigh - 64*(digitWords-1)
)

// taps are the distances in B over which phi feeds back without a delay:
// B^32 has the same effect as the sum of B^(32-d) over the taps d, and 1/t.
var taps = func() (list [14]int) {
	k := 0
	for i := range order - 1 {
		if matrix>>i&1 == 1 {
			list[k] = i + 1
			k++
		}
	}
	return list
}()

// digit is a polynomial in t over two elements, bit i of word w standing for
// t^(64w+i).
type digit [digitWords]uint64

func (d *digit) add(o *digit) {
	for i, v := range o {
		d[i] ^= v
	}
}

// poly is a polynomial modulo phi: the sum of digits[j] B^j and of top B^32.
// Digits have degree below 623 and top is 0 or 1, so that each residue has
// exactly one form.
type poly struct {
	digits [order]digit
	top    uint64
}

// tower holds a product before reduction: digits of degree up to 623 of the
// powers of B up to the 64th, and zeros above for what looks further up.
type tower [2*order + 1 + order]digit

// reduce makes dst the residue of t modulo phi and destroys t.
func (t *tower) reduce(dst *poly) {
	for j := 2*order - 1; j >= 0; j-- {
		if j+1 >= order {
			constant := t[j+1][0] & 1
			t[j+1][0] ^= constant
			if j+1 == order {
				dst.top = constant
			} else {
				// Without a factor t nothing can be traded in for it: it
				// becomes B times what is added here.
				t[j][baseHigh/64] ^= constant << topShift
				t[j][baseLow/64] ^= constant << (baseLow % 64)
			}
		}
		reach := taps[:]
		for len(reach) > 0 && j+reach[0] < order {
			reach = reach[1:]
		}
		t[j].addTaps(t[j:], reach)
		if j < order { // t[2*order] is no more than a constant
			t[j].addShifted(&t[j+order])
		}
	}
	dst.settle(t)
}

// addTaps adds rows[tap] for each tap. Written out because the ten sums must
// stay in registers.
func (d *digit) addTaps(rows []digit, list []int) {
	v0, v1, v2, v3, v4 := d[0], d[1], d[2], d[3], d[4]
	v5, v6, v7, v8, v9 := d[5], d[6], d[7], d[8], d[9]
	for _, tap := range list {
		o := &rows[tap]
		v0, v1, v2, v3, v4 = v0^o[0], v1^o[1], v2^o[2], v3^o[3], v4^o[4]
		v5, v6, v7, v8, v9 = v5^o[5], v6^o[6], v7^o[7], v8^o[8], v9^o[9]
	}
	d[0], d[1], d[2], d[3], d[4] = v0, v1, v2, v3, v4
	d[5], d[6], d[7], d[8], d[9] = v5, v6, v7, v8, v9
}

// addShifted adds o/t; o has no constant term.
func (d *digit) addShifted(o *digit) {
	for i := range digitWords - 1 {
		d[i] ^= o[i]>>1 | o[i+1]<<63
	}
	d[digitWords-1] ^= o[digitWords-1] >> 1
}

// settle takes the digits from t and lowers their degrees from 623, at most,
// to below: t^623 = B + t^396.
func (p *poly) settle(t *tower) {
	carry := uint64(0)
	for j := range p.digits {
		d := &p.digits[j]
		*d = t[j]
		d[0] ^= carry
		carry = d[baseHigh/64] >> topShift & 1
		d[baseHigh/64] ^= carry << topShift
		d[baseLow/64] ^= carry << (baseLow % 64)
	}
	p.top ^= carry
}

// square makes p its square.
func (p *poly) square(t *tower) {
	for j := range order {
		squareDigit(&t[2*j], &t[2*j+1], &p.digits[j])
	}
	t[2*order] = digit{p.top}
	t.reduce(p)
}

// squareDigit writes d*d as low + high B, both of degree below 623.
func squareDigit(low, high, d *digit) {
	var wide [2 * digitWords]uint64
	for i, v := range d {
		wide[2*i] = spread(uint32(v))
		wide[2*i+1] = spread(uint32(v >> 32))
	}
	// From the top, t^e = t^(e-623) B + t^(e-227).
	const fall = baseHigh - baseLow // 227
	*high = digit{}
	for w := 2*digitWords - 1; w >= digitWords; w-- {
		v := wide[w]
		wide[w-1-fall/64] ^= v << (64 - fall%64)
		wide[w-fall/64] ^= v >> (fall % 64)
		high[w-digitWords] ^= v << (64 - topShift)
		if w+1 < 2*digitWords { // the square's degree is below 1245
			high[w+1-digitWords] ^= v >> topShift
		}
	}
	v := wide[digitWords-1] >> topShift
	wide[digitWords-1] ^= v << topShift
	wide[baseLow/64] ^= v << (baseLow % 64)
	high[0] ^= v
	copy(low[:], wide[:digitWords])
}

// spread puts a zero bit before each bit of v: the square of a polynomial.
func spread(v uint32) uint64 {
	x := uint64(v)
	x = (x | x<<16) & 0x0000ffff0000ffff
	x = (x | x<<8) & 0x00ff00ff00ff00ff
	x = (x | x<<4) & 0x0f0f0f0f0f0f0f0f
	x = (x | x<<2) & 0x3333333333333333
	return (x | x<<1) & 0x5555555555555555
}

// timesT multiplies p by t.
func (p *poly) timesT() {
	carry := uint64(0) // into the constant term: t^623 of the digit below
	for j := range order {
		d := &p.digits[j]
		for i := digitWords - 1; i > 0; i-- {
			d[i] = d[i]<<1 | d[i-1]>>63
		}
		d[0] = d[0]<<1 | carry
		carry = d[baseHigh/64] >> topShift & 1
		d[baseHigh/64] ^= carry << topShift
		d[baseLow/64] ^= carry << (baseLow % 64)
	}
	if p.top == 1 { // t B^32
		for _, tap := range taps {
			p.digits[order-tap][0] ^= 2
		}
		p.digits[0][0] ^= 1
	}
	p.top = carry
}
