package conformance

import (
	"github.com/weightinit/weightinit/plugins/internal/fromproto"
	"github.com/weightinit/weightinit/registry"
)

// defaults are the options that a host sends when the user sets none. An
// option that has to be set gets a value that its schema allows.
func defaults(m fromproto.Mode) map[string]any {
	values := map[string]any{}
	for _, o := range m.Options.Options() {
		switch {
		case o.Default != nil:
			values[o.Name] = o.Default
		case o.Required:
			if v := someValue(m.Options, o); v != nil {
				values[o.Name] = v
			}
		}
	}
	return values
}

// someValue tries values until the schema takes one.
func someValue(s *fromproto.Schema, o registry.Option) any {
	candidates := append(limits(o), 1.0, int64(1), 0.5, 0.0, int64(0), true, "a")
	for _, v := range candidates {
		for _, try := range []any{v, []any{v}, []any{v, v}} {
			if typed(o, try) && s.Check(o.Name, try) == nil {
				return try
			}
		}
	}
	return nil
}

// typed reports whether a value has the Go type of the option.
func typed(o registry.Option, v any) bool {
	if list, ok := v.([]any); ok {
		return o.Type == registry.Array && typed(registry.Option{Type: o.Items}, list[0])
	}
	switch v.(type) {
	case float64:
		return o.Type == registry.Number
	case int64:
		return o.Type == registry.Integer
	case bool:
		return o.Type == registry.Boolean
	default:
		return o.Type == registry.String
	}
}

// limits are the bounds and the listed texts of an option.
func limits(o registry.Option) []any {
	var out []any
	kind := o.Type
	if kind == registry.Array {
		kind = o.Items
	}
	for _, bound := range []*float64{o.Min, o.Max} {
		switch {
		case bound == nil:
		case kind == registry.Integer:
			out = append(out, int64(*bound))
		default:
			out = append(out, *bound)
		}
	}
	for _, text := range o.Enum {
		out = append(out, text)
	}
	if kind == registry.Boolean {
		out = append(out, false, true)
	}
	return out
}
