package weightinit_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/plan"
)

// kept keeps all values of a plan.
type kept struct {
	plan   *weightinit.Plan
	values [][]byte
}

func (k *kept) WriteValues(tensor int, first int64, data []byte) error {
	copy(k.values[tensor][first*k.plan.Tensors().At(tensor).DType.Size():], data)
	return nil
}

func valuesOf(t *testing.T, p *weightinit.Plan) map[string][]byte {
	t.Helper()
	k := &kept{plan: p}
	for _, tensor := range p.Tensors().All() {
		k.values = append(k.values, make([]byte, tensor.Bytes()))
	}
	require.NoError(t, fill.Run(t.Context(), p.Plan, k, fill.Options{}))
	out := map[string][]byte{}
	for i, tensor := range p.Tensors().All() {
		out[tensor.Name] = k.values[i]
	}
	return out
}

func TestAHuggingFaceModelAndItsPlanFileAreOnePlan(t *testing.T) {
	files, err := filepath.Glob("testdata/hf-configs/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			config, _, err := model.Load(path)
			require.NoError(t, err)
			p, err := weightinit.Prepare(t.Context(), config, weightinit.Seed(11))
			require.NoError(t, err)
			var file bytes.Buffer
			require.NoError(t, p.WritePlan(&file, nil))
			q, err := weightinit.PrepareProgram(file.Bytes(), weightinit.Seed(11))
			require.NoError(t, err)
			require.Equal(t, p.Digest(), q.Digest())
			require.Equal(t, valuesOf(t, p), valuesOf(t, q))
			keyed, err := weightinit.Prepare(t.Context(), config, weightinit.Seed(11), weightinit.Streams(plan.Keyed))
			require.NoError(t, err)
			keyedFile, err := weightinit.PrepareProgram(file.Bytes(), weightinit.Seed(11), weightinit.Streams(plan.Keyed))
			require.NoError(t, err)
			require.Equal(t, valuesOf(t, keyed), valuesOf(t, keyedFile))
			var again bytes.Buffer
			require.NoError(t, q.WritePlan(&again, nil))
			require.Equal(t, file.String(), again.String())
		})
	}
}
