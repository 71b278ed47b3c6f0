package kernel

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func f32(bits uint32) float32 { return math.Float32frombits(bits) }

func TestFMA32RoundsOnce(t *testing.T) {
	// The last column is what two roundings give.
	for _, c := range []struct{ a, b, c, once, twice uint32 }{
		{0x3f807800, 0x3fd20800, 0xa4800000, 0x3fd2cce7, 0x3fd2cce8},
		{0x3f929800, 0x3fb0b800, 0x25000000, 0x3fca63bb, 0x3fca63ba},
		{0x3f7c9e2e, 0x40400000, 0x1e3ce508, 0x403d76a3, 0x403d76a2},
		{0x3f0763ab, 0x40400000, 0x1e3ce508, 0x3fcb1581, 0x3fcb1580},
	} {
		got := math.Float32bits(fma32(f32(c.a), f32(c.b), f32(c.c)))
		require.Equal(t, c.once, got, "%x * %x + %x: %x", c.a, c.b, c.c, got)
		require.Equal(t, c.twice, math.Float32bits(mulAdd(f32(c.a), f32(c.b), f32(c.c))))
	}
}

func TestFMA32OfSpecialValues(t *testing.T) {
	inf, zero := float32(math.Inf(1)), float32(0)
	negZero := float32(math.Copysign(0, -1))
	least := f32(1) // the smallest subnormal
	for _, c := range []struct {
		name    string
		a, b, c float32
		want    float32
	}{
		{"infinity", inf, 2, -5, inf},
		{"minus infinity", inf, -2, 1e30, -inf},
		{"overflow", 3e38, 2, 0, inf},
		{"product beyond float32, sum within", 3e38, 2, -inf, -inf},
		{"largest, exactly", math.MaxFloat32, 1, 0, math.MaxFloat32},
		{"half a place above the largest is infinity", math.MaxFloat32, 1, 0x1p103, inf},
		{"a little less is the largest", math.MaxFloat32, 1, 0x1.fffffep102, math.MaxFloat32},
		{"zero", 0, 5, 0, 0},
		{"zeros of both signs", negZero, 1, zero, zero},
		{"negative zeros", negZero, 1, negZero, negZero},
		{"exact cancellation", 3, 5, -15, 0},
		{"underflow keeps the sign", -least, 0.25, zero, negZero},
		{"half the smallest is even", least, 0.5, zero, zero},
		{"a little more is the smallest", least, f32(0x3f000001), zero, least},
		{"three halves of the smallest", least, 1.5, zero, 2 * least},
	} {
		got := fma32(c.a, c.b, c.c)
		require.Equal(t, math.Float32bits(c.want), math.Float32bits(got), "%s: got %v", c.name, got)
	}
	nan := float32(math.NaN())
	for _, v := range []float32{fma32(nan, 1, 1), fma32(1, 1, nan), fma32(inf, 0, 1), fma32(inf, 1, -inf)} {
		require.True(t, v != v)
	}
}

// exactFMA is a*b + c by arithmetic of any precision, for finite numbers with
// a sum that is not zero.
func exactFMA(a, b, c float32) (v float32, zero bool) {
	const precision = 700 // every product and sum of float32 is exact
	x := new(big.Float).SetPrec(precision).SetFloat64(float64(a))
	x.Mul(x, new(big.Float).SetFloat64(float64(b)))
	x.Add(x, new(big.Float).SetFloat64(float64(c)))
	v, _ = x.Float32()
	return v, x.Sign() == 0
}

func TestFMA32EqualsExactArithmetic(t *testing.T) {
	finite := rapid.Custom(func(t *rapid.T) float32 {
		return f32(rapid.Uint32().Filter(func(b uint32) bool { return b>>23&0xff != 0xff }).Draw(t, "bits"))
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := finite.Draw(t, "a"), finite.Draw(t, "b"), finite.Draw(t, "c")
		checkFMA32(t, a, b, c)
		// Factors with few bits make ties, and a tiny term breaks them.
		a, b = f32(math.Float32bits(a)&0xfffff000), f32(math.Float32bits(b)&0xfffff000)
		checkFMA32(t, a, b, float32(math.Copysign(1e-30, float64(c))))
		// Sums around the smallest normal number.
		scale := float32(math.Ldexp(1, -126))
		checkFMA32(t, f32(math.Float32bits(a)&0x7fffff|0x3f800000), scale, c*0x1p-100)
	})
}

type failer interface {
	Fatalf(format string, args ...any)
}

func checkFMA32(t failer, a, b, c float32) {
	want, zero := exactFMA(a, b, c)
	got := fma32(a, b, c)
	if zero && got == 0 {
		return // big.Float has no rule for the sign of such a zero
	}
	if math.Float32bits(got) != math.Float32bits(want) {
		t.Fatalf("fma32(%x, %x, %x) = %x instead of %x", math.Float32bits(a), math.Float32bits(b), math.Float32bits(c),
			math.Float32bits(got), math.Float32bits(want))
	}
}

func TestFMA32OfBuiltTies(t *testing.T) {
	// a*b has its lowest bit exactly in the middle between two float32; c is
	// too small for float64 to keep.
	for i := range uint32(500) {
		a := f32(0x3f800000 | (i*2654435761)>>9&0x7ff000 | 0x1000)
		b := f32(0x3f800000 | (i*2246822519)>>9&0x7fe000 | 0x2000)
		for _, c := range []float32{0x1p-60, -0x1p-60, 0x1p-149, -0x1p-149, 0} {
			checkFMA32(t, a, b, c)
		}
	}
}

func TestFMA32OfBuiltTiesBetweenSubnormals(t *testing.T) {
	// (1 + 2^-23)(1 - 2^-23) 2^-150 is a little less than half of the smallest
	// subnormal, and float64 does not see the difference next to c.
	below := [2]float32{0x1.000002p-75, 0x1.fffffcp-76}
	half := [2]float32{0x1p-75, 0x1p-75}
	above := [2]float32{0x1.000002p-75, 0x1.000002p-75}
	for i := range uint32(100) {
		for _, top := range []uint32{1 << 19, 1 << 21, 1 << 22, 1<<23 - 1024, 1 << 23} {
			c := f32(top + i)
			for _, p := range [][2]float32{below, half, above} {
				checkFMA32(t, p[0], p[1], c)
				checkFMA32(t, -p[0], p[1], c)
				checkFMA32(t, p[0], p[1], -c)
			}
		}
	}
}
