package sdk_test

import (
	"context"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/sdk"
	"github.com/weightinit/weightinit/registry"
)

// narrow is a mode as package registry has them.
type narrow struct {
	Std float64 `json:"std" default:"0.01" min:"0" doc:"std of every matrix"`
}

func (m *narrow) Assign(_ context.Context, l *layout.Layout) ([]dist.Dist, error) {
	out := make([]dist.Dist, len(l.Params))
	for i, p := range l.Params {
		if len(p.Shape) < 2 {
			out[i] = dist.Dist{Draw: dist.Constant{}, Formula: "0"}
		} else {
			out[i] = dist.Dist{Draw: dist.Normal{Std: m.Std}, Formula: "normal(0, std)"}
		}
	}
	return out, nil
}

// This is the main function of a plugin. weightinit starts the program, asks
// it and stops it; the mode is found there as corp.narrow.
func ExampleServe() {
	sdk.Serve(sdk.Plugin{
		Name: "corp", Version: "1.0.0",
		Modes: []sdk.Mode{{
			ID: "narrow", Version: 1,
			Summary:     "normal, std 0.01; vectors 0",
			Description: "matrices: normal(0, std); everything else 0",
			New:         func() registry.Mode { return new(narrow) },
		}},
	})
}
