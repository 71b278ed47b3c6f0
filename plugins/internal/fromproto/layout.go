package fromproto

import (
	"fmt"

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
	l := &layout.Layout{Model: Facts(req.GetModel()), Params: make([]layout.Param, len(req.GetParams()))}
	var err error
	for i, p := range req.GetParams() {
		if l.Params[i], err = Param(p); err != nil {
			return nil, within(index("params", i), err)
		}
	}
	if err := l.Check(); err != nil {
		return nil, bad("params", "", "%s", err)
	}
	return l, nil
}

// Param converts one parameter. Its stored type, padding row and pieces have
// no place in [layout.Param].
func Param(m *modev1.Param) (layout.Param, error) {
	p := layout.Param{
		Name: m.GetName(), Shape: m.GetShape(), Role: layout.Role(m.GetRole()), Layer: layout.NoLayer,
		FanIn: m.GetFanIn(), FanOut: m.GetFanOut(),
	}
	if m != nil && m.Layer != nil {
		p.Layer = int(*m.Layer)
	}
	if err := text("name", p.Name, 1, wire.MaxParamName, false); err != nil {
		return p, err
	}
	if len(p.Shape) > wire.MaxDims {
		return p, bad("shape", fmt.Sprint(p.Shape), "has %d dimensions, the limit is %d", len(p.Shape), wire.MaxDims)
	}
	if _, err := layout.ElementsOf(p.Shape); err != nil {
		return p, bad("shape", "", "%s", err)
	}
	return p, nil
}

// Facts converts the sizes of a model; a config that came with them is left
// out.
func Facts(m *modev1.ModelFacts) layout.Facts {
	return layout.Facts{
		Architecture: m.GetArchitecture(), Layers: m.GetNLayers(), DModel: m.GetDModel(), DHead: m.GetDHead(),
		Heads: m.GetNHeads(), KVHeads: m.GetNKvHeads(), DMLP: m.GetDMlp(), DVocab: m.GetDVocab(), Ctx: m.GetNCtx(),
		InitializerRange: m.GetInitializerRange(),
	}
}

// DType converts a number type.
func DType(m modev1.DType) (layout.DType, error) {
	if m < modev1.DType_DTYPE_F32 || m > modev1.DType_DTYPE_F16 {
		return 0, bad("dtype", fmt.Sprint(int32(m)), "is not known")
	}
	return layout.DType(m), nil
}
