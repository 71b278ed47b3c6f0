package fromproto_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/internal/fromproto"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

func good() *modev1.DescribeReply {
	return &modev1.DescribeReply{
		Name: "corp", Version: "1.4.0-rc.1+7", Sdk: "x", SdkVersion: "9", Features: []string{"fill", "later.thing"},
		Modes: []*modev1.ModeInfo{
			{Id: "wide", Version: 1, Summary: "s", Description: "two\nlines", OptionsSchema: object(""), Aliases: []string{"broad"}},
			{Id: "wide", Version: 2, Summary: "s", Default: true, Aliases: []string{"broad"}},
			{Id: "thin", Version: 1, Summary: "s", Fills: true},
		},
	}
}

func TestAGoodDescriptionPasses(t *testing.T) {
	d, err := fromproto.Describe(good(), func(name string) bool { return name == "gpt2" })
	require.NoError(t, err)
	require.Equal(t, "1.4.0-rc.1+7", d.Version)
	require.Len(t, d.Modes, 3)
	require.True(t, d.Has("fill"))
	require.Empty(t, d.Modes[1].Options.Options())
}

func TestEveryRuleOfDescribeBrokenOnce(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	service := &fake{}
	conn := connection(t, service)
	for _, c := range []struct {
		name  string
		spoil func(*modev1.DescribeReply)
		want  string
	}{
		{"no name", func(r *modev1.DescribeReply) { r.Name = "" }, "field name: must match"},
		{"long name", func(r *modev1.DescribeReply) { r.Name = long(33) }, "field name \"xxx"},
		{"upper name", func(r *modev1.DescribeReply) { r.Name = "Corp" }, `field name "Corp": must match`},
		{"reserved", func(r *modev1.DescribeReply) { r.Name = "torch" }, `field name "torch": is reserved`},
		{"built-in", func(r *modev1.DescribeReply) { r.Name = "gpt2" }, `field name "gpt2": is the name of a built-in mode`},
		{"no version", func(r *modev1.DescribeReply) { r.Version = "" }, "field version: must be a semantic version"},
		{"short version", func(r *modev1.DescribeReply) { r.Version = "1.0" }, `field version "1.0"`},
		{"v version", func(r *modev1.DescribeReply) { r.Version = "v1.0.0" }, `field version "v1.0.0"`},
		{"long version", func(r *modev1.DescribeReply) { r.Version = "1.0.0-" + long(64) }, "at most 64 bytes"},
		{"long sdk", func(r *modev1.DescribeReply) { r.Sdk = long(33) }, "field sdk \"xxx"},
		{"escape in sdk", func(r *modev1.DescribeReply) { r.Sdk = "a\x1b[2J" }, `field sdk "a\x1b[2J": must not have control characters`},
		{"long sdk version", func(r *modev1.DescribeReply) { r.SdkVersion = long(65) }, "field sdk_version"},
		{"many features", func(r *modev1.DescribeReply) { r.Features = make([]string, 65) }, "field features: has 65 entries, the limit is 64"},
		{"bad feature", func(r *modev1.DescribeReply) { r.Features[1] = "Fill" }, `field features[1] "Fill"`},
		{"no modes", func(r *modev1.DescribeReply) { r.Modes = nil }, "field modes: must have 1 to 256 entries, has 0"},
		{"many modes", func(r *modev1.DescribeReply) { r.Modes = make([]*modev1.ModeInfo, 257) }, "has 257"},
		{"nil mode", func(r *modev1.DescribeReply) { r.Modes[0] = nil }, "field modes[0].id"},
		{"bad id", func(r *modev1.DescribeReply) { r.Modes[0].Id = "a.b" }, `field modes[0].id "a.b"`},
		{"version 0", func(r *modev1.DescribeReply) { r.Modes[2].Version = 0 }, `field modes[2].version "0"`},
		{"version huge", func(r *modev1.DescribeReply) { r.Modes[2].Version = math.MaxUint32 }, "modes[2].version"},
		{"twice", func(r *modev1.DescribeReply) { r.Modes[1].Version = 1 }, `field modes[1] "wide@1": is listed twice`},
		{"two defaults", func(r *modev1.DescribeReply) { r.Modes[0].Default = true }, `field modes[1].default "wide"`},
		{"no summary", func(r *modev1.DescribeReply) { r.Modes[0].Summary = "" }, "field modes[0].summary: must have 1 to 200 bytes"},
		{"two lines", func(r *modev1.DescribeReply) { r.Modes[0].Summary = "a\nb" }, `field modes[0].summary "a\nb"`},
		{"long summary", func(r *modev1.DescribeReply) { r.Modes[0].Summary = long(201) }, "at most 200 bytes, has 201"},
		{"long description", func(r *modev1.DescribeReply) { r.Modes[0].Description = long(16<<10 + 1) }, "field modes[0].description"},
		{"tab", func(r *modev1.DescribeReply) { r.Modes[0].Description = "a\tb" }, `"a\tb": must not have control`},
		{"long schema", func(r *modev1.DescribeReply) { r.Modes[0].OptionsSchema = long(64<<10 + 1) }, "field modes[0].options_schema"},
		{"bad schema", func(r *modev1.DescribeReply) { r.Modes[0].OptionsSchema = `{"type":"array"}` }, `field modes[0].options_schema.type "array"`},
		{"long citation", func(r *modev1.DescribeReply) { r.Modes[0].Citation = long(1025) }, "field modes[0].citation"},
		{"many aliases", func(r *modev1.DescribeReply) { r.Modes[0].Aliases = make([]string, 9) }, "field modes[0].aliases: has 9"},
		{"bad alias", func(r *modev1.DescribeReply) { r.Modes[0].Aliases[0] = "" }, "field modes[0].aliases[0]"},
		{"alias is an id", func(r *modev1.DescribeReply) { r.Modes[2].Aliases = []string{"wide"} }, `field modes[2].aliases[0] "wide": already means the mode "wide"`},
		{"alias of two", func(r *modev1.DescribeReply) { r.Modes[2].Aliases = []string{"broad"} }, `already means the mode "wide"`},
		{"fixed without fills", func(r *modev1.DescribeReply) { r.Modes[0].Fixed = true }, `field modes[0].fixed "true": says something of the values that Fill makes: needs fills`},
		{"fills without feature", func(r *modev1.DescribeReply) { r.Features = nil }, `field modes[2].fills "true": needs the feature "fill"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := good()
			c.spoil(r)
			service.describe = func() (*modev1.DescribeReply, error) { return r, nil }
			err := describeOver(t, conn)
			var field *fromproto.FieldError
			require.ErrorAs(t, err, &field)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "\x1b")
			require.NotContains(t, err.Error(), "\n")
			require.Less(t, len(err.Error()), 400)
		})
	}
}

func normal(std float64) *modev1.Dist {
	return &modev1.Dist{Kind: &modev1.Dist_Normal{Normal: &modev1.Normal{Std: std}}}
}

func piecesOf(list ...*modev1.Dist) *modev1.Dist {
	return &modev1.Dist{Kind: &modev1.Dist_Pieces{Pieces: &modev1.Pieces{Pieces: list}}}
}

func blocks(list ...*modev1.Block) *modev1.Dist {
	return &modev1.Dist{Kind: &modev1.Dist_Blocks{Blocks: &modev1.Blocks{Blocks: list}}}
}

func TestEveryRuleOfAssignBrokenOnce(t *testing.T) {
	service := &fake{}
	conn := connection(t, service)
	nan, inf := math.NaN(), math.Inf(1)
	uniform := func(low, high float64) *modev1.Dist {
		return &modev1.Dist{Kind: &modev1.Dist_Uniform{Uniform: &modev1.Uniform{Low: low, High: high}}}
	}
	trunc := func(std, a, b float64, algorithm modev1.TruncNormal_Algorithm) *modev1.Dist {
		return &modev1.Dist{Kind: &modev1.Dist_TruncNormal{TruncNormal: &modev1.TruncNormal{Std: std, A: a, B: b, Algorithm: algorithm}}}
	}
	dirac := func(groups int64) *modev1.Dist {
		return &modev1.Dist{Kind: &modev1.Dist_Dirac{Dirac: &modev1.Dirac{Groups: groups}}}
	}
	sparse := func(share, std float64) *modev1.Dist {
		return &modev1.Dist{Kind: &modev1.Dist_Sparse{Sparse: &modev1.Sparse{Sparsity: share, Std: std}}}
	}
	post := func(steps ...*modev1.Post) *modev1.Dist {
		d := normal(1)
		d.Post = steps
		return d
	}
	rows := func(first, count int64) *modev1.Dist {
		return post(&modev1.Post{Step: &modev1.Post_ZeroRows{ZeroRows: &modev1.ZeroRows{Ranges: []*modev1.Range{{First: first, Count: count}}}}})
	}
	eye := &modev1.Dist{Kind: &modev1.Dist_Eye{Eye: &modev1.Eye{}}}
	fill := &modev1.Dist{Kind: &modev1.Dist_Fill{Fill: &modev1.Filled{}}}
	newer := normal(1)
	newer.Kind = nil
	newer.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 19, protowire.BytesType), nil))
	matrix := []int64{6, 4}
	for _, c := range []struct {
		name  string
		dist  *modev1.Dist
		shape []int64
		want  string
	}{
		{"nil", nil, matrix, `parameter "w": field dists[0].kind: is not set`},
		{"no kind", &modev1.Dist{}, matrix, "kind: is not set"},
		{"newer kind", newer, matrix, `kind "19": is a distribution that this weightinit does not know; a newer weightinit is needed`},
		{"constant nan", &modev1.Dist{Kind: &modev1.Dist_Constant{Constant: &modev1.Constant{Value: nan}}}, matrix, `dists[0].constant.value "NaN": must be finite`},
		{"constant too large", &modev1.Dist{Kind: &modev1.Dist_Constant{Constant: &modev1.Constant{Value: 1e39}}}, matrix, "constant: value 1e+39"},
		{"uniform inf", uniform(0, inf), matrix, `dists[0].uniform.high "+Inf": must be finite`},
		{"uniform order", uniform(2, 1), matrix, "dists[0].uniform: low 2 is above high 1"},
		{"uniform range", uniform(-3e38, 3e38), matrix, "is out of bounds"},
		{"normal std", normal(-1), matrix, "dists[0].normal: std -1 must be >= 0"},
		{"normal nan", normal(nan), matrix, `normal.std "NaN"`},
		{"trunc std 0", trunc(0, -1, 1, 0), matrix, "trunc_normal: std 0 must be above 0"},
		{"trunc order", trunc(1, 1, 1, 0), matrix, "a 1 must be below b 1"},
		{"trunc inf", trunc(1, -inf, 1, 0), matrix, `trunc_normal.a "-Inf"`},
		{"trunc algorithm", trunc(1, -1, 1, 3), matrix, `trunc_normal.algorithm "3": is not known`},
		{"trunc algorithm below 0", trunc(1, -1, 1, -1), matrix, `trunc_normal.algorithm "-1"`},
		{"eye 1-D", eye, []int64{6}, "eye: needs 2 dimensions"},
		{"dirac 2-D", dirac(1), matrix, "dirac: needs 3 to 5 dimensions"},
		{"dirac groups", dirac(0), []int64{4, 4, 3}, "dirac: groups 0 must be at least 1"},
		{"dirac divides", dirac(3), []int64{4, 4, 3}, "3 groups divide"},
		{"orthogonal 1-D", &modev1.Dist{Kind: &modev1.Dist_Orthogonal{Orthogonal: &modev1.Orthogonal{Gain: 1}}}, []int64{6}, "orthogonal: needs at least 2 dimensions"},
		{"orthogonal gain", &modev1.Dist{Kind: &modev1.Dist_Orthogonal{Orthogonal: &modev1.Orthogonal{Gain: inf}}}, matrix, "orthogonal.gain"},
		{"sparse share", sparse(1.5, 1), matrix, "sparse: sparsity 1.5 must lie in [0, 1]"},
		{"sparse std", sparse(0.5, -1), matrix, "std -1"},
		{"sparse 3-D", sparse(0.5, 1), []int64{2, 3, 4}, "sparse: needs 2 dimensions"},
		{"blocks 0-D", blocks(&modev1.Block{Rows: 1, Dist: normal(1)}), nil, "blocks: needs at least 1 dimension"},
		{"no blocks", blocks(), matrix, "blocks: there are none"},
		{"block rows", blocks(&modev1.Block{Rows: 0, Dist: normal(1)}), matrix, "block 0 has 0 rows"},
		{"blocks short", blocks(&modev1.Block{Rows: 5, Dist: normal(1)}), matrix, "there are 1 less"},
		{"blocks long", blocks(&modev1.Block{Rows: math.MaxInt64, Dist: normal(1)}, &modev1.Block{Rows: math.MaxInt64, Dist: normal(1)}), matrix, "block 0 passes them"},
		{"nil block", blocks(nil), matrix, "field dists[0].blocks[0].kind: is not set"},
		{"block shape", blocks(&modev1.Block{Rows: 6, Dist: eye}), []int64{6}, "eye: needs 2 dimensions"},
		{"block number", blocks(&modev1.Block{Rows: 6, Dist: normal(nan)}), matrix, `dists[0].blocks[0].normal.std "NaN"`},
		{"nested", blocks(&modev1.Block{Rows: 6, Dist: blocks()}), matrix, "blocks cannot stand inside blocks"},
		{"pieces of none", piecesOf(normal(1)), matrix, "pieces: 1 for a parameter of 0"},
		{"no pieces", piecesOf(), matrix, "pieces: there are none"},
		{"pieces in blocks", blocks(&modev1.Block{Rows: 6, Dist: piecesOf(normal(1))}), matrix, "pieces cannot stand inside blocks"},
		{"blocks in pieces", piecesOf(blocks()), matrix, "blocks cannot stand inside"},
		{"pieces in pieces", piecesOf(piecesOf(normal(1))), matrix, "pieces cannot stand inside"},
		{"fill in pieces", piecesOf(fill), matrix, "pieces[0]: fill cannot stand inside pieces"},
		{"piece number", piecesOf(normal(1), normal(nan)), matrix, `dists[0].pieces[1].normal.std "NaN"`},
		{"piece without kind", piecesOf(&modev1.Dist{}), matrix, "pieces[0].kind: is not set"},
		{"many pieces", piecesOf(make([]*modev1.Dist, 65537)...), matrix, "the limit is 65536"},
		{"fill in blocks", blocks(&modev1.Block{Rows: 6, Dist: fill}), matrix, "blocks[0]: fill cannot stand inside blocks"},
		{"fill", fill, matrix, "dists[0].fill: the mode does not say that it fills"},
		{"posts", post(make([]*modev1.Post, 9)...), matrix, "post: has 9 entries, the limit is 8"},
		{"nil post", post(nil), matrix, "dists[0].post[0].step: is not set"},
		{"multiply", post(&modev1.Post{Step: &modev1.Post_Multiply{Multiply: inf}}), matrix, `post[0].multiply "+Inf"`},
		{"divide", post(&modev1.Post{Step: &modev1.Post_Divide{Divide: nan}}), matrix, `post[0].divide "NaN"`},
		{"rows outside", rows(6, 1), matrix, "do not lie in shape"},
		{"rows before", rows(-1, 1), matrix, "do not lie in shape"},
		{"rows overflow", rows(1, math.MaxInt64), matrix, "do not lie in shape"},
		{"rows of a scalar", rows(0, 0), nil, "a scalar has no rows"},
		{"long formula", &modev1.Dist{Kind: normal(1).Kind, Formula: strings.Repeat("x", 201)}, matrix, "dists[0].formula"},
		{"formula with escape", &modev1.Dist{Kind: normal(1).Kind, Formula: "a\x1b"}, matrix, `formula "a\x1b"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			service.assign = func(context.Context, *modev1.AssignRequest) (*modev1.AssignReply, error) {
				return &modev1.AssignReply{Dists: []*modev1.Dist{c.dist}}, nil
			}
			err := assignOver(t, conn, layout.Param{Name: "w", Shape: c.shape})
			var field *fromproto.FieldError
			require.ErrorAs(t, err, &field)
			require.Equal(t, "w", field.Param)
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, `parameter "w"`)
			require.NotContains(t, err.Error(), "\x1b")
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestNumbersAreCheckedInTheComputeType(t *testing.T) {
	reply := &modev1.AssignReply{Dists: []*modev1.Dist{{Kind: &modev1.Dist_Constant{Constant: &modev1.Constant{Value: 1e39}}}}}
	_, err := fromproto.Dists(reply, []layout.Param{{Name: "w"}}, fromproto.AssignRules{DType: dtype.F64})
	require.NoError(t, err)
}

func TestTheCountOfDistributionsMustMatch(t *testing.T) {
	for _, n := range []int{0, 2} {
		_, err := fromproto.Dists(&modev1.AssignReply{Dists: make([]*modev1.Dist, n)}, make([]layout.Param, 1), fromproto.AssignRules{})
		require.ErrorContains(t, err, "entries for 1 parameters")
	}
	_, err := fromproto.Dists(nil, nil, fromproto.AssignRules{})
	require.NoError(t, err)
}

func TestScanRefusesListsThatWouldFillTheMemory(t *testing.T) {
	entries := func(number protowire.Number, n int) []byte {
		one := protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), nil)
		return []byte(strings.Repeat(string(one), n))
	}
	wrap := func(number protowire.Number, body []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), body)
	}
	for name, c := range map[string]struct {
		raw  []byte
		want string
	}{
		"dists":           {entries(1, 5), "has more than 4 entries"},
		"posts":           {wrap(1, entries(16, 9)), "dists[0].post: has 9 entries"},
		"blocks":          {wrap(1, wrap(9, entries(1, wire.MaxBlocks+1))), "dists[0].blocks: has 65537 entries"},
		"blocks in parts": {wrap(1, append(wrap(9, entries(1, wire.MaxBlocks)), wrap(9, entries(1, 1))...)), "has 65537 entries"},
		"ranges":          {wrap(1, wrap(16, wrap(3, entries(1, wire.MaxBlocks+1)))), "zero_rows: has 65537 entries"},
		"nested":          {wrap(1, wrap(9, wrap(1, wrap(2, wrap(9, nil))))), "blocks cannot stand inside blocks"},
		"posts in blocks": {wrap(1, wrap(9, wrap(1, wrap(2, entries(16, 9))))), "post: has 9 entries"},
		"cut":             {[]byte{10, 200}, "is not protobuf"},
		"bad tag":         {[]byte{7}, "is not protobuf"},
	} {
		err := fromproto.ScanAssign(c.raw, make([]*modev1.Param, 4))
		require.ErrorContains(t, err, c.want, name)
	}
	one := wrap(9, entries(1, wire.MaxBlocks))
	var all []byte
	for range 16 {
		all = append(all, wrap(1, one)...)
	}
	require.ErrorContains(t, fromproto.ScanAssign(all, make([]*modev1.Param, 16)), "passes 1000000 entries in one reply")

	require.ErrorContains(t, fromproto.ScanDescribe(entries(6, 257)), "modes: has 257")
	require.ErrorContains(t, fromproto.ScanDescribe(entries(5, 65)), "features: has 65")
	require.ErrorContains(t, fromproto.ScanDescribe(wrap(6, entries(8, 9))), "modes[0].aliases: has 9")
	raw, err := proto.Marshal(good())
	require.NoError(t, err)
	require.NoError(t, fromproto.ScanDescribe(raw))
}

func TestFillingChecksEveryChunk(t *testing.T) {
	le := func(words ...uint32) []byte {
		var b []byte
		for _, w := range words {
			b = append(b, byte(w), byte(w>>8), byte(w>>16), byte(w>>24))
		}
		return b
	}
	one := math.Float32bits(1)
	for name, c := range map[string]struct {
		first uint64
		data  []byte
		want  string
	}{
		"gap":      {3, le(one), `field first "3": element 2 comes next`},
		"overlap":  {1, le(one), "element 2 comes next"},
		"empty":    {2, nil, "has 0 bytes at element 2"},
		"too long": {2, make([]byte, wire.MaxChunk+4), "must have 1 to 4194304"},
		"half":     {2, le(one)[:3], "not whole elements of 4 bytes"},
		"too many": {2, le(one, one, one, one), "has 4 elements at element 2, only 3 are left"},
		"nan":      {2, le(one, math.Float32bits(float32(math.NaN()))), "element 3 is not a finite number"},
		"inf":      {2, le(0xFF800000), "element 2 is not a finite number"},
	} {
		f := fromproto.NewFilling("w", dtype.BF16, 0, 5)
		require.NoError(t, f.Chunk(0, le(one, 0x807FFFFF)), name)
		err := f.Chunk(c.first, c.data)
		require.ErrorContains(t, err, c.want, name)
		require.ErrorContains(t, err, `parameter "w"`)
		require.ErrorContains(t, f.Done(), "the stream ends at element 2, 3 are missing")
	}
	wide := fromproto.NewFilling("w", dtype.F64, 7, 2)
	require.NoError(t, wide.Chunk(7, make([]byte, 8)))
	require.ErrorContains(t, wide.Chunk(8, append(make([]byte, 6), 0xF0, 0x7F)), "element 8 is not a finite number")
	require.NoError(t, wide.Chunk(8, make([]byte, 8)))
	require.NoError(t, wide.Done())
}

func TestEveryPlaceOfAChunkIsSearched(t *testing.T) {
	check := func(bits uint64, size int, stored dtype.Type) {
		word := make([]byte, 8)
		binary.LittleEndian.PutUint64(word, bits)
		v := float64(math.Float32frombits(uint32(bits)))
		if size == 8 {
			v = math.Float64frombits(bits)
		}
		for n := range 21 {
			for at := range n {
				data := make([]byte, n*size)
				for i := range data {
					data[i] = 0x3F // a number in every place
				}
				copy(data[at*size:], word[:size])
				err := fromproto.NewFilling("w", stored, 0, uint64(n)).Chunk(0, data)
				if isFinite(v) {
					require.NoError(t, err, "%x", bits)
				} else {
					require.ErrorContains(t, err, fmt.Sprintf("element %d is not a finite number", at))
				}
			}
		}
	}
	for _, v := range special {
		check(math.Float64bits(v), 8, dtype.F64)
		check(uint64(math.Float32bits(float32(v))), 4, dtype.F32)
	}
	for _, bits := range []uint64{0x7F800000, 0xFF800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x7F800001} {
		check(bits, 4, dtype.F32)
	}
}

func TestChunksAreReadWithoutACopy(t *testing.T) {
	raw, err := proto.Marshal(&modev1.FillChunk{First: 1 << 40, Data: []byte("data")})
	require.NoError(t, err)
	first, data, err := fromproto.FillChunk(raw)
	require.NoError(t, err)
	require.EqualValues(t, int64(1<<40), first)
	require.Equal(t, "data", string(data))
	_, _, err = fromproto.FillChunk(raw[:len(raw)-1])
	require.ErrorContains(t, err, "is not protobuf")
}

func FuzzReplies(f *testing.F) {
	raw, err := proto.Marshal(&modev1.AssignReply{Dists: []*modev1.Dist{normal(1), blocks(&modev1.Block{Rows: 6, Dist: normal(2)}), piecesOf(normal(1), normal(2))}})
	require.NoError(f, err)
	f.Add(raw)
	raw, err = proto.Marshal(good())
	require.NoError(f, err)
	f.Add(raw)
	f.Fuzz(func(t *testing.T, raw []byte) {
		params := []layout.Param{{Name: "a", Shape: []int64{6, 4}}, {Name: "b", Shape: []int64{6}}, {Name: "c", Shape: []int64{2}, Pieces: []layout.Piece{
			{Shape: []int64{1}, At: layout.Region{Rows: 1, Row: 1, Stride: 1}}, {Shape: []int64{1}, At: layout.Region{First: 1, Rows: 1, Row: 1, Stride: 1}},
		}}}
		rules := fromproto.AssignRules{DType: dtype.F32, Fills: true}
		decoded, direct := fromproto.DecodeDists(raw, params, rules)
		var assign modev1.AssignReply
		if fromproto.ScanAssign(raw, make([]*modev1.Param, len(params))) == nil && proto.Unmarshal(raw, &assign) == nil {
			list, err := fromproto.Dists(&assign, params, rules)
			require.Equal(t, err == nil, direct == nil, "%v, %v", err, direct)
			if err == nil {
				for i, d := range list {
					require.True(t, d.Equal(decoded[i]))
					require.NoError(t, d.Check(math.MaxFloat32))
					require.NoError(t, d.CheckShape(params[i].Shape))
				}
			}
		}
		var describe modev1.DescribeReply
		if fromproto.ScanDescribe(raw) == nil && proto.Unmarshal(raw, &describe) == nil {
			_, _ = fromproto.Describe(&describe, nil)
		}
		var request modev1.AssignRequest
		if proto.Unmarshal(raw, &request) == nil {
			if l, err := fromproto.Layout(&request); err == nil {
				require.NoError(t, l.Check())
			}
		}
		_, _, _ = fromproto.FillChunk(raw)
	})
}
