package plan

import (
	"encoding/json"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/registry"
)

// MarshalJSON writes the plan as the command line's "plan --json" shows it:
// numbers at full float64 precision, rows in the order of the stream.
// first_word, words and total_words are null where only a run can tell. outputs
// are the names in a file, where they are not the parameter's own.
func (p *Plan) MarshalJSON() ([]byte, error) {
	out := planJSON{
		Mode: p.Mode(), Options: p.optionsJSON, Seed: json.Number(p.SeedText()), Streams: p.Streams(),
		DType: p.DType().String(), Digest: p.Digest(), TotalValues: p.elements, TotalWords: unless(p.wordsUnknown, p.words),
		Notes: []string{}, Plugin: p.Plugin(), Parameters: []rowJSON{},
	}
	if p.Drawn() != p.DType().Compute() {
		out.Drawn = p.Drawn().String()
	}
	for _, note := range p.notes {
		out.Notes = append(out.Notes, note.Text)
	}
	for _, row := range p.Rows() {
		one := rowJSON{
			Name: row.Name, Shape: append([]int64{}, row.Shape...), DType: p.DType().String(), Role: row.Role,
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
	Mode        string           `json:"mode"`
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

// unless returns nil if the number is not known.
func unless(unknown bool, number int64) *int64 {
	if unknown {
		return nil
	}
	return &number
}

// encodeDist gives the numbers the names of the plugin protocol.
func encodeDist(d dist.Dist) map[string]any {
	out := map[string]any{"kind": d.Draw.Kind()}
	switch draw := d.Draw.(type) {
	case dist.Constant:
		out["value"] = draw.Value
	case dist.Uniform:
		out["low"], out["high"] = draw.Low, draw.High
	case dist.Normal:
		out["mean"], out["std"] = draw.Mean, draw.Std
	case dist.TruncNormal:
		out["mean"], out["std"], out["a"], out["b"] = draw.Mean, draw.Std, draw.A, draw.B
		out["algorithm"] = draw.Algorithm.String()
	case dist.Dirac:
		out["groups"] = draw.Groups
	case dist.Orthogonal:
		out["gain"] = draw.Gain
	case dist.Sparse:
		out["sparsity"], out["std"] = draw.Sparsity, draw.Std
	case dist.Pieces:
		pieces := make([]map[string]any, len(draw.Dists))
		for i, one := range draw.Dists {
			pieces[i] = encodeDist(one)
		}
		out["pieces"] = pieces
	case dist.Blocks:
		blocks := make([]map[string]any, len(draw.Parts))
		for i, part := range draw.Parts {
			blocks[i] = map[string]any{"rows": part.Rows, "dist": encodeDist(part.Dist)}
		}
		out["blocks"] = blocks
	}
	var post []map[string]any
	for _, step := range d.Post {
		switch step := step.(type) {
		case dist.Multiply:
			post = append(post, map[string]any{step.Kind(): step.By})
		case dist.Divide:
			post = append(post, map[string]any{step.Kind(): step.By})
		case dist.ZeroRows:
			ranges := make([]map[string]int64, len(step.Ranges))
			for i, r := range step.Ranges {
				ranges[i] = map[string]int64{"first": r.First, "count": r.Count}
			}
			post = append(post, map[string]any{step.Kind(): ranges})
		}
	}
	if post != nil {
		out["post"] = post
	}
	return out
}
