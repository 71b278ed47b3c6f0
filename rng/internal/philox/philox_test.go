package philox

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/rng/internal/kernel"
)

// TestBlockIsPhilox has the known answers of Random123, the generator's own
// library, as far as they have a counter of 64 bits.
func TestBlockIsPhilox(t *testing.T) {
	s := newSchedule(0)
	w0, w1, w2, w3 := s.block(0)
	require.Equal(t, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}, [4]uint32{w0, w1, w2, w3})
}

func TestWordsOfAnyRangeAreThoseOfTheBlocks(t *testing.T) {
	for _, offset := range []uint64{0, 1, 1<<32 - 3, 1<<64 - 3} {
		k := Key{Seed: 0x0123456789abcdef, Offset: offset}
		s := newSchedule(k.Seed)
		var whole []uint32
		for i := range uint64(10) {
			w0, w1, w2, w3 := s.block(offset + i)
			whole = append(whole, w0, w1, w2, w3)
		}
		for first := range len(whole) {
			for count := range len(whole) - first + 1 {
				dst := make([]uint32, count+1)
				Words(dst[:count], k, int64(first))
				require.Equal(t, whole[first:first+count], dst[:count])
				require.Zero(t, dst[count])
			}
		}
	}
}

// TestFunctionsAreGlibcs has the vectors of glibc 2.36: hashes of 1,000 values.
func TestFunctionsAreGlibcs(t *testing.T) {
	argument := func(k uint32) float32 { return unit32(k * 2654435761) }
	for _, c := range []struct {
		name string
		f    func(k uint32) float32
		bits [3]uint32 // of k = 1, 2 and 1000
		sha  string
	}{
		{"logf", func(k uint32) float32 { return logf(argument(k)) }, [3]uint32{0xbef66165, 0xbfb8c90c, 0xc0586f26},
			"edac2e42d7b035deb516e08010c53b55f79c642c221c2022ab5bbfb494d88a48"},
		{"sinf", func(k uint32) float32 { s, _ := sincosf(float32(tau32 * argument(k))); return s }, [3]uint32{0xbf2cecf2, 0x3f7f0511, 0x3e590319},
			"ef5062e3867ffa56f805f9cd507c3965e4b0ae06001607c99151044d2f451598"},
		{"cosf", func(k uint32) float32 { _, c := sincosf(float32(tau32 * argument(k))); return c }, [3]uint32{0xbf3cc432, 0x3db30c33, 0x3f7a2f66},
			"3351780136aa368215fc497e1fd74cbdd68a599c84b6b465273f2fcfd0123816"},
	} {
		require.Equal(t, c.bits, [3]uint32{math.Float32bits(c.f(1)), math.Float32bits(c.f(2)), math.Float32bits(c.f(1000))}, c.name)
		var all []byte
		for k := range uint32(1000) {
			all = binary.LittleEndian.AppendUint32(all, math.Float32bits(c.f(k+1)))
		}
		sum := sha256.Sum256(all)
		require.Equal(t, c.sha, hex.EncodeToString(sum[:]), c.name)
	}
}

func TestFunctionsAtTheEnds(t *testing.T) {
	require.Equal(t, math.Float32bits(0), math.Float32bits(logf(1)), "+0")
	require.Equal(t, float32(1), unit32(math.MaxUint32))
	smallest := float32(tau32 * unit32(0))
	s, c := sincosf(smallest)
	require.Equal(t, smallest, s)
	require.Equal(t, float32(1), c)
	require.Equal(t, 1.0, unit64(math.MaxUint32, math.MaxUint32))
	require.Zero(t, kernel.Log(1))
}

// TestFunctionsOfAllWordsAreGlibcs compares checksums over every number that a
// word can make with those of a C program that calls glibc 2.36: about four
// seconds, with -exhaustive only.
func TestFunctionsOfAllWordsAreGlibcs(t *testing.T) {
	if !*exhaustive {
		return // TestFunctionsAreGlibcs has a thousand of each
	}
	var sums [3]uint64
	for w := uint64(0); w < 1<<32; w += spacing(w) {
		u := unit32(uint32(w))
		sin, cos := sincosf(float32(tau32 * u))
		for i, v := range [3]float32{logf(u), sin, cos} {
			sums[i] = sums[i]*1099511628211 ^ uint64(math.Float32bits(v))
		}
	}
	require.Equal(t, [3]uint64{0xff6ad1fb21dfbe88, 0xd5ff4cab4008482e, 0x4f063d69d27896c9}, sums)
}
