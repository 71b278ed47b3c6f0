package philox

import (
	"flag"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/rng/internal/isa"
)

var values64 = flag.Int("values64", 1_000_000, "random float64 values of each law to compare with the generic ones")

// sameValues64 compares both float64 laws of the best instruction set with the
// generic ones, for the words of whole blocks.
func sameValues64(t *testing.T, words []uint32, a, b float64) {
	t.Helper()
	set := isa.Supported()[len(isa.Supported())-1]
	for _, c := range []struct {
		name       string
		best, want func(dst []float64, words []uint32, a, b float64)
	}{
		{"normal", normalF64, normalF64Generic},
		{"uniform", uniformF64, uniformF64Generic},
	} {
		got, want := make([]float64, len(words)/2), make([]float64, len(words)/2)
		with(set, func() { c.best(got, words, a, b) })
		c.want(want, words, a, b)
		for i, w := range want {
			if math.Float64bits(got[i]) != math.Float64bits(w) {
				t.Fatalf("%s: %s of %v, %v, words %08x, value %d: %x instead of %x", set, c.name, a, b,
					words[i/2*4:i/2*4+4], i%2, math.Float64bits(got[i]), math.Float64bits(w))
			}
		}
	}
}

func TestFloat64ValuesOfRandomWords(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	parameters := [][2]float64{{0, 1}, {0.1, 0.7}, {1e-20, 3}, {math.Copysign(0, -1), 0}, {1e300, 1e308}, {1e-310, 1e-320}, {-5, 2}}
	words := make([]uint32, 1<<14)
	for pass := 0; pass*len(words)/2 < *values64; pass++ {
		for i := range words {
			words[i] = r.Uint32()
		}
		p := parameters[pass%len(parameters)]
		sameValues64(t, words, p[0], p[1])
	}
}

// TestFloat64ValuesOfEdgeWords tries all sets of four words of a list.
func TestFloat64ValuesOfEdgeWords(t *testing.T) {
	edges := []uint32{0, 1, 2, 1<<11 - 1, 1 << 11, 0x1fffff, 0x200000, 0x7fffffff, 0x80000000, 0xefffffff, 0xf0000000,
		0xfffff7ff, 0xfffff800, 0xfffffffe, 0xffffffff}
	n := len(edges)
	var words []uint32
	for i := range n * n * n * n {
		words = append(words, edges[i%n], edges[i/n%n], edges[i/n/n%n], edges[i/n/n/n])
	}
	sameValues64(t, words, 0, 1)
	sameValues64(t, words, 1e-20, 3)
}

// wordsOf returns the words of the number u, 2^-11 <= u < 1, or of one near it.
func wordsOf(u float64) (high, low uint32) {
	bits := uint64(u * 0x1p64)
	return uint32(bits >> 32), uint32(bits)
}

// Bounds between the ranges of the sine, the cosine and the logarithm.
var (
	halfTurn = math.Float64frombits(0x3ff921fb54442d18) // pi/2
	halfRest = math.Float64frombits(0x3c91a62633145c07)
	direct   = math.Float64frombits(0x3feb6000 << 32)
	folded   = math.Float64frombits(0x400368fd << 32)
	bounds64 = []float64{math.Float64frombits(0x3e500000 << 32), math.Float64frombits(0x3e400000 << 32), direct, folded,
		math.Float64frombits(0x3fc020c49ba5e354)}
)

// special64 returns words around whose numbers the functions change their form:
// the ends, the powers of two, the bounds between the ranges, the rests at
// which the sine changes its form, and the halves of the tables' steps.
func special64() (all [][2]uint32) {
	add := func(u float64) {
		high, low := wordsOf(min(u, 1-0x1p-53))
		at := uint64(high)<<32 | uint64(low)
		for _, d := range []uint64{0, 1, 1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12} {
			for _, k := range []uint64{at + d, at - d} { // wraps: the other end
				all = append(all, [2]uint32{uint32(k >> 32), uint32(k)})
			}
		}
	}
	for i := range 66 {
		add(math.Ldexp(1, -i))
		add(1 - math.Ldexp(1, -i))
	}
	for _, theta := range bounds64 {
		add(theta / tau64)
	}
	for quadrant := range 5 {
		for i := -111; i <= 111; i++ {
			theta := float64(float64(quadrant)*halfTurn) + float64(i)/256
			add(math.Abs(theta) / tau64)
			add(math.Abs(theta+math.Copysign(bounds64[4], float64(i))) / tau64)
		}
	}
	add(0.9375) // from here on the logarithm is that near 1
	for i := range uint64(128) {
		for _, k := range []int{0, 1, 12, 40} {
			add(math.Ldexp(math.Float64frombits(0x3fe6<<48+i<<45), -k)) // the rows of the logarithm
		}
	}
	return all
}

func TestFloat64ValuesAtTheEdges(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	special := special64()
	t.Logf("%d pairs of words", len(special))
	for pass := range 8 {
		var words []uint32
		for _, s := range special {
			radius, angle := s, s
			switch {
			case pass == 1:
				radius = [2]uint32{r.Uint32(), r.Uint32()}
			case pass == 2:
				angle = [2]uint32{r.Uint32(), r.Uint32()}
			case pass > 2:
				angle = special[r.IntN(len(special))]
			}
			words = append(words, radius[0], radius[1], angle[0], angle[1])
		}
		sameValues64(t, words, 0, 1)
		sameValues64(t, words, 1e-20, 3)
	}
}

// TestFloat64ValuesNearTheBounds has many numbers around each bound, since the
// forms on its two sides differ for few of them.
func TestFloat64ValuesNearTheBounds(t *testing.T) {
	numbers := []float64{0.9375}
	for _, theta := range bounds64 {
		numbers = append(numbers, theta/tau64)
	}
	for quadrant := 1; quadrant <= 4; quadrant++ {
		for _, side := range []float64{-1, 1} {
			numbers = append(numbers, min(float64(float64(quadrant)*halfTurn)+float64(side*bounds64[4]), tau64)/tau64)
		}
	}
	r := rand.New(rand.NewPCG(13, 14))
	words := make([]uint32, 4*20000)
	for _, u := range numbers {
		for _, width := range []float64{0x1p-18, 0x1p-30} {
			for i := 0; i < len(words); i += 4 {
				high, low := wordsOf(min(u*(1+float64(width*(r.Float64()-0.5))), 1-0x1p-53))
				words[i], words[i+1], words[i+2], words[i+3] = high, low, high, low
			}
			sameValues64(t, words, 0, 1)
		}
	}
}

// TestFloat64NormalsOfNumbersNearOne has any number of them among four and in
// a call, since they are put together.
func TestFloat64NormalsOfNumbersNearOne(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for share := range 17 {
		words := make([]uint32, 1<<13)
		for i := range words {
			words[i] = r.Uint32()
			if i%4 == 0 && r.IntN(16) < share {
				words[i] |= 0xf0000000
			} else if i%4 == 0 {
				words[i] &= 0x7fffffff
			}
		}
		sameValues64(t, words, 0, 1)
	}
}

func TestFloat64ValuesOfAnyParameters(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	words := make([]uint32, 400)
	for i := range words {
		words[i] = r.Uint32()
	}
	words[8], words[9] = 0, 0 // a uniform of 0, times infinity
	odd := []float64{0, math.Copysign(0, -1), 1, -1, math.Inf(1), math.Inf(-1), math.NaN(), math.Float64frombits(0x7ff8000000000123), math.MaxFloat64, 5e-324}
	for _, a := range odd {
		for _, b := range odd {
			sameValues64(t, words, a, b)
		}
	}
}

// TestFloat64ValuesOfAllLengths looks at what is written as well: exactly the
// values asked for, wherever they and their words begin.
func TestFloat64ValuesOfAllLengths(t *testing.T) {
	const most, canary = 256 + 40, -77
	r := rand.New(rand.NewPCG(9, 10))
	words := make([]uint32, 2*most+8)
	for i := range words {
		words[i] = r.Uint32()
	}
	dst, want := make([]float64, most+8), make([]float64, most)
	for _, set := range isa.Supported() {
		for n := 0; n <= most; n += 2 {
			at := n / 2 % 5
			for _, normal := range []bool{true, false} {
				for i := range dst {
					dst[i] = canary
				}
				l := law{normal: normal, a: 0.1, b: 0.7}
				with(set, func() { l.make64(dst[at:at+n], words[at:at+2*n]) })
				with(isa.Generic, func() { l.make64(want[:n], words[at:at+2*n]) })
				require.Equal(t, want[:n], dst[at:at+n], "%s: %d values, normal %v", set, n, normal)
				for i, v := range dst {
					if (i < at || i >= at+n) && v != canary {
						t.Fatalf("%s: %d values at %d, normal %v: element %d was written", set, n, at, normal, i)
					}
				}
			}
		}
	}
}

// TestFloat64NormalsOnGrowingStacks calls the assembly at all depths of fresh
// stacks: where its frame does not fit, the words and dst, which are on the
// stack too, move while it is entered.
func TestFloat64NormalsOnGrowingStacks(t *testing.T) {
	k := Key{Seed: 3}
	const n = 40
	var want [n]float64
	with(isa.Generic, func() { NormalF64(want[:], k, 0, 0, 1) })
	for depth := range 1000 {
		done := make(chan [n]float64)
		go below(depth, func() {
			var dst [n]float64
			NormalF64(dst[:], k, 0, 0, 1)
			done <- dst
		})
		require.Equal(t, want, <-done, "depth %d", depth)
	}
}

// below runs do so many calls further down the stack.
//
//go:noinline
func below(depth int, do func()) {
	if depth == 0 {
		do()
		return
	}
	below(depth-1, do)
}
