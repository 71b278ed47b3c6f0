package suite

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/internal/nearest"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/parity/rules"
	"github.com/weightinit/weightinit/plan"
)

// Renamed are two sets under the names by which they are compared.
type Renamed struct {
	Reference, Candidate checkpoint.Set
	// Said tells what was done, a line a side. Warnings tell of rules that
	// match no name, or lead to a name that stands nowhere else.
	Said, Warnings []string
}

// Rename puts the names of both sets through rules; candidate may be nil, and
// made and declared too. Without rules it looks whether a map that is built in
// is meant: one that knows every name of a set, when the set shares no name with
// what it is compared with before, and some after.
//
// The error is a [*rules.TwiceError] or one of reading: a rule may leave out a
// tensor of zeros, whose values are read.
func Rename(ctx context.Context, names rules.Names, reference, candidate checkpoint.Set, made, declared *plan.Plan) (Renamed, error) {
	r := renaming{rules: names, sets: [2]checkpoint.Set{reference, candidate}, plans: []*plan.Plan{made, declared}}
	r.text = "the names rules"
	if names == nil && !r.guess() {
		return Renamed{Reference: reference, Candidate: candidate}, nil
	}
	return r.run(ctx)
}

type renaming struct {
	rules rules.Names
	// text says which rules these are.
	text string
	sets [2]checkpoint.Set // the reference, the candidate
	// left tells which sides keep their names.
	left [2]bool
	// by has for each tensor of a side the rule that gave it its name, or -1.
	by    [2][]int
	plans []*plan.Plan
	out   Renamed
}

// others returns the lists of names with which those of a side are compared.
func (r *renaming) others(side int) []map[string]bool {
	var out []map[string]bool
	if other := r.sets[1-side]; other != nil {
		names := map[string]bool{}
		for _, t := range other.Tensors() {
			names[t.Name] = true
		}
		out = append(out, names)
	}
	for _, p := range r.plans {
		if p == nil {
			continue
		}
		names := map[string]bool{}
		for _, t := range p.Tensors().All() {
			names[t.Name] = true
		}
		out = append(out, names)
	}
	return out
}

// guess looks for a built-in map that is meant.
func (r *renaming) guess() bool {
	for _, name := range rules.BuiltinNames() {
		builtin, _ := rules.Builtin(name)
		for side, set := range r.sets {
			r.left[side] = set == nil || !slices.ContainsFunc(r.others(side), func(names map[string]bool) bool { return fits(builtin, set, names) })
		}
		if r.left != [2]bool{true, true} {
			r.rules, r.text = builtin, name
			return true
		}
	}
	return false
}

// fits reports whether a map knows every name of a set, and leads from no name
// in common to some.
func fits(names rules.Names, set checkpoint.Set, others map[string]bool) bool {
	own := NamesOf(set)
	for _, name := range own {
		if others[name] {
			return false
		}
	}
	mapped, err := names.Map(own)
	if err != nil {
		return false
	}
	common := false
	for _, m := range mapped {
		if m.Rule < 0 {
			return false
		}
		common = common || others[m.To]
	}
	return common
}

func (r *renaming) run(ctx context.Context) (Renamed, error) {
	used := make([]bool, len(r.rules))
	nowhere := make([]string, len(r.rules))
	for side, set := range r.sets {
		if set == nil || r.left[side] {
			continue
		}
		var err error
		if r.sets[side], err = r.apply(ctx, side, used); err != nil {
			return Renamed{}, err
		}
	}
	for side := range r.sets {
		if len(r.by[side]) > 0 {
			r.lookNowhere(side, nowhere)
		}
	}
	for i, rule := range r.rules {
		switch {
		case rule.Line == 0: // built in: not every model has every name
		case !used[i]:
			r.warn(rule, fmt.Sprintf("from %s decides about no tensor", shown.Quote(rule.From)))
		case nowhere[i] != "":
			r.warn(rule, nowhere[i])
		}
	}
	r.out.Reference, r.out.Candidate = r.sets[0], r.sets[1]
	return r.out, nil
}

func (r *renaming) warn(rule rules.Name, text string) {
	r.out.Warnings = append(r.out.Warnings, fmt.Sprintf("names, line %d: %s", rule.Line, text))
}

// apply returns the set of a side with its new names.
func (r *renaming) apply(ctx context.Context, side int, used []bool) (checkpoint.Set, error) {
	set := r.sets[side]
	if len(r.rules) == 0 {
		return set, nil
	}
	tensors := slices.Clone(set.Tensors())
	names := make([]string, len(tensors))
	for i, t := range tensors {
		names[i] = t.Name
	}
	mapped, err := r.rules.Map(names)
	if err != nil {
		return nil, err
	}
	kept := tensors[:0]
	changed, example, left := 0, "", ""
	for i, m := range mapped {
		t := tensors[i]
		if m.Rule >= 0 {
			used[m.Rule] = true
			if r.rules[m.Rule].Zeros {
				zeros, err := onlyZeros(ctx, t)
				if err != nil {
					return nil, err
				}
				if zeros {
					left += fmt.Sprintf("; %s, all zeros, is left out", shown.Text(t.Name))
					continue
				}
				r.out.Warnings = append(r.out.Warnings, fmt.Sprintf("names: %s is compared: it would be left out if all its values were 0", shown.Text(t.Name)))
			}
		}
		if m.To != t.Name {
			if changed++; changed == 1 {
				example = fmt.Sprintf(" (%s is %s)", shown.Text(t.Name), shown.Text(m.To))
			}
			t.Name = m.To
		} else {
			m.Rule = -1
		}
		kept = append(kept, t)
		r.by[side] = append(r.by[side], m.Rule)
	}
	if changed == 0 && left == "" {
		return set, nil
	}
	what := [2]string{"reference", "candidate"}[side]
	r.out.Said = append(r.out.Said, fmt.Sprintf("names: %d of the %s's are mapped by %s%s%s", changed, what, r.text, example, shown.Cut(left, 200)))
	return engine.WithTensors(set, kept), nil
}

// lookNowhere notes for each rule the first name to which it leads and with
// which nothing is compared.
func (r *renaming) lookNowhere(side int, nowhere []string) {
	others := map[string]bool{}
	for _, names := range r.others(side) {
		maps.Copy(others, names)
	}
	var list []string
	for i, t := range r.sets[side].Tensors() {
		if others[t.Name] {
			continue
		}
		rule := r.by[side][i]
		if rule < 0 || nowhere[rule] != "" {
			continue
		}
		if list == nil {
			list = slices.Sorted(maps.Keys(others))
		}
		text := fmt.Sprintf("leads to %s, and nothing else has this name", shown.Quote(t.Name))
		if near := nearest.Name(t.Name, list); near != "" {
			text += ": did you mean " + shown.Quote(near) + "?"
		}
		nowhere[rule] = text
	}
}

// onlyZeros reports whether every value is 0.
func onlyZeros(ctx context.Context, t checkpoint.Tensor) (bool, error) {
	if !checkpoint.Decodable(t.DType) {
		return false, nil
	}
	zeros := true
	err := t.EachStored(ctx, func(values []float64) error {
		for _, v := range values {
			zeros = zeros && v == 0
		}
		return nil
	})
	return zeros, err
}
