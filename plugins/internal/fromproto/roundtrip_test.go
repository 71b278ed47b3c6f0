package fromproto_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/internal/fromproto"
	"github.com/weightinit/weightinit/plugins/internal/toproto"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
	"github.com/weightinit/weightinit/registry"
)

// special are the float64 values that a mapping loses most easily.
var special = []float64{
	0, math.Copysign(0, -1), 1, -1, 0.1, math.SmallestNonzeroFloat64, -math.SmallestNonzeroFloat64,
	1e-310, math.MaxFloat64, -math.MaxFloat64, math.MaxFloat32, 1.0 / 3, math.Inf(1), math.Inf(-1),
	math.NaN(), math.Float64frombits(0x7FF8000000000123), math.Float64frombits(0xFFF0000000000001),
}

func number() *rapid.Generator[float64] {
	return rapid.OneOf(rapid.SampledFrom(special), rapid.Custom(func(t *rapid.T) float64 {
		return math.Float64frombits(rapid.Uint64().Draw(t, "bits"))
	}))
}

func isFinite(values ...float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// draw returns a draw of any kind but blocks and pieces, with any numbers.
func draw(t *rapid.T) dist.Draw {
	families := slices.DeleteFunc(dist.Families(), func(d dist.Draw) bool { return d.Kind() == "blocks" || d.Kind() == "pieces" })
	family := rapid.SampledFrom(families).Draw(t, "family")
	numbers := dist.Numbers(family)
	for i := range numbers {
		n := &numbers[i]
		switch n.Value.(type) {
		case float64:
			n.Value = number().Draw(t, n.Name)
		case int64:
			n.Value = rapid.Int64().Draw(t, n.Name)
		case []int64:
			n.Value = rapid.SliceOfN(rapid.Int64(), 0, wire.MaxDims).Draw(t, n.Name)
		case string:
			n.Value = dist.Algorithm(rapid.IntRange(0, 2).Draw(t, n.Name)).String()
		}
	}
	d, err := dist.New(family.Kind(), numbers)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func post(t *rapid.T) dist.Post {
	switch rapid.IntRange(0, 2).Draw(t, "step") {
	case 0:
		return dist.Multiply{By: number().Draw(t, "by")}
	case 1:
		return dist.Divide{By: number().Draw(t, "by")}
	default:
		z := dist.ZeroRows{Ranges: make([]dist.Range, rapid.IntRange(0, 5).Draw(t, "ranges"))}
		for i := range z.Ranges {
			z.Ranges[i] = dist.Range{First: rapid.Int64().Draw(t, "first"), Count: rapid.Int64().Draw(t, "count")}
		}
		return z
	}
}

func flatDist(t *rapid.T) dist.Dist {
	d := dist.Dist{Draw: draw(t), Formula: rapid.StringMatching(`[a-zA-Z0-9 /*()é]{0,60}`).Draw(t, "formula")}
	for range rapid.IntRange(0, wire.MaxPosts).Draw(t, "posts") {
		d.Post = append(d.Post, post(t))
	}
	return d
}

func anyDist(t *rapid.T) dist.Dist {
	d := flatDist(t)
	switch rapid.IntRange(0, 2).Draw(t, "compound") {
	case 1:
		dists := make([]dist.Dist, rapid.IntRange(0, 6).Draw(t, "pieces"))
		for i := range dists {
			dists[i] = flatDist(t)
		}
		d.Draw = dist.Pieces{Dists: dists}
	case 2:
		parts := make([]dist.Part, rapid.IntRange(0, 6).Draw(t, "parts"))
		for i := range parts {
			parts[i] = dist.Part{Rows: rapid.Int64().Draw(t, "rows"), Dist: flatDist(t)}
		}
		d.Draw = dist.Blocks{Parts: parts}
	}
	return d
}

// numbersOf returns every float of d.
func numbersOf(d dist.Dist) []float64 {
	var out []float64
	for _, n := range dist.Numbers(d.Draw) {
		switch v := n.Value.(type) {
		case float64:
			out = append(out, v)
		case []dist.Dist:
			for _, d := range v {
				out = append(out, numbersOf(d)...)
			}
		case []dist.Part:
			for _, p := range v {
				out = append(out, numbersOf(p.Dist)...)
			}
		}
	}
	for _, p := range d.Post {
		if v, ok := p.Operand().(float64); ok {
			out = append(out, v)
		}
	}
	return out
}

// hasFill tells that a filled draw stands inside blocks or pieces.
func hasFill(d dist.Dist) bool {
	pieces, _ := d.Draw.(dist.Pieces)
	for _, p := range pieces.Dists {
		if _, ok := p.Draw.(dist.Filled); ok {
			return true
		}
	}
	blocks, _ := d.Draw.(dist.Blocks)
	for _, p := range blocks.Parts {
		if _, ok := p.Dist.Draw.(dist.Filled); ok {
			return true
		}
	}
	return false
}

// overWire encodes and decodes m.
func overWire[M proto.Message](t require.TestingT, m, into M) M {
	raw, err := proto.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, proto.Unmarshal(raw, into))
	return into
}

func TestDistsKeepTheirBitsAndOthersAreRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyDist(t)
		m, err := toproto.Dist(d)
		require.NoError(t, err)
		m = overWire(t, m, &modev1.Dist{})
		got, err := fromproto.Dist(m)
		if !isFinite(numbersOf(d)...) || hasFill(d) {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.True(t, d.Equal(got), "%#v\n%#v", d, got)
		require.Equal(t, d.Formula, got.Formula)
	})
}

func TestBitsOfNumbersThatAreNotFiniteSurviveTheWire(t *testing.T) {
	for _, v := range special {
		m, err := toproto.Dist(dist.Dist{Draw: dist.Normal{Mean: v, Std: v}, Post: []dist.Post{dist.Multiply{By: v}}})
		require.NoError(t, err)
		m = overWire(t, m, &modev1.Dist{})
		require.Equal(t, math.Float64bits(v), math.Float64bits(m.GetNormal().GetMean()))
		require.Equal(t, math.Float64bits(v), math.Float64bits(m.GetPost()[0].GetMultiply()))
	}
}

func TestAsManyBlocksAsAllowedAndNotOneMore(t *testing.T) {
	parts := make([]dist.Part, wire.MaxBlocks)
	for i := range parts {
		parts[i] = dist.Part{Rows: 1, Dist: dist.Dist{Draw: dist.Normal{Std: float64(i)}}}
	}
	d := dist.Dist{Draw: dist.Blocks{Parts: parts}}
	reply, err := toproto.Dists([]dist.Dist{d})
	require.NoError(t, err)
	raw, err := proto.Marshal(reply)
	require.NoError(t, err)
	require.NoError(t, fromproto.ScanAssign(raw, make([]*modev1.Param, 1)))
	param := layout.Param{Name: "w", Shape: []int64{wire.MaxBlocks, 2}}
	got, err := fromproto.Dists(reply, []layout.Param{param}, fromproto.AssignRules{DType: dtype.F32})
	require.NoError(t, err)
	require.True(t, d.Equal(got[0]))

	d.Draw = dist.Blocks{Parts: append(parts, dist.Part{Rows: 1, Dist: dist.Dist{Draw: dist.Eye{}}})}
	reply, err = toproto.Dists([]dist.Dist{d})
	require.NoError(t, err)
	raw, err = proto.Marshal(reply)
	require.NoError(t, err)
	require.ErrorContains(t, fromproto.ScanAssign(raw, make([]*modev1.Param, 1)), "65536")
	_, err = fromproto.Dist(reply.Dists[0])
	require.ErrorContains(t, err, "has 65537 entries, the limit is 65536")
}

func TestParamsAndFactsSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := layout.Param{
			Name:  rapid.StringMatching(`[a-z.]{1,40}é?`).Draw(t, "name"),
			Shape: rapid.SliceOfN(rapid.Int64Range(0, 100), 0, 8).Draw(t, "shape"),
			Role:  layout.Role(rapid.StringMatching(`[a-z_]{0,20}`).Draw(t, "role")),
			Layer: rapid.IntRange(-1, math.MaxInt32).Draw(t, "layer"),
			FanIn: rapid.Int64().Draw(t, "in"), FanOut: rapid.Int64().Draw(t, "out"),
		}
		f := layout.Facts{
			Architecture: rapid.StringMatching(`[A-Za-z]{0,20}`).Draw(t, "architecture"),
			Layers:       rapid.Int64().Draw(t, "l"), DModel: rapid.Int64().Draw(t, "d"), DHead: rapid.Int64().Draw(t, "h"),
			Heads: rapid.Int64().Draw(t, "n"), KVHeads: rapid.Int64().Draw(t, "kv"), DMLP: rapid.Int64().Draw(t, "m"),
			DVocab: rapid.Int64().Draw(t, "v"), Ctx: rapid.Int64().Draw(t, "c"),
		}
		if rapid.Bool().Draw(t, "ranged") {
			f.InitializerRange = new(number().Draw(t, "r"))
		}
		if rapid.Bool().Draw(t, "config") {
			f.Config = []byte(`{"a":1}`)
		}
		cut(t, &p)
		stored := rapid.SampledFrom(dtype.All()).Draw(t, "dtype")
		req, err := toproto.AssignRequest("wide", 1, []byte(`{}`), &layout.Layout{Model: f, Params: []layout.Param{p}}, stored)
		require.NoError(t, err)
		req = overWire(t, req, &modev1.AssignRequest{})
		l, err := fromproto.Layout(req)
		require.NoError(t, err)
		if len(p.Shape) == 0 {
			p.Shape = nil
		}
		if f.InitializerRange != nil {
			require.Equal(t, math.Float64bits(*f.InitializerRange), math.Float64bits(*l.Model.InitializerRange))
			f.InitializerRange, l.Model.InitializerRange = nil, nil
		}
		require.Equal(t, layout.Layout{Model: f, Params: []layout.Param{p}}, *l)
		back, err := fromproto.DType(req.Params[0].Dtype)
		require.NoError(t, err)
		require.Equal(t, stored, back)
	})
}

// cut may give p a padding row, storage as [in, out], and pieces along one of
// its dimensions.
func cut(t *rapid.T, p *layout.Param) {
	if len(p.Shape) == 0 {
		return
	}
	p.Transposed = len(p.Shape) > 1 && rapid.Bool().Draw(t, "transposed")
	if p.Shape[0] > 0 && rapid.Bool().Draw(t, "padded") {
		p.PaddingRow = new(rapid.Int64Range(0, p.Shape[0]-1).Draw(t, "padding row"))
	}
	dim := rapid.IntRange(0, len(p.Shape)-1).Draw(t, "cut along")
	outer := int64(1)
	for _, size := range p.Shape[:dim] {
		outer *= size
	}
	for at := int64(0); outer > 0 && at < p.Shape[dim]; {
		n := rapid.Int64Range(1, p.Shape[dim]-at).Draw(t, "rows")
		shape := slices.Clone(p.Shape)
		shape[dim] = n
		p.Pieces = append(p.Pieces, layout.Piece{
			Role: layout.Query, Shape: shape, At: layout.Rows(p.Shape, dim, at, n), FanIn: rapid.Int64().Draw(t, "piece in"),
		})
		at += n
	}
}

func TestFailuresSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := wire.Failure{
			Code:    codes.Code(rapid.IntRange(1, 16).Draw(t, "code")),
			Message: rapid.String().Draw(t, "message"), Subject: rapid.String().Draw(t, "subject"), Hint: rapid.String().Draw(t, "hint"),
		}
		s, trailer := toproto.Failure(f)
		got := fromproto.Failure(s.Err(), trailer)
		require.Equal(t, &f, got)
		require.NotContains(t, got.Error(), "\n")
		require.NotContains(t, got.Error(), "\x1b")
	})
}

// every has one option of each kind.
type every struct {
	stub
	Gain  float64  `json:"gain" default:"0.1" above:"0" max:"4" doc:"a factor"`
	Count int      `json:"count" default:"-2" min:"-5" below:"9007199254740993"`
	Wide  bool     `json:"wide" default:"true"`
	Fan   string   `json:"fan" default:"in" enum:"in,out"`
	Std   *float64 `json:"std"`
	Must  string   `json:"must" required:"true"`
	Sizes []int64  `json:"sizes" default:"1,2" min:"1"`
	Names []string `json:"names" enum:"a,b"`
}

func TestOptionsSurvive(t *testing.T) {
	options, err := registry.Options(new(every))
	require.NoError(t, err)
	schema, err := toproto.Schema(options)
	require.NoError(t, err)
	parsed, err := fromproto.ParseSchema(schema)
	require.NoError(t, err, schema)
	require.Equal(t, options, parsed.Options(), schema)
	again, err := toproto.Schema(parsed.Options())
	require.NoError(t, err)
	require.Equal(t, schema, again)
	values, err := parsed.Values(`{"gain":1,"count":-5,"wide":false,"fan":"out","sizes":[3,4],"names":["b"],"must":"x"}`)
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"gain": 1.0, "count": int64(-5), "wide": false, "fan": "out", "must": "x",
		"sizes": []any{int64(3), int64(4)}, "names": []any{"b"},
	}, values)
}

func TestEveryFamilyIsAFieldOfTheProtocolWithItsNumbers(t *testing.T) {
	kinds := (&modev1.Dist{}).ProtoReflect().Descriptor().Oneofs().ByName("kind").Fields()
	require.Equal(t, kinds.Len(), len(dist.Families()))
	for _, family := range dist.Families() {
		field := kinds.ByName(protoreflect.Name(family.Kind()))
		require.NotNil(t, field, family.Kind())
		var names []string
		for i := range field.Message().Fields().Len() {
			names = append(names, string(field.Message().Fields().Get(i).Name()))
		}
		var want []string
		for _, n := range dist.Numbers(family) {
			want = append(want, n.Name)
		}
		require.Equal(t, want, names, family.Kind())
	}
}
