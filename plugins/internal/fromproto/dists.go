package fromproto

import (
	"fmt"
	"math"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

// AssignRules are what a reply to Assign may contain beside what every reply
// may.
type AssignRules struct {
	// DType is the stored type of all parameters.
	DType dtype.Type
	// Fills allows parameters that the plugin fills itself.
	Fills bool
}

// Dists checks a reply to Assign for the given parameters and returns the
// distributions, in the order of the parameters.
func Dists(reply *modev1.AssignReply, params []layout.Param, rules AssignRules) ([]dist.Dist, error) {
	if len(reply.GetDists()) != len(params) {
		return nil, bad("dists", "", "has %d entries for %d parameters", len(reply.GetDists()), len(params))
	}
	out := make([]dist.Dist, len(params))
	blocks := 0
	var err error
	for i, m := range reply.GetDists() {
		if out[i], err = assigned(m, params[i], rules, &blocks); err != nil {
			return nil, ofParam(i, params[i].Name, err)
		}
	}
	return out, nil
}

// ofParam puts the error of a distribution into its place in the reply.
func ofParam(i int, name string, err error) error {
	e := within(index("dists", i), err).(*FieldError)
	e.Param = name
	return e
}

// DecodeDists is [ScanAssign], decoding and [Dists] in one. It decodes one
// distribution after the other, so the messages of a whole reply, several
// times as large as the result, are never in memory together.
func DecodeDists(raw []byte, params []layout.Param, rules AssignRules) ([]dist.Dist, error) {
	if err := scanAssign(raw, len(params), func(i int) string { return params[i].Name }); err != nil {
		return nil, err
	}
	out := make([]dist.Dist, 0, len(params))
	blocks := 0
	err := fields("", raw, func(n protowire.Number, value []byte) error {
		if n != 1 {
			return nil
		}
		i := len(out)
		var m modev1.Dist
		if err := proto.Unmarshal(value, &m); err != nil {
			return ofParam(i, params[i].Name, bad("", "", "is not protobuf of Dist, or has text that is not UTF-8"))
		}
		d, err := assigned(&m, params[i], rules, &blocks)
		if err != nil {
			return ofParam(i, params[i].Name, err)
		}
		out = append(out, d)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(out) != len(params) {
		return nil, bad("dists", "", "has %d entries for %d parameters", len(out), len(params))
	}
	return out, nil
}

// assigned converts and checks one distribution; blocks counts those of the
// whole reply.
func assigned(m *modev1.Dist, p layout.Param, rules AssignRules, blocks *int) (dist.Dist, error) {
	if *blocks += len(m.GetBlocks().GetBlocks()) + len(m.GetPieces().GetPieces()); *blocks > wire.MaxAllBlocks {
		return dist.Dist{}, bad("blocks", "", "passes %d blocks in one reply", wire.MaxAllBlocks)
	}
	d, err := Dist(m)
	if err != nil {
		return d, err
	}
	if _, fills := d.Draw.(dist.Filled); fills && !rules.Fills {
		return d, bad("fill", "", "the mode does not say that it fills (field fills of Describe)")
	}
	largest := float64(math.MaxFloat32)
	if rules.DType.Compute() == dtype.F64 {
		largest = math.MaxFloat64
	}
	if err := d.Check(largest); err != nil {
		return d, problem(err)
	}
	if err := p.CheckDist(d); err != nil {
		return d, problem(err)
	}
	return d, nil
}

// problem turns an error of package dist, which names the number, into a
// field's.
func problem(err error) error {
	what, rest, ok := strings.Cut(strings.TrimPrefix(err.Error(), "dist: "), ": ")
	if !ok || strings.ContainsAny(what, " ") {
		return bad("", "", "%s", strings.TrimPrefix(err.Error(), "dist: "))
	}
	return bad(what, "", "%s", rest)
}

// Dist converts one distribution and checks what does not depend on the
// parameter: that there is exactly one known kind, that numbers are finite,
// and the limits of lists and texts. Numbers keep their bits.
func Dist(m *modev1.Dist) (dist.Dist, error) {
	d, err := flat(m)
	if err != nil {
		return d, err
	}
	if list := m.GetPieces(); list != nil {
		d.Draw, err = Pieces(list)
		return d, err
	}
	list := m.GetBlocks()
	if list == nil {
		return d, nil
	}
	if len(list.Blocks) > wire.MaxBlocks {
		return d, tooMany("blocks", len(list.Blocks), wire.MaxBlocks)
	}
	parts := make([]dist.Part, len(list.Blocks))
	for i, b := range list.Blocks {
		inner, err := single(b.GetDist(), "blocks")
		if err != nil {
			return d, within(index("blocks", i), err)
		}
		parts[i] = dist.Part{Rows: b.GetRows(), Dist: inner}
	}
	d.Draw = dist.Blocks{Parts: parts}
	return d, nil
}

// Pieces converts the distributions of a fused parameter's pieces.
func Pieces(list *modev1.Pieces) (dist.Draw, error) {
	if n := len(list.GetPieces()); n > wire.MaxPieces {
		return nil, tooMany("pieces", n, wire.MaxPieces)
	}
	out := dist.Pieces{Dists: make([]dist.Dist, len(list.GetPieces()))}
	var err error
	for i, m := range list.GetPieces() {
		if out.Dists[i], err = single(m, "pieces"); err != nil {
			return nil, within(index("pieces", i), err)
		}
	}
	return out, nil
}

// single converts what stands inside blocks or pieces.
func single(m *modev1.Dist, inside string) (dist.Dist, error) {
	for _, not := range []struct {
		is   bool
		kind string
	}{{m.GetBlocks() != nil, "blocks"}, {m.GetPieces() != nil, "pieces"}, {m.GetFill() != nil, "fill"}} {
		if not.is {
			return dist.Dist{}, bad("", "", "%s cannot stand inside %s", not.kind, inside)
		}
	}
	return flat(m)
}

// flat converts everything of a distribution but its blocks and pieces.
func flat(m *modev1.Dist) (dist.Dist, error) {
	var d dist.Dist
	if err := text("formula", m.GetFormula(), 0, wire.MaxFormula, false); err != nil {
		return d, err
	}
	d.Formula = m.GetFormula()
	if n := len(m.GetPost()); n > wire.MaxPosts {
		return d, tooMany("post", n, wire.MaxPosts)
	}
	for i, p := range m.GetPost() {
		step, err := Post(p)
		if err != nil {
			return d, within(index("post", i), err)
		}
		d.Post = append(d.Post, step)
	}
	draw, err := Draw(m)
	d.Draw = draw
	return d, err
}

// Draw converts the kind of a distribution; blocks and pieces become
// [dist.Blocks] and [dist.Pieces] without parts. The field that is set names the family, and the fields of its
// message are the family's numbers.
func Draw(m *modev1.Dist) (dist.Draw, error) {
	r := m.ProtoReflect()
	field := r.WhichOneof(r.Descriptor().Oneofs().ByName("kind"))
	if field == nil {
		if n := firstUnknown(m); n != 0 {
			return nil, bad("kind", fmt.Sprint(n), "is a distribution that this weightinit does not know; a newer weightinit is needed")
		}
		return nil, bad("kind", "", "is not set: every parameter needs a distribution")
	}
	kind, family := string(field.Name()), r.Get(field).Message()
	if kind == (dist.Blocks{}).Kind() {
		return dist.Blocks{}, nil
	}
	if kind == (dist.Pieces{}).Kind() {
		return dist.Pieces{}, nil
	}
	var numbers []dist.Number
	for i := range family.Descriptor().Fields().Len() {
		n, err := number(kind, family, family.Descriptor().Fields().Get(i))
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, n)
	}
	draw, err := dist.New(kind, numbers)
	if err != nil {
		return nil, bad(kind, "", "%s", err)
	}
	return draw, nil
}

// number converts a field of a family.
func number(kind string, family protoreflect.Message, field protoreflect.FieldDescriptor) (dist.Number, error) {
	n, value := dist.Number{Name: string(field.Name())}, family.Get(field)
	path := kind + "." + n.Name
	switch {
	case field.Enum() != nil:
		choice := field.Enum().Values().ByNumber(value.Enum())
		if choice == nil {
			return n, bad(path, fmt.Sprint(value.Enum()), "is not known; a newer weightinit may be needed")
		}
		n.Value = strings.ToLower(string(choice.Name()))
	case field.IsList():
		list := value.List()
		if list.Len() > wire.MaxDims {
			return n, tooMany(path, list.Len(), wire.MaxDims)
		}
		values := make([]int64, list.Len())
		for i := range values {
			values[i] = list.Get(i).Int()
		}
		n.Value = values
	case field.Kind() == protoreflect.DoubleKind:
		n.Value = value.Float()
		return n, finite(path, value.Float())
	default:
		n.Value = value.Interface()
	}
	return n, nil
}

// Post converts one step after the draw.
func Post(m *modev1.Post) (dist.Post, error) {
	r := m.ProtoReflect()
	field := r.WhichOneof(r.Descriptor().Oneofs().ByName("step"))
	if field == nil {
		if n := firstUnknown(m); n != 0 {
			return nil, bad("step", fmt.Sprint(n), "is a step that this weightinit does not know; a newer weightinit is needed")
		}
		return nil, bad("step", "", "is not set")
	}
	kind, operand := string(field.Name()), r.Get(field).Interface()
	switch v := operand.(type) {
	case float64:
		if err := finite(kind, v); err != nil {
			return nil, err
		}
	case protoreflect.Message:
		list := m.GetZeroRows().GetRanges()
		if len(list) > wire.MaxBlocks {
			return nil, tooMany(kind, len(list), wire.MaxBlocks)
		}
		ranges := make([]dist.Range, len(list))
		for i, one := range list {
			ranges[i] = dist.Range{First: one.GetFirst(), Count: one.GetCount()}
		}
		operand = ranges
	}
	post, err := dist.NewPost(kind, operand)
	if err != nil {
		return nil, bad(kind, "", "%s", err)
	}
	return post, nil
}
