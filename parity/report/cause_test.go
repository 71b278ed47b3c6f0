package report_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/parity/report"
)

// spread is a failed test of a standard deviation.
func spread(name string, rows, cols int64, found, wanted float64) engine.Finding {
	f := finding(name, "T2 std", engine.Fail)
	f.P, f.Adjusted, f.Unit, f.Effect = 0, 0, engine.Percent, found/wanted-1
	f.N, f.Found, f.Wanted, f.Shape = rows*cols, found, wanted, []int64{rows, cols}
	return f
}

// model returns a failure for each matrix of a model of n layers, with the
// standard deviations that found and wanted say.
func model(n int, found, wanted func(name string, rows, cols int64) float64) []engine.Finding {
	var out []engine.Finding
	add := func(name string, rows, cols int64) {
		out = append(out, spread(name, rows, cols, found(name, rows, cols), wanted(name, rows, cols)))
	}
	add("tok_embed.weight", 2000, 256)
	for i := range n {
		add(fmt.Sprintf("layers.%d.attn.q.weight", i), 256, 256)
		add(fmt.Sprintf("layers.%d.attn.o.weight", i), 256, 256)
		add(fmt.Sprintf("layers.%d.mlp.fc_in.weight", i), 1024, 256)
		add(fmt.Sprintf("layers.%d.mlp.fc_out.weight", i), 256, 1024)
	}
	return out
}

func residual(name string) bool {
	return strings.HasSuffix(name, ".o.weight") || strings.HasSuffix(name, "fc_out.weight")
}

// The schemes as their papers and libraries write them.
func gpt2v1(name string, _, _ int64) float64 {
	if residual(name) {
		return 0.02 / math.Sqrt(2*4)
	}
	return 0.02
}

func gpt2v2(name string, _, _ int64) float64    { return 0.8 / math.Sqrt(256) * gpt2v1(name, 0, 0) / 0.02 }
func xavier(_ string, rows, cols int64) float64 { return math.Sqrt(2 / float64(rows+cols)) }
func kaiming(_ string, _, cols int64) float64   { return math.Sqrt(2 / float64(cols)) }
func fanOut(_ string, rows, _ int64) float64    { return math.Sqrt(2 / float64(rows)) }
func linear(_ string, _, cols int64) float64    { return 1 / math.Sqrt(3*float64(cols)) }
func flat(std float64) func(string, int64, int64) float64 {
	return func(string, int64, int64) float64 { return std }
}

// sentences returns the sentences of a result.
func sentences(t *testing.T, findings ...engine.Finding) []string {
	t.Helper()
	var doc struct{ Causes []struct{ Sentence string } }
	require.NoError(t, json.Unmarshal([]byte(write(t, "json", result(findings...), report.Options{})), &doc))
	var out []string
	for _, c := range doc.Causes {
		out = append(out, c.Sentence)
	}
	return out
}

func TestOneSentenceSaysWhichSchemeAModelWasMadeBy(t *testing.T) {
	const declared = "std is "
	for name, one := range map[string]struct {
		found, wanted func(string, int64, int64) float64
		want          string
	}{
		"gpt2@2 for gpt2@1":       {gpt2v2, gpt2v1, "2.5 times the declared; it is 0.8/sqrt(256) or 0.8/sqrt(256)/sqrt(2*4), as gpt2@2 declares"},
		"gpt2@1 for gpt2@2":       {gpt2v1, gpt2v2, "0.4 times the declared; it is 0.02 or 0.02/sqrt(2*4), as gpt2@1 declares"},
		"xavier for gpt2@1":       {xavier, gpt2v1, "1.49 to 8.84 times the declared; it is sqrt(2/(fan_in+fan_out)), as xavier declares"},
		"kaiming for gpt2@1":      {kaiming, gpt2v1, "4.42 to 12.5 times the declared; it is sqrt(2/256) or sqrt(2/1024), as kaiming with fan_in declares"},
		"torch for gpt2@1":        {linear, gpt2v1, "1.8 to 5.1 times the declared; it is 1/sqrt(3*256) or 1/sqrt(3*1024), as torch.nn.Linear by default declares"},
		"no scheme that is known": {flat(0.0371), gpt2v1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			all := model(4, one.found, one.wanted)
			got := sentences(t, all...)
			if one.want == "" {
				for _, s := range got {
					require.NotContains(t, s, " as ")
				}
				return
			}
			require.Equal(t, []string{"all 17 tensors: " + declared + one.want}, got)
			// Within the error of the values it is the same.
			for i := range all {
				all[i].Found *= 1 + 0.9*float64(i%2*2-1)/math.Sqrt(2*float64(all[i].N))
			}
			require.Len(t, sentences(t, all...), 1)
			require.Contains(t, sentences(t, all...)[0], one.want[strings.LastIndex(one.want, ", as "):])
			// Beyond it, it is not said.
			for i := range all {
				all[i].Found *= 1.05
			}
			require.NotContains(t, strings.Join(sentences(t, all...), "\n"), one.want[strings.LastIndex(one.want, ", as "):])
		})
	}
}

func TestOneSentenceSaysOfOneTensorWhatItsNumberIs(t *testing.T) {
	s := spread("head.weight", 50257, 768, 0.8/math.Sqrt(768), 0.00626)
	require.Equal(t, []string{"head.weight: std is 4.61 times the declared 0.00626: 0.0289, which is 0.8/sqrt(768), as gpt2@2 declares"}, sentences(t, s))
	s.OfReference = true
	require.Equal(t, []string{"head.weight: the reference's std is 4.61 times the declared 0.00626: 0.0289, which is 0.8/sqrt(768), as gpt2@2 declares"}, sentences(t, s))
	few := spread("head.weight", 20, 20, 0.8/math.Sqrt(20), 0.00626)
	require.Equal(t, []string{"head.weight: std is 28.6 times the declared 0.00626: 0.179"}, sentences(t, few), "400 values do not tell")
	nothing := spread("head.weight", 50257, 768, 0.0201, 0.02)
	require.Equal(t, []string{"head.weight: std is 1.005 times the declared 0.02: 0.0201"}, sentences(t, nothing))
}

func TestOneSentenceNamesTheSlip(t *testing.T) {
	var all []engine.Finding
	for _, f := range model(4, flat(0.02), gpt2v1) {
		if !residual(f.Tensor) {
			f.Verdict = engine.Pass
		}
		all = append(all, f)
	}
	require.Equal(t, []string{"8 tensors, layers 0 to 3, attn.o.weight and mlp.fc_out.weight: std is 2.83 times the declared 0.00707: 0.02; " +
		"the factor 1/sqrt(2*4) of residual projections is missing"}, sentences(t, all...))
	two := all
	for i := range two {
		two[i].Test, two[i].N = "T2' std", 2*two[i].N
		two[i].Wanted *= 1 + 0.5*float64(i%2*2-1)/math.Sqrt(float64(two[i].N))
	}
	require.Equal(t, []string{"8 tensors, layers 0 to 3, attn.o.weight and mlp.fc_out.weight: std is 2.83 times the reference's 0.00706: 0.02; " +
		"the factor 1/sqrt(2*4) of residual projections is missing"}, sentences(t, two...))
	swapped := []engine.Finding{spread("a", 1024, 256, fanOut("", 1024, 256), kaiming("", 1024, 256)), spread("b", 256, 1024, fanOut("", 256, 1024), kaiming("", 256, 1024))}
	require.Equal(t, []string{"all 2 tensors: std is 0.5 to 2 times the declared; fan_out stands for fan_in"}, sentences(t, swapped...))
}

func TestTensorsWithOneFaultStandTogether(t *testing.T) {
	var all []engine.Finding
	for i := range 12 {
		for _, part := range []string{"ln1.weight", "ln1.bias"} {
			f := finding(fmt.Sprintf("layers.%d.%s", i, part), "missing", engine.Fail)
			f.Detail = "missing in the candidate"
			if i == 5 {
				f.Verdict = engine.Pass
			}
			all = append(all, f)
		}
	}
	bits := finding("pos.weight", "bits", engine.Fail)
	bits.Effect, bits.N = 3, 64
	other := bits
	other.Tensor, other.Effect = "head.weight", 64
	stats := finding("head.weight", "T4 Anderson-Darling", engine.Fail)
	stats.P, stats.Adjusted, stats.Detail = 1e-50, 1e-48, "normal(mean 0, std 0.02)"
	pool := finding("pool of 2 tensors, normal", "T1 mean", engine.Fail)
	pool.Members, pool.P, pool.Adjusted = []string{"a", "b"}, 1e-30, 1e-29
	all = append(all, bits, other, stats, pool)
	require.ElementsMatch(t, []string{
		"22 tensors, layers 0 to 4 and 6 to 11, ln1.weight and ln1.bias: missing in the candidate",
		"pos.weight: some values differ",
		"head.weight: the standard deviation is right, the distribution is not normal(mean 0, std 0.02): T4 Anderson-Darling, p=1e-50",
		"pool of 2 tensors, normal (a, b): the mean is shifted: T1 mean, p=1e-30",
	}, sentences(t, all...))
}

// TestEveryFailureHasOneCause counts the failures of hostile and random results.
func TestEveryFailureHasOneCause(t *testing.T) {
	for name, r := range map[string]engine.Result{"sample": sample(), "hostile": hostileResult(), "model": statsRun(40, 3), "empty": {}} {
		var doc struct {
			Causes []struct{ Failed int }
		}
		require.NoError(t, json.Unmarshal([]byte(write(t, "json", r, report.Options{})), &doc), name)
		sum := 0
		for _, c := range doc.Causes {
			sum += c.Failed
		}
		require.Equal(t, r.Summary.Failed, sum, name)
	}
}

// TestReportsOfManyFailuresAreBounded is of the size of a model of a million
// small tensors.
func TestReportsOfManyFailuresAreBounded(t *testing.T) {
	const n = 30_000
	all := make([]engine.Finding, n)
	for i := range all {
		all[i] = spread(fmt.Sprintf("layers.%d.w", i), 2, 2, 0.02*(1+float64(i)), 0.02)
		all[i].N = 100_000 // each has a ratio of its own
	}
	r := result(all...)
	start := time.Now()
	for format, most := range map[string]int{"html": 4 << 20, "junit": 2 << 20, "github": 64 << 10} {
		out := write(t, format, r, report.Options{})
		require.Less(t, len(out), most, format)
		if format == "html" {
			require.Contains(t, out, "tensors are left out here")
		}
		if format == "junit" {
			require.Equal(t, 1001, strings.Count(out, "<failure "))
			require.Contains(t, out, fmt.Sprintf("%d more failed tests are left out here", n-1000))
			require.Contains(t, out, fmt.Sprintf("%d tests, %d failed", n, n))
		}
	}
	require.Less(t, time.Since(start), 60*time.Second, "3 s of one CPU")
	t.Log(time.Since(start))
}
