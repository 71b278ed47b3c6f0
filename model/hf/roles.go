package hf

import (
	"encoding/json"
	"regexp"
	"strings"
	"sync"

	"github.com/weightinit/weightinit/layout"
)

// roleRule gives tensors of a name their role.
type roleRule struct {
	Name string      `json:"name"`
	Role layout.Role `json:"role"`
	// Bare tells that Role is that of the tensor itself, also where it ends in
	// .bias.
	Bare       bool   `json:"bare"`
	Transposed bool   `json:"transposed"`
	Cut        string `json:"cut"`

	fits *regexp.Regexp
}

// roleTable is the shared table, with what single families have of their own.
type roleTable struct {
	Families map[string][]roleRule `json:"families"`
	Rules    []roleRule            `json:"rules"`
}

var roleRules = sync.OnceValue(func() *roleTable {
	text, err := tables.ReadFile("roles.json")
	if err != nil {
		panic(err) // the table is part of the program
	}
	t := &roleTable{}
	if err := json.Unmarshal(text, t); err != nil {
		panic(err)
	}
	compile := func(rules []roleRule) {
		for i := range rules {
			rules[i].fits = regexp.MustCompile(rules[i].Name)
		}
	}
	compile(t.Rules)
	for _, rules := range t.Families {
		compile(rules)
	}
	return t
})

// other is the role of what no rule is for.
const other layout.Role = "other"

// ruleFor finds the rule of a tensor; layers have the same names, so what was
// found is kept under the name without its numbers.
func (a *roles) ruleFor(name string) *roleRule {
	key := numbers.ReplaceAllString(name, ".0$1")
	if r, known := a.found[key]; known {
		return r
	}
	base := strings.TrimSuffix(strings.TrimSuffix(name, ".weight"), ".bias")
	var found *roleRule
	table := roleRules()
	for _, rules := range [][]roleRule{table.Families[a.c.family.ModelType], table.Rules} {
		for i := range rules {
			if found == nil && rules[i].fits.MatchString(base) {
				found = &rules[i]
			}
		}
	}
	a.found[key] = found
	return found
}

var numbers = regexp.MustCompile(`\.\d+(\.|$)`)

// roles gives the parameters of a layout their roles.
type roles struct {
	c      *Config
	found  map[string]*roleRule
	facts  layout.Facts
	weight map[string]int // the place of a parameter by its name without .weight
}

// assignRoles gives every parameter its role, its fans and its pieces.
func (c *Config) assignRoles(l *layout.Layout) {
	a := &roles{c: c, found: map[string]*roleRule{}, facts: l.Model, weight: map[string]int{}}
	for i := range l.Params {
		name := l.Params[i].Name
		a.weight[strings.TrimSuffix(name, ".weight")] = i
	}
	for i := range l.Params {
		a.assign(&l.Params[i])
	}
	for i := range l.Params {
		p := &l.Params[i]
		if w, there := a.weight[strings.TrimSuffix(strings.TrimSuffix(p.Name, ".bias"), "_bias")]; there && w != i && len(p.Shape) < len(l.Params[w].Shape) {
			p.FanIn, p.FanOut = l.Params[w].FanIn, l.Params[w].FanOut
		}
	}
}

func (a *roles) assign(p *layout.Param) {
	r := a.ruleFor(p.Name)
	switch {
	case r == nil && p.Buffer: // a counter or a scale that nobody trains
		p.Role = layout.BranchScale
		return
	case r == nil:
		p.Role = other
		return
	}
	p.Role = r.Role
	bias := strings.HasSuffix(p.Name, ".bias")
	switch {
	case r.Bare:
	case r.Role == layout.NormWeight && bias:
		p.Role = layout.NormBias
	case bias || len(p.Shape) == 1 && r.Role.Kind() == layout.Matrix:
		p.Role = biasOf(r.Role)
	}
	if p.Role.Kind() == layout.Matrix {
		p.Transposed = r.Transposed && len(p.Shape) >= 2
		p.FanIn, p.FanOut = fans(p)
	}
	if len(p.Shape) <= 3 && r.Cut != "" {
		p.Pieces = a.pieces(p, r.Cut)
	}
}

// biasOf is the role of the bias of a matrix. Roles whose bias has none of its
// own have that of a dense layer.
func biasOf(r layout.Role) layout.Role {
	for _, b := range layout.Roles() {
		if b.BiasOf() == r {
			return b
		}
	}
	return layout.MLPInBias
}

// fans are the widths of a matrix as it is stored; of a stack of experts, those
// of one expert.
func fans(p *layout.Param) (in, out int64) {
	n := len(p.Shape)
	switch {
	case n < 2:
		return 0, 0
	case n == 3 && (p.Role == layout.GateUp || p.Role == layout.MLPOut || p.Role == layout.MLPIn && strings.Contains(p.Name, "experts")):
		out, in = p.Shape[1], p.Shape[2]
	case n == 2:
		out, in = p.Shape[0], p.Shape[1]
	default:
		in, out, _ = layout.TorchFans(p.Shape)
		return in, out
	}
	if p.Transposed {
		return out, in
	}
	return in, out
}
