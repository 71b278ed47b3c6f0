// Package elementary holds the schemes that fill a single tensor: the
// functions of torch.nn.init and some of other libraries, by their names and
// options.
//
// They are a name space of their own, apart from the modes for whole models:
// [Schemes] is their registry. A layout given to one of them holds tensors of
// the role "tensor"; the fans are read off the shape as torch does, [out, in,
// kernel...].
package elementary

import (
	"context"
	"fmt"
	"sync"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/modes/internal/torchinit"
	"github.com/weightinit/weightinit/registry"
)

const source = "PyTorch 2.15.0, torch/nn/init.py"

// Schemes returns the registry of the elementary schemes. It is shared: add
// to a [registry.Registry.Clone] of it.
var Schemes = sync.OnceValue(func() *registry.Registry {
	r := registry.New()
	for _, info := range infos() {
		if err := r.Add(info); err != nil {
			panic(err)
		}
	}
	return r
})

// BitExact reports whether a scheme of [Schemes] makes PyTorch's bits. The
// orthogonal one follows its law: the draws are torch's, but the bits of its
// decomposition depend on the machine that torch runs on.
func BitExact(info registry.Info) bool {
	_, orthogonal := info.New().(*Orthogonal)
	return !orthogonal
}

// each asks the draw of one tensor for every parameter of l.
func each(ctx context.Context, l *layout.Layout, formula string, draw func(p layout.Param) (dist.Draw, error)) ([]dist.Dist, error) {
	out := make([]dist.Dist, len(l.Params))
	for i, p := range l.Params {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		d, err := draw(p)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", p.Name, err)
		}
		out[i] = dist.Dist{Draw: d, Formula: formula}
	}
	return out, nil
}

// same fills every tensor with the same draw.
func same(ctx context.Context, l *layout.Layout, formula string, d dist.Draw) ([]dist.Dist, error) {
	return each(ctx, l, formula, func(layout.Param) (dist.Draw, error) { return d, nil })
}

// Zeros fills with 0.
type Zeros struct{}

// Assign implements [registry.Mode].
func (*Zeros) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	return same(ctx, l, "0", dist.Constant{})
}

// Ones fills with 1.
type Ones struct{}

// Assign implements [registry.Mode].
func (*Ones) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	return same(ctx, l, "1", dist.Constant{Value: 1})
}

// Constant fills with Value.
type Constant struct {
	Value float64 `json:"value" required:"true" doc:"the value, rounded to the tensor's type"`
}

// Assign implements [registry.Mode].
func (m *Constant) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	return same(ctx, l, "value", dist.Constant{Value: m.Value})
}

// Uniform draws from [A, B).
type Uniform struct {
	A float64 `json:"a" default:"0" doc:"lower bound"`
	B float64 `json:"b" default:"1" doc:"upper bound, not reached"`
}

// Assign implements [registry.Mode].
func (m *Uniform) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	return same(ctx, l, "uniform(a, b)", dist.Uniform{Low: m.A, High: m.B})
}

// Normal draws from the normal distribution.
type Normal struct {
	Mean float64 `json:"mean" default:"0" doc:"mean"`
	Std  float64 `json:"std" default:"1" min:"0" doc:"standard deviation"`
}

// Assign implements [registry.Mode].
func (m *Normal) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	return same(ctx, l, "normal(mean, std)", dist.Normal{Mean: m.Mean, Std: m.Std})
}

// Xavier is xavier_uniform and xavier_normal.
type Xavier struct {
	Gain float64 `json:"gain" default:"1" min:"0" doc:"factor of the std"`

	normal bool
}

// Assign implements [registry.Mode].
func (m *Xavier) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	formula := xavierUniform
	if m.normal {
		formula = xavierNormal
	}
	return each(ctx, l, formula, func(p layout.Param) (dist.Draw, error) {
		fanIn, fanOut, err := layout.TorchFans(p.Shape)
		if err != nil {
			return nil, err
		}
		if fanIn+fanOut <= 0 {
			return nil, fmt.Errorf("shape %v: fan_in + fan_out is %d, by which Xavier divides", p.Shape, fanIn+fanOut)
		}
		if m.normal {
			return torchinit.XavierNormal(fanIn, fanOut, m.Gain), nil
		}
		return torchinit.XavierUniform(fanIn, fanOut, m.Gain), nil
	})
}

// Kaiming is kaiming_uniform and kaiming_normal.
type Kaiming struct {
	A            float64 `json:"a" default:"0" doc:"slope of leaky_relu; no other nonlinearity uses it"`
	Mode         string  `json:"mode" also:"fan" default:"fan_in" enum:"fan_in,fan_out" fold:"true" doc:"the fan that the std is divided by"`
	Nonlinearity string  `json:"nonlinearity" default:"leaky_relu" enum:"linear,conv1d,conv2d,conv3d,conv_transpose1d,conv_transpose2d,conv_transpose3d,sigmoid,tanh,relu,leaky_relu,selu" doc:"what the gain is for"`

	normal bool
}

// Assign implements [registry.Mode]. A tensor without elements is left as it
// is, whatever its shape, as torch does.
func (m *Kaiming) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	formula := kaimingUniform
	if m.normal {
		formula = kaimingNormal
	}
	return each(ctx, l, formula, func(p layout.Param) (dist.Draw, error) {
		if p.Elements() == 0 {
			return dist.Constant{}, nil
		}
		fanIn, fanOut, err := layout.TorchFans(p.Shape)
		if err != nil {
			return nil, err
		}
		fan := fanIn
		if m.Mode == "fan_out" {
			fan = fanOut
		}
		gain, err := torchinit.Gain(m.Nonlinearity, m.A)
		if err != nil {
			return nil, err
		}
		if m.normal {
			return torchinit.KaimingNormal(fan, gain), nil
		}
		return torchinit.KaimingUniform(fan, gain), nil
	})
}

// Notes implements [registry.Noter].
func (m *Kaiming) Notes(l *layout.Layout) []registry.Note {
	var out []registry.Note
	for _, p := range l.Params {
		if p.Elements() == 0 {
			out = append(out, registry.Note{Level: registry.Warning, Text: fmt.Sprintf("tensor %q of shape %v has no elements: nothing is drawn", p.Name, p.Shape)})
		}
	}
	return out
}

const (
	xavierUniform  = "uniform(-c, c), c = sqrt(3)*(gain*sqrt(2/(fan_in+fan_out)))"
	xavierNormal   = "normal(0, gain*sqrt(2/(fan_in+fan_out)))"
	kaimingUniform = "uniform(-c, c), c = sqrt(3)*(act_gain/sqrt(fan))"
	kaimingNormal  = "normal(0, act_gain/sqrt(fan))"
)

// infos describes the schemes.
func infos() []registry.Info {
	kaimingNotes := []string{
		"act_gain by nonlinearity: 1 for linear, conv and sigmoid; tanh 5/3; relu sqrt(2); leaky_relu sqrt(2/(1+a*a)); selu 3/4",
		"a tensor without elements is left as it is, with a warning",
	}
	rows := []row{
		{"zeros", 1, "", "0", nil, func() registry.Mode { return &Zeros{} }, ""},
		{"ones", 1, "", "1", nil, func() registry.Mode { return &Ones{} }, ""},
		{"constant", 1, "", "value", nil, func() registry.Mode { return &Constant{} }, ""},
		{"uniform", 1, "", "uniform(a, b)", []string{"half-open: b is never reached; a = b fills with a"}, func() registry.Mode { return &Uniform{} }, ""},
		{"normal", 1, "gaussian", "normal(mean, std)", []string{"std 0 fills with mean and still draws"}, func() registry.Mode { return &Normal{} }, ""},
		{"xavier_uniform", 1, "glorot_uniform", xavierUniform, nil, func() registry.Mode { return &Xavier{} }, ""},
		{"xavier_normal", 1, "glorot_normal", xavierNormal, []string{"a plain normal; JAX and Keras cut theirs"}, func() registry.Mode { return &Xavier{normal: true} }, ""},
		{"kaiming_uniform", 1, "he_uniform", kaimingUniform, kaimingNotes, func() registry.Mode { return &Kaiming{} }, ""},
		{"kaiming_normal", 1, "he_normal", kaimingNormal, kaimingNotes, func() registry.Mode { return &Kaiming{normal: true} }, ""},
	}
	rows = append(rows, structured()...)
	rows = append(rows, elsewhere()...)
	out := make([]registry.Info, 0, len(rows))
	for _, row := range rows {
		info := registry.Info{
			ID:      registry.ID{Name: row.name, Version: row.version},
			Default: true,
			Summary: "torch.nn.init." + row.name + "_: " + row.formula,
			Source:  source,
			Rules:   []registry.Rule{{Roles: []layout.Role{layout.Tensor}, Formula: row.formula}},
			Notes:   row.notes,
			New:     row.make,
		}
		if row.source != "" {
			info.Summary, info.Source = row.formula, row.source
		}
		if row.alias != "" {
			info.Aliases = []string{row.alias}
		}
		out = append(out, info)
	}
	return out
}

// row is a scheme in short.
type row struct {
	name           string
	version        int
	alias, formula string
	notes          []string
	make           func() registry.Mode
	// source is where the scheme comes from; empty for torch.nn.init.
	source string
}

// fixed is a scheme without options: one draw for every tensor.
type fixed struct {
	formula string
	draw    dist.Draw
}

// Assign implements [registry.Mode].
func (m *fixed) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	return same(ctx, l, m.formula, m.draw)
}
