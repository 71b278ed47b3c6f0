package layout_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weightinit/weightinit/layout"
)

// Stacks of matrices that are cut along their columns, some cuts changed.
func TestCoverOfStacksFindsWhatCountingFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.Int64Range(1, 4)
		blocks, rows, cols := small.Draw(t, "blocks"), small.Draw(t, "rows"), small.Draw(t, "cols")+1
		n := blocks * rows * cols
		cut := rapid.Int64Range(1, cols-1).Draw(t, "cut")
		var regions []layout.Region
		for b := range blocks {
			at := b * rows * cols
			regions = append(regions, layout.Region{First: at, Rows: rows, Row: cut, Stride: cols},
				layout.Region{First: at + cut, Rows: rows, Row: cols - cut, Stride: cols})
		}
		if rapid.Bool().Draw(t, "change") {
			r := &regions[rapid.IntRange(0, len(regions)-1).Draw(t, "which")]
			if r.Row = rapid.Int64Range(1, r.Row).Draw(t, "row"); rapid.Bool().Draw(t, "back") && r.First > 0 {
				r.First--
			}
		}
		counts := make([]int, n)
		for _, r := range regions {
			for row := range r.Rows {
				for i := range r.Row {
					counts[r.First+row*r.Stride+i]++
				}
			}
		}
		got, err := layout.Cover(n, regions)
		require.NoError(t, err)
		for i, c := range counts {
			if c != 1 {
				require.Equal(t, c > 1, got.Twice)
				require.Equal(t, c == 0, got.Gap)
				require.EqualValues(t, i, got.At)
				return
			}
		}
		require.False(t, got.Twice || got.Gap)
	})
}
