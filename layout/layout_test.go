package layout_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
)

func TestEveryRoleIsInTheTableOnce(t *testing.T) {
	roles := layout.Roles()
	require.Len(t, roles, 38)
	seen := map[layout.Role]bool{}
	kinds := map[layout.Kind]int{}
	for _, r := range roles {
		require.False(t, seen[r], r)
		seen[r] = true
		kinds[r.Kind()]++
	}
	require.Equal(t, map[layout.Kind]int{layout.Matrix: 18, layout.Vector: 15, layout.Scalar: 5}, kinds)
	for _, r := range roles {
		if weight := r.BiasOf(); weight != "" {
			require.True(t, seen[weight], r)
			require.Equal(t, layout.Vector, r.Kind(), r)
			if weight != layout.NormWeight {
				require.Equal(t, weight+"_bias", r)
			}
		}
	}
	require.Equal(t, layout.Query, layout.QueryBias.BiasOf())
	require.Empty(t, layout.RelPosBias.BiasOf(), "a table of its own")
	require.Empty(t, layout.BranchBias.BiasOf(), "a scalar beside a branch")
	require.Equal(t, layout.UnknownKind, layout.Role("flux").Kind())
	require.Empty(t, layout.Role("flux_bias").BiasOf())
	require.Equal(t, "matrix", layout.Matrix.String())
	require.Equal(t, "unknown", layout.Kind(200).String())
}

// rows are pieces of a [n, 2] matrix, cut along dimension 0.
func rows(sizes ...int64) []layout.Piece {
	var out []layout.Piece
	first := int64(0)
	for _, n := range sizes {
		out = append(out, layout.Piece{Shape: []int64{n, 2}, At: layout.Region{First: first * 2, Rows: 1, Row: n * 2, Stride: n * 2}})
		first += n
	}
	return out
}

// at are pieces of one dimension in the regions.
func at(regions ...layout.Region) []layout.Piece {
	var out []layout.Piece
	for _, r := range regions {
		out = append(out, layout.Piece{Shape: []int64{r.Elements()}, At: r})
	}
	return out
}

func TestFaultsOfASingleParameter(t *testing.T) {
	type slices = []layout.Slice
	shape := []int64{4, 2}
	for name, c := range map[string]struct {
		param layout.Param
		fault string
	}{
		"sound":              {layout.Param{Shape: shape, Pieces: rows(1, 3), Transposed: true, PaddingRow: new(int64(3)), Stored: slices{{Name: "a", Shape: []int64{8}}}}, ""},
		"columns":            {layout.Param{Shape: shape, Pieces: at(layout.Rows(shape, 1, 1, 1), layout.Rows(shape, 1, 0, 1))}, ""},
		"rows and columns":   {layout.Param{Shape: shape, Pieces: at(layout.Rows(shape, 0, 0, 2), layout.Region{First: 4, Rows: 2, Row: 1, Stride: 2}, layout.Region{First: 5, Rows: 2, Row: 1, Stride: 2})}, ""},
		"huge columns":       {layout.Param{Shape: []int64{1 << 40, 4}, Pieces: at(layout.Rows([]int64{1 << 40, 4}, 1, 0, 1), layout.Rows([]int64{1 << 40, 4}, 1, 1, 3))}, ""},
		"empty pieces":       {layout.Param{Shape: []int64{0, 2}, Pieces: rows(0, 0)}, ""},
		"empty endless rows": {layout.Param{Shape: []int64{1}, Pieces: at(layout.Region{Rows: math.MaxInt64}, layout.Whole(1))}, ""},

		"vector transposed":   {layout.Param{Shape: []int64{4}, Transposed: true}, "shape [4] is no matrix, and cannot be stored transposed"},
		"padding beyond":      {layout.Param{Shape: shape, PaddingRow: new(int64(4))}, "padding row 4 does not lie in shape [4 2]"},
		"padding before":      {layout.Param{Shape: shape, PaddingRow: new(int64(-1))}, "padding row -1 does not lie in shape [4 2]"},
		"padding of a scalar": {layout.Param{PaddingRow: new(int64(0))}, "padding row 0 does not lie in shape []"},

		"a gap":                 {layout.Param{Shape: shape, Pieces: rows(1, 2)}, "element 6 of 8 lies in no piece"},
		"a gap within":          {layout.Param{Shape: []int64{3}, Pieces: at(layout.Region{Rows: 1, Row: 1, Stride: 1}, layout.Region{First: 2, Rows: 1, Row: 1, Stride: 1})}, "element 1 of 3 lies in no piece"},
		"a gap in columns":      {layout.Param{Shape: shape, Pieces: at(layout.Rows(shape, 1, 1, 1))}, "element 0 of 8 lies in no piece"},
		"an overlap":            {layout.Param{Shape: shape, Pieces: append(rows(2, 2), rows(1)...)}, "piece 0: element 0 is one of piece 2 already"},
		"an overlap of columns": {layout.Param{Shape: shape, Pieces: at(layout.Rows(shape, 1, 0, 2), layout.Region{First: 1, Rows: 4, Row: 1, Stride: 2})}, "piece 1: element 1 is one of piece 0 already"},
		"mixed overlap":         {layout.Param{Shape: shape, Pieces: at(layout.Rows(shape, 0, 0, 3), layout.Rows(shape, 1, 0, 1))}, "is one of piece"},
		"outside":               {layout.Param{Shape: shape, Pieces: rows(5)}, "piece 0: region {First:0 Rows:1 Row:10 Stride:10} does not lie in 8 elements"},
		"before":                {layout.Param{Shape: shape, Pieces: at(layout.Region{First: -1, Rows: 1, Row: 8, Stride: 8})}, "does not lie"},
		"beyond by strides":     {layout.Param{Shape: shape, Pieces: at(layout.Region{First: 1, Rows: 4, Row: 2, Stride: 2})}, "does not lie"},
		"no rows":               {layout.Param{Shape: shape, Pieces: at(layout.Region{Row: 8, Stride: 8})}, "does not lie"},
		"rows that overlap":     {layout.Param{Shape: shape, Pieces: at(layout.Region{Rows: 2, Row: 4, Stride: 2})}, "does not lie"},
		"rows beyond int64":     {layout.Param{Shape: shape, Pieces: []layout.Piece{{Shape: shape, At: layout.Region{Rows: math.MaxInt64, Row: 2, Stride: 2}}}}, "does not lie"},
		"another size":          {layout.Param{Shape: shape, Pieces: []layout.Piece{{Shape: []int64{4, 3}, At: layout.Whole(8)}}}, "piece 0: shape [4 3] has 12 elements, its region {First:0 Rows:1 Row:8 Stride:8} has 8"},
		"no shape":              {layout.Param{Shape: shape, Pieces: []layout.Piece{{Shape: []int64{-8}, At: layout.Whole(8)}}}, "piece 0: size -8 of dimension 0 is negative"},
		"too many":              {layout.Param{Shape: shape, Pieces: make([]layout.Piece, layout.MaxPieces+1)}, "65537 pieces: the limit is 65536"},
		"too many runs":         {layout.Param{Shape: []int64{1 << 40, 4}, Pieces: at(layout.Region{Rows: 1 << 39, Row: 1, Stride: 8}, layout.Rows([]int64{1 << 40, 4}, 1, 0, 1))}, "pieces: cut along several dimensions, with more than 1048576 runs of elements"},

		"stored without name": {layout.Param{Shape: shape, Stored: slices{{Shape: shape}}}, "a tensor of shape [4 2] has no name"},
		"stored outside":      {layout.Param{Shape: shape, Stored: slices{{Name: "a", Shape: shape, First: 1}}}, `tensor "a": elements 1 and 8 more do not lie in the parameter's 8`},
		"stored before":       {layout.Param{Shape: shape, Stored: slices{{Name: "a", Shape: shape, First: -1}}}, `tensor "a": elements -1`},
		"stored shape":        {layout.Param{Shape: shape, Stored: slices{{Name: "a", Shape: []int64{-1}}}}, `tensor "a": size -1 of dimension 0 is negative`},
		"shape":               {layout.Param{Shape: []int64{-1}}, "size -1 of dimension 0 is negative"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.param.Check()
			if c.fault == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.fault)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestFaultsOfALayout(t *testing.T) {
	param := func(name string, change func(*layout.Param)) layout.Param {
		p := layout.Param{Name: name, Shape: []int64{2}}
		if change != nil {
			change(&p)
		}
		return p
	}
	tied := func(to string) func(*layout.Param) { return func(p *layout.Param) { p.Tied = to } }
	stored := func(names ...string) func(*layout.Param) {
		return func(p *layout.Param) {
			for _, name := range names {
				p.Stored = append(p.Stored, layout.Slice{Name: name, Shape: []int64{1}})
			}
		}
	}
	huge := func(p *layout.Param) { p.Shape = []int64{1 << 59} }
	for name, c := range map[string]struct {
		params []layout.Param
		fault  string
	}{
		"sound":             {[]layout.Param{param("a", nil), param("b", tied("a")), param("c", stored("c", "b", "d"))}, ""},
		"no name":           {[]layout.Param{param("", nil)}, "layout: a parameter of shape [2] has no name"},
		"twice":             {[]layout.Param{param("a", nil), param("a", nil)}, `layout: duplicate parameter "a"`},
		"a bad one":         {[]layout.Param{param("a", func(p *layout.Param) { p.Transposed = true })}, `layout: parameter "a": shape [2] is no matrix`},
		"too large":         {[]layout.Param{param("a", huge), param("b", huge)}, `layout: parameter "b" of shape [576460752303423488]: the model's bytes pass`},
		"tied to none":      {[]layout.Param{param("a", tied("b"))}, `layout: parameter "a" is tied to "b", which does not exist`},
		"tied to itself":    {[]layout.Param{param("a", tied("a"))}, `layout: parameter "a" is tied to itself`},
		"tied twice":        {[]layout.Param{param("a", nil), param("b", tied("c")), param("c", tied("a"))}, `layout: parameter "b" is tied to "c", which is tied itself`},
		"one name stored":   {[]layout.Param{param("a", stored("x", "x"))}, `layout: parameter "a": tensor "x" is one of parameter "a" already`},
		"another's stored":  {[]layout.Param{param("a", stored("x")), param("b", stored("x"))}, `layout: parameter "b": tensor "x" is one of parameter "a" already`},
		"another parameter": {[]layout.Param{param("a", stored("b")), param("b", nil)}, `layout: parameter "a": tensor "b" is one of parameter "b" already`},
	} {
		t.Run(name, func(t *testing.T) {
			err := (&layout.Layout{Params: c.params}).Check()
			if c.fault == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.fault)
		})
	}
	require.ErrorContains(t, (&layout.Layout{Params: make([]layout.Param, layout.MaxParams+1)}).Check(), "1048577 parameters: the limit is 1048576")
}

func TestAPieceIsFilledByItsOwnShape(t *testing.T) {
	eye := dist.Dist{Draw: dist.Eye{}}
	normal := dist.Dist{Draw: dist.Normal{Std: 1}}
	fused := layout.Param{Shape: []int64{4, 2}, Pieces: rows(1, 3)}
	pieces := func(post []dist.Post, dists ...dist.Dist) dist.Dist {
		return dist.Dist{Draw: dist.Pieces{Dists: dists}, Post: post}
	}
	zero := []dist.Post{dist.ZeroRows{Ranges: []dist.Range{{Count: 1}}}}
	require.NoError(t, fused.CheckDist(pieces(nil, eye, normal)))
	require.NoError(t, fused.CheckDist(eye))
	require.NoError(t, fused.CheckDist(pieces([]dist.Post{dist.Multiply{By: 2}}, eye, normal)))
	require.ErrorContains(t, fused.CheckDist(pieces(nil, eye)), "pieces: 1 for a parameter of 2")
	require.ErrorContains(t, fused.CheckDist(pieces(nil, eye, dist.Dist{Draw: dist.Dirac{Groups: 1}})), "piece 1: ")
	require.ErrorContains(t, fused.CheckDist(pieces(zero, eye, normal)), "zero_rows cannot follow pieces")
	require.ErrorContains(t, layout.Param{Shape: []int64{4}}.CheckDist(eye), "2 dimensions")
	require.ErrorContains(t, layout.Param{Shape: []int64{4}}.CheckDist(pieces(nil, normal)), "for a parameter of 0")
}

func TestRowPieces(t *testing.T) {
	shape := []int64{4, 2}
	for name, c := range map[string]struct {
		param layout.Param
		want  bool
	}{
		"rows":          {layout.Param{Shape: shape, Pieces: rows(1, 3)}, true},
		"none":          {layout.Param{Shape: shape}, false},
		"out of order":  {layout.Param{Shape: shape, Pieces: []layout.Piece{rows(1, 3)[1], rows(1, 3)[0]}}, false},
		"columns":       {layout.Param{Shape: shape, Pieces: at(layout.Rows(shape, 1, 0, 1), layout.Rows(shape, 1, 1, 1))}, false},
		"another shape": {layout.Param{Shape: shape, Pieces: at(layout.Whole(8))}, false},
	} {
		require.Equal(t, c.want, c.param.RowPieces(), name)
	}
}

func TestRegions(t *testing.T) {
	for _, c := range []struct {
		shape       []int64
		dim         int
		first, rows int64
		want        layout.Region
		contiguous  bool
	}{
		{[]int64{4, 2}, 0, 1, 2, layout.Region{First: 2, Rows: 1, Row: 4, Stride: 8}, true},
		{[]int64{4, 6}, 1, 2, 3, layout.Region{First: 2, Rows: 4, Row: 3, Stride: 6}, false},
		{[]int64{2, 3, 4}, 1, 1, 2, layout.Region{First: 4, Rows: 2, Row: 8, Stride: 12}, false},
		{[]int64{2, 3}, 1, 0, 3, layout.Region{First: 0, Rows: 2, Row: 3, Stride: 3}, true},
		{[]int64{5}, 0, 4, 1, layout.Region{First: 4, Rows: 1, Row: 1, Stride: 5}, true},
	} {
		r := layout.Rows(c.shape, c.dim, c.first, c.rows)
		require.Equal(t, c.want, r)
		require.Equal(t, c.contiguous, r.Contiguous(), c.shape)
		require.Equal(t, c.want.Rows*c.want.Row, r.Elements())
	}
	require.True(t, layout.Whole(7).Contiguous())
	require.EqualValues(t, 7, layout.Whole(7).Elements())
}

func TestTorchFans(t *testing.T) {
	for _, c := range []struct {
		shape   []int64
		in, out int64
	}{
		{[]int64{3, 5}, 5, 3}, {[]int64{8, 4, 3, 2}, 24, 48}, {[]int64{0, 5}, 5, 0}, {[]int64{6, 2, 0}, 0, 0},
	} {
		in, out, err := layout.TorchFans(c.shape)
		require.NoError(t, err)
		require.Equal(t, []int64{c.in, c.out}, []int64{in, out}, c.shape)
	}
	for _, shape := range [][]int64{nil, {3}} {
		_, _, err := layout.TorchFans(shape)
		require.ErrorContains(t, err, "need at least 2 dimensions")
	}
}

func TestACloneSharesNothing(t *testing.T) {
	l := &layout.Layout{
		Model:  layout.Facts{InitializerRange: new(0.5), Config: []byte("{}")},
		Params: []layout.Param{{Name: "a", Shape: []int64{2, 2}, PaddingRow: new(int64(1)), Pieces: rows(1, 1), Stored: []layout.Slice{{Name: "x", Shape: []int64{4}}}}},
		Replay: []layout.Event{{Shape: []int64{4}}},
	}
	c := l.Clone()
	require.Equal(t, l, c)
	*c.Model.InitializerRange, c.Model.Config[0] = 1, 'x'
	p := &c.Params[0]
	p.Shape[0], *p.PaddingRow, p.Pieces[0].Shape[0], p.Stored[0].Shape[0], c.Replay[0].Shape[0] = 9, 9, 9, 9, 9
	require.Equal(t, 0.5, *l.Model.InitializerRange)
	require.Equal(t, "{}", string(l.Model.Config))
	require.Equal(t, layout.Param{Name: "a", Shape: []int64{2, 2}, PaddingRow: new(int64(1)), Pieces: rows(1, 1), Stored: []layout.Slice{{Name: "x", Shape: []int64{4}}}}, l.Params[0])
	require.EqualValues(t, 4, l.Replay[0].Shape[0])
}

// TestCoverFindsWhatCountingFinds counts in how many regions each element lies.
func TestCoverFindsWhatCountingFinds(t *testing.T) {
	outcomes := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 12).Draw(t, "n")
		stride := rapid.SampledFrom([]int64{1, 2, 3, 4, 6, n}).Draw(t, "stride")
		var regions []layout.Region
		counts := make([]int, n)
		add := func(r layout.Region) {
			if r.First+(r.Rows-1)*r.Stride+r.Row > n {
				return
			}
			regions = append(regions, r)
			for row := range r.Rows {
				for i := range r.Row {
					counts[r.First+row*r.Stride+i]++
				}
			}
		}
		// Columns, which are exact if the stride divides n and none is left out.
		for first := int64(0); first < stride; {
			row := rapid.Int64Range(1, stride-first).Draw(t, "columns")
			if rapid.IntRange(0, 4).Draw(t, "kept") > 0 {
				add(layout.Region{First: first, Rows: max(1, n/stride), Row: row, Stride: stride})
			}
			first += row
		}
		for range rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "others") {
			own := rapid.Int64Range(0, 6).Draw(t, "own stride")
			add(layout.Region{
				First: rapid.Int64Range(0, n).Draw(t, "first"), Rows: rapid.Int64Range(1, 4).Draw(t, "rows"),
				Row: rapid.Int64Range(0, own).Draw(t, "row"), Stride: own,
			})
		}
		got, err := layout.Cover(n, regions)
		require.NoError(t, err)
		exact := true
		for _, count := range counts {
			exact = exact && count == 1
		}
		require.Equal(t, exact, !got.Twice && !got.Gap, "%v of %d: %+v", regions, n, got)
		switch {
		case got.Twice:
			require.Greater(t, counts[got.At], 1)
			require.NotEqual(t, got.First, got.Second)
			outcomes["twice"]++
		case got.Gap:
			require.Zero(t, counts[got.At])
			outcomes["gap"]++
		default:
			outcomes["exact"]++
		}
	})
	require.Len(t, outcomes, 3, "%v", outcomes)
	t.Log(outcomes)
}
