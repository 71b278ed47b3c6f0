package identify

import (
	"cmp"
	"context"
	"slices"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/checkpoint/safetensors"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/plan"
)

// bitsOf looks for a candidate and a seed that make every bit of the set; nil when
// there is none.
func bitsOf(ctx context.Context, set checkpoint.Set, candidates []Candidate, opts Options) (*Bits, error) {
	stored, ok := storedType(set)
	if !ok {
		return nil, nil
	}
	for _, seed := range opts.Seeds {
		for _, c := range candidates {
			if c.Again == nil || c.Plan.Plugin() != nil {
				continue // a plugin may fill values itself
			}
			for _, o := range drawings(seed, stored) {
				p, err := c.Again(ctx, o)
				if err != nil {
					continue // such as a type that the mode does not draw in
				}
				same, err := equal(ctx, set, p, opts.Workers)
				if err != nil {
					return nil, err
				}
				if same {
					return &Bits{Candidate: c, Seed: seed, Streams: p.Streams()}, nil
				}
			}
		}
	}
	return nil, nil
}

// drawings are the ways in which values of a seed and a stored type are drawn.
func drawings(seed Seed, stored dtype.Type) []plan.Options {
	out := []plan.Options{}
	for _, streams := range []plan.Streams{plan.Torch, plan.Keyed} {
		o := plan.Options{Seed: seed.Value, SeedText: seed.Text, DType: stored, Streams: streams}
		out = append(out, o)
		if stored == dtype.F16 || stored == dtype.BF16 {
			o.Drawn = stored
			out = append(out, o)
		}
	}
	return out
}

// storedType returns the one type of all tensors.
func storedType(set checkpoint.Set) (dtype.Type, bool) {
	tensors := set.Tensors()
	if len(tensors) == 0 || slices.ContainsFunc(tensors, func(t checkpoint.Tensor) bool { return t.DType != tensors[0].DType }) {
		return 0, false
	}
	for _, t := range []dtype.Type{dtype.F32, dtype.BF16, dtype.F16, dtype.F64} {
		if name, err := safetensors.DTypeName(t); err == nil && name == tensors[0].DType {
			return t, true
		}
	}
	return 0, false
}

// equal reports whether every bit of the set is as the plan makes it. A few small
// tensors are compared first: of another seed, they already differ.
func equal(ctx context.Context, set checkpoint.Set, p *plan.Plan, workers int) (bool, error) {
	few := map[string]bool{}
	for _, name := range smallest(p, 3) {
		few[name] = true
	}
	for _, keep := range []func(string) bool{func(name string) bool { return few[name] }, nil} {
		r, err := engine.BitsOfPlan(ctx, p, set, true, engine.Options{Keep: keep, Workers: workers})
		if err != nil || !r.Passed() {
			return false, err
		}
	}
	return true, nil
}

// smallest returns the names of the smallest tensors of random values, of those
// large enough to tell seeds apart.
func smallest(p *plan.Plan, most int) []string {
	const enough = 16
	type sized struct {
		name   string
		values int64
	}
	var all []sized
	for i, t := range p.Tensors().All() {
		d, known := p.Law(i)
		if t.Elements >= enough && engine.CertaintyOf(d, known, t.Shape) == engine.Random {
			all = append(all, sized{t.Name, t.Elements})
		}
	}
	slices.SortStableFunc(all, func(a, b sized) int { return cmp.Compare(a.values, b.values) })
	var names []string
	for _, s := range all[:min(most, len(all))] {
		names = append(names, s.name)
	}
	return names
}
