package conformance

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// WriteText writes a line for r, as "weightinit plugins test" prints it.
func WriteText(w io.Writer, r Result) error {
	line := fmt.Sprintf("%-4s  %-20s", r.Status, r.Name)
	if r.Reason != "" {
		line += "  " + r.Reason
	}
	_, err := fmt.Fprintln(w, strings.TrimRight(line, " "))
	return err
}

// WriteSummary writes the last line of a report.
func WriteSummary(w io.Writer, r Report) error {
	_, err := fmt.Fprintf(w, "%s %s: %d passed, %d failed, %d skipped\n", r.Plugin, r.Version, r.count(Pass), r.Failed(), r.count(Skip))
	return err
}

type jsonReport struct {
	Plugin  string       `json:"plugin"`
	Version string       `json:"version"`
	Path    string       `json:"path"`
	Passed  int          `json:"passed"`
	Failed  int          `json:"failed"`
	Skipped int          `json:"skipped"`
	Checks  []jsonResult `json:"checks"`
}

type jsonResult struct {
	Name    string  `json:"name"`
	Status  Status  `json:"status"`
	Reason  string  `json:"reason,omitempty"`
	Seconds float64 `json:"seconds"`
}

// WriteJSON writes the whole report as one JSON object.
func WriteJSON(w io.Writer, r Report) error {
	out := jsonReport{
		Plugin: r.Plugin, Version: r.Version, Path: r.Path,
		Passed: r.count(Pass), Failed: r.Failed(), Skipped: r.count(Skip), Checks: []jsonResult{},
	}
	for _, c := range r.Results {
		out.Checks = append(out.Checks, jsonResult{c.Name, c.Status, c.Reason, seconds(c.Duration)})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// seconds are whole milliseconds.
func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Skipped  int         `xml:"skipped,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	Time    string     `xml:"time,attr"`
	Failure *junitText `xml:"failure,omitempty"`
	Skipped *junitText `xml:"skipped,omitempty"`
}

type junitText struct {
	Message string `xml:"message,attr"`
}

// WriteJUnit writes the whole report as a JUnit test suite.
func WriteJUnit(w io.Writer, r Report) error {
	suite := junitSuite{Name: "plugin " + r.Plugin, Tests: len(r.Results), Failures: r.Failed(), Skipped: r.count(Skip)}
	for _, c := range r.Results {
		out := junitCase{Class: r.Plugin, Name: c.Name, Time: fmt.Sprintf("%.3f", c.Duration.Seconds())}
		switch c.Status {
		case Fail:
			out.Failure = &junitText{c.Reason}
		case Skip:
			out.Skipped = &junitText{c.Reason}
		}
		suite.Cases = append(suite.Cases, out)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(suite); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
