package fromproto

import (
	"encoding/json"
	"fmt"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

// Layout converts the model of an AssignRequest. The result passes
// [layout.Layout.Check].
func Layout(req *modev1.AssignRequest) (*layout.Layout, error) {
	if n := len(req.GetParams()); n > wire.MaxParams {
		return nil, tooMany("params", n, wire.MaxParams)
	}
	facts, err := Facts(req.GetModel())
	if err != nil {
		return nil, within("model", err)
	}
	l := &layout.Layout{Model: facts, Params: make([]layout.Param, len(req.GetParams()))}
	pieces := 0
	for i, p := range req.GetParams() {
		if pieces += len(p.GetPieces()); pieces > wire.MaxAllPieces {
			return nil, bad(index("params", i)+".pieces", "", "passes %d pieces in one request", wire.MaxAllPieces)
		}
		if l.Params[i], err = Param(p); err != nil {
			return nil, within(index("params", i), err)
		}
	}
	if err := l.Check(); err != nil {
		return nil, bad("params", "", "%s", err)
	}
	return l, nil
}

// Param converts one parameter. Its stored type has no place in
// [layout.Param].
func Param(m *modev1.Param) (layout.Param, error) {
	p := layout.Param{
		Name: m.GetName(), Shape: m.GetShape(), Role: layout.Role(m.GetRole()), Layer: layout.NoLayer,
		FanIn: m.GetFanIn(), FanOut: m.GetFanOut(), Transposed: m.GetTransposed(),
	}
	if m != nil && m.Layer != nil {
		p.Layer = int(*m.Layer)
	}
	if m != nil && m.PaddingRow != nil {
		p.PaddingRow = new(*m.PaddingRow)
	}
	if err := text("name", p.Name, 1, wire.MaxParamName, false); err != nil {
		return p, err
	}
	if len(p.Shape) > wire.MaxDims {
		return p, bad("shape", fmt.Sprint(p.Shape), "has %d dimensions, the limit is %d", len(p.Shape), wire.MaxDims)
	}
	var err error
	if p.Pieces, err = pieces(m.GetPieces()); err != nil {
		return p, err
	}
	for _, part := range []struct {
		field string
		param layout.Param
	}{
		{"shape", layout.Param{Shape: p.Shape}},
		{"transposed", layout.Param{Shape: p.Shape, Transposed: p.Transposed}},
		{"padding_row", layout.Param{Shape: p.Shape, PaddingRow: p.PaddingRow}},
		{"pieces", layout.Param{Shape: p.Shape, Pieces: p.Pieces}},
	} {
		if err := part.param.Check(); err != nil {
			return p, bad(part.field, "", "%s", err)
		}
	}
	return p, nil
}

// pieces converts what is fused in a parameter, and checks the limits of the
// list.
func pieces(list []*modev1.Piece) ([]layout.Piece, error) {
	if len(list) > wire.MaxPieces {
		return nil, tooMany("pieces", len(list), wire.MaxPieces)
	}
	var out []layout.Piece
	for i, m := range list {
		if n := len(m.GetShape()); n > wire.MaxDims {
			return nil, bad(index("pieces", i)+".shape", fmt.Sprint(m.Shape), "has %d dimensions, the limit is %d", n, wire.MaxDims)
		}
		at := m.GetAt()
		out = append(out, layout.Piece{
			Role: layout.Role(m.GetRole()), Shape: m.GetShape(), FanIn: m.GetFanIn(), FanOut: m.GetFanOut(),
			At: layout.Region{First: at.GetFirst(), Rows: at.GetRows(), Row: at.GetRow(), Stride: at.GetStride()},
		})
	}
	return out, nil
}

// Facts converts the sizes of a model, and the config that it was made of.
func Facts(m *modev1.ModelFacts) (layout.Facts, error) {
	f := layout.Facts{
		Architecture: m.GetArchitecture(), Layers: m.GetNLayers(), DModel: m.GetDModel(), DHead: m.GetDHead(),
		Heads: m.GetNHeads(), KVHeads: m.GetNKvHeads(), DMLP: m.GetDMlp(), DVocab: m.GetDVocab(), Ctx: m.GetNCtx(),
	}
	if m != nil && m.InitializerRange != nil {
		f.InitializerRange = new(*m.InitializerRange)
	}
	config := m.GetConfigJson()
	switch {
	case config == "":
		return f, nil
	case len(config) > wire.MaxConfig:
		return f, bad("config_json", "", "has %d bytes, the limit is %d", len(config), wire.MaxConfig)
	case config[0] != '{' || !json.Valid([]byte(config)):
		return f, bad("config_json", config, "is not a JSON object")
	}
	f.Config = []byte(config)
	return f, nil
}

// DType converts a number type.
func DType(m modev1.DType) (dtype.Type, error) {
	if m < modev1.DType_DTYPE_F32 || m > modev1.DType_DTYPE_F16 {
		return 0, bad("dtype", fmt.Sprint(int32(m)), "is not known")
	}
	return dtype.Type(m), nil
}
