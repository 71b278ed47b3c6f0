package checkpoint_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/checkpoint/safetensors"
)

func decode(t *testing.T, dtype string, n int, src ...byte) []float64 {
	t.Helper()
	dst := make([]float64, n)
	require.NoError(t, checkpoint.Decode(dst, src, dtype))
	return dst
}

func TestDecodeIntegers(t *testing.T) {
	require.Equal(t, []float64{0, 1, 2, 255}, decode(t, "BOOL", 4, 0, 1, 2, 255))
	require.Equal(t, []float64{0, 128, 255}, decode(t, "U8", 3, 0, 128, 255))
	require.Equal(t, []float64{0, -128, -1}, decode(t, "I8", 3, 0, 128, 255))
	require.Equal(t, []float64{-32768, 1}, decode(t, "I16", 2, 0, 128, 1, 0))
	require.Equal(t, []float64{32768}, decode(t, "U16", 1, 0, 128))
	require.Equal(t, []float64{-1 << 31}, decode(t, "I32", 1, 0, 0, 0, 128))
	require.Equal(t, []float64{1 << 31}, decode(t, "U32", 1, 0, 0, 0, 128))
	require.Equal(t, []float64{-1 << 63}, decode(t, "I64", 1, 0, 0, 0, 0, 0, 0, 0, 128))
	require.Equal(t, []float64{1 << 63}, decode(t, "U64", 1, 0, 0, 0, 0, 0, 0, 0, 128))
}

// Values that the makers of the types give as limits: OCP's "8-bit floating
// point specification" and "microscaling formats", and torch.finfo.
func TestDecodeFloats(t *testing.T) {
	inf, zero := math.Inf(1), math.Copysign(0, -1)
	for _, c := range []struct {
		dtype string
		bytes []byte
		want  []float64
	}{
		{"F16", []byte{0xff, 0x7b, 0x00, 0x7c, 0x00, 0xfc, 0x01, 0x00, 0x00, 0x04, 0x00, 0x80}, []float64{65504, inf, -inf, math.Ldexp(1, -24), math.Ldexp(1, -14), zero}},
		{"BF16", []byte{0x80, 0x3f, 0x7f, 0x7f, 0x80, 0xff, 0x01, 0x00}, []float64{1, 0x1.fep127, -inf, math.Ldexp(1, -133)}},
		{"F8_E5M2", []byte{0x3c, 0x7b, 0x7c, 0xfc, 0x01, 0x04, 0x80}, []float64{1, 57344, inf, -inf, math.Ldexp(1, -16), math.Ldexp(1, -14), zero}},
		{"F8_E4M3", []byte{0x38, 0x7e, 0x01, 0x08, 0xfe, 0x80}, []float64{1, 448, math.Ldexp(1, -9), math.Ldexp(1, -6), -448, zero}},
		{"F8_E4M3FNUZ", []byte{0x40, 0x7f, 0x01, 0xff}, []float64{1, 240, math.Ldexp(1, -10), -240}},
		{"F8_E5M2FNUZ", []byte{0x40, 0x7f, 0x01}, []float64{1, 57344, math.Ldexp(1, -17)}},
		{"F8_E8M0", []byte{0x7f, 0x00, 0xfe}, []float64{1, math.Ldexp(1, -127), math.Ldexp(1, 127)}},
		{"F4", []byte{0x10, 0x32, 0x54, 0x76, 0x98, 0xfe}, []float64{0, 0.5, 1, 1.5, 2, 3, 4, 6, zero, -0.5, -4, -6}},
		{"F64", binary.LittleEndian.AppendUint64(nil, math.Float64bits(0.1)), []float64{0.1}},
		{"F32", []byte{0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80}, []float64{math.Ldexp(1, -149), zero}},
	} {
		got := decode(t, c.dtype, len(c.want), c.bytes...)
		for i := range got {
			require.Equal(t, math.Float64bits(c.want[i]), math.Float64bits(got[i]), "%s, value %d: %v, want %v", c.dtype, i, got[i], c.want[i])
		}
	}
	for dtype, b := range map[string][]byte{
		"F16": {0x01, 0x7c}, "BF16": {0x81, 0x7f}, "F8_E5M2": {0x7d}, "F8_E4M3": {0x7f},
		"F8_E4M3FNUZ": {0x80}, "F8_E5M2FNUZ": {0x80}, "F8_E8M0": {0xff}, "F32": {0, 0, 0xc0, 0x7f},
	} {
		require.True(t, math.IsNaN(decode(t, dtype, 1, b...)[0]), dtype)
	}
}

func TestDecodeRefusals(t *testing.T) {
	for _, dtype := range []string{"C64", "C128", "F6_E2M3", "F6_E3M2", "F33", ""} {
		require.False(t, checkpoint.Decodable(dtype), dtype)
		require.ErrorContains(t, checkpoint.Decode(make([]float64, 1), make([]byte, 8), dtype), "not decoded")
	}
	n := 0
	for _, dtype := range safetensors.DTypes() {
		if checkpoint.Decodable(dtype) {
			n++
			require.ErrorContains(t, checkpoint.Decode(make([]float64, 2), make([]byte, 64), dtype), "bytes", dtype)
		}
	}
	require.Equal(t, 19, n)
}
