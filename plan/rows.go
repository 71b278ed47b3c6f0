package plan

import (
	"github.com/weightinit/weightinit/dist"
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

// Rows returns the lines of the plan in the order of the stream. The blocks of
// a parameter that a mode assigned are one row.
func (p *Plan) Rows() []Row {
	outputs := make([][]string, len(p.params))
	for _, t := range p.tensors {
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
			Layer: layout.NoLayer, Discard: s.Param == Discard, Shape: s.Shape, Dist: s.Dist,
			Start: s.Start, Words: s.Words, StartUnknown: s.StartUnknown, WordsUnknown: s.WordsUnknown,
		}
		if !row.Discard {
			param := p.params[s.Param]
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
	return rows
}
