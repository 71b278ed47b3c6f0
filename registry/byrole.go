package registry

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
)

// ByRole makes a mode without options that fills every parameter by its role:
//
//	registry.Info{ID: registry.ID{Name: "small", Version: 1}, New: registry.ByRole(map[layout.Role]dist.Dist{
//		layout.Query: dist.Of(dist.Normal{Std: 0.02}, "normal(0, 0.02)"),
//	})}
//
// A fused parameter without a rule for its own role is filled by those of its
// pieces. A role without a rule is a [*NoRuleError].
func ByRole(rules map[layout.Role]dist.Dist) func() Mode {
	mode := byRole(maps.Clone(rules))
	return func() Mode { return mode }
}

type byRole map[layout.Role]dist.Dist

// Assign implements [Mode].
func (m byRole) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	out := make([]dist.Dist, len(l.Params))
	for i, p := range l.Params {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if d, ok := m[p.Role]; ok {
			out[i] = d
			continue
		}
		var err error
		if out[i], err = EachPiece(p, m.rule); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (m byRole) rule(p layout.Param) (dist.Dist, error) {
	if d, ok := m[p.Role]; ok {
		return d, nil
	}
	return dist.Dist{}, &NoRuleError{Param: p.Name, Role: p.Role}
}

// EachPiece fills a parameter by a rule for single matrices and vectors. A
// parameter that is not fused goes to the rule as it is. Of a fused one each
// piece does, with its own role, shape and fans; equal laws of independent
// values become one draw of the whole, others a draw for each piece.
func EachPiece(p layout.Param, rule func(layout.Param) (dist.Dist, error)) (dist.Dist, error) {
	if len(p.Pieces) == 0 {
		return rule(p)
	}
	dists := make([]dist.Dist, len(p.Pieces))
	same := true
	for i, piece := range p.Pieces {
		one := layout.Param{
			Name: p.Name, Shape: piece.Shape, Role: piece.Role, Layer: p.Layer,
			FanIn: piece.FanIn, FanOut: piece.FanOut, Transposed: p.Transposed,
		}
		var err error
		if dists[i], err = rule(one); err != nil {
			return dist.Dist{}, err
		}
		same = same && dists[i].Equal(dists[0]) && independent(dists[i])
	}
	if same {
		return dists[0], nil
	}
	formula := formulaOf(p.Pieces, dists)
	if !p.RowPieces() || p.Elements() == 0 {
		return dist.Dist{Draw: dist.Pieces{Dists: dists}, Formula: formula}, nil
	}
	parts := make([]dist.Part, len(dists))
	for i, d := range dists {
		parts[i] = dist.Part{Rows: p.Pieces[i].Shape[0], Dist: d}
	}
	return dist.Dist{Draw: dist.Blocks{Parts: parts}, Formula: formula}, nil
}

// independent tells whether the place of a value in the tensor says nothing of
// it: then a draw of the whole has the law of each piece.
func independent(d dist.Dist) bool {
	for _, post := range d.Post {
		if _, rows := post.(dist.ZeroRows); rows {
			return false
		}
	}
	switch d.Draw.(type) {
	case dist.Constant, dist.Uniform, dist.Normal, dist.TruncNormal, dist.Filled:
		return true
	}
	return false
}

// maxFormula is what the plugin protocol takes of a formula, in bytes.
const maxFormula = 200

// formulaOf joins the formulas of the pieces, each once with the roles that it
// is for.
func formulaOf(pieces []layout.Piece, dists []dist.Dist) string {
	var formulas []string
	roles := map[string][]string{}
	for i, d := range dists {
		if roles[d.Formula] == nil {
			formulas = append(formulas, d.Formula)
		}
		if role := string(pieces[i].Role); !slices.Contains(roles[d.Formula], role) {
			roles[d.Formula] = append(roles[d.Formula], role)
		}
	}
	for i, formula := range formulas {
		formulas[i] = strings.Join(roles[formula], ", ") + ": " + formula
	}
	text := strings.Join(formulas, "; ")
	if len(text) > maxFormula {
		return "by the role of each piece"
	}
	return text
}
