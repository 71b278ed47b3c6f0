package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/weightinit/weightinit/parity/engine"
)

// jsonVersion is raised when a reader of the older one would misunderstand.
const jsonVersion = 1

type jsonReport struct {
	Version  int           `json:"version"`
	Passed   bool          `json:"passed"`
	Summary  jsonSummary   `json:"summary"`
	Causes   []jsonCause   `json:"causes,omitempty"`
	Findings []jsonFinding `json:"findings"`
}

type jsonCause struct {
	Sentence string   `json:"sentence"`
	Tensors  []string `json:"tensors"`
	Failed   int      `json:"failed"`
}

type jsonSummary struct {
	Checks         []string `json:"checks"`
	Reference      string   `json:"reference"`
	Candidate      string   `json:"candidate"`
	Tensors        int      `json:"tensors"`
	Tests          int      `json:"tests"`
	Failed         int      `json:"failed"`
	Weak           int      `json:"weak"`
	FamilyLimit    *float64 `json:"family_limit"`
	StrictestLimit *float64 `json:"strictest_limit"`
}

type jsonFinding struct {
	Tensor     string         `json:"tensor"`
	Members    []string       `json:"members"`
	Test       string         `json:"test"`
	Verdict    engine.Verdict `json:"verdict"`
	P          *float64       `json:"p"`
	Adjusted   *float64       `json:"adj"`
	Unit       engine.Unit    `json:"unit"`
	Effect     *float64       `json:"effect"`
	EffectText string         `json:"effect_text"`
	Margin     *float64       `json:"margin"`
	N          int64          `json:"n"`
	Sees       *float64       `json:"sees"`
	Index      *int64         `json:"index"`
	Detail     string         `json:"detail"`
	Rerun      *string        `json:"rerun"`
}

// writeJSON writes one document (docs/parity-report.schema.json): everything,
// in the result's order, names in full.
func writeJSON(p *printer, r engine.Result, opt Options) error {
	s := r.Summary
	doc := jsonReport{Version: jsonVersion, Passed: r.Passed(), Findings: make([]jsonFinding, len(r.Findings)), Summary: jsonSummary{
		Checks: notNil(s.Checks), Reference: s.Reference, Candidate: s.Candidate, Tensors: s.Tensors, Tests: s.Tests,
		Failed: s.Failed, Weak: s.Weak,
	}}
	if s.FamilyLimit != 0 { // without statistics there is no limit
		doc.Summary.FamilyLimit, doc.Summary.StrictestLimit = finite(s.FamilyLimit), finite(s.StrictestLimit)
	}
	for _, c := range causes(r) {
		j := jsonCause{Sentence: c.sentence(), Failed: c.tests}
		for _, g := range c.groups {
			j.Tensors = append(j.Tensors, g.name)
		}
		doc.Causes = append(doc.Causes, j)
	}
	for i, f := range r.Findings {
		j := &doc.Findings[i]
		*j = jsonFinding{
			Tensor: f.Tensor, Members: notNil(f.Members), Test: f.Test, Verdict: f.Verdict,
			P: finite(f.P), Adjusted: finite(f.Adjusted), Unit: f.Unit, Effect: finite(f.Effect), EffectText: f.EffectText,
			Margin: finite(f.Margin), N: f.N, Sees: finite(f.Sees), Detail: f.Detail,
		}
		if f.Index >= 0 {
			j.Index = &f.Index
		}
		if command := rerun(f, opt); command != "" {
			j.Rerun = &command
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(doc); err != nil {
		return err
	}
	return writePrintable(p, b.Bytes())
}

// writePrintable copies a JSON document and writes characters that do not
// print, which can only be inside strings, as escapes: the same document, and
// harmless on a terminal. Line ends between tokens stay.
func writePrintable(p *printer, doc []byte) error {
	start := 0
	for i := 0; i < len(doc); {
		r, n := utf8.DecodeRune(doc[i:])
		if r == '\n' || strconv.IsPrint(r) {
			i += n
			continue
		}
		_, _ = p.Write(doc[start:i])
		if r > 0xffff {
			r -= 0x10000
			fmt.Fprintf(p, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		} else {
			fmt.Fprintf(p, `\u%04x`, r)
		}
		i += n
		start = i
	}
	_, err := p.Write(doc[start:])
	return err
}

// finite returns nil, which JSON writes as null, for what JSON cannot write.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

func notNil(s []string) []string { return append([]string{}, s...) }
