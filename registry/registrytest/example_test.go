package registrytest_test

import (
	"context"
	"fmt"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/registry"
	"github.com/weightinit/weightinit/registry/registrytest"
)

// forgetful leaves out the last parameter.
type forgetful struct{}

func (forgetful) Assign(_ context.Context, l *layout.Layout) ([]dist.Dist, error) {
	out := make([]dist.Dist, len(l.Params)-1)
	for i := range out {
		out[i] = dist.Dist{Draw: dist.Normal{Std: 0.02}, Formula: "normal(0, 0.02)"}
	}
	return out, nil
}

// The kit finds what a mode does wrong.
func ExampleCheckLayouts() {
	info := registry.Info{
		ID:      registry.ID{Name: "forgetful", Version: 1},
		Summary: "normal, std 0.02",
		Source:  "our own",
		Rules:   []registry.Rule{{Formula: "normal(0, 0.02)"}},
		New:     func() registry.Mode { return new(forgetful) },
	}
	layouts := map[string]*layout.Layout{"two": {Params: []layout.Param{
		{Name: "a", Shape: []int64{2, 3}, Role: layout.MLPIn, FanIn: 3, FanOut: 2},
		{Name: "b", Shape: []int64{3, 2}, Role: layout.MLPOut, FanIn: 2, FanOut: 3},
	}}}
	fmt.Println(registrytest.CheckLayouts(context.Background(), info, layouts))
	// Output:
	// mode "forgetful@1": layout "two": 1 distributions for 2 parameters
}

// flat fills every parameter alike.
type flat struct{}

func (flat) Assign(_ context.Context, l *layout.Layout) ([]dist.Dist, error) {
	out := make([]dist.Dist, len(l.Params))
	for i := range out {
		out[i] = dist.Dist{Draw: dist.Normal{Std: 0.02}, Formula: "normal(0, 0.02)"}
	}
	return out, nil
}

// A mode's own test is one call.
func ExampleCheck() {
	err := registrytest.Check(context.Background(), registry.Info{
		ID:      registry.ID{Name: "flat", Version: 1},
		Summary: "normal, std 0.02, for everything",
		Source:  "our own",
		Rules:   []registry.Rule{{Formula: "normal(0, 0.02)"}},
		New:     func() registry.Mode { return new(flat) },
	})
	fmt.Println(err)
	// Output:
	// <nil>
}
