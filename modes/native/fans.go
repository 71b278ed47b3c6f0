package native

import (
	"context"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/modes/internal/torchinit"
	"github.com/weightinit/weightinit/registry"
)

// scheme is one of the four modes whose rule depends on the fans alone.
type scheme struct {
	name, alias, formula string
	// draw makes the distribution; gain enters the numbers of Xavier and not
	// those of Kaiming, which is multiplied afterwards.
	draw func(p layout.Param, gain float64) dist.Draw
	// multiplied tells that version 2 multiplies the drawn values by the gain.
	multiplied bool
}

var schemes = []scheme{
	{
		name: "xavier_uniform", alias: "glorot_uniform",
		formula: "uniform(-c, c), c = sqrt(3)*(gain*sqrt(2/(fan_in+fan_out)))",
		draw: func(p layout.Param, gain float64) dist.Draw {
			return torchinit.XavierUniform(p.FanIn, p.FanOut, gain)
		},
	},
	{
		name: "xavier_normal", alias: "glorot_normal",
		formula: "normal(0, gain*sqrt(2/(fan_in+fan_out)))",
		draw: func(p layout.Param, gain float64) dist.Draw {
			return torchinit.XavierNormal(p.FanIn, p.FanOut, gain)
		},
	},
	{
		name: "kaiming_uniform", alias: "he_uniform", multiplied: true,
		formula: "uniform(-c, c), c = sqrt(3)*(sqrt(2)/sqrt(fan_in))",
		draw: func(p layout.Param, _ float64) dist.Draw {
			return torchinit.KaimingUniform(p.FanIn, torchinit.ReLUGain())
		},
	},
	{
		name: "kaiming_normal", alias: "he_normal", multiplied: true,
		formula: "normal(0, sqrt(2)/sqrt(fan_in))",
		draw: func(p layout.Param, _ float64) dist.Draw {
			return torchinit.KaimingNormal(p.FanIn, torchinit.ReLUGain())
		},
	},
}

func (s scheme) id(version int) registry.ID { return registry.ID{Name: s.name, Version: version} }

// declared is the formula for people in the given version.
func (s scheme) declared(version int) string {
	if version == 2 && s.multiplied {
		return s.formula + ", then each value times gain in the drawn type"
	}
	return s.formula
}

// Plain is version 1: torch's function with gain 1 (Xavier) or the gain of
// relu (Kaiming) on every matrix. It has no options, and the config's
// initializer_range does nothing.
type Plain struct{ scheme scheme }

// Assign implements [registry.Mode].
func (m *Plain) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	return assign(ctx, m.scheme.id(1).String(), l, func(p layout.Param) dist.Dist {
		return dist.Dist{Draw: m.scheme.draw(p, 1), Formula: m.scheme.declared(1)}
	})
}

// Gained is version 2: Xavier's gain is an option; Kaiming's values are
// multiplied by it after the draw, also when it is 1.
type Gained struct {
	// Gain unset: the config's initializer_range if that is above 0, else 1.
	Gain *float64 `json:"gain" above:"0" config:"initializer_range" doc:"gain; else 1"`

	scheme scheme
}

// Assign implements [registry.Mode].
func (m *Gained) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	gain := 1.0
	if m.Gain != nil {
		gain = *m.Gain
	} else if ranged(l.Model) {
		gain = *l.Model.InitializerRange
	}
	return assign(ctx, m.scheme.id(2).String(), l, func(p layout.Param) dist.Dist {
		d := dist.Dist{Draw: m.scheme.draw(p, gain), Formula: m.scheme.declared(2)}
		if m.scheme.multiplied {
			d.Post = []dist.Post{dist.Multiply{By: gain}}
		}
		return d
	})
}

func fanInfos() []registry.Info {
	var out []registry.Info
	for _, s := range schemes {
		plain := registry.Info{
			ID: s.id(1), Default: true, Aliases: []string{s.alias}, Source: sources[1], ModelVersion: 1,
			Summary: "torch.nn.init." + s.name + "_ on every matrix, embeddings too",
			Rules:   append([]registry.Rule{{Roles: matrices, Formula: s.declared(1)}}, fixed...),
			Notes: []string{
				"fans are those of the stored matrix [out, in]: an embedding [d_vocab, d_model] has fan_in d_model",
				"initializer_range is ignored",
			},
			New: func() registry.Mode { return &Plain{scheme: s} },
		}
		if !s.multiplied {
			plain.Notes = append(plain.Notes, "gain is 1")
		}
		gained := plain
		gained.ID, gained.Default, gained.Source, gained.ModelVersion = s.id(2), false, sources[2], 2
		gained.Summary += ", with a gain"
		gained.Rules = append([]registry.Rule{{Roles: matrices, Formula: s.declared(2)}}, fixed...)
		gained.Notes = []string{plain.Notes[0], "gain that neither the option nor the config sets: 1"}
		gained.New = func() registry.Mode { return &Gained{scheme: s} }
		out = append(out, plain, gained)
	}
	return out
}
