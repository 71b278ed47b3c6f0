package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/needs"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity"
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
func manyTensors(n int) parity.Result {
	all := make([]parity.Finding, n)
	for i := range all {
		all[i] = finding(fmt.Sprintf("model.layers.%d.self_attention.query_key_value.weight|%d", i, i), "T2 std", parity.Fail)
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
			} `xml:"failure"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

func TestJUnitHasACaseAFinding(t *testing.T) {
	for name, r := range map[string]parity.Result{"sample": sample(), "hostile": hostileResult()} {
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
			require.Equal(t, f.Verdict == parity.Fail, c.Failure != nil)
			if c.Failure != nil {
				require.Contains(t, write(t, "text", r, report.Options{}), c.Failure.Message+"\n")
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
		f := finding(name, "bits", parity.Fail)
		f.Detail = "100% of it, really: yes"
		r := result(f)
		out := write(t, "github", r, report.Options{})
		titles, messages, plain := commands(t, out)
		require.Equal(t, []string{"parity: bits " + shown.Text(name)}, titles)
		require.Equal(t, []string{"FAIL " + shown.Text(name) + "  bits  n=1  100% of it, really: yes"}, messages)
		require.Equal(t, 1, plain)
		require.Contains(t, out, "100%25 of it, really: yes")
	}
}

func TestGitHubWritesAtMostTenErrors(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 1, 10: 10, 11: 10, 500: 10} {
		titles, messages, plain := commands(t, write(t, "github", manyTensors(n), report.Options{}))
		require.Len(t, titles, want)
		require.Equal(t, 1, plain)
		if n > 10 {
			require.Equal(t, fmt.Sprintf("parity: %d more failures", n-9), titles[9])
			require.Contains(t, messages[9], fmt.Sprintf("%d failures of %d tensors", n-9, n-9))
		}
	}
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

	b.Reset()
	require.NoError(t, report.WriteJobSummary(&b, sample(), report.Options{}))
	require.Equal(t, write(t, "markdown", sample(), report.Options{}), b.String())
}

func TestMarkdownRowsHaveTheirCells(t *testing.T) {
	r := hostileResult()
	out := write(t, "markdown", r, report.Options{Verbose: true, Rerun: rerunName})
	rows := 0
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "|") {
			require.Equal(t, 13, strings.Count(line, "|"), line)
			require.Zero(t, strings.Count(line, "`")%2, line)
			rows++
		}
		// Outside code nothing of a file is left.
		bare := regexp.MustCompile("`[^`]*`|<code>[^<`]*</code>").ReplaceAllString(line, "")
		for _, text := range []string{"everyone", "script", "forged", "<", "alert", "example"} {
			require.NotContains(t, bare, text)
		}
	}
	require.Equal(t, len(r.Findings)+4, rows)
}

// requireSelfContained checks what a page must not hold.
func requireSelfContained(t *testing.T, page string) {
	t.Helper()
	for _, text := range []string{"<script", "src=", "href", "http:", "https:", "url(", "@import", "<link", "<img", "xlink", "<?xml"} {
		require.NotContains(t, strings.ToLower(page), text)
	}
}

func TestPageIsSelfContained(t *testing.T) {
	values := func(string) ([]float64, []float64) { return normals(1, 3000, 1), normals(2, 2000, 1.03) }
	page := write(t, "html", sample(), report.Options{Rerun: rerunName, Values: values})
	requireSelfContained(t, page)
	require.Equal(t, 3*5, strings.Count(page, "<svg "), "histogram, quantiles and distribution of each tensor")
	require.Equal(t, 15, strings.Count(page, "</svg>"))
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
	require.Less(t, len(page), 4<<20)
	require.Contains(t, page, "8000 more failures are left out")
	require.Contains(t, page, "9500 more tensors are left out")
	whole := write(t, "html", manyTensors(10_000), report.Options{Rerun: rerunName, Verbose: true})
	require.NotContains(t, whole, "left out")
	require.Equal(t, 10_000, strings.Count(whole, "<details"))
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

func TestValuesThatCannotBePlottedAreSaid(t *testing.T) {
	inf := math.Inf(1)
	for name, c := range map[string]struct {
		reference, candidate []float64
		svgs                 int
		note                 string
	}{
		"constant":        {[]float64{2, 2}, []float64{2, 2, 2}, 0, "no plot: all values are 2"},
		"nothing finite":  {[]float64{nan, inf}, nil, 0, "reference: 2 values, 2 not finite and left out"},
		"some not finite": {[]float64{1, nan, 3}, []float64{1, 2, -inf}, 3, "candidate: 3 values, 1 not finite"},
		"huge":            {[]float64{-math.MaxFloat64, math.MaxFloat64}, []float64{1}, 0, "no axis can show"},
		"tiny":            {[]float64{0, 5e-324}, []float64{0}, 0, "no axis can show"},
		"narrow":          {[]float64{1, 1 + 1e-15}, []float64{1}, 0, "no axis can show"},
		"one side":        {nil, []float64{1, 2, 3}, 2, "candidate: 3 values"},
		"one value each":  {[]float64{1}, []float64{2}, 3, "reference: 1 value"},
		"wide":            {[]float64{-1e99, 1e99}, []float64{1e99}, 3, "candidate: 1 value"},
		"small":           {[]float64{1e-99, 2e-99}, []float64{3e-99}, 3, "candidate: 1 value"},
		"offset":          {[]float64{1000, 1000.01}, []float64{1000.02}, 3, "candidate: 1 value"},
		"many":            {normals(1, 300_000, 1), normals(2, 10, 1), 3, "reference: 300000 values, 100000 of them drawn"},
	} {
		t.Run(name, func(t *testing.T) {
			r := result(finding("a", "bits", parity.Fail))
			page := write(t, "html", r, report.Options{Values: func(string) ([]float64, []float64) { return c.reference, c.candidate }})
			require.Equal(t, c.svgs, strings.Count(page, "<svg "))
			require.Contains(t, page, c.note)
			require.NotContains(t, page, "cannot be drawn")
			requireSelfContained(t, page)
		})
	}
}

func FuzzReports(f *testing.F) {
	for _, name := range hostile {
		f.Add(name, 0.5, 1.0)
	}
	f.Fuzz(func(t *testing.T, name string, a, b float64) {
		fi := finding(name, name, parity.Fail)
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
