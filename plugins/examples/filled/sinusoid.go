package main

import (
	"context"
	"math"
	"strings"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/sdk"
	"github.com/weightinit/weightinit/registry"
)

// sinusoid writes a position table of waves; it needs no random numbers and
// computes any element by itself, so ranges cost nothing.
type sinusoid struct {
	Base      float64 `json:"base" default:"10000" min:"2" max:"1e9" doc:"ratio of the longest wave to the shortest"`
	Amplitude float64 `json:"amplitude" default:"1" min:"0" max:"100" doc:"height of the waves"`
	Std       float64 `json:"std" default:"0.02" min:"0" max:"100" doc:"std of all other matrices"`
}

// Assign implements [registry.Mode].
func (m *sinusoid) Assign(_ context.Context, l *layout.Layout) ([]dist.Dist, error) {
	return assign("sinusoid", l, func(p layout.Param) dist.Dist {
		if p.Role == layout.Position && len(p.Shape) == 2 {
			return dist.Dist{Draw: dist.Filled{}, Formula: "sin and cos of position / base^(2i / d)"}
		}
		return dist.Dist{Draw: dist.Normal{Std: m.Std}, Formula: "std"}
	})
}

// Fill implements [sdk.Filler]. Columns come in pairs of a sine and a cosine.
func (m *sinusoid) Fill(ctx context.Context, req sdk.FillRequest, dst *sdk.Writer) error {
	width := req.Param.Shape[1]
	if width == 0 {
		return nil
	}
	rates := make([]float64, width)
	for i := range rates {
		rates[i] = math.Pow(m.Base, -float64(i/2*2)/float64(width))
	}
	row := make([]float64, 0, width)
	for dst.Left() > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		position, column := dst.Next()/width, dst.Next()%width
		row = row[:0]
		for ; column < width && int64(len(row)) < dst.Left(); column++ {
			angle := float64(position) * rates[column]
			wave := math.Sin(angle)
			if column%2 == 1 {
				wave = math.Cos(angle)
			}
			row = append(row, m.Amplitude*wave)
		}
		if err := dst.Float64(row); err != nil {
			return err
		}
	}
	return nil
}

// assign gives constants to norms and biases, and what rule says to the rest.
func assign(mode string, l *layout.Layout, rule func(layout.Param) dist.Dist) ([]dist.Dist, error) {
	out := make([]dist.Dist, len(l.Params))
	for i, p := range l.Params {
		switch {
		case p.Role == layout.NormWeight:
			out[i] = dist.Dist{Draw: dist.Constant{Value: 1}, Formula: "1"}
		case strings.HasSuffix(string(p.Role), "bias"):
			out[i] = dist.Dist{Draw: dist.Constant{}, Formula: "0"}
		case len(p.Shape) < 2:
			return nil, &registry.NoRuleError{Mode: plugin.Name + "." + mode, Param: p.Name, Role: p.Role}
		default:
			out[i] = rule(p)
		}
	}
	return out, nil
}
