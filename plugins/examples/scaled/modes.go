package main

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/sdk"
	"github.com/weightinit/weightinit/registry"
)

var plugin = sdk.Plugin{
	Name: "scaled", Version: "1.0.0",
	Modes: []sdk.Mode{
		{
			ID: "depth", Version: 1,
			Summary: "normal, by fan_in; residual outputs smaller by the number of layers",
			Description: "matrices: normal(0, s), s = gain / sqrt(fan_in)\n" +
				"q, k, and those pieces of a fused qkv: s * qk_gain\n" +
				"attn_out, mlp_out: s / sqrt(2 L), s / (2 L) or s, by the option depth\n" +
				"embeddings: normal(0, embedding_std); norm weights 1; biases 0",
			New: func() registry.Mode { return new(depth) },
		},
		{
			ID: "ramp", Version: 1,
			Summary: "truncated normal, by fan_in; residual outputs smaller layer by layer",
			Description: "as depth, but every normal is cut at cut standard deviations, and\n" +
				"attn_out, mlp_out of layer l = 0, 1, ...: s / sqrt(2 (l + 1))",
			New: func() registry.Mode { return new(ramp) },
		},
	},
}

// common are the options of both modes.
type common struct {
	Gain         float64 `json:"gain" default:"1" above:"0" max:"100" doc:"factor of every matrix"`
	QKGain       float64 `json:"qk_gain" default:"0.5" above:"0" max:"100" doc:"further factor of q and k"`
	EmbeddingStd float64 `json:"embedding_std" default:"0.02" min:"0" max:"100" doc:"std of embeddings and positions"`
}

type depth struct {
	common
	Depth string `json:"depth" default:"sqrt" enum:"sqrt,linear,none" doc:"how residual outputs shrink with the number of layers"`
}

// Assign implements [registry.Mode].
func (m *depth) Assign(_ context.Context, l *layout.Layout) ([]dist.Dist, error) {
	layers := float64(max(1, l.Model.Layers))
	residual := func(s float64, _ layout.Param) float64 {
		switch m.Depth {
		case "sqrt":
			return s / math.Sqrt(2*layers)
		case "linear":
			return s / (2 * layers)
		default:
			return s
		}
	}
	return m.assign("depth", l, normal, residual)
}

type ramp struct {
	common
	Cut float64 `json:"cut" default:"3" min:"1" max:"10" doc:"where the normal is cut, in standard deviations"`
}

// Assign implements [registry.Mode].
func (m *ramp) Assign(_ context.Context, l *layout.Layout) ([]dist.Dist, error) {
	truncated := func(s float64) dist.Draw {
		if s == 0 {
			return dist.Constant{}
		}
		return dist.TruncNormal{Std: s, A: -m.Cut * s, B: m.Cut * s}
	}
	residual := func(s float64, p layout.Param) float64 {
		return s / math.Sqrt(2*float64(max(0, p.Layer)+1))
	}
	return m.assign("ramp", l, truncated, residual)
}

func normal(s float64) dist.Draw { return dist.Normal{Std: s} }

// assign applies the rules that both modes have; draw makes a distribution of
// a standard deviation, residual shrinks that of a residual output.
func (c common) assign(mode string, l *layout.Layout, draw func(float64) dist.Draw, residual func(float64, layout.Param) float64) ([]dist.Dist, error) {
	rule := func(p layout.Param) (dist.Dist, error) {
		switch {
		case p.Role == layout.NormWeight:
			return dist.Of(dist.Constant{Value: 1}, "1"), nil
		case strings.HasSuffix(string(p.Role), "bias"):
			return dist.Of(dist.Constant{}, "0"), nil
		case p.Role == layout.Embedding || p.Role == layout.Position || p.Role == layout.TokenType:
			return dist.Of(draw(c.EmbeddingStd), "embedding_std"), nil
		case p.FanIn < 1 || len(p.Shape) < 2:
			return dist.Dist{}, &registry.NoRuleError{Mode: plugin.Name + "." + mode, Param: p.Name, Role: p.Role}
		}
		s := c.Gain / math.Sqrt(float64(p.FanIn))
		switch p.Role {
		case layout.Query, layout.Key:
			return dist.Of(draw(s*c.QKGain), "gain / sqrt(fan_in) * qk_gain"), nil
		case layout.QKV: // of which nobody said what is fused
			return dist.Dist{}, &sdk.LayoutError{Param: p.Name, Problem: fmt.Sprintf("parameter %q of role qkv has no pieces: what is q and k in it is not known", p.Name)}
		case layout.AttnOut, layout.MLPOut:
			return dist.Of(draw(residual(s, p)), "gain / sqrt(fan_in), shrunk with depth"), nil
		default:
			return dist.Of(draw(s), "gain / sqrt(fan_in)"), nil
		}
	}
	out := make([]dist.Dist, len(l.Params))
	for i, p := range l.Params {
		var err error
		if out[i], err = registry.EachPiece(p, rule); err != nil {
			return nil, err
		}
	}
	return out, nil
}
