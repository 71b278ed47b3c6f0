//go:build !purego

package kernel

import (
	"flag"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/needs"
	"github.com/weightinit/weightinit/rng/internal/isa"
	"github.com/weightinit/weightinit/rng/internal/normal64"
)

var normals64 = flag.Int("normals64", 2_000_000, "random float64 normals to compare with the generic ones")

// onAVX2 runs do with the vector form.
func onAVX2(t *testing.T, do func()) {
	t.Helper()
	if _, err := isa.Parse("avx2"); err != nil {
		needs.Skip(t, "needs AVX2: %v", err)
	}
	using(t, isa.AVX2)
	do()
}

// sameNormals64 compares the two forms for blocks of the words.
func sameNormals64(t *testing.T, words []uint32, mean, std float64) {
	t.Helper()
	got, want := make([]float64, len(words)/2), make([]float64, len(words)/2)
	normalF64(got, words, mean, std)
	normalF64Generic(want, words, mean, std)
	for i, w := range want {
		if math.Float64bits(got[i]) != math.Float64bits(w) {
			pair := i/Block*2*Block + i%Block%half*2
			t.Fatalf("normal(%v, %v), element %d, words %08x and %08x: %x instead of %x", mean, std, i%Block,
				words[pair:pair+2], words[pair+Block:pair+Block+2], math.Float64bits(got[i]), math.Float64bits(w))
		}
	}
}

func TestFloat64NormalsOfRandomWords(t *testing.T) {
	onAVX2(t, func() {
		r := rand.New(rand.NewPCG(1, 2))
		parameters := [][2]float64{{0, 1}, {0.1, 0.7}, {1e-20, 3}, {math.Copysign(0, -1), 0}, {1e300, 1e308}, {1e-310, 1e-320}, {-5, 2}}
		words := make([]uint32, 1<<15)
		for made := 0; made < *normals64; made += len(words) / 2 {
			for i := range words {
				words[i] = r.Uint32()
			}
			p := parameters[made/(len(words)/2)%len(parameters)]
			sameNormals64(t, words, p[0], p[1])
		}
	})
}

const unit = 1 << 53 // of the numbers below, the parts of [0, 1)

// special64 returns numbers k around which the functions of k/2^53 change
// their form: the ends, the powers of two, eighths of the circle, the bounds
// between the ranges, and the halves of the tables' steps.
func special64() (all []uint64) {
	add := func(k uint64) {
		for d := range uint64(9) {
			all = append(all, (k+d-4)%unit) // wraps: the other end
		}
	}
	add(0)
	for i := range 53 {
		add(1 << i)
		add(unit - 1<<i)
	}
	for i := range uint64(64) {
		add(i * (unit / 64))
	}
	for _, u := range []float64{0.0625, 1 - 0.0625, math.Float64frombits(nearLowBits), 1 - math.Float64frombits(0x3fe6000000000000)} {
		add(uint64(u * unit))
	}
	for _, theta := range []uint64{sinTiny << 32, cosTiny << 32, direct << 32, folded << 32, math.Float64bits(taylorBelow)} {
		add(uint64(math.Float64frombits(theta) / twoPi64 * unit))
	}
	for quadrant := range 5 {
		for i := -111; i <= 111; i++ {
			theta := float64(float64(quadrant)*hp0) + float64(float64(i)/256) + math.Copysign(taylorBelow*float64(i&1), float64(i))
			add(uint64(math.Abs(theta) / twoPi64 * unit))
			add(uint64(math.Abs(float64(float64(quadrant)*hp0)+float64(i)/256) / twoPi64 * unit))
		}
	}
	for i := range uint64(512) {
		add(i * (unit / 512))
		add(unit - (0x3fe6000000000000+i<<45)&(unit-1)>>1)
	}
	return all
}

const nearLowBits = 0x3fee000000000000

func TestFloat64NormalsAtTheEdges(t *testing.T) {
	onAVX2(t, func() {
		r := rand.New(rand.NewPCG(3, 4))
		special := special64()
		put := func(words []uint32, k uint64) {
			k |= r.Uint64() << 53 // what does not count
			words[0], words[1] = uint32(k>>32), uint32(k)
		}
		for pass := range 8 {
			words := make([]uint32, 2*Block*((len(special)+half-1)/half))
			for i := range len(words) / 4 {
				block, pair := words[i/half*2*Block:], i%half*2
				radius, angle := special[i%len(special)], special[i%len(special)]
				switch {
				case pass == 1:
					radius = r.Uint64()
				case pass == 2:
					angle = r.Uint64()
				case pass > 2:
					radius, angle = special[r.IntN(len(special))], special[r.IntN(len(special))]
				}
				put(block[pair:], radius)
				put(block[Block+pair:], angle)
			}
			sameNormals64(t, words, 0, 1)
			sameNormals64(t, words, 1e-20, 3)
		}
	})
}

// halfway returns numbers u2 whose angle leaves a rest halfway between two
// rows of the table, so that the sine and the cosine take different ones.
func halfway() (all []uint64) {
	for i := range 256 {
		x := hp0 - (float64(i)-128)/128 - 1.0/256
		for k := uint64(x/twoPi64*unit) - 8; k < unit/2 && float64(twoPi64*(float64(k)/unit)) <= x; k++ {
			theta := float64(twoPi64 * (float64(k) / unit))
			if top := math.Float64bits(theta) >> 32; top < direct || top >= folded {
				continue
			}
			y := hp0 - theta
			s, _ := nearestRow(math.Abs(y + hp1))
			c, _ := nearestRow(math.Abs(y))
			if s != c {
				all = append(all, k)
			}
		}
	}
	return all
}

func TestFloat64NormalsLeaveHalfwayAnglesToTheGenericForm(t *testing.T) {
	rest := halfway()
	require.NotEmpty(t, rest)
	t.Logf("%d angles", len(rest))
	onAVX2(t, func() {
		r := rand.New(rand.NewPCG(5, 6))
		for _, k := range rest {
			for pair := range half {
				words := make([]uint32, 5*2*Block)
				for i := range words {
					words[i] = r.Uint32()
				}
				at := 2*2*Block + Block + 2*pair // in the third block
				words[at], words[at+1] = uint32(k>>32), uint32(k)
				dst := make([]float64, 5*Block)
				require.Equal(t, 2, normal64.Blocks(dst, words, 0, 1, &tables64))
				sameNormals64(t, words, 0, 1)
			}
		}
	})
}

func TestFloat64NormalsOfAnyParameters(t *testing.T) {
	onAVX2(t, func() {
		r := rand.New(rand.NewPCG(7, 8))
		words := make([]uint32, 6*2*Block)
		for i := range words {
			words[i] = r.Uint32()
		}
		odd := []float64{0, math.Copysign(0, -1), 1, -1, math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64, 5e-324}
		for _, mean := range odd {
			for _, std := range odd {
				sameNormals64(t, words, mean, std)
			}
		}
	})
}

func TestFloat64NormalsOfAllLengths(t *testing.T) {
	onAVX2(t, func() {
		const filler = -77
		r := rand.New(rand.NewPCG(9, 10))
		whole := make([]uint32, 12*2*Block+4)
		for i := range whole {
			whole[i] = r.Uint32()
		}
		dst, want := make([]float64, 12*Block), make([]float64, 12*Block)
		for offset := range 4 {
			words := whole[offset:]
			normalF64Generic(want, words, 0, 1)
			for n := range len(dst) - 3 {
				for i := range dst {
					dst[i] = filler
				}
				normalF64(dst[offset:offset+n], words, 0, 1)
				full := n &^ (Block - 1)
				for i, v := range dst {
					expected := float64(filler)
					if i >= offset && i < offset+full {
						expected = want[i-offset]
					}
					if v != expected {
						t.Fatalf("length %d, offset %d: element %d is %v instead of %v", n, offset, i-offset, v, expected)
					}
				}
				for i := range dst {
					dst[i] = filler
				}
				normalF64(dst, words[:n], 0, 1) // too few words
				for i, v := range dst[n/(2*Block)*Block:] {
					if v != filler {
						t.Fatalf("%d words: element %d past the last block was written", n, i)
					}
				}
			}
		}
	})
}

// Numbers near 1 wait in a list, which has to have room for all of a call, and
// for none.
func TestFloat64NormalsWithAnyNumberOfLogarithmsNearOne(t *testing.T) {
	onAVX2(t, func() {
		r := rand.New(rand.NewPCG(9, 10))
		for blocks := range 50 {
			for _, share := range []float64{0, 0.5, 1} {
				words := make([]uint32, 2*Block*blocks)
				for i := range words {
					words[i] = r.Uint32()
					if high := i%2 == 0; high && i%(2*Block) < Block { // of a radius: the upper 21 bits of u count
						words[i] |= 1 << 20
						if r.Float64() < share {
							words[i] &= 1<<17 - 1 // u < 1/16
						}
					}
				}
				sameNormals64(t, words, 0, 1)
			}
		}
	})
}
