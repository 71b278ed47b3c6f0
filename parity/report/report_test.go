package report_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/parity"
	"github.com/weightinit/weightinit/parity/report"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

func requireGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
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
			requireGolden(t, "empty"+extensions[format], write(t, format, parity.Result{}, report.Options{}))
		})
	}
}

func TestTheLineIsThatOfTheSpecification(t *testing.T) {
	text := write(t, "text", sample(), report.Options{})
	require.Contains(t, text, "FAIL layers.1.mlp.fc_in.weight  T2 std  p=3.1e-27  adj=1.4e-24  effect=+3.0% (0.020601, declared 0.02)  margin=1%  n=147456  sees>=1.7%\n")
}

func TestWorstFirst(t *testing.T) {
	var order []string
	for line := range strings.Lines(write(t, "text", sample(), report.Options{})) {
		if parts := strings.Split(line, "  "); strings.HasPrefix(line, "FAIL ") {
			order = append(order, parts[1])
		}
	}
	require.Equal(t, []string{"shape", "bits", "T6 chi-square", "T2 std", "T4 Anderson-Darling"}, order)
}

func TestPassingFindingsOnlyWhenVerbose(t *testing.T) {
	for _, format := range []string{"text", "markdown"} {
		quiet := write(t, format, sample(), report.Options{})
		verbose := write(t, format, sample(), report.Options{Verbose: true})
		for _, name := range []string{"layers.0.mlp.fc_in.weight", "pool of 10 tensors", "layers.7.bias", "T3 skewness"} {
			require.NotContains(t, quiet, name, format)
			require.Contains(t, verbose, name, format)
		}
		require.Contains(t, verbose, "and 2 more", format)
	}
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
	require.Equal(t, len(r.Findings)+4, strings.Count(out, "\n"))
	for line := range strings.Lines(out) {
		require.False(t, strings.HasPrefix(strings.TrimSpace(line), "::"), line)
		require.False(t, strings.HasPrefix(line, "FAIL forged"), line)
	}
}

func TestLongTextsAreCut(t *testing.T) {
	long := strings.Repeat("é\n", 50_000)
	f := finding(long, long, parity.Fail)
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
	for name, r := range map[string]parity.Result{"sample": sample(), "hostile": hostileResult(), "empty": {}} {
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
			Tensor, Test, Verdict string
			P, Effect             *float64
			Index                 *int64
			Rerun                 *string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(write(t, "json", sample(), report.Options{Rerun: rerunName})), &doc))
	require.False(t, doc.Passed)
	for i, f := range sample().Findings {
		require.Equal(t, f.Tensor, doc.Findings[i].Tensor)
		require.Equal(t, f.Test, doc.Findings[i].Test)
		require.Equal(t, f.Verdict == parity.Fail, doc.Findings[i].Rerun != nil)
	}
	require.Equal(t, 3.1e-27, *doc.Findings[1].P)
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
	err := report.Write(nil, "xml\n", parity.Result{}, report.Options{})
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
		size := len(write(t, format, manyTensors(3000), report.Options{Verbose: true}))
		for _, left := range []int{0, size / 2, size - 1} {
			err := report.Write(&failingWriter{left}, format, manyTensors(3000), report.Options{Verbose: true})
			require.ErrorIs(t, err, errFull, "%s after %d of %d bytes", format, left, size)
			require.True(t, fault.IsCannotRun(err))
		}
	}
}
