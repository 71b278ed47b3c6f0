package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/weightinit/weightinit/internal/needs"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/parity/report"
)

// normals are made for plots; nothing depends on their values.
func normals(seed uint64, n int, std float64) []float64 {
	r := rand.New(rand.NewPCG(seed, 0))
	out := make([]float64, n)
	for i := range out {
		out[i] = std * r.NormFloat64()
	}
	return out
}

// manyTensors fails every tensor, each with long texts.
func manyTensors(n int) engine.Result {
	all := make([]engine.Finding, n)
	for i := range all {
		all[i] = finding(fmt.Sprintf("model.layers.%d.self_attention.query_key_value.weight|%d", i, i), "T2 std", engine.Fail)
		all[i].P, all[i].Adjusted, all[i].Detail = 1e-30, 1e-26, strings.Repeat("found and wanted ", 8)
	}
	return result(all...)
}

// suites is what a reader of JUnit files takes from one.
type suites struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Suite    struct {
		Cases []struct {
			Class   string `xml:"classname,attr"`
			Name    string `xml:"name,attr"`
			Failure *struct {
				Message string `xml:"message,attr"`
				Text    string `xml:",chardata"`
			} `xml:"failure"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

func TestJUnitHasACaseAFinding(t *testing.T) {
	for name, r := range map[string]engine.Result{"sample": sample(), "hostile": hostileResult()} {
		d := xml.NewDecoder(strings.NewReader(write(t, "junit", r, report.Options{})))
		d.Strict = true
		var doc suites
		require.NoError(t, d.Decode(&doc), name)
		_, err := d.Token()
		for err == nil {
			_, err = d.Token()
		}
		require.True(t, errors.Is(err, io.EOF), "%s: %v", name, err)
		require.Equal(t, len(r.Findings), doc.Tests)
		require.Equal(t, r.Summary.Failed, doc.Failures)
		require.Len(t, doc.Suite.Cases, len(r.Findings))
		for i, f := range r.Findings {
			c := doc.Suite.Cases[i]
			require.Equal(t, shown.Text(f.Test), c.Class)
			require.Equal(t, shown.Text(f.Tensor), c.Name)
			require.Equal(t, f.Verdict == engine.Fail, c.Failure != nil)
			if c.Failure != nil {
				text := write(t, "text", r, report.Options{Verbose: true})
				require.Contains(t, text, c.Failure.Text+"\n")
				require.Contains(t, text, "\n- "+c.Failure.Message+" (")
			}
		}
	}
}

// TestJUnitIsReadByPython asks a second parser, expat.
func TestJUnitIsReadByPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		needs.Skip(t, "needs python3")
	}
	const script = `import sys, xml.etree.ElementTree as e
root = e.fromstring(sys.stdin.buffer.read())
cases = root.findall("./testsuite/testcase")
print(root.tag, len(cases), sum(c.find("failure") is not None for c in cases), all(c.get("name") is not None for c in cases))`
	r := hostileResult()
	cmd := exec.Command(python, "-c", script)
	cmd.Stdin = strings.NewReader(write(t, "junit", r, report.Options{Rerun: rerunName}))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, fmt.Sprintf("testsuites %d %d True\n", len(r.Findings), r.Summary.Failed), string(out))
}

// commands reads a log as GitHub's runner does.
func commands(t *testing.T, log string) (titles, messages []string, plain int) {
	t.Helper()
	command := regexp.MustCompile(`^::error title=([^:,]*)::(.*)$`)
	property := strings.NewReplacer("%25", "%", "%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",")
	data := strings.NewReplacer("%25", "%", "%0D", "\r", "%0A", "\n")
	for line := range strings.Lines(log) {
		m := command.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			require.NotContains(t, line, "::")
			require.NotContains(t, line, "##[")
			plain++
			continue
		}
		titles, messages = append(titles, property.Replace(m[1])), append(messages, data.Replace(m[2]))
	}
	return titles, messages, plain
}

func TestGitHubEscapesHostileNames(t *testing.T) {
	for _, name := range hostile {
		f := finding(name, "bits", engine.Fail)
		f.Detail = "100% of it, really: yes"
		r := result(f)
		out := write(t, "github", r, report.Options{})
		titles, messages, plain := commands(t, out)
		require.Equal(t, []string{"parity: " + shown.Text(name)}, titles)
		require.Equal(t, []string{shown.Text(name) + ": some values differ: 100% of it, really: yes\nFAIL " + shown.Text(name) + "  bits  n=1  100% of it, really: yes"}, messages)
		require.Equal(t, 1, plain)
		require.Contains(t, out, "100%25 of it, really: yes")
	}
}

func TestGitHubWritesAtMostTenErrors(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 1, 10: 10, 11: 10, 40: 10} {
		var all []engine.Finding
		for i := range n { // as many causes
			all = append(all, finding(fmt.Sprintf("t%d", i), fmt.Sprintf("test %c", 'A'+i), engine.Fail))
		}
		titles, messages, plain := commands(t, write(t, "github", result(all...), report.Options{}))
		require.Len(t, titles, want)
		require.Equal(t, 1, plain)
		if n > 10 {
			require.Equal(t, fmt.Sprintf("parity: %d more failures", n-9), titles[9])
			require.Contains(t, messages[9], fmt.Sprintf("%d failures of %d tensors", n-9, n-9))
		}
	}
	_, messages, _ := commands(t, write(t, "github", manyTensors(500), report.Options{}))
	require.Len(t, messages, 1, "one cause")
	require.Equal(t, 10, strings.Count(messages[0], "\nFAIL "))
	require.Contains(t, messages[0], "\nand 490 more failed tests; the job summary")
}

func TestJobSummaryFitsForTenThousandTensors(t *testing.T) {
	r := manyTensors(10_000)
	var b bytes.Buffer
	require.NoError(t, report.WriteJobSummary(&b, r, report.Options{Rerun: rerunName, Verbose: true}))
	require.Less(t, b.Len(), report.MaxJobSummary)
	require.Greater(t, b.Len(), report.MaxJobSummary*9/10, "the room is used")
	m := regexp.MustCompile(`\n(\d+) of 10000 rows do not fit`).FindStringSubmatch(b.String())
	require.NotNil(t, m)
	require.Equal(t, fmt.Sprint(10_000-strings.Count(b.String(), "\n| FAIL |")), m[1])

	// With 26 findings a tensor, as statistics of two sides give them, and ten
	// thousands of failures.
	r = statsRun(10_000, 1)
	for _, f := range r.Findings[:len(r.Findings):len(r.Findings)] {
		f.Test += " of the reference"
		r.Findings = append(r.Findings, f)
	}
	for i := range r.Findings[:100_000] {
		r.Findings[i].Verdict = engine.Fail
	}
	for _, opt := range []report.Options{{Rerun: rerunName}, {Verbose: true}} {
		b.Reset()
		start := time.Now()
		require.NoError(t, report.WriteJobSummary(&b, r, opt))
		took := time.Since(start)
		t.Logf("%d findings: %v", len(r.Findings), took)
		require.Less(t, took, 15*time.Second, "0.3 s; ten times that under the race detector")
		require.Less(t, b.Len(), report.MaxJobSummary)
		require.Regexp(t, `\n\d+ of \d+ rows do not fit here`, b.String())
	}

	b.Reset()
	require.NoError(t, report.WriteJobSummary(&b, sample(), report.Options{}))
	require.Equal(t, write(t, "markdown", sample(), report.Options{}), b.String())
}

func TestMarkdownRowsHaveTheirCells(t *testing.T) {
	r := hostileResult()
	out := write(t, "markdown", r, report.Options{Verbose: true, Rerun: rerunName})
	failures, digests, _ := strings.Cut(out, "### Tensors")
	requireMarkdownRows(t, failures, 13, len(hostile)+2)
	requireMarkdownRows(t, digests, 11, len(hostile)+2)
	for i := range r.Findings { // a test a tensor: nothing to digest
		r.Findings[i].Tensor += fmt.Sprint(i)
	}
	requireMarkdownRows(t, write(t, "markdown", r, report.Options{Verbose: true}), 13, len(r.Findings)+4)
}

func requireMarkdownRows(t *testing.T, out string, pipes, want int) {
	t.Helper()
	rows := 0
	for line := range strings.Lines(out) {
		if line == "</details>\n" || regexp.MustCompile(`^<details><summary>\d+: \d+ failed tests? of \d+ tensors?</summary>\n$`).MatchString(line) {
			continue
		}
		if strings.HasPrefix(line, "|") {
			require.Equal(t, pipes, strings.Count(line, "|"), line)
			require.Zero(t, strings.Count(line, "`")%2, line)
			rows++
		}
		// Outside code nothing of a file is left.
		bare := regexp.MustCompile("`[^`]*`|<code>[^<`]*</code>").ReplaceAllString(line, "")
		for _, text := range []string{"everyone", "script", "forged", "<", "alert", "example"} {
			require.NotContains(t, bare, text)
		}
	}
	require.Equal(t, want, rows)
}

// requireSelfContained checks what a page must not hold.
func requireSelfContained(t *testing.T, page string) {
	t.Helper()
	for _, text := range []string{"<script", "src=", "href", "http:", "https:", "url(", "@import", "<link", "<img", "xlink", "<?xml", "<iframe", "<form"} {
		require.NotContains(t, strings.ToLower(page), text)
	}
}

func TestPageIsSelfContained(t *testing.T) {
	values := func(string) ([]float64, []float64) { return normals(1, 3000, 1), normals(2, 2000, 1.03) }
	page := write(t, "html", sample(), report.Options{Rerun: rerunName, Values: values})
	requireSelfContained(t, page)
	require.Equal(t, 3*3, strings.Count(page, "<svg "), "histogram, quantiles and distribution of each failed tensor")
	require.Equal(t, 9, strings.Count(page, "</svg>"))
	require.Equal(t, strings.Count(page, "<g"), strings.Count(page, "</g>"))
	require.NotContains(t, page, "NaN")
	require.Contains(t, page, "reference: 3000 values")
}

func TestPageShowsHostileNamesAsText(t *testing.T) {
	page := write(t, "html", hostileResult(), report.Options{Verbose: true, Rerun: rerunName})
	require.NotContains(t, page, "<script")
	require.NotContains(t, page, "<![CDATA[")
	require.Contains(t, page, `&lt;script&gt;alert(1)&lt;/script&gt;`)
	require.Contains(t, page, `evil\u202etxt\u2066x`)
	require.Equal(t, strings.Count(page, "<tr"), strings.Count(page, "</tr>"))
	require.Equal(t, strings.Count(page, "<td"), strings.Count(page, "</td>"))
}

func TestPageOfTenThousandTensorsStaysSmall(t *testing.T) {
	page := write(t, "html", manyTensors(10_000), report.Options{Rerun: rerunName})
	require.Less(t, len(page), 5<<20)
	require.Contains(t, page, "9000 more failures of 9000 tensors are left out")
	require.Contains(t, page, "8000 more tensors are left out")
	page = write(t, "html", statsRun(2000, 1), report.Options{})
	require.Less(t, len(page), 5<<20)
	require.Contains(t, page, "3000 more failures of 1500 tensors are left out")
	require.Contains(t, page, "The single tests of 1539 tensors are left out as well.")
	require.Equal(t, 2000-1539, strings.Count(page, "<details>"))
	require.Equal(t, 1539, strings.Count(page, `<div class="row">`))
	whole := write(t, "html", manyTensors(2500), report.Options{Rerun: rerunName, Verbose: true})
	require.NotContains(t, whole, "left out")
	require.Equal(t, 2500, strings.Count(whole, "<details>"))
}

func TestPlotsAreForTheWorstTensors(t *testing.T) {
	var asked []string
	opt := report.Options{Plots: 2, Values: func(name string) ([]float64, []float64) {
		asked = append(asked, name)
		if name == "layers.2.weight" {
			return nil, nil
		}
		return []float64{1, 2}, []float64{1, 3}
	}}
	page := write(t, "html", sample(), opt)
	require.Equal(t, []string{"layers.2.weight", "layers.1.mlp.fc_in.weight", "head.weight"}, asked)
	require.Equal(t, 6, strings.Count(page, "<svg "))
}

func TestWhatCannotBePlottedIsSaid(t *testing.T) {
	r := result(finding("a", "bits", engine.Fail))
	page := write(t, "html", r, report.Options{Values: func(string) ([]float64, []float64) { return []float64{2, 2}, []float64{2} }})
	require.NotContains(t, page, "<svg")
	require.Contains(t, page, "reference: 2 values")
	require.Contains(t, page, "no plot: all values are 2")
}

// normalLaw declares a law of one tensor; dense with a density.
func normalLaw(name, text string, dense bool) func(string) (func(float64) float64, func(float64) float64, string, bool) {
	d := distuv.Normal{Sigma: 1}
	return func(asked string) (quantile, density func(float64) float64, _ string, ok bool) {
		if asked != name {
			return nil, nil, "", false
		}
		if dense {
			density = d.Prob
		}
		return d.Quantile, density, text, true
	}
}

func TestTheDeclaredLawIsDrawnAndNamed(t *testing.T) {
	values := func(string) ([]float64, []float64) { return normals(1, 3000, 1), normals(2, 2000, 1.03) }
	without := write(t, "html", sample(), report.Options{Values: values})
	require.NotContains(t, without, "declared: ")
	for _, dense := range []bool{true, false} {
		law := normalLaw("layers.1.mlp.fc_in.weight", "normal(mean 0, std 1) <b>\n", dense)
		page := write(t, "html", sample(), report.Options{Values: values, Law: law})
		requireSelfContained(t, page)
		require.Equal(t, 1, strings.Count(page, `declared: normal(mean 0, std 1) &lt;b&gt;\n`))
		require.Equal(t, strings.Count(without, "<svg ")+1, strings.Count(page, "<svg "), "its quantiles")
		require.Equal(t, strings.Count(without, "var(--law)")+3, strings.Count(page, "var(--law)"), "density, diagonal, distribution")
	}
	constant := func(string) (func(float64) float64, func(float64) float64, string, bool) {
		return func(float64) float64 { return 3 }, nil, "constant 3", true
	}
	page := write(t, "html", sample(), report.Options{Values: values, Law: constant})
	require.Contains(t, page, "the declared law is not drawn: all values are 3")
}

func TestPlotsOfOthersAreThoseAskedFor(t *testing.T) {
	var read []string
	values := func(name string) ([]float64, []float64) {
		read = append(read, name)
		return []float64{1, 2}, []float64{1, 3}
	}
	ask := func(name string) bool { return strings.HasPrefix(name, "layers.") }
	page := write(t, "html", sample(), report.Options{Plots: 1, Values: values, Plot: ask})
	require.Equal(t, []string{"layers.2.weight", "layers.0.mlp.fc_in.weight"}, read, "a failure once, and what passed if asked for")
	require.Equal(t, 1, strings.Count(page, "<h2>Plots that were asked for</h2>"))
	require.Equal(t, 1, strings.Count(page, "<h3>layers.0.mlp.fc_in.weight</h3>"))

	page = write(t, "html", statsRun(60, 0), report.Options{Values: values, Plot: func(string) bool { return true }})
	require.Equal(t, 3*report.MaxAsked, strings.Count(page, "<svg "))
	require.Contains(t, page, "20 more tensors that were asked for are not plotted")
	require.NotContains(t, write(t, "html", statsRun(60, 0), report.Options{Values: values}), "<svg ")
}

// TestPageOfAModelWithStatistics is of the size of gpt2-small.
func TestPageOfAModelWithStatistics(t *testing.T) {
	a, b := normals(1, 20_000, 1), normals(2, 20_000, 1.03)
	opt := report.Options{Rerun: rerunName, Values: func(string) ([]float64, []float64) { return a, b }}
	opt.Law = func(string) (func(float64) float64, func(float64) float64, string, bool) {
		return normalLaw("", "normal(mean 0, std 1)", true)("")
	}
	r := statsRun(200, 8)
	require.Len(t, r.Findings, 2600)
	page := write(t, "html", r, opt)
	require.Less(t, len(page), 2<<20)
	require.Greater(t, strings.Count(page, "<svg "), 4*19)
	require.Equal(t, 200, strings.Count(page, "<details>"), "a row a tensor")
	require.Equal(t, 2600+2*25, strings.Count(page, "<tr><td"), "a row a test, and one a failure")
	requireSelfContained(t, page)
	t.Logf("%d bytes", len(page))
}

func TestPageRowIsTheTensorsDigest(t *testing.T) {
	page := write(t, "html", statsRun(2, 2), report.Options{})
	for _, row := range []string{
		`<summary><span class="bad">FAIL</span><span class="name">transformer.h.0.self_attention.query_key_value.weight</span><span class="r" data-is="tests">13</span>` +
			`<span class="r" data-is="least p">3.1e-27</span><span class="r" data-is="adj">1.4e-24</span><span data-is="of">T2 std</span>` +
			`<span data-is="std">&#43;0.07% (0.020014, declared 0.02)</span><span class="r" data-is="n">589824</span></summary>`,
		`<summary><span class="weak">WEAK</span><span class="name">transformer.h.1.self_attention.query_key_value.weight</span>`,
	} {
		require.Contains(t, page, row)
	}
	require.Less(t, strings.Index(page, "h.0.self"), strings.Index(page, "h.1.self"))
}

func FuzzReports(f *testing.F) {
	for _, name := range hostile {
		f.Add(name, 0.5, 1.0)
	}
	f.Fuzz(func(t *testing.T, name string, a, b float64) {
		fi := finding(name, name, engine.Fail)
		fi.P, fi.Effect, fi.Margin, fi.Detail, fi.EffectText = a, b, a, name, name
		values := func(string) ([]float64, []float64) { return []float64{a, b, a / 3}, []float64{b, -a} }
		for _, format := range report.Formats() {
			out := write(t, format, result(fi), report.Options{Rerun: rerunName, Values: values})
			if format == "junit" {
				require.NoError(t, xml.Unmarshal([]byte(out), &suites{}))
			}
			if format == "github" {
				commands(t, out)
			}
			require.NotContains(t, out, "cannot be drawn")
		}
	})
}
