package toproto

import (
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

// A LimitError says that a model cannot be put to a plugin at all, because a
// limit of the protocol is passed. It is the input that is wrong, not the
// plugin.
type LimitError struct{ Problem string }

func (e *LimitError) Error() string { return e.Problem }

func limit(format string, args ...any) error { return &LimitError{fmt.Sprintf(format, args...)} }

// AssignRequest maps a layout to the request that asks for its distributions.
// All parameters are stored in dtype. The options are a JSON object with
// sorted keys, as [registry.OptionsJSON] makes it.
func AssignRequest(mode string, version int, options []byte, l *layout.Layout, stored dtype.Type) (*modev1.AssignRequest, error) {
	if len(l.Params) > wire.MaxParams {
		return nil, limit("the model has %d parameters: a plugin takes at most %d", len(l.Params), wire.MaxParams)
	}
	if len(options) > wire.MaxOptions {
		return nil, limit("the options are %d bytes long: a plugin takes at most %d", len(options), wire.MaxOptions)
	}
	if version < 1 || version > math.MaxInt32 {
		return nil, limit("mode version %d cannot be asked for: it must be from 1 to %d", version, math.MaxInt32)
	}
	facts, err := Facts(l.Model)
	if err != nil {
		return nil, err
	}
	req := &modev1.AssignRequest{
		Mode: mode, ModeVersion: uint32(version), OptionsJson: string(options),
		Model: facts, Params: make([]*modev1.Param, len(l.Params)),
	}
	pieces := 0
	for i, p := range l.Params {
		if req.Params[i], err = Param(p, stored); err != nil {
			return nil, err
		}
		if pieces += len(p.Pieces); pieces > wire.MaxAllPieces {
			return nil, limit("the model has more than %d pieces of fused parameters: a plugin takes no more", wire.MaxAllPieces)
		}
	}
	return req, nil
}

// Param maps one parameter.
func Param(p layout.Param, stored dtype.Type) (*modev1.Param, error) {
	switch {
	case p.Name == "" || len(p.Name) > wire.MaxParamName:
		return nil, limit("parameter %s: its name is %d bytes long: a plugin takes 1 to %d", shown.Quote(p.Name), len(p.Name), wire.MaxParamName)
	case !utf8.ValidString(p.Name) || !utf8.ValidString(string(p.Role)):
		return nil, limit("parameter %s of role %s: not UTF-8, which a plugin cannot take", shown.Quote(p.Name), shown.Quote(string(p.Role)))
	case len(p.Shape) > wire.MaxDims:
		return nil, limit("parameter %s has %d dimensions: a plugin takes at most %d", shown.Quote(p.Name), len(p.Shape), wire.MaxDims)
	case p.Layer > math.MaxInt32:
		return nil, limit("parameter %s is in layer %d: a plugin takes at most %d", shown.Quote(p.Name), p.Layer, math.MaxInt32)
	}
	m := &modev1.Param{
		Name: p.Name, Shape: p.Shape, Dtype: DType(stored), Role: string(p.Role),
		FanIn: p.FanIn, FanOut: p.FanOut, PaddingRow: p.PaddingRow, Transposed: p.Transposed,
	}
	if p.Layer >= 0 {
		layer := int32(p.Layer)
		m.Layer = &layer
	}
	if len(p.Pieces) > wire.MaxPieces {
		return nil, limit("parameter %s has %d pieces: a plugin takes at most %d", shown.Quote(p.Name), len(p.Pieces), wire.MaxPieces)
	}
	for i, piece := range p.Pieces {
		if len(piece.Shape) > wire.MaxDims || !utf8.ValidString(string(piece.Role)) {
			return nil, limit("parameter %s, piece %d of role %s and shape %v: a plugin takes at most %d dimensions, and UTF-8",
				shown.Quote(p.Name), i, shown.Quote(string(piece.Role)), piece.Shape, wire.MaxDims)
		}
		at := piece.At
		m.Pieces = append(m.Pieces, &modev1.Piece{
			Role: string(piece.Role), Shape: piece.Shape, FanIn: piece.FanIn, FanOut: piece.FanOut,
			At: &modev1.Region{First: at.First, Rows: at.Rows, Row: at.Row, Stride: at.Stride},
		})
	}
	return m, nil
}

// DType maps a number type; what is not valid becomes unspecified.
func DType(d dtype.Type) modev1.DType {
	if !d.Valid() {
		return modev1.DType_DTYPE_UNSPECIFIED
	}
	return modev1.DType(d)
}

// Facts maps the sizes of a model, and the config that it was made of.
func Facts(f layout.Facts) (*modev1.ModelFacts, error) {
	if !utf8.ValidString(f.Architecture) {
		return nil, limit("architecture %s is not UTF-8, which a plugin cannot take", shown.Quote(f.Architecture))
	}
	if len(f.Config) > wire.MaxConfig {
		return nil, limit("the model's config is %d bytes long: a plugin takes at most %d", len(f.Config), wire.MaxConfig)
	}
	return &modev1.ModelFacts{
		Architecture: f.Architecture, NLayers: f.Layers, DModel: f.DModel, DHead: f.DHead,
		NHeads: f.Heads, NKvHeads: f.KVHeads, DMlp: f.DMLP, DVocab: f.DVocab, NCtx: f.Ctx,
		InitializerRange: f.InitializerRange, ConfigJson: string(f.Config),
	}, nil
}

// FillRequest maps a request for count values of a parameter from first on,
// in the compute type of dtype.
func FillRequest(assign *modev1.AssignRequest, i int, seed [wire.SeedBytes]byte, stored dtype.Type, first, count uint64, chunkBytes int) *modev1.FillRequest {
	return &modev1.FillRequest{
		Mode: assign.Mode, ModeVersion: assign.ModeVersion, OptionsJson: assign.OptionsJson,
		Model: assign.Model, Param: assign.Params[i], Seed: seed[:], Dtype: DType(stored.Compute()),
		First: first, Count: count, ChunkBytes: uint32(chunkBytes),
	}
}
