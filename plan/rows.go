package plan

import (
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
)

// Row is a line of a plan for people: a parameter as its mode fills it, a part
// of one that is drawn by itself, or a discard.
type Row struct {
	// Name, Role and Layer are the parameter's; empty and NoLayer for a
	// discard.
	Name    string
	Role    layout.Role
	Layer   int
	Discard bool
	// DType is the type in which the parameter's tensors are stored; of a
	// discard, the one that is drawn in.
	DType dtype.Type
	// Shape and Dist are those of the draw.
	Shape []int64
	Dist  dist.Dist
	// Start, Words and what is unknown of them are as in [Step].
	Start                      dist.Position
	Words                      int64
	StartUnknown, WordsUnknown bool
	// Outputs are the parameter's tensors, if these are not one of its name.
	Outputs []string
}

// Rows returns the lines of the plan in the order of the stream, then those of
// parameters that are computed without a draw of their own, whose Dist has no
// Draw. The blocks of
// a parameter that a mode assigned are one row.
func (p *Plan) Rows() []Row {
	outputs := make([][]string, len(p.params))
	stored := make([]dtype.Type, len(p.params))
	for _, t := range p.tensors {
		stored[t.Param] = t.DType
		outputs[t.Param] = append(outputs[t.Param], t.Name)
	}
	rows := make([]Row, 0, len(p.steps))
	for _, s := range p.steps {
		if s.Param != Discard && s.Block > 0 && !p.replayed { // one more block of the row before
			row := &rows[len(rows)-1]
			row.Words += s.Words
			if row.WordsUnknown = row.WordsUnknown || s.WordsUnknown; row.WordsUnknown {
				row.Words = 0
			}
			continue
		}
		row := Row{
			Layer: layout.NoLayer, Discard: s.Param == Discard, DType: s.In, Shape: s.Shape, Dist: s.Dist,
			Start: s.Start, Words: s.Words, StartUnknown: s.StartUnknown, WordsUnknown: s.WordsUnknown,
		}
		if !row.Discard {
			param := p.params[s.Param]
			row.DType = stored[s.Param]
			row.Name, row.Role, row.Layer = param.Name, param.Role, param.Layer
			if !p.replayed {
				row.Shape, row.Dist = param.Shape, param.Dist
			}
			if names := outputs[s.Param]; len(names) != 1 || names[0] != param.Name {
				row.Outputs = names
			}
		}
		rows = append(rows, row)
	}
	drawn := map[int]bool{}
	for _, s := range p.steps {
		drawn[s.Param] = true
	}
	for _, h := range p.held {
		for _, i := range h.Params {
			if param := p.params[i]; !drawn[i] && !param.Unnamed {
				rows = append(rows, Row{Name: param.Name, Role: param.Role, Layer: param.Layer, Shape: param.Shape, DType: stored[i]})
			}
		}
	}
	return rows
}
