package jump

import "sync"

const (
	// planeWords is the size of a plane before the product: 1280 consecutive
	// positions, of which 624 + 1 + 622 matter.
	planeWords = 2 * digitWords
	// positions is the number of words y that are made.
	positions = 64 * planeWords
)

type plane [planeWords]uint64

func (p *plane) add(o *plane) {
	for i, v := range o {
		p[i] ^= v
	}
}

// workspace is the memory of one jump.
type workspace struct {
	x      [positions + 1]uint32
	planes [2 * order]plane
	moved  [order]digit // planes of the result: 640 positions
	coeffs [order]digit
	scratch
}

// workspaces saves an allocation of 36 kB a jump.
var workspaces = sync.Pool{New: func() any { return new(workspace) }}

// apply replaces state, the words x(0)...x(623), by x(n)...x(n+623), where p
// is t^(n-2). Two words are made up for because y(0) is not known (it needs
// the word before), and because rows 32 and on of the planes look one position
// back: the product counts from y(2).
func (w *workspace) apply(state *[N]uint32, p *poly) {
	w.extend(state)
	w.split()
	w.climb()
	w.load(&w.coeffs, p)
	w.multiply(w.moved[:], w.coeffs[:], w.planes[:2*order-1])
	if p.top == 1 {
		for b := range w.moved {
			for i := range digitWords {
				w.moved[b][i] ^= w.planes[order+b][i]
			}
		}
	}
	w.join(state)
}

// extend steps from state far enough for all positions.
func (w *workspace) extend(state *[N]uint32) {
	x := &w.x
	copy(x[:N], state[:])
	for k := 0; k+N < len(x); k++ {
		y := x[k]&upper | x[k+1]&lower
		x[k+N] = x[k+middle] ^ y>>1 ^ -(y&1)&matrix
	}
}

// split makes planes 0...31 of y(1), y(2), ...: bit k of plane b is bit b of
// y(k+1).
func (w *workspace) split() {
	var m [32]uint64
	for word := range planeWords {
		x := w.x[64*word : 64*word+65]
		for k := range m {
			low := x[k]&upper | x[k+1]&lower
			high := x[k+32]&upper | x[k+33]&lower
			m[k] = uint64(low) | uint64(high)<<32
		}
		transpose(&m)
		for b, v := range m {
			w.planes[b][word] = v
		}
	}
}

// climb turns the planes of y into s(0)...s(63), where s(j) is the lowest bit
// of B^j y. Bit 0 of the planes from 32 on is not defined.
func (w *workspace) climb() {
	s := &w.planes
	for j := range s {
		if j >= order {
			s[j] = plane{}
			var before uint64
			for i, v := range s[j-order] {
				s[j][i] = v<<1 | before>>63
				before = v
			}
		}
		for _, tap := range taps {
			if tap <= j {
				s[j].add(&s[j-tap])
			}
		}
	}
}

// join undoes what climb and split did, on the result: bit k+1 of the planes
// belongs to y(n+k).
func (w *workspace) join(state *[N]uint32) {
	for j := order - 1; j >= 0; j-- {
		for _, tap := range taps {
			if tap <= j {
				w.moved[j].add(&w.moved[j-tap])
			}
		}
	}
	var m [32]uint64
	y := w.x[:64*digitWords] // no longer needed for anything else
	for word := range digitWords {
		for b := range m {
			m[b] = w.moved[b][word]
		}
		transpose(&m)
		for k, v := range m {
			y[64*word+k] = uint32(v)
			y[64*word+k+32] = uint32(v >> 32)
		}
	}
	for k := range state {
		state[k] = y[k+2]&upper | y[k+1]&lower
	}
}

// transpose swaps rows and columns of two 32 x 32 matrices of bits, one in the
// low halves of m and one in the high halves.
func transpose(m *[32]uint64) {
	mask := uint64(0x0000ffff0000ffff)
	for size := 16; size > 0; size >>= 1 {
		for i := 0; i < 32; i = (i + size + 1) &^ size {
			a, b := m[i], m[(i+size)&31]
			v := (a>>size ^ b) & mask
			m[i] = a ^ v<<size
			m[(i+size)&31] = b ^ v
		}
		mask ^= mask << (size / 2)
	}
}
