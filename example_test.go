package weightinit_test

import (
	"context"
	"fmt"
	"math"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/registry"
)

// smallHead is a mode of our own: every matrix by its fan_in, the head
// smaller by an option.
type smallHead struct {
	Factor float64 `json:"factor" default:"0.1" min:"0" doc:"factor of the head's std"`
}

func (m *smallHead) Assign(_ context.Context, l *layout.Layout) ([]dist.Dist, error) {
	out := make([]dist.Dist, len(l.Params))
	for i, p := range l.Params {
		switch {
		case p.Role == layout.NormWeight:
			out[i] = dist.Dist{Draw: dist.Constant{Value: 1}, Formula: "1"}
		case len(p.Shape) < 2:
			out[i] = dist.Dist{Draw: dist.Constant{}, Formula: "0"}
		case p.Role == layout.LMHead:
			out[i] = dist.Dist{Draw: dist.Normal{Std: m.Factor / math.Sqrt(float64(p.FanIn))}, Formula: "normal(0, factor/sqrt(fan_in))"}
		default:
			out[i] = dist.Dist{Draw: dist.Normal{Std: 1 / math.Sqrt(float64(p.FanIn))}, Formula: "normal(0, 1/sqrt(fan_in))"}
		}
	}
	return out, nil
}

// A mode of your own registers in a few lines and is then found by name like a
// built-in one.
func ExamplePrepare() {
	registry.Register(registry.Info{
		ID:      registry.ID{Name: "small_head", Version: 1},
		Summary: "1/sqrt(fan_in), a smaller head",
		Source:  "our own",
		Rules:   []registry.Rule{{Formula: "normal(0, 1/sqrt(fan_in)), the head times factor"}},
		New:     func() registry.Mode { return &smallHead{} },
	})

	preset, err := model.LookupPreset("toy-1l")
	if err != nil {
		panic(err)
	}
	p, err := weightinit.Prepare(context.Background(), preset.Config, weightinit.Mode("small_head"), weightinit.Set("factor", 0.5), weightinit.Seed(42))
	if err != nil {
		panic(err)
	}
	last := p.Params().At(p.Params().Len() - 1)
	fmt.Println(p.Mode(), last.Name, last.Dist.Draw)

	values := make([]float32, last.Elements)
	if err := p.Values(context.Background(), last.Name, values); err != nil {
		panic(err)
	}
	fmt.Println(values[:3])
	// Output:
	// small_head@1 head.weight {0 0.0625}
	// [-0.054630253 -0.0605308 0.023881134]
}
