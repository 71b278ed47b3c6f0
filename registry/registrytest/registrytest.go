// Package registrytest is the conformance kit that every mode passes, built
// in, your own or a plugin's. It needs no test framework, so it also runs
// outside tests:
//
//	if err := registrytest.Check(ctx, info); err != nil { ... }
package registrytest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/registry"
)

// Layouts returns the layouts on which a mode for models is tried: the shapes
// that occur in real models, small.
func Layouts() map[string]*layout.Layout {
	return map[string]*layout.Layout{
		"gpt2":      decoder(2, true, true),
		"rotary":    decoder(3, false, false),
		"one layer": decoder(1, true, false),
	}
}

// decoder is a small decoder-only transformer.
func decoder(layers int, position, biases bool) *layout.Layout {
	const d, h, dk, f, v, ctx = 24, 3, 8, 40, 50, 16
	l := &layout.Layout{Model: layout.Facts{
		Architecture: "TransformerLensNative", Layers: int64(layers), DModel: d, DHead: dk,
		Heads: h, KVHeads: h, DMLP: f, DVocab: v, Ctx: ctx,
	}}
	matrix := func(name string, role layout.Role, layer int, out, in int64) {
		l.Params = append(l.Params, layout.Param{Name: name, Shape: []int64{out, in}, Role: role, Layer: layer, FanIn: in, FanOut: out})
	}
	vector := func(name string, role layout.Role, layer int, n, fanIn, fanOut int64) {
		l.Params = append(l.Params, layout.Param{Name: name, Shape: []int64{n}, Role: role, Layer: layer, FanIn: fanIn, FanOut: fanOut})
	}
	matrix("embed", layout.Embedding, layout.NoLayer, v, d)
	if position {
		matrix("pos", layout.Position, layout.NoLayer, ctx, d)
	}
	for i := range layers {
		part := func(name string) string { return fmt.Sprintf("layers.%d.%s", i, name) }
		vector(part("ln.weight"), layout.NormWeight, i, d, 0, 0)
		vector(part("ln.bias"), layout.NormBias, i, d, 0, 0)
		for _, m := range []struct {
			name      string
			role, fed layout.Role
			out, in   int64
		}{
			{"q", layout.Query, layout.QueryBias, h * dk, d},
			{"k", layout.Key, layout.KeyBias, h * dk, d},
			{"v", layout.Value, layout.ValueBias, h * dk, d},
			{"o", layout.AttnOut, layout.AttnOutBias, d, h * dk},
			{"in", layout.MLPIn, layout.MLPInBias, f, d},
			{"gate", layout.Gate, layout.GateBias, f, d},
			{"out", layout.MLPOut, layout.MLPOutBias, d, f},
		} {
			matrix(part(m.name+".weight"), m.role, i, m.out, m.in)
			if biases {
				vector(part(m.name+".bias"), m.fed, i, m.out, m.in, m.out)
			}
		}
	}
	matrix("head", layout.LMHead, layout.NoLayer, v, d)
	return l
}

// Check runs every check on the mode that info describes and returns all
// faults joined, or nil. settings are "key=value" options that the mode needs;
// without them it is tried with its defaults.
func Check(ctx context.Context, info registry.Info, settings ...string) error {
	return CheckLayouts(ctx, info, Layouts(), settings...)
}

// CheckLayouts is [Check] on layouts of your own.
func CheckLayouts(ctx context.Context, info registry.Info, layouts map[string]*layout.Layout, settings ...string) error {
	var faults []error
	fail := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("mode %q: "+format, append([]any{info.ID}, args...)...))
	}
	if err := registry.New().Add(info); err != nil {
		return err
	}
	if info.Summary == "" || info.Source == "" || len(info.Rules) == 0 {
		fail("Info needs a Summary, a Source and Rules")
	}
	checkOptions(info, settings, fail)
	for name, l := range layouts {
		if err := checkLayout(ctx, info, l, settings); err != nil {
			fail("layout %q: %w", name, err)
		}
	}
	return errors.Join(faults...)
}

// checkOptions: settings survive a round trip, unknown options are refused.
func checkOptions(info registry.Info, settings []string, fail func(string, ...any)) {
	m, err := registry.Configure(info, settings)
	if err != nil {
		fail("cannot be configured with %q: %w", settings, err)
		return
	}
	first, err := registry.Settings(m)
	if err != nil {
		fail("settings: %w", err)
		return
	}
	again, err := registry.Configure(info, first)
	if err != nil {
		fail("does not take its own settings %q: %w", first, err)
		return
	}
	if second, _ := registry.Settings(again); !slices.Equal(first, second) {
		fail("settings %q became %q after a round trip", first, second)
	}
	var option *registry.OptionError
	if _, err := registry.Configure(info, append(slices.Clone(settings), "no_such_option=1")); !errors.As(err, &option) {
		fail("an unknown option gave %v, want an OptionError", err)
	}
}

// checkLayout: coverage, finite numbers, determinism, purity.
func checkLayout(ctx context.Context, info registry.Info, l *layout.Layout, settings []string) error {
	m, err := registry.Configure(info, settings)
	if err != nil {
		return err
	}
	before := l.Clone()
	first, err := m.Assign(ctx, l)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(before, l) {
		return errors.New("the layout is not the same after Assign")
	}
	if len(first) != len(l.Params) {
		return fmt.Errorf("%d distributions for %d parameters", len(first), len(l.Params))
	}
	for i, d := range first {
		if err := d.Check(math.MaxFloat32); err != nil {
			return fmt.Errorf("parameter %q: %w", l.Params[i].Name, err)
		}
		if d.Formula == "" {
			return fmt.Errorf("parameter %q: no Formula", l.Params[i].Name)
		}
	}
	other, err := registry.Configure(info, settings)
	if err != nil {
		return err
	}
	for _, again := range []registry.Mode{m, other} {
		second, err := again.Assign(ctx, l)
		if err != nil {
			return fmt.Errorf("second Assign: %w", err)
		}
		if !slices.EqualFunc(first, second, dist.Dist.Equal) {
			return errors.New("two Assigns of the same layout differ")
		}
	}
	return nil
}
