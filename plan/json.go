package plan

import (
	"encoding/json"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/registry"
)

// MarshalJSON writes the plan as the command line's "plan --json" shows it:
// numbers at full float64 precision, rows in the order of the stream.
// first_word, words and total_words are null where only a run can tell. outputs
// are the names in a file, where they are not the parameter's own.
func (p *Plan) MarshalJSON() ([]byte, error) {
	out := planJSON{
		Mode: nullable(p.Mode()), Options: p.optionsJSON, Seed: json.Number(p.SeedText()), Streams: p.Streams(),
		DType: typeName(p.DType()), Digest: p.Digest(), TotalValues: p.elements, TotalWords: unless(p.wordsUnknown, p.words),
		Notes: []string{}, Plugin: p.Plugin(), Parameters: []rowJSON{},
	}
	if !p.program && p.Drawn() != p.DType().Compute() {
		out.Drawn = p.Drawn().String()
	}
	for _, note := range p.notes {
		out.Notes = append(out.Notes, note.Text)
	}
	for _, row := range p.Rows() {
		one := rowJSON{
			Name: row.Name, Shape: append([]int64{}, row.Shape...), DType: typeName(row.DType), Role: row.Role,
			Distribution: encodeDist(row.Dist), Outputs: row.Outputs,
			FirstWord: unless(row.StartUnknown, row.Start.Words), Words: unless(row.WordsUnknown, row.Words),
		}
		if row.Layer != layout.NoLayer {
			one.Layer = &row.Layer
		}
		if row.Discard {
			one.Kind = "discard"
		}
		out.Parameters = append(out.Parameters, one)
	}
	return json.Marshal(out)
}

type planJSON struct {
	Mode        *string          `json:"mode"`
	Options     json.RawMessage  `json:"options"`
	Seed        json.Number      `json:"seed"`
	Streams     Streams          `json:"streams"`
	DType       string           `json:"dtype"`
	Drawn       string           `json:"drawn,omitempty"`
	Digest      string           `json:"digest"`
	TotalValues int64            `json:"total_values"`
	TotalWords  *int64           `json:"total_words"`
	Notes       []string         `json:"notes"`
	Plugin      *registry.Plugin `json:"plugin,omitempty"`
	Parameters  []rowJSON        `json:"parameters"`
}

type rowJSON struct {
	Kind         string         `json:"kind,omitempty"`
	Name         string         `json:"name"`
	Shape        []int64        `json:"shape"`
	DType        string         `json:"dtype"`
	Role         layout.Role    `json:"role"`
	Layer        *int           `json:"layer"`
	Distribution map[string]any `json:"distribution"`
	FirstWord    *int64         `json:"first_word"`
	Words        *int64         `json:"words"`
	Outputs      []string       `json:"outputs,omitempty"`
}

// nullable is null for an empty text.
func nullable(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// typeName is the name of a type; "own" where each tensor has its own.
func typeName(t dtype.Type) string {
	if t == 0 {
		return "own"
	}
	return t.String()
}

// unless returns nil if the number is not known.
func unless(unknown bool, number int64) *int64 {
	if unknown {
		return nil
	}
	return &number
}

// encodeDist gives the numbers the names of the plugin protocol.
func encodeDist(d dist.Dist) map[string]any {
	if d.Draw == nil {
		return map[string]any{"kind": "computed"}
	}
	out := map[string]any{"kind": d.Draw.Kind()}
	for _, n := range dist.Numbers(d.Draw) {
		out[n.Name] = encodeNumber(n.Value)
	}
	if len(d.Post) > 0 {
		post := make([]map[string]any, len(d.Post))
		for i, step := range d.Post {
			post[i] = map[string]any{step.Kind(): encodeNumber(step.Operand())}
		}
		out["post"] = post
	}
	return out
}

func encodeNumber(value any) any {
	switch v := value.(type) {
	case []dist.Part:
		blocks := make([]map[string]any, len(v))
		for i, part := range v {
			blocks[i] = map[string]any{"rows": part.Rows, "dist": encodeDist(part.Dist)}
		}
		return blocks
	case []dist.Dist:
		pieces := make([]map[string]any, len(v))
		for i, d := range v {
			pieces[i] = encodeDist(d)
		}
		return pieces
	case []dist.Range:
		ranges := make([]map[string]int64, len(v))
		for i, r := range v {
			ranges[i] = map[string]int64{"first": r.First, "count": r.Count}
		}
		return ranges
	}
	return value
}
