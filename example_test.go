package weightinit_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/registry"
)

// torch.manual_seed(7); torch.nn.init.xavier_uniform_(torch.empty(64, 128), gain=1.5)
func ExampleFill() {
	w := make([]float32, 64*128)
	err := weightinit.Fill(w, []int64{64, 128}, "xavier_uniform", weightinit.Seed(7), weightinit.Set("gain", 1.5))
	if err != nil {
		panic(err)
	}
	fmt.Println(w[:3])
	// Output:
	// [0.018520473 -0.15973373 0.08443475]
}

// Any machine can make its own part of a model, with the bits that the whole
// has there.
func ExamplePlan_Slice() {
	preset, err := model.LookupPreset("gpt2-medium")
	if err != nil {
		panic(err)
	}
	p, err := weightinit.Prepare(context.Background(), preset.Config, weightinit.Mode("gpt2"), weightinit.Seed(42))
	if err != nil {
		panic(err)
	}
	part := make([]float32, 4)
	if err := p.Slice(context.Background(), "head.weight", 50_000_000, part); err != nil {
		panic(err)
	}
	fmt.Println(p.Elements(), part)
	// Output:
	// 406286336 [0.011325943 -0.019268911 -0.011907137 0.017495917]
}

// The file appears under its name only when it is whole, and carries the
// record of how it was made.
func ExamplePlan_WriteSafetensors() {
	dir, err := os.MkdirTemp("", "weightinit")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	preset, err := model.LookupPreset("toy-1l")
	if err != nil {
		panic(err)
	}
	p, err := weightinit.Prepare(context.Background(), preset.Config, weightinit.Mode("gpt2"), weightinit.Seed(42))
	if err != nil {
		panic(err)
	}
	path := filepath.Join(dir, "model.safetensors")
	if err := p.WriteSafetensors(context.Background(), path); err != nil {
		panic(err)
	}

	set, err := checkpoint.Open(path)
	if err != nil {
		panic(err)
	}
	defer set.Close()
	again, err := weightinit.Rebuild(context.Background(), set.Metadata(), registry.Default())
	if err != nil {
		panic(err)
	}
	fmt.Println(again.Mode(), again.Seed(), again.Digest() == p.Digest())
	// Output:
	// gpt2@1 42 true
}

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
