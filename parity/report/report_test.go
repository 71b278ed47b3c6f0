package report_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/page"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/parity/report"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

func requireGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	got = strings.Replace(got, string(page.Style), "/* that of internal/page */\n", 1)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "go test -update writes it")
	require.Equal(t, string(want), got)
}

var extensions = map[string]string{"text": ".txt", "json": ".json", "junit": ".xml", "github": ".github.txt", "markdown": ".md", "html": ".html"}

func TestReportsAreAsTheGoldenFiles(t *testing.T) {
	require.Len(t, report.Formats(), len(extensions))
	for _, format := range report.Formats() {
		t.Run(format, func(t *testing.T) {
			opt := report.Options{Rerun: rerunName}
			requireGolden(t, "failed"+extensions[format], write(t, format, sample(), opt))
			opt.Verbose = true
			requireGolden(t, "hostile"+extensions[format], write(t, format, hostileResult(), opt))
			requireGolden(t, "empty"+extensions[format], write(t, format, engine.Result{}, report.Options{}))
		})
	}
}

func TestTheLineIsThatOfTheSpecification(t *testing.T) {
	text := write(t, "text", sample(), report.Options{Verbose: true})
	require.Contains(t, text, "FAIL layers.1.mlp.fc_in.weight  T2 std  p=3.1e-27  adj=1.4e-24  effect=+3.0% (0.020601, declared 0.02)  margin=1%  n=147456  sees>=1.7%\n")
}

func TestWorstFirst(t *testing.T) {
	for verbose, want := range map[bool][]string{
		true:  {"shape", "bits", "T6 chi-square", "T2 std", "T4 Anderson-Darling"},
		false: {"shape", "bits", "T6 chi-square"}, // a line a tensor
	} {
		var order []string
		for line := range strings.Lines(write(t, "text", sample(), report.Options{Verbose: verbose})) {
			if parts := strings.Split(line, "  "); strings.HasPrefix(line, "FAIL ") && !strings.Contains(parts[1], "tests, ") {
				order = append(order, parts[1])
			}
		}
		require.Equal(t, want, order)
	}
	require.Contains(t, write(t, "text", sample(), report.Options{}), "; 2 more tests failed")
}

func TestPassingFindingsOnlyWhenVerbose(t *testing.T) {
	for _, format := range []string{"text", "markdown"} {
		quiet := write(t, format, sample(), report.Options{})
		verbose := write(t, format, sample(), report.Options{Verbose: true})
		for _, name := range []string{"layers.0.mlp.fc_in.weight", "pool of 10 tensors", "layers.7.bias"} {
			require.NotContains(t, quiet, name, format)
			require.Contains(t, verbose, name, format)
		}
		require.Contains(t, verbose, "and 2 more", format)
	}
}

// TestAVerboseTextHasALineATensor of several tests, which names the test that
// speaks most against it.
func TestAVerboseTextHasALineATensor(t *testing.T) {
	text := write(t, "text", statsRun(3, 3), report.Options{Verbose: true})
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	const name = "transformer.h.%d.self_attention.query_key_value.weight"
	require.Equal(t, []string{"What is wrong:",
		"- " + fmt.Sprintf(name, 0) + ": std is 1.001 times the declared 0.02: 0.020014 (2 failed tests)"}, lines[:2])
	lines = lines[2:]
	require.Len(t, lines, 2+3+4)
	require.Equal(t, fmt.Sprintf("FAIL "+name+"  13 tests, 2 failed, 1 weak  least p=3.1e-27 adj=1.4e-24 (T2 std)  std=+0.07%% (0.020014, declared 0.02)  n=589824", 0), lines[2])
	require.Equal(t, fmt.Sprintf("WEAK "+name+"  13 tests, 1 weak  least p=0.29 adj=1 (T1 mean)  std=+0.07%% (0.020014, declared 0.02)  n=589824", 1), lines[3])
	require.Equal(t, "FAILED: 3 tensors, 39 tests, 2 failed, 3 weak (equivalence not shown); family-wise limit 1e-06, strictest single limit 2e-09", lines[8])

	text = write(t, "text", sample(), report.Options{Verbose: true})
	require.Contains(t, text, "\nPASS layers.0.mlp.fc_in.weight  T1 mean  p=0.41  adj=1  effect=-0.0021 sigma  margin=0.01 sigma  n=147456  sees>=0.024 sigma\n", "the only test in full")
	require.NotContains(t, text[strings.Index(text, "PASS"):], "layers.2.weight", "a failure that is the only test stands above")
	require.Contains(t, text, "\nFAIL layers.1.mlp.fc_in.weight  3 tests, 3 failed  std=+3.0% (0.020601, declared 0.02)  n=147456\n", "a fact has no p-value")
}

func TestTwoPoolsOfOneSizeAreTwo(t *testing.T) {
	a, b := finding("pool of 1 tensors", "T1 mean", engine.Pass), finding("pool of 1 tensors", "T1 mean", engine.Weak)
	a.Members, b.Members = []string{"first"}, []string{"second"}
	twice := []engine.Finding{a, a, b, b}
	text := write(t, "text", result(twice...), report.Options{Verbose: true})
	junit := write(t, "junit", result(a, b), report.Options{})
	require.Contains(t, junit, `name="pool of 1 tensors">`)
	require.Contains(t, junit, `name="pool of 1 tensors with second">`)
	require.Contains(t, text, "PASS pool of 1 tensors  2 tests  n=1  members=first\nWEAK pool of 1 tensors  2 tests, 2 weak  n=1  members=second\n")
}

func TestSameResultSameBytes(t *testing.T) {
	values := func(string) ([]float64, []float64) { return normals(1, 500, 1), normals(2, 400, 1) }
	for _, format := range report.Formats() {
		first := write(t, format, sample(), report.Options{Rerun: rerunName, Values: values, Verbose: true})
		require.Equal(t, first, write(t, format, sample(), report.Options{Rerun: rerunName, Values: values, Verbose: true}), format)
	}
}

func TestTheResultIsNotChanged(t *testing.T) {
	r := sample()
	for _, format := range report.Formats() {
		write(t, format, r, report.Options{Verbose: true})
	}
	text := write(t, "text", r, report.Options{Verbose: true})
	require.Equal(t, write(t, "text", sample(), report.Options{Verbose: true}), text)
	require.Equal(t, "T1 mean", r.Findings[0].Test)
}

// TestNothingUnprintableIsWritten holds for every format: no control character
// but line ends, nothing that reorders the line, valid UTF-8.
func TestNothingUnprintableIsWritten(t *testing.T) {
	for _, format := range report.Formats() {
		out := write(t, format, hostileResult(), report.Options{Verbose: true, Rerun: rerunName})
		for _, r := range out {
			if r != '\n' && r != '\t' && !unicode.IsPrint(r) || r == unicode.ReplacementChar {
				require.Failf(t, "unprintable", "%s holds %U", format, r)
			}
		}
	}
}

func TestTextKeepsALineAFinding(t *testing.T) {
	r := hostileResult()
	out := write(t, "text", r, report.Options{Verbose: true, Rerun: rerunName})
	require.Equal(t, 2+2*len(hostile)+4, strings.Count(out, "\n"), "the cause, a line a failure and a line a tensor")
	for line := range strings.Lines(out) {
		require.False(t, strings.HasPrefix(strings.TrimSpace(line), "::"), line)
		require.False(t, strings.HasPrefix(line, "FAIL forged"), line)
	}
}

func TestLongTextsAreCut(t *testing.T) {
	long := strings.Repeat("é\n", 50_000)
	f := finding(long, long, engine.Fail)
	f.EffectText, f.Detail, f.Members = long, long, []string{long, long}
	for _, format := range []string{"text", "github", "markdown", "html"} {
		require.Less(t, len(write(t, format, result(f), report.Options{Rerun: rerunName})), 40_000, format)
	}
}

func TestJSONValidatesAgainstItsSchema(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "parity-report.schema.json"))
	require.NoError(t, err)
	schema := &jsonschema.Schema{}
	require.NoError(t, json.Unmarshal(text, schema))
	resolved, err := schema.Resolve(nil)
	require.NoError(t, err)
	for name, r := range map[string]engine.Result{"sample": sample(), "hostile": hostileResult(), "empty": {}} {
		var doc map[string]any
		require.NoError(t, json.Unmarshal([]byte(write(t, "json", r, report.Options{Rerun: rerunName})), &doc), name)
		require.NoError(t, resolved.Validate(doc), name)
		doc["extra"] = 1
		require.Error(t, resolved.Validate(doc), "the schema forbids nothing")
	}
}

func TestJSONKeepsOrderNamesAndNumbers(t *testing.T) {
	var doc struct {
		Passed   bool
		Findings []struct {
			Tensor, Test, Verdict, Unit string
			P, Effect                   *float64
			Index                       *int64
			Rerun                       *string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(write(t, "json", sample(), report.Options{Rerun: rerunName})), &doc))
	require.False(t, doc.Passed)
	for i, f := range sample().Findings {
		require.Equal(t, f.Tensor, doc.Findings[i].Tensor)
		require.Equal(t, f.Test, doc.Findings[i].Test)
		require.Equal(t, f.Verdict == engine.Fail, doc.Findings[i].Rerun != nil)
	}
	require.Equal(t, 3.1e-27, *doc.Findings[1].P)
	require.Equal(t, []string{"sigma", "%", ""}, []string{doc.Findings[0].Unit, doc.Findings[1].Unit, doc.Findings[2].Unit})
	require.Equal(t, 0.03, *doc.Findings[1].Effect, "a share")
	require.Nil(t, doc.Findings[2].P)
	require.Equal(t, int64(77), *doc.Findings[2].Index)
	require.Nil(t, doc.Findings[3].Index)
	require.Nil(t, doc.Findings[5].Effect, "an infinite effect")

	doc.Findings = nil
	require.NoError(t, json.Unmarshal([]byte(write(t, "json", hostileResult(), report.Options{})), &doc))
	for i, name := range hostile {
		require.Equal(t, strings.ToValidUTF8(name, "\ufffd"), strings.ReplaceAll(doc.Findings[2*i].Tensor, "\ufffd\ufffd", "\ufffd"))
	}
}

func TestUnknownFormat(t *testing.T) {
	err := report.Write(nil, "xml\n", engine.Result{}, report.Options{})
	var unknown *report.UnknownFormatError
	require.ErrorAs(t, err, &unknown)
	require.EqualError(t, err, `report: unknown format "xml\n": use text, json, junit, github, markdown, html`)
	require.False(t, fault.IsCannotRun(err))
}

type failingWriter struct{ left int }

var errFull = errors.New("disk full")

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestAWriterThatFailsIsASystemFault(t *testing.T) {
	for _, format := range report.Formats() {
		size := len(write(t, format, manyTensors(600), report.Options{Verbose: true}))
		for _, left := range []int{0, size / 2, size - 1} {
			err := report.Write(&failingWriter{left}, format, manyTensors(600), report.Options{Verbose: true})
			require.ErrorIs(t, err, errFull, "%s after %d of %d bytes", format, left, size)
			require.True(t, fault.IsCannotRun(err))
		}
	}
}

// TestATextHasSoManyLinesWhateverFails: the rest is counted, and a verbose text
// has all.
func TestATextHasSoManyLinesWhateverFails(t *testing.T) {
	var findings []engine.Finding
	for i := range 1003 {
		findings = append(findings, engine.Finding{Tensor: fmt.Sprintf("t%d", i), Test: "bits", Verdict: engine.Fail, Detail: "differs"})
	}
	lines := func(verbose bool) int {
		var b strings.Builder
		require.NoError(t, report.Write(&b, "text", engine.NewResult("bits", "a", "b", findings), report.Options{Verbose: verbose}))
		require.Equal(t, !verbose, strings.Contains(b.String(), "and 3 more tensors failed"))
		return strings.Count(b.String(), "\nFAIL ")
	}
	require.Equal(t, 1000, lines(false))
	require.Equal(t, 1003, lines(true))
}
