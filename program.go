package weightinit

import (
	"encoding/base64"
	"io"

	"github.com/weightinit/weightinit/internal/record"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/plan/planfile"
)

// PrepareProgram freezes a plan file: a program that a model was recorded as, or
// that somebody wrote (docs/plan-files.md). No mode is asked. The options are
// [Seed], [DType], which rounds what is stored, and [Streams]. Nothing is drawn
// yet.
func PrepareProgram(file []byte, opts ...Option) (*Plan, error) {
	s, err := collect(programs, opts)
	if err != nil {
		return nil, err
	}
	return BuildProgram(file, s.plan)
}

// BuildProgram is [PrepareProgram] with the options of package plan.
func BuildProgram(file []byte, opts plan.Options) (*Plan, error) {
	document, err := planfile.Parse(file)
	if err != nil {
		return nil, err
	}
	p, err := plan.FromProgram(document.Layout, opts)
	if err != nil {
		return nil, err
	}
	return &Plan{Plan: p, file: file}, nil
}

// WritePlan writes the plan as a plan file; see planfile.Write. info is for
// people.
func (p *Plan) WritePlan(w io.Writer, info map[string]string) error {
	return planfile.Write(w, p.Plan, info)
}

// programMetadata is the record of a plan that was made of a plan file.
func (p *Plan) programMetadata() (map[string]string, error) {
	r := record.Record{
		Program: true, Seed: p.SeedText(), Streams: string(p.Streams()), DType: record.OwnTypes, Digest: p.Digest(),
	}
	if p.DType().Valid() {
		r.DType = p.DType().String()
	}
	text, err := planfile.Text(p.file)
	if err != nil {
		return nil, err
	}
	packed, err := planfile.Pack(text)
	if err != nil {
		return nil, err
	}
	if len(packed) <= record.MaxPlan {
		r.Plan = base64.StdEncoding.EncodeToString(packed)
	}
	return r.Metadata(), nil
}

// Program tells that the plan was made of a plan file, and no mode was asked.
func (p *Plan) Program() bool { return p.file != nil }
