package jump

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

var references = flag.Int("references", 12, "how many random distances to compare with the textbook's method, 15 ms each")

// eachWay runs a test with every code path of this build and CPU.
func eachWay(t *testing.T, test func(t *testing.T)) {
	ways := map[string]bool{"portable": false}
	if HasAssembly() {
		ways["assembly"] = true
	}
	for name, assembly := range ways {
		t.Run(name, func(t *testing.T) {
			before := AllowAssembly(assembly)
			defer AllowAssembly(before)
			test(t)
		})
	}
}

// random returns words that no seed gives.
func random(r *rand.Rand) *[N]uint32 {
	var x [N]uint32
	for i := range x {
		x[i] = r.Uint32()
	}
	return &x
}

func TestBlocksIsSteppingForEachSmallDistance(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		want := seeded(42)
		start := *want
		for n := range int64(700) {
			got := start
			Blocks(&got, n)
			require.Equal(t, *want, got, "%d blocks", n)
			step(want, 1)
		}
	})
}

func TestBlocksIsSteppingForMillionsOfWords(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 1))
		got := random(r)
		want := *got
		for range 12 {
			n := r.Int64N(4000)
			step(&want, n)
			Blocks(got, n)
			require.Equal(t, want, *got, "%d blocks", n)
		}
	})
}

func TestBlocksIsTheTextbooksJump(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 2))
		distances := []int64{1, 2, 1 << 31 / N, 1<<31/N + 1, 1 << 40 / N, 1 << 53, 1<<53 + 1, 1 << 62 / N, math.MaxInt64 / N, math.MaxInt64/N + 1}
		for range *references {
			distances = append(distances, 1+r.Int64N(1<<r.IntN(41)))
		}
		for _, n := range distances {
			want := random(r)
			got := *want
			textbookBlocks(want, n)
			Blocks(&got, n)
			require.Equal(t, *want, got, "%d blocks", n)
		}
	})
}

func TestJumpsAddUp(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 1000 {
		// Together at most 2^40 words.
		a, b := r.Int64N(1<<39), r.Int64N(1<<r.IntN(40))
		start, next := random(r), r.IntN(N+1)
		once, twice := *start, *start
		atOnce := Words(&once, next, a+b)
		atTwice := Words(&twice, Words(&twice, next, a), b)
		require.Equal(t, atOnce, atTwice, "%d and %d from %d", a, b, next)
		if once != twice {
			require.Equal(t, once, twice, "%d and %d from %d", a, b, next)
		}
	}
}

func TestDistancesBeyond64BitsOfWordsAddUp(t *testing.T) {
	const part = math.MaxInt64/1000 + 1 // its words fit in 63 bits
	once := random(rand.New(rand.NewPCG(8, 8)))
	many := *once
	for range 1000 {
		Blocks(&many, part)
	}
	Blocks(&many, math.MaxInt64%1000)
	Blocks(once, math.MaxInt64/1000*1000)
	Blocks(once, math.MaxInt64%1000+1000)
	require.Equal(t, *once, many)
}

// read draws words one by one, untempered, as package rng does.
func read(state *[N]uint32, next, words int) int {
	for range words {
		if next == N {
			step(state, 1)
			next = 0
		}
		next++
	}
	return next
}

func TestWordsIsDrawingOneByOne(t *testing.T) {
	for _, next := range []int{0, 1, 2, 311, 622, 623, N} {
		for _, words := range []int{0, 1, 2, 312, 313, 622, 623, 624, 625, 1246, 1247, 1248, 1249, 6240, 10000} {
			want := seeded(7)
			got := *want
			wantNext := read(want, next, words)
			gotNext := Words(&got, next, int64(words))
			require.Equal(t, wantNext, gotNext, "%d words from %d", words, next)
			require.Equal(t, *want, got, "%d words from %d", words, next)
		}
	}
}

func TestSplitCountsNoWordTwice(t *testing.T) {
	for _, next := range []int{1, 77, N} {
		for _, words := range []int64{1, N, 1<<31 - 1, 1 << 31, 1<<31 + 1, 1 << 40, 1 << 62, math.MaxInt64 - 1, math.MaxInt64} {
			blocks, after := Split(next, words)
			require.GreaterOrEqual(t, blocks, int64(0))
			require.Positive(t, after)
			require.LessOrEqual(t, after, N)
			// Modulo 2^64, which is enough: the parts are far from it.
			require.Equal(t, uint64(next)+uint64(words), uint64(blocks)*N+uint64(after), "%d words from %d", words, next)
		}
	}
}

func TestNothingHappensForNothingOrLess(t *testing.T) {
	want := seeded(3)
	got := *want
	for _, n := range []int64{0, -1, math.MinInt64} {
		Blocks(&got, n)
		require.Equal(t, 5, Words(&got, 5, n))
	}
	require.Equal(t, *want, got)
}

func TestLowBitsOfTheOldestWordDoNotMatter(t *testing.T) {
	eachWay(t, func(t *testing.T) {
		a := seeded(9)
		b := *a
		b[0] ^= 0x7fffffff
		Blocks(a, 1000)
		Blocks(&b, 1000)
		require.Equal(t, *a, b)
	})
}

func TestTheEmptyStateStaysEmpty(t *testing.T) {
	var state [N]uint32
	Blocks(&state, 123456)
	require.Equal(t, [N]uint32{}, state)
}

func FuzzBlocks(f *testing.F) {
	f.Add(uint64(1), uint64(2), uint16(3), uint32(0))
	f.Add(uint64(0), uint64(0), uint16(1), uint32(1<<31))
	f.Fuzz(func(t *testing.T, a, b uint64, n uint16, flip uint32) {
		start := random(rand.New(rand.NewPCG(a, b)))
		start[flip%N] ^= flip
		want := *start
		step(&want, int64(n%512))
		for _, assembly := range []bool{false, true} {
			got := *start
			before := AllowAssembly(assembly)
			Blocks(&got, int64(n%512))
			AllowAssembly(before)
			require.Equal(t, want, got, "assembly %v", assembly)
		}
	})
}

func BenchmarkBlocks(b *testing.B) {
	for _, assembly := range []bool{false, true} {
		before := AllowAssembly(assembly)
		for _, words := range []int64{1 << 27, 1 << 40, 1 << 62} {
			state := seeded(1)
			b.Run(fmt.Sprintf("assembly=%v/words=%d/known", assembly, words), func(b *testing.B) {
				for b.Loop() {
					Blocks(state, words/N)
				}
			})
			b.Run(fmt.Sprintf("assembly=%v/words=%d/new", assembly, words), func(b *testing.B) {
				for n := words / N; b.Loop(); n++ {
					Blocks(state, n)
				}
			})
		}
		AllowAssembly(before)
	}
}
