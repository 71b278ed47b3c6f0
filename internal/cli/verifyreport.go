package cli

import (
	"fmt"
	"strings"

	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity/engine"
)

// parityResult is a report with what was compared.
type parityResult struct {
	Check, Reference, Candidate string
	Report                      *engine.Report
	// Problem is a fault beside the tensors; empty when there is none.
	Problem string
}

type differenceJSON struct {
	Index          int64   `json:"index"`
	Coordinates    []int64 `json:"coordinates"`
	ReferenceBits  string  `json:"reference_bits"`
	CandidateBits  string  `json:"candidate_bits"`
	ReferenceValue number  `json:"reference_value"`
	CandidateValue number  `json:"candidate_value"`
	ULPs           *int64  `json:"ulps"`
}

type parityTensorJSON struct {
	Name           string          `json:"name"`
	Status         engine.Status   `json:"status"`
	ReferenceDType string          `json:"reference_dtype"`
	CandidateDType string          `json:"candidate_dtype"`
	ReferenceShape []int64         `json:"reference_shape"`
	CandidateShape []int64         `json:"candidate_shape"`
	Values         int64           `json:"values"`
	Differing      int64           `json:"differing"`
	First          *differenceJSON `json:"first"`
}

// reportParity prints the result and returns the failure, if it is one.
func (a *app) reportParity(r parityResult, asJSON bool) error {
	passed := r.Report.Passed() && r.Problem == ""
	var err error
	if asJSON {
		err = a.printParityJSON(r, passed)
	} else {
		err = a.printParityText(r, passed)
	}
	switch {
	case err != nil:
		return err
	case passed:
		return nil
	case r.Problem != "" && r.Report.Passed():
		return &failedError{fmt.Sprintf("%s: %s", shown.Path(r.Candidate), r.Problem)}
	default:
		first := r.Report.Failures()[0]
		return &failedError{fmt.Sprintf("%s: %d of %d tensors fail the check %s; the first is %s: %s", shown.Cut(r.Candidate, 200),
			len(r.Report.Failures()), len(r.Report.Tensors), r.Check, shown.Quote(first.Name), first.Describe())}
	}
}

func (a *app) printParityText(r parityResult, passed bool) error {
	var b strings.Builder
	for _, t := range r.Report.Failures() {
		fmt.Fprintf(&b, "FAIL %s: %s\n", shown.Text(t.Name), t.Describe())
	}
	if r.Problem != "" {
		fmt.Fprintf(&b, "FAIL %s\n", r.Problem)
	}
	verdict := "same"
	if !passed {
		verdict = "different"
	}
	fmt.Fprintf(&b, "%s: %s: %d of %d tensors equal, %s values compared\n", verdict, r.Check,
		r.Report.Count(engine.Equal), len(r.Report.Tensors), grouped(r.Report.Values()))
	_, err := a.stdout.Write([]byte(b.String()))
	return err
}

func (a *app) printParityJSON(r parityResult, passed bool) error {
	tensors := make([]parityTensorJSON, len(r.Report.Tensors))
	for i, t := range r.Report.Tensors {
		tensors[i] = parityTensorJSON{
			Name: t.Name, Status: t.Status, ReferenceDType: t.ReferenceDType, CandidateDType: t.CandidateDType,
			ReferenceShape: t.ReferenceShape, CandidateShape: t.CandidateShape, Values: t.Values, Differing: t.Differing,
		}
		if d := t.First; d != nil {
			tensors[i].First = &differenceJSON{
				Index: d.Index, Coordinates: append([]int64{}, d.Coordinates...), ReferenceBits: d.Reference, CandidateBits: d.Candidate,
				ReferenceValue: number(d.ReferenceValue), CandidateValue: number(d.CandidateValue),
			}
			if d.ULPs >= 0 {
				tensors[i].First.ULPs = &d.ULPs
			}
		}
	}
	return a.printJSON(struct {
		Check     string             `json:"check"`
		Reference string             `json:"reference"`
		Candidate string             `json:"candidate"`
		Passed    bool               `json:"passed"`
		Problem   string             `json:"problem"`
		Equal     int                `json:"equal"`
		Failed    int                `json:"failed"`
		Values    int64              `json:"values"`
		Tensors   []parityTensorJSON `json:"tensors"`
	}{r.Check, r.Reference, r.Candidate, passed, r.Problem, r.Report.Count(engine.Equal), len(r.Report.Failures()), r.Report.Values(), tensors})
}
