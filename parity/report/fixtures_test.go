package report_test

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/parity/report"
)

var nan = math.NaN()

// hostile are names that a file may bring and that break a careless report.
var hostile = []string{
	"a\nFAIL forged  bits",
	"::error title=x::forged",
	"a]]>b<![CDATA[",
	`<script>alert(1)</script>"'&amp;`,
	"a|b`c``d\\|e",
	"evil\u202etxt\u2066x",
	"esc\x1b[31m\x00\x07\x7f\u009b2J\ufffe",
	"bad\xff\xfeutf8",
	"50%25 off, a: b\r\n##[error]x",
	"@everyone https://example.invalid #1 *b* _i_ [l](u)",
	`end\`,
	" \t ",
	"",
	"{{.}}${x}",
}

// finding returns one without numbers.
func finding(tensor, test string, v engine.Verdict) engine.Finding {
	return engine.Finding{Tensor: tensor, Test: test, Verdict: v, P: nan, Adjusted: nan, Effect: nan, Margin: nan, Sees: nan, Index: -1, N: 1}
}

// result counts the findings into a summary.
func result(findings ...engine.Finding) engine.Result {
	r := engine.Result{Findings: findings, Summary: engine.Summary{
		Checks: []string{"bits", "stats"}, Reference: "ref/", Candidate: "model.safetensors",
		Tests: len(findings), FamilyLimit: 1e-6, StrictestLimit: 2e-9,
	}}
	names := map[string]bool{}
	for _, f := range findings {
		names[f.Tensor] = true
		switch f.Verdict {
		case engine.Fail:
			r.Summary.Failed++
		case engine.Weak:
			r.Summary.Weak++
		}
	}
	r.Summary.Tensors = len(names)
	return r
}

// sample is a run with every kind of finding, the worst not first.
func sample() engine.Result {
	passing := finding("layers.0.mlp.fc_in.weight", "T1 mean", engine.Pass)
	passing.P, passing.Adjusted, passing.Effect, passing.Margin, passing.N, passing.Sees = 0.41, 1, -0.0021, 0.01, 147456, 0.0237
	passing.EffectText, passing.Unit = "-0.0021 sigma", engine.Sigma
	std := finding("layers.1.mlp.fc_in.weight", "T2 std", engine.Fail)
	std.P, std.Adjusted, std.Effect, std.Margin, std.N, std.Sees = 3.1e-27, 1.4e-24, 0.03, 0.01, 147456, 0.017
	std.EffectText, std.Unit = "+3.0% (0.020601, declared 0.02)", engine.Percent
	std.Found, std.Wanted, std.Shape = 0.020601, 0.02, []int64{384, 384}
	bits := finding("layers.1.mlp.fc_in.weight", "bits", engine.Fail)
	bits.Effect, bits.EffectText, bits.N, bits.Index = 2, "2 values", 147456, 77
	bits.Detail = "2 of 147456 values differ, the first at index 77 [0 77]: reference 3ca3d70a (0.02), candidate 3ca3d70b (0.020000001), 1 ulp"
	shape := finding("layers.2.weight", "shape", engine.Fail)
	shape.Detail, shape.N = "reference [4 8], candidate [8 4]", 0
	mild := finding("layers.1.mlp.fc_in.weight", "T4 Anderson-Darling", engine.Fail)
	mild.P, mild.Adjusted, mild.Effect, mild.N, mild.EffectText = 1.2e-12, 5e-10, 31.25, 147456, "31.25"
	zero := finding("head.weight", "T6 chi-square", engine.Fail)
	zero.P, zero.Adjusted, zero.Effect, zero.N = 0, 0, math.Inf(1), 65536
	weak := finding("pool of 10 tensors", "T2 std", engine.Weak)
	weak.P, weak.Adjusted, weak.Effect, weak.Margin, weak.N, weak.Sees = 0.2, 1, -0.0123, 0.01, 640, 0.31
	weak.Unit = engine.Percent
	for i := range 10 {
		weak.Members = append(weak.Members, fmt.Sprintf("layers.%d.bias", i))
	}
	info := finding("head.weight", "T3 skewness", engine.Info)
	info.P, info.Effect, info.N = 0.03, 0.012, 65536
	return result(passing, std, bits, shape, mild, zero, weak, info)
}

// statsRun is a run of statistics as a model of n tensors gives one: 13 tests a
// tensor, of which every failing-th tensor fails two.
func statsRun(n, failing int) engine.Result {
	tests := []string{"T0 finite", "T1 mean", "T2 std", "T3 S_1", "T3 S_2", "T3 S_3", "T3 S_4", "T4 Anderson-Darling", "T5 Kolmogorov-Smirnov", "T6 chi-square", "T7 largest", "T8 tails", "T9 serial"}
	var all []engine.Finding
	for i := range n {
		name := fmt.Sprintf("transformer.h.%d.self_attention.query_key_value.weight", i)
		for k, test := range tests {
			f := finding(name, test, engine.Pass)
			f.N, f.Detail = 589824, "normal(mean 0, std 0.02)"
			if k > 0 {
				f.P, f.Adjusted = float64(i*len(tests)+k+1)/float64((n+1)*len(tests)), 1
				f.Effect, f.EffectText = 0.731, "0.731"
			}
			switch test {
			case "T1 mean":
				f.Unit, f.Effect, f.EffectText, f.Margin, f.Sees, f.Verdict = engine.Sigma, 0.0013, "+0.0013 sigma (2.6e-05, declared 0)", 0.01, 0.0078, engine.Weak
			case "T2 std":
				f.Unit, f.Effect, f.EffectText, f.Margin, f.Sees = engine.Percent, 0.0007, "+0.07% (0.020014, declared 0.02)", 0.01, 0.0055
			}
			if failing > 0 && i%failing == 0 && (test == "T2 std" || test == "T4 Anderson-Darling") {
				f.Shape = []int64{768, 768}
				if test == "T2 std" {
					f.Found, f.Wanted = 0.020014, 0.02
				}
				f.Verdict, f.P, f.Adjusted = engine.Fail, 3.1e-27/float64(i+1), 1.4e-24/float64(i+1)
			}
			all = append(all, f)
		}
	}
	return result(all...)
}

func rerunName(f engine.Finding) string {
	return fmt.Sprintf(`weightinit parity --check stats --run '^%s$'`, f.Tensor)
}

// write returns a report.
func write(t testing.TB, format string, r engine.Result, opt report.Options) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, report.Write(&b, format, r, opt))
	return b.String()
}

// hostileResult is a failure for every hostile name, which stands in every text.
func hostileResult() engine.Result {
	var all []engine.Finding
	for _, name := range hostile {
		f := finding(name, "bits", engine.Fail)
		f.EffectText, f.Detail, f.Members, f.Index = name, name, []string{name}, 3
		all = append(all, f)
		f.Test, f.Verdict = name, engine.Weak
		all = append(all, f)
	}
	r := result(all...)
	r.Summary.Reference, r.Summary.Candidate, r.Summary.Checks = hostile[0], hostile[6], hostile[:3]
	return r
}
