package registry_test

import (
	"context"
	"fmt"
	"math"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/registry"
)

// byWidth is a mode with one option: the exported fields of a mode are its
// options.
type byWidth struct {
	Gain float64 `json:"gain" default:"1" min:"0" doc:"factor of every std"`
}

func (m *byWidth) Assign(_ context.Context, l *layout.Layout) ([]dist.Dist, error) {
	out := make([]dist.Dist, len(l.Params))
	for i, p := range l.Params {
		switch {
		case p.Role == layout.NormWeight:
			out[i] = dist.Dist{Draw: dist.Constant{Value: 1}, Formula: "1"}
		case len(p.Shape) < 2:
			out[i] = dist.Dist{Draw: dist.Constant{}, Formula: "0"}
		default:
			out[i] = dist.Dist{Draw: dist.Normal{Std: m.Gain / math.Sqrt(float64(p.FanIn))}, Formula: "normal(0, gain/sqrt(fan_in))"}
		}
	}
	return out, nil
}

// A registered mode is found by its name, in any letter case, with or without
// a version.
func ExampleRegister() {
	registry.Register(registry.Info{
		ID:      registry.ID{Name: "by_width", Version: 1},
		Summary: "normal, the std falls with the width",
		Source:  "our own",
		Rules:   []registry.Rule{{Formula: "normal(0, gain/sqrt(fan_in)); norm weights 1; biases 0"}},
		New:     func() registry.Mode { return new(byWidth) },
	})

	info, err := registry.Default().Lookup("By_Width")
	if err != nil {
		panic(err)
	}
	mode, err := registry.Configure(info, []string{"gain=0.5"})
	if err != nil {
		panic(err)
	}
	dists, err := mode.Assign(context.Background(), &layout.Layout{Params: []layout.Param{
		{Name: "fc.weight", Shape: []int64{8, 16}, Role: layout.MLPIn, FanIn: 16, FanOut: 8},
	}})
	if err != nil {
		panic(err)
	}
	fmt.Println(info.ID, dists[0].Draw)
	// Output:
	// by_width@1 {0 0.125}
}
