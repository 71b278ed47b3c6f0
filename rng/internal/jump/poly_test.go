package jump

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// expand multiplies out the sum of the digits times powers of
// B = t^623 + t^396.
func expand(digits map[int][]int) map[int]bool {
	terms := map[int]bool{}
	for j, digit := range digits {
		power := map[int]bool{0: true}
		for range j {
			next := map[int]bool{}
			for e := range power {
				for _, to := range []int{e + 623, e + 396} {
					if next[to] = !next[to]; !next[to] {
						delete(next, to)
					}
				}
			}
			power = next
		}
		for e := range power {
			for _, i := range digit {
				if terms[e+i] = !terms[e+i]; !terms[e+i] {
					delete(terms, e+i)
				}
			}
		}
	}
	return terms
}

func TestClosedFormIsThePolynomialFoundFromOutput(t *testing.T) {
	form := map[int][]int{32: {1}, 0: {0}} // t B^32 + 1
	for _, tap := range taps {
		form[32-tap] = []int{1} // t B^(32-tap)
	}
	want := map[int]bool{}
	for _, e := range characteristic {
		want[e] = true
	}
	require.Len(t, want, 135)
	require.True(t, want[degree])
	require.True(t, want[0])
	require.Equal(t, want, expand(form))
}

func TestCharacteristicPolynomialAnnihilatesRealSequences(t *testing.T) {
	for _, seed := range []uint32{0, 42, 5489} {
		x := sequence(seeded(seed), degree+3000)
		for k := 1; k < 3000; k++ {
			var sum uint32
			for _, e := range characteristic {
				sum ^= x[k+e]
			}
			require.Zero(t, sum, "seed %d from word %d", seed, k)
		}
	}
}

// Squaring 19937 times leads back to t exactly if phi divides t^(2^19937) - t,
// which has no double factors. 19937 is prime, so the irreducible factors of
// phi have degree 19937 or 1; there are two of degree 1, so phi is irreducible.
// 2^19937-1 is prime too: the period is full.
func TestSquaringAsOftenAsTheDegreeLeadsBack(t *testing.T) {
	var start, p poly
	start.power(0, 1)
	p = start
	var wide tower
	for i := range degree {
		require.True(t, i == 0 || p != start, "after %d", i)
		p.square(&wide)
	}
	require.Equal(t, start, p)
}

func TestPowersMultiplyByAddingExponents(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for range 50 {
		high, low := r.Uint64()>>r.IntN(64)>>1, r.Uint64()
		if high&1 == 0 {
			high, low = 0, low>>r.IntN(64)
		}
		twiceHigh, twiceLow := high<<1|low>>63, low<<1
		var p, want poly
		p.power(high, low)
		want.power(twiceHigh, twiceLow)
		var wide tower
		p.square(&wide)
		require.Equal(t, want, p, "2 (%d 2^64 + %d)", high, low)
		p.timesT()
		want.power(twiceHigh, twiceLow|1)
		require.Equal(t, want, p, "2 (%d 2^64 + %d) + 1", high, low)
	}
}

// Every residue must have one form: no digit may reach t^623.
func TestDigitsKeepTheirDegree(t *testing.T) {
	var p poly
	settled := func(what string, number int) {
		t.Helper()
		for j, d := range p.digits {
			require.Zero(t, d[digitWords-1]>>topShift, "%s %d, digit %d", what, number, j)
		}
		require.LessOrEqual(t, p.top, uint64(1))
	}
	for e := range 3000 {
		p.power(0, uint64(e))
		settled("exponent", e)
	}
	p.power(0, 1<<63+12345)
	var wide tower
	for i := range 200 {
		p.square(&wide)
		settled("square", i)
		p.timesT()
		settled("square times t", i)
	}
}

// The state 2^128 words on is what NumPy's MT19937.jumped gives (NumPy 2.4.6,
// seeded by _legacy_seeding, key rotated so that the word at pos comes first):
// the top bit of the first word, the second word, and the SHA-256 of all words
// from the second on, little-endian.
func TestFarJumpIsNumPys(t *testing.T) {
	// t^(2^128-2), as 126 squarings with a factor t and one without.
	var p poly
	p.power(0, 1)
	var wide tower
	for range 126 {
		p.square(&wide)
		p.timesT()
	}
	p.square(&wide)
	for _, c := range []struct {
		seed, top, second uint32
		hash              string
	}{
		{0, 0, 0x1f7cbaa8, "3b73e84adc92a92e61c5a0b33da6701e2e7c95955f3b8abfdb71fbe3a626feb3"},
		{42, 1, 0x2ecbb187, "b5f20f7938492e95d6358369149ad57a7666bf4565846bf4a04f3d293852c5d4"},
		{5489, 0, 0x90a6994a, "eefb41e1760c2f8825724ec518d788b91e0781d9500f2cff653c53cfdd4ea7fa"},
	} {
		state := seeded(c.seed)
		new(workspace).apply(state, &p)
		require.Equal(t, c.top, state[0]>>31, "seed %d", c.seed)
		require.Equal(t, c.second, state[1], "seed %d", c.seed)
		words := make([]byte, 0, 4*N)
		for _, v := range state[1:] {
			words = binary.LittleEndian.AppendUint32(words, v)
		}
		hash := sha256.Sum256(words)
		require.Equal(t, c.hash, hex.EncodeToString(hash[:]), "seed %d", c.seed)
	}
}

func TestCorrelateIsItsDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for range 20 {
		var c, reversed, want, got digit
		var s plane
		for i := range c {
			c[i] = r.Uint64() & r.Uint64()
		}
		for i := range s {
			s[i] = r.Uint64()
		}
		for k := range 640 {
			for i := range 640 {
				want[k/64] ^= (c[i/64] >> (i % 64) & (s[(k+i)/64] >> ((k + i) % 64)) & 1) << (k % 64)
			}
		}
		correlateGeneric(&got, &c, &s)
		require.Equal(t, want, got)
		if HasAssembly() {
			reverseWords(&reversed, &c)
			got = digit{}
			correlateAsm((*[digitWords]uint64)(&got), (*[digitWords]uint64)(&reversed), (*[planeWords]uint64)(&s))
			require.Equal(t, want, got)
		}
	}
}

func BenchmarkPower(b *testing.B) {
	var p poly
	for b.Loop() {
		p.power(0, 1<<40-1)
	}
}
