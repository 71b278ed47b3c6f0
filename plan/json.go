package plan

import (
	"encoding/json"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
)

// MarshalJSON writes the plan as the command line's "plan --json" shows it:
// numbers at full float64 precision, parameters in draw order.
func (p *Plan) MarshalJSON() ([]byte, error) {
	out := planJSON{
		Mode: p.Mode, Options: p.OptionsJSON, Seed: json.Number(p.SeedText), Streams: p.Streams,
		DType: p.DType.String(), Digest: p.digest, TotalValues: p.Values, TotalWords: p.Words,
		Notes: append([]string{}, p.Notes...), Parameters: make([]paramJSON, len(p.Steps)),
	}
	for i, s := range p.Steps {
		out.Parameters[i] = paramJSON{
			Name: s.Param.Name, Shape: append([]int64{}, s.Param.Shape...), DType: p.DType.String(),
			Role: s.Param.Role, Distribution: encodeDist(s.Dist), FirstWord: s.Start.Words, Words: s.Words,
		}
		if s.Param.Layer != layout.NoLayer {
			out.Parameters[i].Layer = &p.Steps[i].Param.Layer
		}
	}
	return json.Marshal(out)
}

type planJSON struct {
	Mode        string          `json:"mode"`
	Options     json.RawMessage `json:"options"`
	Seed        json.Number     `json:"seed"`
	Streams     Streams         `json:"streams"`
	DType       string          `json:"dtype"`
	Digest      string          `json:"digest"`
	TotalValues int64           `json:"total_values"`
	TotalWords  int64           `json:"total_words"`
	Notes       []string        `json:"notes"`
	Parameters  []paramJSON     `json:"parameters"`
}

type paramJSON struct {
	Name         string         `json:"name"`
	Shape        []int64        `json:"shape"`
	DType        string         `json:"dtype"`
	Role         layout.Role    `json:"role"`
	Layer        *int           `json:"layer"`
	Distribution map[string]any `json:"distribution"`
	FirstWord    int64          `json:"first_word"`
	Words        int64          `json:"words"`
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
	}
	var post []map[string]any
	for _, step := range d.Post {
		if m, ok := step.(dist.Multiply); ok {
			post = append(post, map[string]any{m.Kind(): m.By})
		}
	}
	if post != nil {
		out["post"] = post
	}
	return out
}
