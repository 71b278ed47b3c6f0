package plan

import (
	"context"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/registry"
)

// Assigned is [Build] with distributions that are given outright, one for each
// parameter of l, under the name of a mode that id makes up.
func Assigned(l *layout.Layout, id registry.ID, dists []dist.Dist, opts Options) (*Plan, error) {
	mode := assigned(dists)
	info := registry.Info{ID: id, New: func() registry.Mode { return mode }}
	return Build(context.Background(), l, info, mode, opts)
}

// assigned is a mode that assigns what it holds.
type assigned []dist.Dist

func (a assigned) Assign(context.Context, *layout.Layout) ([]dist.Dist, error) { return a, nil }
