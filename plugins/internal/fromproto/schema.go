package fromproto

import (
	"math"
	"slices"
	"strconv"

	"github.com/weightinit/weightinit/internal/strictjson"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/registry"
)

// schemaDepth is enough for a property of the deepest allowed form.
const schemaDepth = 8

// rawProperty is one property of a schema before its parts are checked
// against each other.
type rawProperty struct {
	kind, doc                string
	fallback                 any
	enum                     []any
	min, max, above, below   *float64
	minItems, maxItems       *int
	items                    *rawProperty
	hasFallback, hasEnumList bool
}

// ParseSchema reads a JSON Schema of the restricted form that describes a
// mode's options. An empty text is a schema without options.
func ParseSchema(schema string) (*Schema, error) {
	s := &Schema{}
	if schema == "" {
		return s, nil
	}
	if len(schema) > wire.MaxSchema {
		return nil, bad("", "", "has %d bytes, the limit is %d", len(schema), wire.MaxSchema)
	}
	p := strictjson.New([]byte(schema), schemaDepth)
	var isObject, closed bool
	var required []string
	err := p.Object(func(key string, _ int64) error {
		var err error
		switch key {
		case "type":
			var kind string
			if kind, err = p.String(); err == nil && kind != "object" {
				return bad("type", kind, `must be "object"`)
			}
			isObject = true
		case "additionalProperties":
			var open bool
			if open, err = p.Bool(); err == nil && open {
				return bad(key, "true", "must be false")
			}
			closed = true
		case "properties":
			return s.parseProperties(p)
		case "required":
			return p.Array(func(int) error {
				name, err := p.String()
				required = append(required, name)
				return err
			})
		default:
			return bad("", key, "is a keyword that options cannot use")
		}
		return err
	})
	if err == nil {
		err = p.End()
	}
	switch {
	case err != nil:
		return nil, asField(err)
	case !isObject:
		return nil, bad("type", "", `must be "object"`)
	case !closed:
		return nil, bad("additionalProperties", "", "must be false")
	}
	return s, s.require(required)
}

// asField keeps errors about fields and turns those of the parser into one.
func asField(err error) error {
	if e, ok := err.(*FieldError); ok {
		return e
	}
	return bad("", "", "%s", err)
}

func (s *Schema) require(names []string) error {
	for i, name := range names {
		p := s.find(name)
		if p == nil {
			return bad(index("required", i), name, "is not a property")
		}
		if slices.Contains(names[:i], name) {
			return bad(index("required", i), name, "is listed twice")
		}
		// A default answers for an option that nobody sets.
		p.Required = p.Default == nil
	}
	return nil
}

func (s *Schema) parseProperties(p *strictjson.Parser) error {
	return p.Object(func(name string, _ int64) error {
		if len(s.properties) == wire.MaxProperties {
			return bad("properties", "", "has more than %d entries", wire.MaxProperties)
		}
		if !wire.OptionRule.MatchString(name) {
			return bad("properties", name, "must match %s", wire.OptionRule)
		}
		field := "properties." + name
		raw, err := parseProperty(p, false)
		if err != nil {
			return within(field, asField(err))
		}
		option, err := raw.property(name)
		if err != nil {
			return within(field, err)
		}
		s.properties = append(s.properties, *option)
		return nil
	})
}

func parseProperty(p *strictjson.Parser, item bool) (*rawProperty, error) {
	r := &rawProperty{}
	err := p.Object(func(key string, _ int64) error {
		var err error
		switch key {
		case "type":
			r.kind, err = p.String()
		case "description":
			if r.doc, err = p.String(); err == nil {
				err = text("description", r.doc, 0, wire.MaxDescription, true)
			}
		case "default":
			r.hasFallback = true
			r.fallback, err = parseValue(p)
		case "enum":
			r.hasEnumList = true
			err = p.Array(func(int) error {
				v, err := parseValue(p)
				r.enum = append(r.enum, v)
				return err
			})
		case "minimum":
			r.min, err = parseBound(key, p)
		case "maximum":
			r.max, err = parseBound(key, p)
		case "exclusiveMinimum":
			r.above, err = parseBound(key, p)
		case "exclusiveMaximum":
			r.below, err = parseBound(key, p)
		case "minItems":
			r.minItems, err = parseCount(key, p)
		case "maxItems":
			r.maxItems, err = parseCount(key, p)
		case "items":
			if item {
				return bad("items", "", "arrays cannot stand inside arrays")
			}
			r.items, err = parseProperty(p, true)
			if err != nil {
				err = within("items", asField(err))
			}
		default:
			return bad("", key, "is a keyword that options cannot use")
		}
		return err
	})
	return r, err
}

func parseBound(key string, p *strictjson.Parser) (*float64, error) {
	literal, err := p.Number()
	if err != nil {
		return nil, err
	}
	v, err := strconv.ParseFloat(literal, 64)
	if err != nil || math.IsInf(v, 0) {
		return nil, bad(key, literal, "must be a finite number")
	}
	return &v, nil
}

func parseCount(key string, p *strictjson.Parser) (*int, error) {
	literal, err := p.Number()
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(literal)
	if err != nil || n < 0 || n > wire.MaxOptions {
		return nil, bad(key, literal, "must be a whole number from 0 to %d", wire.MaxOptions)
	}
	return &n, nil
}

// literal is a number as it is written.
type literal string

// parseValue reads a literal, string, bool or []any of these.
func parseValue(p *strictjson.Parser) (any, error) {
	kind, err := p.Peek()
	if err != nil {
		return nil, err
	}
	switch kind {
	case strictjson.Number:
		s, err := p.Number()
		return literal(s), err
	case strictjson.String:
		return p.String()
	case strictjson.Bool:
		return p.Bool()
	case strictjson.Array:
		list := []any{}
		err := p.Array(func(int) error {
			v, err := parseValue(p)
			if _, nested := v.([]any); nested && err == nil {
				return bad("", "", "arrays cannot stand inside arrays")
			}
			list = append(list, v)
			return err
		})
		return list, err
	default:
		return nil, bad("", "", "%s is not the value of an option", kind)
	}
}

// property checks the parts of a property against each other.
func (r *rawProperty) property(name string) (*property, error) {
	out := &property{minItems: r.minItems, maxItems: r.maxItems}
	out.Name, out.Doc, out.Type = name, r.doc, registry.OptionType(r.kind)
	bounds := r
	switch out.Type {
	case registry.Number, registry.Integer, registry.Boolean, registry.String:
		if r.items != nil || r.minItems != nil || r.maxItems != nil {
			return nil, bad("type", r.kind, "only arrays have items")
		}
	case registry.Array:
		if r.items == nil {
			return nil, bad("items", "", "is missing: an array needs the type of its elements")
		}
		if r.bounded() {
			return nil, bad("minimum", "", "belongs to the items of an array")
		}
		if r.items.hasFallback || r.items.minItems != nil || r.items.maxItems != nil {
			return nil, bad("items", "", "may have a type, bounds and an enum only")
		}
		out.Items, bounds = registry.OptionType(r.items.kind), r.items
		switch out.Items {
		case registry.Number, registry.Integer, registry.Boolean, registry.String:
		default:
			return nil, bad("items.type", r.items.kind, "must be number, integer, boolean or string")
		}
	default:
		return nil, bad("type", r.kind, "must be number, integer, boolean, string or array")
	}
	if element := out.element(); bounds.bounded() && element != registry.Number && element != registry.Integer {
		return nil, bad("type", string(element), "only numbers have a minimum or maximum")
	}
	out.Min, out.Max, out.Above, out.Below = bounds.min, bounds.max, bounds.above, bounds.below
	if err := out.setEnums(r); err != nil {
		return nil, err
	}
	if r.hasFallback {
		v, err := out.value(r.fallback)
		if err != nil {
			return nil, bad("default", "", "%s", err)
		}
		out.Default = v
	}
	return out, nil
}

func (r *rawProperty) bounded() bool {
	return r.min != nil || r.max != nil || r.above != nil || r.below != nil
}

// setEnums reads the enum of the property and that of its items.
func (p *property) setEnums(r *rawProperty) error {
	read := func(field string, raw *rawProperty, as func(any) (any, error)) ([]any, error) {
		if raw == nil || !raw.hasEnumList {
			return nil, nil
		}
		if len(raw.enum) == 0 {
			return nil, bad(field, "", "must list at least one value")
		}
		var list []any
		for i, e := range raw.enum {
			v, err := as(e)
			if err != nil {
				return nil, bad(index(field, i), "", "%s", err)
			}
			list = append(list, v)
		}
		return list, nil
	}
	var err error
	if p.Type == registry.Array {
		if p.itemEnum, err = read("items.enum", r.items, p.scalar); err != nil {
			return err
		}
	}
	if p.enum, err = read("enum", r, p.value); err != nil {
		return err
	}
	texts := p.enum
	if p.Type == registry.Array {
		texts = p.itemEnum
	}
	if p.element() == registry.String {
		for _, v := range texts {
			p.Enum = append(p.Enum, v.(string))
		}
	}
	return nil
}
