package identify

import (
	"context"
	"slices"
	"strconv"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

// Candidate is a mode with its options, and the plan that it makes of the model.
type Candidate struct {
	// Mode is the full id, such as "gpt2@1".
	Mode string
	// Options are those that are set, as "key=value"; the mode's defaults hold
	// for the rest.
	Options []string
	// Plan is what the mode makes of the model; nil when Err says why there is
	// none.
	Plan *plan.Plan
	Err  error
	// Again makes the plan with another seed, type or kind of streams. nil: bits
	// are not compared.
	Again func(context.Context, plan.Options) (*plan.Plan, error)
}

// Name is the mode with its options: "xavier_normal@2 gain=1".
func (c Candidate) Name() string {
	text := c.Mode
	for _, o := range c.Options {
		text += " " + o
	}
	return text
}

// usual are values of options that people use, by the option's name. They count
// beside the mode's defaults, which are the config's own values where it has some.
var usual = map[string][]float64{
	"gain": {1},
	"std":  {0.02},
}

// Setting is a mode with options: one more candidate, such as what the record in
// a file says.
type Setting struct {
	// Mode is the full id.
	Mode string
	// Options are "key=value".
	Options []string
}

// Candidates makes the candidates for a model: every mode with its default
// options, which are the config's own where it says something, then with usual
// values of an option of which the config says something else; and what also
// asks for. A mode that cannot make the model is a candidate with an error. The
// error of the call is that of a cancelled context.
func Candidates(ctx context.Context, source weightinit.Source, modes []registry.Info, also ...Setting) ([]Candidate, error) {
	var out []Candidate
	add := func(info registry.Info, options []string) {
		c := Candidate{Mode: info.ID.String(), Options: options}
		c.Again = func(ctx context.Context, opts plan.Options) (*plan.Plan, error) {
			p, err := weightinit.Build(ctx, source, info, options, opts)
			if err != nil {
				return nil, err
			}
			return p.Plan, nil
		}
		c.Plan, c.Err = c.Again(ctx, plan.Options{})
		out = append(out, c)
	}
	for _, info := range modes {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		add(info, nil)
		first := len(out) - 1
		for _, options := range variants(info) {
			add(info, options)
			out = withoutTwin(out, first)
		}
		for _, s := range also {
			if s.Mode == info.ID.String() {
				add(info, s.Options)
				out = withoutTwin(out, first)
			}
		}
	}
	return out, nil
}

// withoutTwin takes the last candidate away if it has no plan, or one of those from
// first on has the same laws.
func withoutTwin(all []Candidate, first int) []Candidate {
	last := len(all) - 1
	if all[last].Plan == nil {
		return all[:last]
	}
	laws := lawsOf(all[last].Plan)
	if slices.ContainsFunc(all[first:last], func(c Candidate) bool { return c.Plan != nil && lawsOf(c.Plan) == laws }) {
		return all[:last]
	}
	return all
}

// variants returns the options that are tried beside the defaults.
func variants(info registry.Info) [][]string {
	options, err := registry.Options(info.New())
	if err != nil {
		return nil
	}
	var out [][]string
	for _, o := range options {
		if o.Type != registry.Number || o.FromConfig == "" {
			continue // its default is the usual value
		}
		for _, v := range usual[o.Name] {
			out = append(out, []string{o.Name + "=" + strconv.FormatFloat(v, 'g', -1, 64)})
		}
	}
	return out
}

// SettingOf returns the mode and the options of a plan, such as one that was made
// again from a record.
func SettingOf(p *plan.Plan) Setting { return Setting{p.Mode(), p.Settings()} }
