package native

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/registry"
)

// GPT2 draws every matrix from normal(0, std); the projections back into the
// residual stream (attention output, MLP output) take std * (1 / sqrt(2 *
// n_layers)), the factor computed first.
type GPT2 struct {
	// Std is the standard deviation. Unset: the config's initializer_range if
	// that is above 0, else 0.02 (version 1) or 0.8 / sqrt(d_model) (version 2).
	Std *float64 `json:"std" above:"0" config:"initializer_range" doc:"standard deviation; else the version's own"`

	version int
}

// Assign implements [registry.Mode].
func (m *GPT2) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	if l.Model.Layers <= 0 {
		return nil, fmt.Errorf("mode %q: n_layers %d: the scale of residual projections, 1/sqrt(2*n_layers), needs at least one layer", m.name(), l.Model.Layers)
	}
	std, err := m.std(l.Model)
	if err != nil {
		return nil, err
	}
	scale := 1 / math.Sqrt(float64(2*l.Model.Layers))
	plain := dist.Dist{Draw: dist.Normal{Std: std}, Formula: "normal(0, std)"}
	residual := dist.Dist{Draw: dist.Normal{Std: std * scale}, Formula: "normal(0, std*(1/sqrt(2*n_layers)))"}
	return assign(ctx, m.name(), l, func(p layout.Param) dist.Dist {
		if p.Role == layout.AttnOut || p.Role == layout.MLPOut {
			return residual
		}
		return plain
	})
}

func (m *GPT2) name() string { return registry.ID{Name: "gpt2", Version: m.version}.String() }

func (m *GPT2) std(facts layout.Facts) (float64, error) {
	switch {
	case m.Std != nil:
		return *m.Std, nil
	case ranged(facts):
		return *facts.InitializerRange, nil
	case m.version == 1:
		return 0.02, nil
	case facts.DModel <= 0:
		return 0, &registry.OptionError{Option: "std", Missing: true,
			Problem: fmt.Sprintf("mode %q: the model has no d_model, of which the default is made; give it a value", m.name())}
	default:
		return 0.8 / math.Sqrt(float64(facts.DModel)), nil
	}
}

func gpt2Infos() []registry.Info {
	aliases := map[int][]string{1: {"tl_gpt2", "native_gpt2"}, 2: {"tl4_gpt2"}}
	std := map[int]string{1: "0.02", 2: "0.8/sqrt(d_model)"}
	var out []registry.Info
	for version := 1; version <= 2; version++ {
		out = append(out, registry.Info{
			ID:      registry.ID{Name: "gpt2", Version: version},
			Default: version == 1,
			Aliases: aliases[version],
			Summary: "normal with std " + std[version] + ", smaller for projections back into the residual stream",
			Source:  sources[version],
			Rules: append([]registry.Rule{
				{Roles: withoutResidual(), Formula: "normal(0, std)"},
				{Roles: []layout.Role{layout.AttnOut, layout.MLPOut}, Formula: "normal(0, std*(1/sqrt(2*n_layers)))"},
			}, fixed...),
			Notes: []string{
				"std that neither the option nor the config sets: " + std[version],
				"0 layers are refused: the residual scale would divide by zero",
			},
			ModelVersion: version,
			New:          func() registry.Mode { return &GPT2{version: version} },
		})
	}
	return out
}

// withoutResidual lists the roles of matrices that are not scaled.
func withoutResidual() []layout.Role {
	return slices.DeleteFunc(slices.Clone(matrices), func(r layout.Role) bool { return r == layout.AttnOut || r == layout.MLPOut })
}
