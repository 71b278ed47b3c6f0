package plugins

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/internal/rpc"
	"github.com/weightinit/weightinit/plugins/internal/toproto"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/registry"
)

// Filling asks for values of one parameter that a mode left to its plugin.
type Filling struct {
	// Mode is the mode that assigned them; it must come from the host's
	// registry.
	Mode registry.Mode
	// Model and Param are what the mode was asked with.
	Model layout.Facts
	Param layout.Param
	// DType is the stored type; values come in its compute type.
	DType dtype.Type
	// Seed is the run's.
	Seed uint64
	// First and Count are the elements, in row-major order. A plugin without
	// the feature "fill.range" makes all of them or none.
	First, Count uint64
}

// Fill calls each for every piece of the values, in order, without gap or
// overlap: little-endian numbers of f.DType.Compute(), all finite. data is
// valid during the call only. An error of each ends the stream and is returned
// as it is. Values depend on the seed, the mode, its options, the parameter
// and the compute type, and on nothing else. At most two run at once for each
// plugin, the others wait.
func (h *Host) Fill(ctx context.Context, f Filling, each func(first uint64, data []byte) error) error {
	m, ok := f.Mode.(*Mode)
	if !ok || m.plugin.host != h {
		return fail(ErrUnsupported, fmt.Sprintf("plugins: parameter %s: its mode is not one of this host's plugins", shown.Quote(f.Param.Name)))
	}
	p, about, options, err := m.ready(ctx)
	if err != nil {
		return err
	}
	d, err := p.Describe(ctx, nil)
	if err != nil {
		return err
	}
	all, err := layout.ElementsOf(f.Param.Shape)
	switch {
	case err != nil:
		return p.cand.wrap("fill", err)
	case !d.Has(wire.FeatureFill) || !about.Fills:
		return p.cand.wrap("fill", fail(ErrUnsupported, fmt.Sprintf("mode %s does not fill parameters itself", shown.Quote(m.id.String()))))
	case f.First > uint64(all) || f.Count > uint64(all)-f.First:
		return p.cand.wrap("fill", fmt.Errorf("parameter %s: elements %d and %d more do not lie in shape %v", shown.Quote(f.Param.Name), f.First, f.Count, f.Param.Shape))
	case f.Count == 0:
		return nil
	case !d.Has(wire.FeatureRange) && (f.First != 0 || f.Count != uint64(all)):
		return p.cand.wrap("fill", fail(ErrUnsupported, fmt.Sprintf("parameter %s: the plugin makes whole parameters only (it lacks the feature %q)", shown.Quote(f.Param.Name), wire.FeatureRange)))
	}
	one := &layout.Layout{Model: f.Model, Params: []layout.Param{f.Param}}
	assign, err := toproto.AssignRequest(about.ID, about.Version, options, one, f.DType)
	if err != nil {
		return p.cand.wrap("fill", err)
	}
	seed := wire.FillSeed(f.Seed, m.id.String(), f.Param.Name, f.DType)
	req := toproto.FillRequest(assign, 0, seed, f.DType, f.First, f.Count, wire.DefaultChunk)
	return p.fill(ctx, func(ctx context.Context, clock *time.Timer, limit time.Duration) error {
		return rpc.Fill(ctx, p.conn, req, func(first uint64, data []byte) error {
			// What the caller does with the data is not the plugin's time.
			clock.Stop()
			if err := each(first, data); err != nil {
				return &sinkError{err}
			}
			clock.Reset(limit)
			return nil
		})
	})
}

// sinkError is an error of the caller's own function.
type sinkError struct{ err error }

func (e *sinkError) Error() string { return e.err.Error() }

// fill runs one stream under a deadline that begins anew with each chunk.
func (p *Process) fill(ctx context.Context, do func(ctx context.Context, clock *time.Timer, limit time.Duration) error) error {
	select {
	case p.fills <- struct{}{}:
		defer func() { <-p.fills }()
	case <-ctx.Done():
		return p.cand.wrap("fill", canceled(ctx))
	}
	limit := p.timeout(p.times.fill)
	timed, clock, cancel := underClock(ctx, limit)
	defer cancel()
	p.setHealthy(false)
	err := do(timed, clock, limit)
	var own *sinkError
	switch {
	case err == nil:
		p.setHealthy(true)
		return nil
	case errors.As(err, &own):
		return own.err
	case context.Cause(timed) == errLate && ctx.Err() == nil:
		p.child.kill()
		return p.cand.wrap("fill", p.late("fill", limit))
	}
	return p.cand.wrap("fill", p.reason(ctx, err))
}
