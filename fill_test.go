package weightinit_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/modes/elementary"
	"github.com/weightinit/weightinit/plan"
)

// bytesSink keeps the one tensor of a plan.
type bytesSink struct {
	bytes []byte
	width int64
}

func (s bytesSink) WriteValues(_ int, first int64, data []byte) error {
	copy(s.bytes[first*s.width:], data)
	return nil
}

// planned are the bytes that a plan of one tensor makes.
func planned(t *testing.T, scheme string, values []string, shape []int64, opts plan.Options) []byte {
	t.Helper()
	info, err := elementary.Schemes().Lookup(scheme)
	require.NoError(t, err)
	p, err := weightinit.BuildTensor(t.Context(), info, values, shape, opts)
	require.NoError(t, err)
	out := bytesSink{make([]byte, p.Bytes()), p.DType().Size()}
	require.NoError(t, fill.Run(t.Context(), p.Plan, out, fill.Options{}))
	return out.bytes
}

// TestFillMakesTheBytesOfAPlan in every type, by the fast way and the other.
func TestFillMakesTheBytesOfAPlan(t *testing.T) {
	shape := []int64{600, 333}
	const n = 600 * 333
	for _, c := range []struct {
		scheme string
		values []string
		opts   []weightinit.Option
	}{
		{"xavier_uniform", []string{"gain=1.5"}, []weightinit.Option{weightinit.Set("gain", 1.5)}},
		{"kaiming_normal", nil, nil},
		{"trunc_normal", []string{"a=-1"}, []weightinit.Option{weightinit.Set("a", -1)}},
		{"eye", nil, nil},
		{"ones", nil, []weightinit.Option{weightinit.Workers(3)}},
	} {
		opts := append([]weightinit.Option{weightinit.Seed(7)}, c.opts...)
		narrow := make([]float32, n)
		require.NoError(t, weightinit.Fill(narrow, shape, c.scheme, opts...))
		var got []byte
		for _, v := range narrow {
			got = binary.LittleEndian.AppendUint32(got, math.Float32bits(v))
		}
		require.Equal(t, planned(t, c.scheme, c.values, shape, plan.Options{Seed: 7}), got, c.scheme)

		wide := make([]float64, n)
		require.NoError(t, weightinit.Fill(wide, shape, c.scheme, opts...))
		got = got[:0]
		for _, v := range wide {
			got = binary.LittleEndian.AppendUint64(got, math.Float64bits(v))
		}
		require.Equal(t, planned(t, c.scheme, c.values, shape, plan.Options{Seed: 7, DType: dtype.F64}), got, c.scheme)

		half := make([]uint16, n)
		require.NoError(t, weightinit.Fill(half, shape, c.scheme, append(opts, weightinit.DType(dtype.BF16), weightinit.Drawn(dtype.BF16))...))
		got = got[:0]
		for _, v := range half {
			got = binary.LittleEndian.AppendUint16(got, v)
		}
		require.Equal(t, planned(t, c.scheme, c.values, shape, plan.Options{Seed: 7, DType: dtype.BF16, Drawn: dtype.BF16}), got, c.scheme)
	}
}

// TestFillKnowsTorchsBits holds the first values of torch.nn.init.normal_ after
// torch.manual_seed(42).
func TestFillKnowsTorchsBits(t *testing.T) {
	dst := make([]float32, 1000)
	require.NoError(t, weightinit.Fill(dst, []int64{1000}, "normal", weightinit.Seed(42), weightinit.Set("std", 0.02)))
	require.Equal(t, []uint32{0x3d1dda57, 0x3cf3ad37, 0x3c9392d1}, []uint32{math.Float32bits(dst[0]), math.Float32bits(dst[1]), math.Float32bits(dst[2])})
}

func TestFillRefusesWhatDoesNotFit(t *testing.T) {
	f32, f64, u16 := make([]float32, 4), make([]float64, 4), make([]uint16, 4)
	require.ErrorContains(t, weightinit.Fill(f32, []int64{5}, "ones"), "5 elements, dst has 4")
	require.ErrorContains(t, weightinit.Fill(u16, []int64{4}, "ones"), "DType")
	require.ErrorContains(t, weightinit.Fill(u16, []int64{4}, "ones", weightinit.DType(dtype.F32)), "bf16 or f16")
	require.ErrorContains(t, weightinit.Fill(f64, []int64{4}, "ones", weightinit.DType(dtype.BF16)), "dst holds f64")
	require.ErrorContains(t, weightinit.Fill(f32, []int64{4}, "one"), `"ones"`)
	require.ErrorContains(t, weightinit.Fill(f32, []int64{4}, "normal", weightinit.Set("gain", 1)), "gain")
	require.ErrorContains(t, weightinit.Fill(f32, []int64{4}, "ones", weightinit.Force()), "option Force is of no use to Fill")
	require.ErrorContains(t, weightinit.Fill(f32, []int64{-4}, "ones"), "-4")
	require.NoError(t, weightinit.Fill([]float32{}, []int64{0, 3}, "normal"))
}
