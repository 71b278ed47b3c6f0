package report

import (
	"encoding/xml"

	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity/engine"
)

type junitSuites struct {
	XMLName  xml.Name   `xml:"testsuites"`
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Errors   int        `xml:"errors,attr"`
	Suite    junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Failure *junitFailure `xml:"failure"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// maxCases is the most failures that have a case of their own.
const maxCases = 1000

// writeJUnit writes a test case a finding, in the result's order. Names are
// escaped for the eye first, so no character is left that XML cannot hold; they
// are not cut, since two cases must not share a name, and for the same reason a
// second pool of one size is told apart by its first member. Failures beyond
// [maxCases] are one case that counts them.
func writeJUnit(p *printer, r engine.Result, opt Options) error {
	suite := junitSuite{Name: "parity"}
	said := map[string]string{}
	for _, c := range causes(r) {
		for _, g := range c.groups {
			said[groupKey(g.findings[0])] = c.sentence()
		}
	}
	for _, f := range facts(r.Summary) {
		suite.Properties = append(suite.Properties, junitProperty(f))
	}
	suite.Properties = append(suite.Properties, junitProperty{"summary", counts(r.Summary)})
	seen := make(map[[2]string]bool, len(r.Findings))
	left := 0
	for _, f := range r.Findings {
		if f.Verdict == engine.Fail && suite.Failures == maxCases {
			left++
			continue
		}
		c := junitCase{Class: shown.Text(f.Test), Name: shown.Text(f.Tensor)}
		if id := [2]string{c.Class, c.Name}; seen[id] && len(f.Members) > 0 {
			c.Name += " with " + shown.Text(f.Members[0]) // a pool of as many others
		} else {
			seen[id] = true
		}
		switch f.Verdict {
		case engine.Fail:
			suite.Failures++
			line := rowOf(f, opt).line()
			c.Failure = &junitFailure{Message: said[groupKey(f)], Type: c.Class, Text: line}
		case engine.Weak, engine.Info:
			c.Out = rowOf(f, opt).line()
		}
		suite.Cases = append(suite.Cases, c)
	}
	if left > 0 {
		text := plural(left, "more failed test") + " are left out here; the text and json reports list them"
		suite.Failures++
		suite.Cases = append(suite.Cases, junitCase{Class: "more", Name: text, Failure: &junitFailure{Message: text, Type: "more", Text: text}})
	}
	suite.Tests = len(suite.Cases)
	_, _ = p.WriteString(xml.Header)
	e := xml.NewEncoder(p)
	e.Indent("", "  ")
	doc := junitSuites{Name: "weightinit parity", Tests: suite.Tests, Failures: suite.Failures, Suite: suite}
	if err := e.Encode(doc); err != nil {
		return err
	}
	return p.WriteByte('\n')
}
