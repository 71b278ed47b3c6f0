package fromproto

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/strictjson"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/registry"
)

// Schema is a parsed schema: the options of one mode.
type Schema struct{ properties []property }

// property is an option with the rules that [registry.Option] cannot say.
type property struct {
	registry.Option
	minItems, maxItems *int
	// enum lists the allowed values, itemEnum those of an array's elements.
	enum, itemEnum []any
}

// Options returns the options in the order of the schema.
func (s *Schema) Options() []registry.Option {
	out := make([]registry.Option, len(s.properties))
	for i, p := range s.properties {
		out[i] = p.Option
	}
	return out
}

func (s *Schema) find(name string) *property {
	for i := range s.properties {
		if s.properties[i].Name == name {
			return &s.properties[i]
		}
	}
	return nil
}

// Check checks a value of an option against everything that the schema says.
// The value is a float64, int64, bool, string or []any of these, as
// [registry.Option.Parse] returns it. The error is a [*registry.OptionError].
func (s *Schema) Check(name string, v any) error {
	p := s.find(name)
	if p == nil {
		return &registry.OptionError{Option: name, Problem: "there is no such option"}
	}
	if problem := p.problem(v); problem != "" {
		return &registry.OptionError{Option: name, Value: fmt.Sprint(v), Problem: problem}
	}
	return nil
}

// Values reads the options of a request: one JSON object whose members are
// options of the schema. Defaults are not filled in. Errors about an option
// are [*registry.OptionError]s, others [*FieldError]s.
func (s *Schema) Values(options string) (map[string]any, error) {
	if len(options) > wire.MaxOptions {
		return nil, bad("options_json", "", "has %d bytes, the limit is %d", len(options), wire.MaxOptions)
	}
	values := map[string]any{}
	if options == "" {
		return values, nil
	}
	p := strictjson.New([]byte(options), schemaDepth)
	err := p.Object(func(key string, _ int64) error {
		option := s.find(key)
		if option == nil {
			return &registry.OptionError{Option: key, Problem: "there is no such option" + s.names()}
		}
		raw, err := parseValue(p)
		if err != nil {
			return err
		}
		v, err := option.value(raw)
		if err != nil {
			return &registry.OptionError{Option: key, Problem: err.Error()}
		}
		values[key] = v
		return nil
	})
	if err == nil {
		err = p.End()
	}
	switch err.(type) {
	case nil:
		return values, nil
	case *registry.OptionError:
		return nil, err
	default:
		return nil, within("options_json", asField(err))
	}
}

// names lists the options for an error.
func (s *Schema) names() string {
	if len(s.properties) == 0 {
		return ", the mode has none"
	}
	var names []string
	for _, p := range s.properties {
		names = append(names, p.Name)
	}
	return " (there are " + strings.Join(names, ", ") + ")"
}

// element is the type of a single value.
func (p *property) element() registry.OptionType {
	if p.Type == registry.Array {
		return p.Items
	}
	return p.Type
}

// value converts what [parseValue] returns and checks it.
func (p *property) value(raw any) (any, error) {
	if p.Type != registry.Array {
		v, err := p.scalar(raw)
		if err != nil {
			return nil, err
		}
		if problem := p.problem(v); problem != "" {
			return nil, fmt.Errorf("%s %s", show(raw), problem)
		}
		return v, nil
	}
	list, ok := raw.([]any)
	if !ok {
		return nil, fmt.Errorf("%s must be an array", show(raw))
	}
	out := make([]any, len(list))
	for i, e := range list {
		v, err := p.scalar(e)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	if problem := p.problem(out); problem != "" {
		return nil, fmt.Errorf("%s %s", show(raw), problem)
	}
	return out, nil
}

func show(raw any) string {
	if s, ok := raw.(string); ok {
		return shown.Quote(s)
	}
	return shown.Cut(fmt.Sprint(raw), shown.MaxText)
}

// scalar converts one value to the option's type, or that of its elements.
func (p *property) scalar(raw any) (any, error) {
	number, isNumber := raw.(literal)
	switch t := p.element(); t {
	case registry.Boolean:
		if v, ok := raw.(bool); ok {
			return v, nil
		}
	case registry.String:
		if v, ok := raw.(string); ok {
			return v, nil
		}
	case registry.Number:
		v, err := strconv.ParseFloat(string(number), 64)
		if isNumber && err == nil && !math.IsInf(v, 0) {
			return v, nil
		}
	case registry.Integer:
		if !isNumber {
			break
		}
		if v, err := strconv.ParseInt(string(number), 10, 64); err == nil {
			return v, nil
		}
		// JSON Schema counts 2.0 as an integer.
		if v, err := strconv.ParseFloat(string(number), 64); err == nil && v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v), nil
		}
	}
	return nil, fmt.Errorf("%s must be of type %s", show(raw), p.element())
}

// problem checks a converted value.
func (p *property) problem(v any) string {
	if p.enum != nil && !contains(p.enum, v) {
		return "must be one of " + join(p.enum)
	}
	list, ok := v.([]any)
	if !ok {
		return p.bounds(v)
	}
	switch n := len(list); {
	case p.minItems != nil && n < *p.minItems:
		return fmt.Sprintf("must have at least %d elements", *p.minItems)
	case p.maxItems != nil && n > *p.maxItems:
		return fmt.Sprintf("must have at most %d elements", *p.maxItems)
	}
	for _, e := range list {
		if p.itemEnum != nil && !contains(p.itemEnum, e) {
			return "must have only elements of " + join(p.itemEnum)
		}
		if problem := p.bounds(e); problem != "" {
			return "has an element that " + problem
		}
	}
	return ""
}

func (p *property) bounds(v any) string {
	var x float64
	switch v := v.(type) {
	case float64:
		x = v
	case int64:
		x = float64(v)
	default:
		return ""
	}
	switch {
	case p.Min != nil && x < *p.Min:
		return fmt.Sprintf("must be at least %v", *p.Min)
	case p.Max != nil && x > *p.Max:
		return fmt.Sprintf("must be at most %v", *p.Max)
	case p.Above != nil && x <= *p.Above:
		return fmt.Sprintf("must be above %v", *p.Above)
	case p.Below != nil && x >= *p.Below:
		return fmt.Sprintf("must be below %v", *p.Below)
	}
	return ""
}

func contains(list []any, v any) bool {
	for _, e := range list {
		if reflect.DeepEqual(e, v) {
			return true
		}
	}
	return false
}

func join(list []any) string {
	parts := make([]string, len(list))
	for i, e := range list {
		parts[i] = show(e)
	}
	return shown.Cut(strings.Join(parts, ", "), wire.MaxShown)
}
