package toproto

import (
	"encoding/json"
	"fmt"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/registry"
)

// Schema maps options to the restricted JSON Schema that describes them, in
// their order. Aliases and the folding of letter case have no place in it:
// they are left out, so that through a plugin an option has one name and its
// texts one spelling.
func Schema(options []registry.Option) (string, error) {
	if len(options) > wire.MaxProperties {
		return "", fmt.Errorf("%d options: the limit is %d", len(options), wire.MaxProperties)
	}
	s := &jsonschema.Schema{
		Type: "object", Properties: map[string]*jsonschema.Schema{},
		AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
	}
	for _, o := range options {
		if !wire.OptionRule.MatchString(o.Name) {
			return "", fmt.Errorf("option %q: its name must match %s", o.Name, wire.OptionRule)
		}
		p, err := property(o)
		if err != nil {
			return "", fmt.Errorf("option %q: %w", o.Name, err)
		}
		s.Properties[o.Name] = p
		s.PropertyOrder = append(s.PropertyOrder, o.Name)
		if o.Required {
			s.Required = append(s.Required, o.Name)
		}
	}
	text, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("options: %w", err)
	}
	if len(text) > wire.MaxSchema {
		return "", fmt.Errorf("options: their schema has %d bytes, the limit is %d", len(text), wire.MaxSchema)
	}
	return string(text), nil
}

func property(o registry.Option) (*jsonschema.Schema, error) {
	p := &jsonschema.Schema{Type: string(o.Type), Description: o.Doc}
	values := p
	if o.Type == registry.Array {
		p.Items = &jsonschema.Schema{Type: string(o.Items)}
		values = p.Items
	}
	for _, e := range o.Enum {
		values.Enum = append(values.Enum, e)
	}
	values.Minimum, values.Maximum = o.Min, o.Max
	values.ExclusiveMinimum, values.ExclusiveMaximum = o.Above, o.Below
	if o.Default != nil {
		text, err := json.Marshal(o.Default)
		if err != nil {
			return nil, fmt.Errorf("default: %w", err)
		}
		p.Default = text
	}
	return p, nil
}
