package fill_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/plan"
)

// exact are the same plans with zeros in place of every parameter that holds an
// orthogonal matrix.
var exact = map[string]string{
	"mixedbf16":      "929c180bd1194c271b171d23c5c453e2faed5bf98c2583b5e4e3d64186da4ac5",
	"mixedf16":       "6f0307a4296d3a5ed05cdeafb5f3110547f5497eefeb223be644ee7f5ca1c112",
	"mixedf32":       "24f2f8fd82b20b37031f4d97fb6be96636324df127cbc65d4751ec68ae7779b1",
	"mixedf64":       "34d6b070a892ab890ccd78a53d94842c82ec9ac1766fd83ba3d3adf4772d4d16",
	"vocabularybf16": "d8f534a397fcd6565d2dd6720e67735a29cee2169a233d642f8200be71687d2a",
	"vocabularyf16":  "7e7a43ce6e3147e4324f11e2ecd5f1b234989549b49f27d5cfe3ea39e68029b8",
	"vocabularyf32":  "166abf833a6702b98a8976aac533d205f14729808f67219c9d5cbdea539d2099",
	"vocabularyf64":  "0db0bcf54a1b90ae61108916358ba4e795f58e09b8521a0426ce1e91ee1edd81",
}

// TestBitsAndDigestsStay holds the bytes of plans and their digests to what
// they were before parameters, steps and tensors were told apart.
func TestBitsAndDigestsStay(t *testing.T) {
	for _, c := range []struct {
		name           string
		in             dtype.Type
		digest, values string
	}{
		{"mixed", dtype.BF16, "sha256:cd48a3a3576f1b29b2742b69154e50a2e55e08170f6abe349973c00708db0d87", "929c180bd1194c271b171d23c5c453e2faed5bf98c2583b5e4e3d64186da4ac5"},
		{"mixed", dtype.F16, "sha256:7089d9353334bdd41e05382de7be03744ab2d0d5d1a5673ff62fac3a6170f0d7", "6f0307a4296d3a5ed05cdeafb5f3110547f5497eefeb223be644ee7f5ca1c112"},
		{"mixed", dtype.F32, "sha256:47277a425f70439d6368e80f4d7d863c19c18b159b7494f9e3a884888563e8e0", "24f2f8fd82b20b37031f4d97fb6be96636324df127cbc65d4751ec68ae7779b1"},
		{"mixed", dtype.F64, "sha256:e1f7fe3b4b17f6b1b6103af408a24f77299474311571b98f141d08d1d13acc24", "34d6b070a892ab890ccd78a53d94842c82ec9ac1766fd83ba3d3adf4772d4d16"},
		{"vocabulary", dtype.BF16, "sha256:6ba0a683929e04bf2e05fc693f09b347a3ab2e6e9f4db3931da3835b9fbe9295", "bf38a349af862842842dd960276db63fcba6776cf5c3b0ba96c6e72c3811335a"},
		{"vocabulary", dtype.F16, "sha256:8325457573487e19dcc50f40f491678ff721ae2ac1f5f072ddef3582c3574800", "2fb42f81f920b2e5c8ac987064067740e0dcb6ad747b87e694608b99e36c21c2"},
		{"vocabulary", dtype.F32, "sha256:4a463611605cf0d2eb922d42eb0b81bc0073a237c77101d0ede2e8134c064cf8", "91cfc83a5b29de68be210277bb0aef68cc5ff42ed92b5ead5e6783067aa82270"},
		{"vocabulary", dtype.F64, "sha256:a9c810b627e243972e57aef9bd98312002fd105a8e69f6d615f169624a3e4b56", "9ae1eeaeead7a174efc4b03f53ae2783b4e7fc0194ee9e1517d8d5d41ee02c8e"},
	} {
		var p *plan.Plan
		if c.name == "mixed" {
			p = mixed(t, c.in, 1<<14+1<<12)
		} else {
			p = vocabulary(t, c.in, 12_000)
		}
		require.Equal(t, c.digest, p.Digest(), "%s %s", c.name, c.in)
		got := newCollect(t, p)
		require.NoError(t, fill.Run(t.Context(), p, got, fill.Options{}))
		if runtime.GOARCH == "amd64" {
			require.Equal(t, c.values, got.digest(), "%s %s", c.name, c.in)
			continue
		}
		for _, s := range p.Steps().All() { // of these no bits are promised on another processor
			if _, inexact := s.Dist.Draw.(dist.Orthogonal); inexact {
				clear(got.values[s.Param])
			}
		}
		require.Equal(t, exact[c.name+c.in.String()], got.digest(), "%s %s", c.name, c.in)
	}
}

// TestSubsetsMakeTheSameBytes takes every second tensor.
func TestSubsetsMakeTheSameBytes(t *testing.T) {
	for _, whole := range []*plan.Plan{vocabulary(t, dtype.F32, 12_000), keyed(t, vocabulary(t, dtype.BF16, 3_000)), mixed(t, dtype.F64, 1<<12)} {
		want := valuesOf(t, whole, fill.Options{})
		var names []string
		for i, tensor := range whole.Tensors().All() {
			if i%2 == 1 {
				names = append(names, tensor.Name)
			}
		}
		some, err := whole.Subset(names)
		require.NoError(t, err)
		require.NotEqual(t, whole.Digest(), some.Digest())
		require.Equal(t, len(names), some.Tensors().Len())
		for i, got := range valuesOf(t, some, fill.Options{Workers: 3}.Cut(1<<10, 1<<10)) {
			require.Equal(t, want[2*i+1], got, "tensor %d", 2*i+1)
		}
		_, err = whole.Subset([]string{"nobody"})
		require.ErrorContains(t, err, `no tensor "nobody"`)
	}
}
