// Package native holds the init modes of TransformerLens-native models:
// gpt2, xavier_uniform, xavier_normal, kaiming_uniform and kaiming_normal.
//
// Each exists in two versions. Version 1 is TransformerLens 3.4.0 to 3.7.3,
// version 2 is 3.8.1 to 4.3.0; the model differs with the version too, which
// is what Info.ModelVersion says. The elementary functions of torch.nn.init,
// of which these are rules by role, are in package elementary.
package native

import (
	"context"
	"slices"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/registry"
)

const sourceFile = "transformer_lens/model_bridge/sources/native/init.py"

// sources says whose formulas the versions are.
var sources = map[int]string{
	1: "TransformerLens 3.4.0 to 3.7.3, " + sourceFile,
	2: "TransformerLens 3.8.1 to 4.3.0, " + sourceFile,
}

// Roles by the rule that they take. The matrices are those of a transformer:
// the native model has no fused ones, no token types and no router, and no mode
// here knows what is right for the few that only other models have.
var (
	matrices = only(func(r layout.Role) bool {
		return r.Kind() == layout.Matrix && !slices.Contains(others, r)
	})
	biases = only(func(r layout.Role) bool {
		return r.BiasOf() == layout.NormWeight || slices.Contains(matrices, r.BiasOf())
	})
	norms  = []layout.Role{layout.NormWeight}
	others = []layout.Role{layout.RelPosBias, layout.PatchEmbed, layout.ValueEmbed, layout.SmallGate}
)

func only(is func(layout.Role) bool) []layout.Role {
	return slices.DeleteFunc(layout.Roles(), func(r layout.Role) bool { return !is(r) })
}

// ranged tells whether the config says an initializer_range: 0 and less mean
// that it does not.
func ranged(f layout.Facts) bool { return f.InitializerRange != nil && *f.InitializerRange > 0 }

// fixed are the declared rules of what no mode draws.
var fixed = []registry.Rule{{Roles: norms, Formula: "1"}, {Roles: biases, Formula: "0"}}

// rule gives the distribution of one matrix.
type rule func(p layout.Param) dist.Dist

// assign fills norm weights with 1, biases with 0 and matrices by the rule.
// mode is the mode's name, for errors.
func assign(ctx context.Context, mode string, l *layout.Layout, matrix rule) ([]dist.Dist, error) {
	kinds := map[layout.Role]rule{}
	for _, r := range matrices {
		kinds[r] = matrix
	}
	for _, r := range biases {
		kinds[r] = func(layout.Param) dist.Dist { return dist.Dist{Draw: dist.Constant{}, Formula: "0"} }
	}
	for _, r := range norms {
		kinds[r] = func(layout.Param) dist.Dist { return dist.Dist{Draw: dist.Constant{Value: 1}, Formula: "1"} }
	}
	single := func(p layout.Param) (dist.Dist, error) {
		r, ok := kinds[p.Role]
		if !ok {
			return dist.Dist{}, &registry.NoRuleError{Mode: mode, Param: p.Name, Role: p.Role}
		}
		return r(p), nil
	}
	out := make([]dist.Dist, len(l.Params))
	for i, p := range l.Params {
		if i%4096 == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		var err error
		if out[i], err = registry.EachPiece(p, single); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Infos returns all modes of this package.
func Infos() []registry.Info {
	return append(gpt2Infos(), fanInfos()...)
}
