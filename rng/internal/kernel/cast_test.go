package kernel

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestBF16(t *testing.T) {
	for _, c := range []struct {
		name string
		bits uint32
		want uint16
	}{
		{"zero", 0, 0},
		{"negative zero", 0x80000000, 0x8000},
		{"exact", 0x3f800000, 0x3f80},
		{"below the middle", 0x3f807fff, 0x3f80},
		{"middle, even stays", 0x3f808000, 0x3f80},
		{"middle, odd goes up", 0x3f818000, 0x3f82},
		{"above the middle", 0x3f808001, 0x3f81},
		{"carry into the exponent", 0x3fffffff, 0x4000},
		{"negative carry", 0xbfffffff, 0xc000},
		{"largest goes to infinity", 0x7f7fffff, 0x7f80},
		{"largest that stays finite", 0x7f7f7fff, 0x7f7f},
		{"smallest subnormal", 1, 0},
		{"subnormal middle, odd", 0x00018000, 2},
		{"infinity", 0x7f800000, 0x7f80},
		{"negative infinity", 0xff800000, 0xff80},
		{"nan", 0x7fc00000, 0xffff},
		{"nan with payload that rounding would lose", 0x7f800001, 0xffff},
		{"negative nan", 0xffffffff, 0xffff},
	} {
		require.Equal(t, c.want, bf16(f32(c.bits)), c.name)
	}
}

func TestF16(t *testing.T) {
	for _, c := range []struct {
		name  string
		value float32
		want  uint16
	}{
		{"zero", 0, 0},
		{"negative zero", f32(0x80000000), 0x8000},
		{"one", 1, 0x3c00},
		{"middle, even stays", 1 + 0x1p-11, 0x3c00},
		{"middle, odd goes up", 1 + 3*0x1p-11, 0x3c02},
		{"above the middle", 1 + 0x1p-11 + 0x1p-23, 0x3c01},
		{"carry into the exponent", 2 - 0x1p-12, 0x4000},
		{"largest", 65504, 0x7bff},
		{"below 65520", f32(0x477fefff), 0x7bff},
		{"65520", 65520, 0x7c00},
		{"negative overflow", -1e30, 0xfc00},
		{"infinity", f32(0x7f800000), 0x7c00},
		{"smallest normal", 0x1p-14, 0x0400},
		{"just below it", f32(0x387fffff), 0x0400},
		{"largest subnormal", 1023 * 0x1p-24, 0x03ff},
		{"smallest subnormal", 0x1p-24, 1},
		{"half of it is even", 0x1p-25, 0},
		{"a little more", f32(0x33000001), 1},
		{"three halves go to two", 1.5 * 0x1p-24, 2},
		{"negative subnormal", -2.5 * 0x1p-24, 0x8002},
		{"float32 subnormal", f32(1), 0},
		{"nan", f32(0x7fc00000), 0x7e00},
		{"negative nan", f32(0xffc00000), 0xfe00},
		{"signalling nan becomes quiet", f32(0x7f800001), 0x7e00},
		{"payload", f32(0xffa12345), 0xff09},
	} {
		require.Equal(t, c.want, f16(c.value), c.name)
	}
}

// f16Value is the value of a finite pattern.
func f16Value(bits uint16) float64 {
	exponent, fraction := int(bits>>10&31), float64(bits&1023)
	if exponent == 0 {
		return math.Ldexp(fraction, -24)
	}
	return math.Ldexp(1024+fraction, exponent-25)
}

func TestEveryF16SurvivesARoundTrip(t *testing.T) {
	for bits := range uint16(0x7c00) {
		v := float32(f16Value(bits))
		require.Equal(t, bits, f16(v))
		require.Equal(t, bits|0x8000, f16(-v))
	}
}

func TestF16IsTheNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := float32(rapid.Float64Range(0, 65519).Draw(t, "large")) * float32(math.Ldexp(1, -rapid.IntRange(0, 40).Draw(t, "down")))
		bits := f16(v)
		own := math.Abs(float64(v) - f16Value(bits))
		for _, other := range []uint16{bits - 1, bits + 1} {
			if other >= 0x7c00 { // below zero, or infinity
				continue
			}
			d := math.Abs(float64(v) - f16Value(other))
			require.True(t, own < d || own == d && bits&1 == 0, "%v became %x", v, bits)
		}
	})
}

func TestCastsStopWhereEitherSliceEnds(t *testing.T) {
	for name, cast := range map[string]func([]byte, []float32){"bf16": BF16, "f16": F16} {
		dst := []byte{9, 9, 9, 9, 9}
		cast(dst, []float32{1})
		require.Equal(t, []byte{9, 9, 9}, dst[2:], name)
		cast(dst, []float32{1, 1, 1})
		require.Equal(t, binary.LittleEndian.Uint16(dst), binary.LittleEndian.Uint16(dst[2:]), name)
		require.Equal(t, byte(9), dst[4], name)
		cast(nil, []float32{1})
		cast(dst, nil)
	}
}
