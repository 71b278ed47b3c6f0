package plan_test

import (
	"context"
	"fmt"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

// small fills every parameter with small normals.
type small struct{}

func (small) Assign(_ context.Context, l *layout.Layout) ([]dist.Dist, error) {
	out := make([]dist.Dist, len(l.Params))
	for i := range out {
		out[i] = dist.Dist{Draw: dist.Normal{Std: 0.02}, Formula: "normal(0, 0.02)"}
	}
	return out, nil
}

// twoMatrices is a model of two parameters.
func twoMatrices() *plan.Plan {
	l := &layout.Layout{Params: []layout.Param{
		{Name: "in", Shape: []int64{32, 16}, Role: layout.MLPIn, FanIn: 16, FanOut: 32},
		{Name: "out", Shape: []int64{16, 32}, Role: layout.MLPOut, FanIn: 32, FanOut: 16},
	}}
	info := registry.Info{ID: registry.ID{Name: "small", Version: 1}, New: func() registry.Mode { return small{} }}
	p, err := plan.Build(context.Background(), l, info, small{}, plan.Options{Seed: 42})
	if err != nil {
		panic(err)
	}
	return p
}

// A plan tells where in the stream every draw begins, before any is made.
func ExampleBuild() {
	p := twoMatrices()
	for _, s := range p.Steps().All() {
		fmt.Printf("%s %s: %d words from word %d\n", p.Params().At(s.Param).Name, s.Dist.Formula, s.Words, s.Start.Words)
	}
	words, known := p.Words()
	fmt.Println(p.Mode(), p.Elements(), words, known)
	// Output:
	// in normal(0, 0.02): 512 words from word 0
	// out normal(0, 0.02): 512 words from word 512
	// small@1 1024 1024 true
}

// A subset makes the same bits for its tensors: the draws of the others stay
// in the stream as discards, which a run skips.
func ExamplePlan_Subset() {
	p, err := twoMatrices().Subset([]string{"out"})
	if err != nil {
		panic(err)
	}
	for _, s := range p.Steps().All() {
		fmt.Println(s.Start.Words, s.Param == plan.Discard)
	}
	fmt.Println(p.Tensors().Len(), p.Tensors().At(0).Name)
	// Output:
	// 0 true
	// 512 false
	// 1 out
}
