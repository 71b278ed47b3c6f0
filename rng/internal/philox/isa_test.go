package philox

import (
	"flag"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/rng/internal/isa"
)

var exhaustive = flag.Bool("exhaustive", false, "try every word that gives another number")

// with runs do with an instruction set.
func with(i isa.ISA, do func()) {
	defer isa.Set(isa.Active())
	isa.Set(i)
	do()
}

func TestAllInstructionSetsGiveTheSameBits(t *testing.T) {
	const most = batch + 70
	canary := float32(-77)
	for _, offset := range []uint64{0, 1<<32 - 20, 1<<64 - 20} {
		k := Key{Seed: 0xfedcba9876543210, Offset: offset}
		for _, first := range []int64{0, 1, 2, 3, 1<<40 + 1} {
			for _, n := range []int{0, 1, 3, 4, 7, 8, 9, 31, 32, 33, 35, 36, 63, 64, 65, 130, 255, 257, most} {
				want := allOf(isa.Generic, k, first, n)
				for _, i := range isa.Supported() {
					require.Equal(t, want, allOf(i, k, first, n), "%s: %d from %d on, offset %d", i, n, first, offset)
				}
				with(isa.Supported()[len(isa.Supported())-1], func() {
					dst := make([]float32, n+8)
					for j := range dst {
						dst[j] = canary
					}
					NormalF32(dst[:n], k, first, 0, 1)
					for _, v := range dst[n:] {
						require.Equal(t, canary, v, "written beyond the end")
					}
				})
			}
		}
	}
}

// allOf returns the bits of everything that has code of its own.
func allOf(i isa.ISA, k Key, first int64, n int) (bits []uint64) {
	narrow, wide, words := make([]float32, n), make([]float64, n), make([]uint32, n)
	add := func() {
		for _, v := range narrow {
			bits = append(bits, uint64(math.Float32bits(v)))
		}
	}
	addWide := func() {
		for _, v := range wide {
			bits = append(bits, math.Float64bits(v))
		}
	}
	with(i, func() {
		UniformF32(narrow, k, first, -0.3, 0.4)
		add()
		NormalF32(narrow, k, first, 1e-20, 3)
		add()
		UniformF64(wide, k, first, -0.3, 0.4)
		addWide()
		NormalF64(wide, k, first, 0.1, 0.7)
		addWide()
		Words(words, k, first)
	})
	for _, w := range words {
		bits = append(bits, uint64(w))
	}
	return bits
}

// TestNormalsOfAllWords compares the float32 normal of the best instruction
// set with the generic one for words that give all possible radii and angles,
// or every 101st of them.
func TestNormalsOfAllWords(t *testing.T) {
	set := isa.Supported()[len(isa.Supported())-1]
	stride := uint64(101)
	if *exhaustive {
		stride = 1
	}
	for _, second := range []bool{false, true} {
		for _, other := range []uint32{1 << 20, 0x9e3779b9} {
			compareNormals(t, set, stride, second, other)
		}
	}
}

func compareNormals(t *testing.T, set isa.ISA, stride uint64, second bool, other uint32) {
	const n = 1 << 12
	words, got, want := make([]uint32, n), make([]float32, n), make([]float32, n)
	word, at := uint64(0), 0
	for word < 1<<32 {
		count := 0
		for ; count < n && word < 1<<32; count += 2 {
			words[count], words[count+1] = uint32(word), other
			if second {
				words[count], words[count+1] = other, uint32(word)
			}
			word += stride * spacing(word)
		}
		with(set, func() { normalF32(got[:count], words[:count], 0, 1) })
		normalF32Generic(want[:count], words[:count], 0, 1)
		for i := range count {
			if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
				t.Fatalf("%s: words %08x %08x, element %d: %08x instead of %08x", set, words[i&^1], words[i|1], i&1,
					math.Float32bits(got[i]), math.Float32bits(want[i]))
			}
		}
		at += count
	}
	t.Logf("%s: %d values", set, at)
}

// spacing is at most the distance to the next word that is another float32.
func spacing(word uint64) uint64 {
	d := uint64(1)
	for word >= 1<<24 {
		word /= 2
		d *= 2
	}
	return d
}
