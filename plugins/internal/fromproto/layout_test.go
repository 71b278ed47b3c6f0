package fromproto_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/internal/fromproto"
	"github.com/weightinit/weightinit/plugins/internal/toproto"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

// fusedRequest asks for a matrix of 4 rows and 2 columns, a piece each, and an
// embedding with a padding row.
func fusedRequest() *modev1.AssignRequest {
	column := func(first int64) *modev1.Piece {
		return &modev1.Piece{Role: "q", Shape: []int64{4, 1}, At: &modev1.Region{First: first, Rows: 4, Row: 1, Stride: 2}, FanIn: 4, FanOut: 1}
	}
	return &modev1.AssignRequest{
		Model: &modev1.ModelFacts{InitializerRange: new(0.0), ConfigJson: `{"n_layer":1}`},
		Params: []*modev1.Param{
			{Name: "a", Shape: []int64{4, 2}, Role: "qkv", Transposed: true, Pieces: []*modev1.Piece{column(0), column(1)}},
			{Name: "b", Shape: []int64{4, 2}, Role: "embedding", PaddingRow: new(int64(3))},
		},
	}
}

func TestAPluginSeesWhatIsFusedPaddedAndConfigured(t *testing.T) {
	l, err := fromproto.Layout(fusedRequest())
	require.NoError(t, err)
	require.Equal(t, 0.0, *l.Model.InitializerRange, "0 is not the same as not set")
	require.Equal(t, `{"n_layer":1}`, string(l.Model.Config))
	require.True(t, l.Params[0].Transposed)
	require.Equal(t, layout.Piece{Role: "q", Shape: []int64{4, 1}, At: layout.Region{First: 1, Rows: 4, Row: 1, Stride: 2}, FanIn: 4, FanOut: 1}, l.Params[0].Pieces[1])
	require.EqualValues(t, 3, *l.Params[1].PaddingRow)

	again, err := toproto.AssignRequest("m", 1, nil, l, dtype.F32)
	require.NoError(t, err)
	back, err := fromproto.Layout(again)
	require.NoError(t, err)
	require.Equal(t, l, back)

	l, err = fromproto.Layout(&modev1.AssignRequest{})
	require.NoError(t, err)
	require.Equal(t, layout.Facts{}, l.Model)
}

func TestEveryRuleOfALayoutBrokenOnce(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*modev1.AssignRequest)
		want  string
	}{
		"overlap":         {func(r *modev1.AssignRequest) { r.Params[0].Pieces[1].At.First = 0 }, "field params[0].pieces: piece 1: element 0 is one of piece 0 already"},
		"gap":             {func(r *modev1.AssignRequest) { r.Params[0].Pieces = r.Params[0].Pieces[:1] }, "field params[0].pieces: element 1 of 8 lies in no piece"},
		"outside":         {func(r *modev1.AssignRequest) { r.Params[0].Pieces[1].At.First = 2 }, "field params[0].pieces: piece 1: region {First:2 Rows:4 Row:1 Stride:2} does not lie in 8 elements"},
		"before":          {func(r *modev1.AssignRequest) { r.Params[0].Pieces[0].At.First = math.MinInt64 }, "does not lie in 8 elements"},
		"endless":         {func(r *modev1.AssignRequest) { r.Params[0].Pieces[0].At.Rows = math.MaxInt64 }, "does not lie in 8 elements"},
		"wide":            {func(r *modev1.AssignRequest) { r.Params[0].Pieces[0].At.Row = math.MaxInt64 }, "does not lie in 8 elements"},
		"no region":       {func(r *modev1.AssignRequest) { r.Params[0].Pieces[0].At = nil }, "piece 0: region {First:0 Rows:0 Row:0 Stride:0} does not lie"},
		"no piece":        {func(r *modev1.AssignRequest) { r.Params[0].Pieces[0] = nil }, "piece 0: region"},
		"no shape":        {func(r *modev1.AssignRequest) { r.Params[0].Pieces[0].Shape = nil }, "piece 0: shape [] has 1 elements, its region {First:0 Rows:4 Row:1 Stride:2} has 4"},
		"negative size":   {func(r *modev1.AssignRequest) { r.Params[0].Pieces[0].Shape[0] = -4 }, "piece 0: size -4 of dimension 0 is negative"},
		"huge size":       {func(r *modev1.AssignRequest) { r.Params[0].Pieces[0].Shape = []int64{math.MaxInt64, 3} }, "has more than 2^63-1 elements"},
		"dimensions":      {func(r *modev1.AssignRequest) { r.Params[0].Pieces[1].Shape = make([]int64, 9) }, `field params[0].pieces[1].shape "[0 0 0 0 0 0 0 0 0]": has 9 dimensions, the limit is 8`},
		"many pieces":     {func(r *modev1.AssignRequest) { r.Params[0].Pieces = make([]*modev1.Piece, wire.MaxPieces+1) }, "field params[0].pieces: has 65537 entries, the limit is 65536"},
		"padding beyond":  {func(r *modev1.AssignRequest) { r.Params[1].PaddingRow = new(int64(4)) }, "field params[1].padding_row: padding row 4 does not lie in shape [4 2]"},
		"padding before":  {func(r *modev1.AssignRequest) { r.Params[1].PaddingRow = new(int64(-1)) }, "padding row -1"},
		"transposed":      {func(r *modev1.AssignRequest) { r.Params[1].Shape, r.Params[1].Transposed = []int64{4}, true }, "field params[1].transposed: shape [4] is no matrix"},
		"config":          {func(r *modev1.AssignRequest) { r.Model.ConfigJson = "{" }, `field model.config_json "{": is not a JSON object`},
		"config a list":   {func(r *modev1.AssignRequest) { r.Model.ConfigJson = "[]" }, "is not a JSON object"},
		"config too long": {func(r *modev1.AssignRequest) { r.Model.ConfigJson = "{" + strings.Repeat(" ", wire.MaxConfig) + "}" }, "field model.config_json: has 1048578 bytes, the limit is 1048576"},
	} {
		t.Run(name, func(t *testing.T) {
			r := fusedRequest()
			c.spoil(r)
			_, err := fromproto.Layout(r)
			var field *fromproto.FieldError
			require.ErrorAs(t, err, &field)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "\n")
			require.Less(t, len(err.Error()), 400)
		})
	}
}

func TestMorePiecesThanARequestMayHave(t *testing.T) {
	empty := &modev1.Piece{Shape: []int64{0}, At: &modev1.Region{Rows: 1}}
	full := &modev1.Piece{Shape: []int64{1}, At: &modev1.Region{Rows: 1, Row: 1, Stride: 1}}
	list := []*modev1.Piece{full}
	for len(list) < wire.MaxPieces {
		list = append(list, empty)
	}
	r := &modev1.AssignRequest{}
	for i := range wire.MaxAllPieces/wire.MaxPieces + 1 {
		r.Params = append(r.Params, &modev1.Param{Name: strings.Repeat("x", i+1), Shape: []int64{1}, Pieces: list})
	}
	_, err := fromproto.Layout(r)
	require.ErrorContains(t, err, "field params[15].pieces: passes 1000000 pieces in one request")
}

func TestWhatTheProtocolCannotSayOfALayout(t *testing.T) {
	for want, l := range map[string]*layout.Layout{
		"the model's config is 1048577 bytes long: a plugin takes at most 1048576": {Model: layout.Facts{Config: make([]byte, wire.MaxConfig+1)}},
		`parameter "a" has 65537 pieces: a plugin takes at most 65536`:             {Params: []layout.Param{{Name: "a", Pieces: make([]layout.Piece, wire.MaxPieces+1)}}},
		`parameter "a", piece 0 of role "\xff"`:                                    {Params: []layout.Param{{Name: "a", Pieces: []layout.Piece{{Role: "\xff"}}}}},
		"piece 0 of role \"\" and shape [0 0 0 0 0 0 0 0 0]":                       {Params: []layout.Param{{Name: "a", Pieces: []layout.Piece{{Shape: make([]int64, 9)}}}}},
	} {
		_, err := toproto.AssignRequest("m", 1, nil, l, dtype.F32)
		var limit *toproto.LimitError
		require.ErrorAs(t, err, &limit)
		require.ErrorContains(t, err, want)
	}
}
