package parity_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity"
	"github.com/weightinit/weightinit/rng"
)

type statSet struct {
	checkpoint.Set
	tensors []checkpoint.Tensor
}

func (s statSet) Tensors() []checkpoint.Tensor { return s.tensors }
func (s statSet) Lookup(name string) (checkpoint.Tensor, bool) {
	for _, t := range s.tensors {
		if t.Name == name {
			return t, true
		}
	}
	return checkpoint.Tensor{}, false
}

func statSetOf(t *testing.T, name string, seed uint64, std float64) statSet {
	values := make([]float32, 1<<16)
	rng.Fill(rng.New(seed), dist.Dist{Draw: dist.Normal{Std: std}}, values)
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	tensor, err := checkpoint.NewTensor(name, "F32", []int64{256, 256}, bytes.NewReader(raw))
	require.NoError(t, err)
	return statSet{tensors: []checkpoint.Tensor{tensor}}
}

func TestSetsOfOneLawPassAndOthersFail(t *testing.T) {
	reference := statSetOf(t, "w", 1, 0.02)
	r, err := parity.Stats(t.Context(), nil, reference, statSetOf(t, "w", 2, 0.02), parity.Options{})
	require.NoError(t, err)
	require.True(t, r.Passed(), "%+v", r.Findings)
	require.Positive(t, r.Summary.Weak, "65,536 values do not show that 1% of std is nothing")
	r, err = parity.Stats(t.Context(), nil, reference, statSetOf(t, "w", 2, 0.0212), parity.Options{})
	require.NoError(t, err)
	require.False(t, r.Passed())
	r, err = parity.Stats(t.Context(), nil, reference, statSetOf(t, "v", 2, 0.02), parity.Options{})
	require.NoError(t, err)
	require.Equal(t, 2, r.Summary.Failed, "one is missing and one is extra")
}
