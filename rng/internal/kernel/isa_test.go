package kernel

import (
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/rng/internal/isa"
)

// using sets the instruction set for the rest of the test.
func using(t testing.TB, i isa.ISA) {
	t.Helper()
	before := isa.Active()
	t.Cleanup(func() { isa.Set(before) })
	isa.Set(i)
}

// eachFast runs f for each instruction set of this processor but the generic
// one. [TestRequiredInstructionSet] is for machines that must have one.
func eachFast(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	for _, i := range isa.Supported()[1:] {
		t.Run(i.String(), func(t *testing.T) {
			using(t, i)
			f(t)
		})
	}
}

func TestRequiredInstructionSet(t *testing.T) {
	if name := os.Getenv("WEIGHTINIT_REQUIRE_ISA"); name != "" {
		_, err := isa.Parse(name)
		require.NoError(t, err, "WEIGHTINIT_REQUIRE_ISA")
	}
}

// generically runs f with the generic code.
func generically(f func()) {
	before := isa.Active()
	defer isa.Set(before)
	isa.Set(isa.Generic)
	f()
}

// operation is one thing that has a fast form: it fills a part of dst and
// leaves the rest, from an engine and from src.
type operation struct {
	name string
	step int // lengths are multiples of it
	run  func(e *Engine, dst []uint32, src []float32)
}

var operations = []operation{
	{"read", 1, func(e *Engine, dst []uint32, _ []float32) { e.Read(dst) }},
	{"skip", 1, func(e *Engine, dst []uint32, _ []float32) { e.Skip(int64(len(dst))) }},
	{"uniform", 1, func(e *Engine, dst []uint32, _ []float32) { e.UniformF32(floats(dst), -0.05, 0.05) }},
	{"uniform that folds", 1, func(e *Engine, dst []uint32, _ []float32) { e.UniformF32(floats(dst), 1, 1.000001) }},
	{"normal", Block, func(e *Engine, dst []uint32, _ []float32) { e.NormalF32(floats(dst), 1e-20, 3) }},
	{"normals of words", Block, func(e *Engine, dst []uint32, _ []float32) {
		words := make([]uint32, len(dst))
		e.Read(words)
		NormalF32(floats(dst), words, 0.1, 0.7)
	}},
	{"multiply", 1, func(_ *Engine, dst []uint32, src []float32) {
		copy(floats(dst), src)
		MultiplyF32(floats(dst), -1.25)
	}},
	{"bf16", 1, func(_ *Engine, dst []uint32, src []float32) { BF16(octets(dst)[:2*len(dst)], src) }},
	{"f16", 1, func(_ *Engine, dst []uint32, src []float32) { F16(octets(dst)[:2*len(dst)], src) }},
	{"outside", 1, func(_ *Engine, dst []uint32, src []float32) {
		for i, at := range Outside(nil, src, -1e30, 1e30) {
			dst[i] = uint32(at)
		}
	}},
}

// hardFloats are numbers of all kinds, with ties for the conversions.
func hardFloats(n int) []float32 {
	r := rand.New(rand.NewPCG(1, 2))
	out := make([]float32, n)
	for i := range out {
		bits := r.Uint32()
		switch i % 4 {
		case 1:
			bits = bits&0xffff0000 | 0x8000
		case 2:
			bits = bits&0x87ffe000 | 0x38001000
		case 3:
			bits &= 0xbfffffff
		}
		out[i] = math.Float32frombits(bits)
	}
	copy(out, []float32{0, f32(1 << 31), f32(0x7f800000), f32(0xff800000), f32(0x7fc00000), f32(0x7f800001), f32(0xffffffff), f32(1)})
	return out
}

func TestAllLengthsAtAllOffsets(t *testing.T) {
	const longest, offsets, filler = 4*N + 1, 16, 0x5eed5eed
	src := hardFloats(longest)
	whole := make([]uint32, longest+2*offsets)
	want := make([]uint32, longest)
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			eachFast(t, func(t *testing.T) {
				for n := 0; n <= longest; n += op.step {
					if testing.Short() && n > 3*Block && n%N > 2*Block && n%(29*Block) != 0 {
						continue
					}
					var e, generic Engine
					e.Seed(uint32(n))
					e.Skip(int64(n * 5 % (N + 1)))
					clear(want)
					generic = e
					generically(func() { op.run(&generic, want[:n], src[:n]) })
					for offset := range offsets {
						fast := e
						for i := range whole {
							whole[i] = filler
						}
						dst := whole[offset : offset+n : offset+n]
						clear(dst)
						op.run(&fast, dst, src[:n])
						for i, w := range want[:n] {
							if dst[i] != w {
								t.Fatalf("length %d, offset %d: word %d is %x instead of %x", n, offset, i, dst[i], w)
							}
						}
						for i, v := range whole {
							if v != filler && (i < offset || i >= offset+n) {
								t.Fatalf("length %d, offset %d: word %d was written", n, offset, i-offset)
							}
						}
						require.True(t, *generic.Words() == *fast.Words(), "state after length %d", n)
						require.True(t, generic.Next() == fast.Next(), "place after length %d", n)
					}
				}
			})
		})
	}
}

// sweep gives f every 16th uniform there is, 2^16 at a time, with
// WEIGHTINIT_EXHAUSTIVE=1 all of them, with -short every 128th.
func sweep(f func(words []uint32)) {
	stride := uint32(16)
	switch {
	case os.Getenv("WEIGHTINIT_EXHAUSTIVE") != "":
		stride = 1
	case testing.Short():
		stride = 128
	}
	words := make([]uint32, 1<<16)
	for u := uint32(0); u < 1<<24; {
		for i := range words {
			// The upper eight bits must not matter.
			words[i] = u&0xffffff | uint32(i)*0x9e000000
			u += stride
		}
		f(words)
	}
}

func TestEveryRadiusAndAngle(t *testing.T) {
	eachFast(t, func(t *testing.T) {
		for _, fixed := range []uint32{0, 0xffffff} {
			for _, first := range []bool{true, false} {
				var words [2 * 1 << 16]uint32
				var fast, generic [len(words)]float32
				sweep(func(some []uint32) {
					for i := range words {
						words[i] = fixed
					}
					for i, w := range some {
						at := i/half*Block + i%half
						if !first {
							at += half
						}
						words[at] = w
					}
					NormalF32(fast[:], words[:], 0, 1)
					generically(func() { NormalF32(generic[:], words[:], 0, 1) })
					requireSameBits(t, generic[:], fast[:])
				})
			}
		}
	})
}

func TestNormalsOfExtremeParameters(t *testing.T) {
	const least, most = 1e-45, 3.4e38
	words := outputs(3, 40*Block)
	fast, generic := make([]float32, len(words)), make([]float32, len(words))
	eachFast(t, func(t *testing.T) {
		for _, mean := range []float32{0, f32(1 << 31), least, -least, 1, 3e38, -most} {
			for _, std := range []float32{0, f32(1 << 31), least, 1e-38, -1, 8e37, 1e38, most, -most} {
				NormalF32(fast, words, mean, std)
				generically(func() { NormalF32(generic, words, mean, std) })
				requireSameBits(t, generic, fast)
			}
		}
	})
}

func TestEveryUniform(t *testing.T) {
	ranges := [][2]float32{
		{-0.05, 0.05}, {0, 1}, {0.1, 0.3}, {0.9, 1}, {100, 101}, {1, 1.000001}, {1e-20, 3}, {-3e38, 0}, {1e-30, 2e-30},
		{f32(1 << 31), 0}, {0, 0}, {f32(1 << 31), f32(1 << 31)}, {2, 2}, {0, 1e-38}, {-1e-45, 1e-45}, {-3e38, 3e38},
	}
	eachFast(t, func(t *testing.T) {
		for _, r := range ranges {
			fast, generic := make([]float32, 1<<16), make([]float32, 1<<16)
			sweep(func(words []uint32) {
				generically(func() { UniformF32(generic, words, r[0], r[1]) })
				copy(fast, generic)
				if u, ok := fastUniform(r[0], r[1]); ok {
					untemper(words)
					uniformFrom(fast, words, u)
				}
				requireSameBits(t, generic, fast)
			})
		}
	})
}

// untemper replaces outputs by the state words that they come from.
func untemper(words []uint32) {
	for i, y := range words {
		y ^= y >> 18
		y ^= y << 15 & 0xefc60000
		x := y
		for range 5 {
			x = y ^ x<<7&0x9d2c5680
		}
		y = x
		for range 3 {
			x = y ^ x>>11
		}
		words[i] = x
	}
}

func TestUntemperIsTheInverse(t *testing.T) {
	words := outputs(9, 1000)
	back := slices.Clone(words)
	untemper(back)
	temperGeneric(back, back)
	require.Equal(t, words, back)
}

func requireSameBits(t *testing.T, want, got []float32) {
	t.Helper()
	for i, w := range want {
		if a, b := math.Float32bits(w), math.Float32bits(got[i]); a != b {
			t.Fatalf("element %d: %x instead of %x", i, b, a)
		}
	}
}

func TestNumbersThatTheFastFormsLeaveToTheGeneric(t *testing.T) {
	inf, nan := f32(0x7f800000), f32(0x7fc00000)
	for _, r := range [][2]float32{{-3e38, 3e38}, {0, inf}, {nan, 1}, {0, nan}, {1, 0}, {0, 1e-40}, {inf, inf}} {
		_, ok := planUniform(r[0], r[1])
		require.False(t, ok, "%v", r)
	}
	for _, r := range [][2]float32{{f32(1 << 31), 1}, {inf, 1}, {0, inf}, {nan, 1}, {0, nan}, {0, 1e38}, {0, -1e38}} {
		require.False(t, plainNormal(r[0], r[1]), "%v", r)
	}
	require.True(t, plainNormal(0, f32(1<<31)))
	require.True(t, plainNormal(0, 8e37))
}

func FuzzInstructionSetsAgree(f *testing.F) {
	f.Add(uint32(1), uint16(100), uint16(3000), uint32(0x3dcccccd), uint32(0x3f333333), byte(3))
	f.Add(uint32(0), uint16(0), uint16(16), uint32(1<<31), uint32(0), byte(0))
	f.Add(uint32(7), uint16(624), uint16(1249), uint32(0x7f800000), uint32(0x7fc00000), byte(15))
	f.Fuzz(func(t *testing.T, seed uint32, skip, n uint16, a, b uint32, offset byte) {
		length, at := int(n)%5000, int(offset)%32
		x, y := f32(a), f32(b)
		run := func(i isa.ISA) (out []uint32) {
			using(t, i)
			var e Engine
			e.Seed(seed)
			e.Skip(int64(skip))
			whole := make([]uint32, length+at)
			dst := whole[at:]
			blocks := dst[:length/Block*Block]
			for _, step := range []func(){
				func() { e.Read(dst) },
				func() { MultiplyF32(floats(dst), x) },
				func() { e.UniformF32(floats(dst), x, y) },
				func() { e.NormalF32(floats(blocks), x, y) },
				func() { MultiplyF32(floats(dst), y) },
			} {
				step()
				out = append(out, whole...)
			}
			return append(append(out, e.Words()[:]...), uint32(e.Next()))
		}
		want := run(isa.Generic)
		for _, i := range isa.Supported()[1:] {
			require.True(t, slices.Equal(want, run(i)), "%s", i)
		}
	})
}
