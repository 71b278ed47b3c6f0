package summary_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/summary"
)

func TestASummaryCountsWhatIsThere(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	minus0 := math.Copysign(0, -1)
	// Of the finite values 1, 2, 3, 4, 0, -0: mean 10/6, squares 30.
	std := math.Sqrt((30 - 100.0/6) / 5)
	for name, parts := range map[string][][]float64{
		"at once":       {{1, nan, 2, inf, 3, -inf, 4, 0, minus0}},
		"in parts":      {{1, nan}, {}, {2, inf, 3}, {-inf}, {4, 0, minus0}},
		"one by one":    {{1}, {nan}, {2}, {inf}, {3}, {-inf}, {4}, {0}, {minus0}},
		"another order": {{minus0, 0, 4}, {-inf, 3, inf, 2, nan, 1}},
	} {
		var s summary.Summary
		for _, p := range parts {
			s.Add(p)
		}
		require.Equal(t, []int64{9, 1, 1, 1, 2, 1, 6}, []int64{s.Count, s.NaN, s.PosInf, s.NegInf, s.Zero, s.NegZero, s.Finite()}, name)
		require.Equal(t, []float64{0, 4}, []float64{s.Min, s.Max}, name)
		require.InDelta(t, 10.0/6, s.Mean(), 1e-15, name)
		require.InDelta(t, std, s.Std(), 1e-15, name)
	}
}

func TestASummaryOfTooFewValues(t *testing.T) {
	var s summary.Summary
	s.Add([]float64{math.NaN()})
	require.True(t, math.IsNaN(s.Mean()))
	require.True(t, math.IsNaN(s.Std()))
	s.Add([]float64{-3})
	require.Equal(t, -3.0, s.Mean())
	require.True(t, math.IsNaN(s.Std()), "one value has no spread")
	require.Equal(t, []float64{-3, -3}, []float64{s.Min, s.Max})
	s.Add([]float64{-3})
	require.Equal(t, 0.0, s.Std())
}

func TestAMeanFarFromZeroLeavesTheSpread(t *testing.T) {
	var s summary.Summary
	for range 1000 {
		s.Add([]float64{1e9, 1e9 + 1})
	}
	require.InDelta(t, 0.5*math.Sqrt(2000.0/1999), s.Std(), 1e-9)
}

func TestHistogram(t *testing.T) {
	h := summary.NewHistogram(-12, 12)
	h.Add([]float64{-12, -11.5, 0, 12, 11.5, 13, -13, math.NaN(), math.Inf(1)})
	require.EqualValues(t, 2, h.Counts[0])
	require.EqualValues(t, 1, h.Counts[12])
	require.EqualValues(t, 2, h.Counts[summary.Bins-1], "the last class holds its upper end")
	require.Equal(t, "█"+strings.Repeat(" ", 11)+"▄"+strings.Repeat(" ", 10)+"█", h.Bars())

	point := summary.NewHistogram(5, 5)
	point.Add([]float64{5, 5, 6})
	require.EqualValues(t, 2, point.Counts[0])
	require.Equal(t, strings.Repeat(" ", summary.Bins), summary.NewHistogram(0, 1).Bars())
	wide := summary.NewHistogram(-math.MaxFloat64, math.MaxFloat64)
	wide.Add([]float64{-math.MaxFloat64, math.MaxFloat64})
	require.EqualValues(t, 1, wide.Counts[0])
	require.EqualValues(t, 1, wide.Counts[summary.Bins-1])
}
