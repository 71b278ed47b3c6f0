package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity/identify"
)

// mostAgainst is how many reasons the text has for a place.
const mostAgainst = 4

// write writes the ranking as text.
func (d identification) write(w io.Writer) error {
	r := d.result
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s tensors, %s values; the model is that of %s\n", shown.Path(d.path), grouped(int64(r.Tensors)), grouped(r.Values), d.from)
	if d.recorded != "" {
		fmt.Fprintf(&b, "recorded: made by %s\n", shown.Text(d.recorded))
	}
	for i, p := range r.Places {
		fmt.Fprintf(&b, "\n%d. %s: %s\n", i+1, shown.Cut(namesOf(p), 600), d.verdict(p))
		if len(p.Candidates) > 1 {
			b.WriteString("   the same laws for this model\n")
		}
		if p.Bits != nil {
			fmt.Fprintf(&b, "   + every bit is as %s makes it with seed %s (%s), %s streams\n", shown.Text(p.Bits.Candidate.Name()), shown.Text(p.Bits.Seed.Text), p.Bits.Seed.From, p.Bits.Streams)
		}
		if p.Failed == 0 && p.Tests > 0 {
			fmt.Fprintf(&b, "   + %s tests of %s tensors, none fails\n", grouped(int64(p.Tests)), grouped(int64(p.Tensors)))
		}
		for n, reason := range p.Against {
			if n == mostAgainst {
				fmt.Fprintf(&b, "   - and %d more reasons\n", len(p.Against)-n)
				break
			}
			fmt.Fprintf(&b, "   - %s\n", shown.Line(reason.Text))
		}
	}
	for i, c := range r.Unable {
		if i == 0 {
			b.WriteString("\nnot tried, as they cannot make this model:\n")
		}
		fmt.Fprintf(&b, "   %s: %s\n", shown.Text(c.Name()), shown.Cut(c.Err.Error(), 300))
	}
	fmt.Fprintf(&b, "\n%s\n", d.sentence())
	_, err := io.WriteString(w, b.String())
	return err
}

func (d identification) verdict(p identify.Place) string {
	switch p.Verdict {
	case identify.Fits:
		return "fits"
	case identify.Closest:
		return "closest, but " + d.odd(p)
	}
	return "no, " + d.odd(p)
}

// The JSON document of identify.
type identifyJSON struct {
	Path    string `json:"path"`
	Config  string `json:"config"`
	Verdict string `json:"verdict"`
	Tensors int    `json:"tensors"`
	Values  int64  `json:"values"`
	// Recorded is the mode that the file's record names; null without one.
	Recorded *string          `json:"recorded"`
	Places   []identifyPlace  `json:"places"`
	Unable   []identifyUnable `json:"unable"`
}

type identifyPlace struct {
	Place          int             `json:"place"`
	Verdict        string          `json:"verdict"`
	Modes          []identifyMode  `json:"modes"`
	Bits           *identifyBits   `json:"bits"`
	Tensors        int             `json:"tensors"`
	RandomTensors  int             `json:"random_tensors"`
	Rejected       int             `json:"rejected_tensors"`
	RejectedRandom int             `json:"rejected_random_tensors"`
	RejectedValues int64           `json:"rejected_values"`
	WithoutLaw     int             `json:"tensors_without_law"`
	Missing        int             `json:"missing"`
	Extra          int             `json:"extra"`
	OtherShapes    int             `json:"other_shapes"`
	Tests          int             `json:"tests"`
	FailedTests    int             `json:"failed_tests"`
	StdOff         number          `json:"std_off"`
	Against        []identifyCause `json:"against"`
}

type identifyMode struct {
	ID      string   `json:"id"`
	Options []string `json:"options"`
}

type identifyBits struct {
	Mode    identifyMode `json:"mode"`
	Seed    string       `json:"seed"`
	From    string       `json:"seed_from"`
	Streams string       `json:"streams"`
}

type identifyCause struct {
	Text        string   `json:"text"`
	Tensors     []string `json:"tensors"`
	FailedTests int      `json:"failed_tests"`
}

type identifyUnable struct {
	Mode  identifyMode `json:"mode"`
	Error string       `json:"error"`
}

func modeOf(c identify.Candidate) identifyMode {
	return identifyMode{c.Mode, append([]string{}, c.Options...)}
}

func (d identification) json() identifyJSON {
	r := d.result
	out := identifyJSON{Path: d.path, Config: d.from, Verdict: string(r.Verdict), Tensors: r.Tensors, Values: r.Values, Places: []identifyPlace{}, Unable: []identifyUnable{}}
	if d.recorded != "" {
		out.Recorded = &d.recorded
	}
	for i, p := range r.Places {
		one := identifyPlace{
			Place: i + 1, Verdict: string(p.Verdict), Modes: []identifyMode{}, Tensors: p.Tensors, RandomTensors: p.Random,
			Rejected: p.Rejected, RejectedRandom: p.RejectedRandom, RejectedValues: p.RejectedValues, WithoutLaw: p.Untold,
			Missing: p.Names.Missing, Extra: p.Names.Extra, OtherShapes: p.Names.Shapes,
			Tests: p.Tests, FailedTests: p.Failed, StdOff: number(p.Off), Against: []identifyCause{},
		}
		for _, c := range p.Candidates {
			one.Modes = append(one.Modes, modeOf(c))
		}
		if p.Bits != nil {
			one.Bits = &identifyBits{modeOf(p.Bits.Candidate), p.Bits.Seed.Text, p.Bits.Seed.From, string(p.Bits.Streams)}
		}
		for _, reason := range p.Against {
			one.Against = append(one.Against, identifyCause{reason.Text, append([]string{}, reason.Tensors...), reason.Tests})
		}
		out.Places = append(out.Places, one)
	}
	for _, c := range r.Unable {
		out.Unable = append(out.Unable, identifyUnable{modeOf(c), c.Err.Error()})
	}
	return out
}
