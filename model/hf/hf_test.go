package hf

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/layout"
)

// needed are fields without which the default config of a family makes no
// model, as transformers refuses it too.
var needed = map[string]string{
	"dots1": `,"n_routed_experts":8`, "esm": `,"vocab_size":33`,
	"hunyuan_v1_dense": `,"head_dim":128`, "hunyuan_v1_moe": `,"head_dim":128`, "ministral": `,"head_dim":128`, "nemotron": `,"head_dim":128,"num_key_value_heads":48`,
}

// Every tensor of every family has a known role.
func TestEveryFamilyHasALayoutOfKnownRoles(t *testing.T) {
	for _, name := range Families() {
		t.Run(name, func(t *testing.T) {
			c, err := Parse("config.json", []byte(fmt.Sprintf(`{"model_type":%q%s}`, name, needed[name])))
			require.NoError(t, err)
			l, err := c.Layout(0)
			require.NoError(t, err)
			seen := map[string]bool{}
			for _, p := range l.Params {
				key := numbers.ReplaceAllString(p.Name, ".0$1")
				if seen[key] || p.Unnamed {
					continue
				}
				seen[key] = true
				if p.Role.Kind() == layout.UnknownKind || p.Role.Kind() == layout.Matrix && len(p.Shape) < 2 {
					t.Errorf("%s %v: role %q", p.Name, p.Shape, p.Role)
				}
			}
		})
	}
}
