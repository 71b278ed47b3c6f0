package registry

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/weightinit/weightinit/internal/nearest"
)

// OptionType is the type of an option's value, by its JSON Schema name.
type OptionType string

// The types of options.
const (
	Number  OptionType = "number"
	Integer OptionType = "integer"
	Boolean OptionType = "boolean"
	String  OptionType = "string"
	Array   OptionType = "array"
)

// Option describes one option of a mode.
type Option struct {
	Name string
	Type OptionType
	// Items is the type of the elements of an Array.
	Items OptionType
	// Doc is one line.
	Doc string
	// Default is the value when none is given: nil when the option may stay
	// unset or is required. Its Go type is the one that [Configure] passes
	// on: float64, int64, bool, string or a slice of one of these.
	Default any
	// FromConfig names the field of the model's config whose value, if above 0,
	// counts where the option is not given, before Default; empty for none. The
	// mode itself reads it.
	FromConfig string
	// Required options have no default.
	Required bool
	// Aliases are further names of the option.
	Aliases []string
	// Enum lists the allowed texts; empty means any. Fold takes them in any
	// letter case.
	Enum []string
	Fold bool
	// Min and Max bound a number inclusively, Above and Below exclusively.
	Min, Max, Above, Below *float64
}

// Dynamic is a mode whose options are not the fields of a Go struct, such as
// one that a plugin describes.
type Dynamic interface {
	Mode
	// Options describes the options, in a fixed order.
	Options() []Option
	// SetOption sets one option to a value that passed the checks of its
	// description.
	SetOption(name string, value any) error
	// OptionValues returns the values of the options that are set.
	OptionValues() map[string]any
}

// Options returns the options of a mode in declaration order.
//
// For a mode that is not [Dynamic] they are the exported fields of the struct
// that it points to, described by their tags: json (the name; a field without
// it is no option), default, min, max, above, below, enum (texts with commas
// between), fold:"true", also (aliases with commas between), required:"true",
// config (the name of a field, see FromConfig) and doc. A pointer field may stay unset.
func Options(m Mode) ([]Option, error) {
	if d, ok := m.(Dynamic); ok {
		return d.Options(), nil
	}
	var out []Option
	for _, f := range fields(m) {
		o, err := describe(f.Type, f.Tag)
		if err != nil {
			return nil, fmt.Errorf("option field %s: %w", f.Name, err)
		}
		out = append(out, o)
	}
	return out, nil
}

// fields lists the option fields of the struct behind m.
func fields(m Mode) []reflect.StructField {
	t := reflect.TypeOf(m)
	if t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return nil
	}
	var out []reflect.StructField
	for _, f := range reflect.VisibleFields(t.Elem()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && name != "" && name != "-" {
			out = append(out, f)
		}
	}
	return out
}

func describe(t reflect.Type, tag reflect.StructTag) (Option, error) {
	name, _, _ := strings.Cut(tag.Get("json"), ",")
	o := Option{Name: name, Doc: tag.Get("doc"), FromConfig: tag.Get("config"), Required: tag.Get("required") == "true"}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var err error
	if o.Type, err = typeOf(t); err != nil {
		return o, err
	}
	if o.Type == Array {
		if o.Items, err = typeOf(t.Elem()); err != nil || o.Items == Array {
			return o, fmt.Errorf("elements of type %s cannot be options", t.Elem())
		}
	}
	if enum := tag.Get("enum"); enum != "" {
		o.Enum = strings.Split(enum, ",")
	}
	if also := tag.Get("also"); also != "" {
		o.Aliases = strings.Split(also, ",")
	}
	o.Fold = tag.Get("fold") == "true"
	for key, bound := range map[string]**float64{"min": &o.Min, "max": &o.Max, "above": &o.Above, "below": &o.Below} {
		if text, ok := tag.Lookup(key); ok {
			v, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return o, fmt.Errorf("tag %s: %w", key, err)
			}
			*bound = &v
		}
	}
	if text, ok := tag.Lookup("default"); ok {
		if o.Default, err = o.Parse(text); err != nil {
			return o, fmt.Errorf("tag default: %w", err)
		}
	}
	return o, nil
}

func typeOf(t reflect.Type) (OptionType, error) {
	switch t.Kind() {
	case reflect.Float64:
		return Number, nil
	case reflect.Int, reflect.Int64:
		return Integer, nil
	case reflect.Bool:
		return Boolean, nil
	case reflect.String:
		return String, nil
	case reflect.Slice:
		return Array, nil
	default:
		return "", fmt.Errorf("type %s cannot be an option", t)
	}
}

// Parse reads a value from the text of --set KEY=VALUE and checks it. An
// Array is its elements with commas between.
func (o Option) Parse(text string) (any, error) {
	if o.Type == Array {
		var list []any
		for _, part := range strings.Split(text, ",") {
			v, err := o.parseOne(o.Items, strings.TrimSpace(part))
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	return o.parseOne(o.Type, text)
}

func (o Option) parseOne(t OptionType, text string) (any, error) {
	fail := func(problem string) (any, error) {
		return nil, &OptionError{Option: o.Name, Value: text, Problem: problem}
	}
	var v any
	switch t {
	case Number:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) || strings.ContainsAny(text, "xX_pP") {
			return fail("must be a finite number")
		}
		v = f
	case Integer:
		i, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fail("must be an integer")
		}
		v = i
	case Boolean:
		if text != "true" && text != "false" {
			return fail("must be true or false")
		}
		v = text == "true"
	default:
		for _, allowed := range o.Enum {
			if o.Fold && strings.EqualFold(text, allowed) {
				text = allowed
			}
		}
		v = text
	}
	if problem := o.problem(v); problem != "" {
		return fail(problem)
	}
	return v, nil
}

// problem checks a value of the option's type, or of its elements' type,
// against the bounds and the list of allowed texts.
func (o Option) problem(v any) string {
	var number float64
	switch v := v.(type) {
	case float64:
		number = v
	case int64:
		number = float64(v)
	case string:
		if len(o.Enum) > 0 && !slices.Contains(o.Enum, v) {
			return "must be one of " + strings.Join(o.Enum, ", ")
		}
		return ""
	default:
		return ""
	}
	switch {
	case o.Min != nil && number < *o.Min:
		return fmt.Sprintf("must be at least %v", *o.Min)
	case o.Max != nil && number > *o.Max:
		return fmt.Sprintf("must be at most %v", *o.Max)
	case o.Above != nil && number <= *o.Above:
		return fmt.Sprintf("must be above %v", *o.Above)
	case o.Below != nil && number >= *o.Below:
		return fmt.Sprintf("must be below %v", *o.Below)
	default:
		return ""
	}
}

// Configure makes an instance of the mode with the given settings, each
// "key=value". Unknown keys, a key given twice, values of the wrong type or
// out of range and missing required options are [*OptionError]s.
func Configure(info Info, settings []string) (Mode, error) {
	texts := make(map[string]string, len(settings))
	for _, s := range settings {
		key, text, ok := strings.Cut(s, "=")
		if !ok {
			return nil, &OptionError{Option: s, Problem: "must be given as key=value"}
		}
		if _, twice := texts[key]; twice {
			return nil, &OptionError{Option: key, Value: text, Problem: "given twice"}
		}
		texts[key] = text
	}
	values := make(map[string]any, len(texts))
	options, err := Options(info.New())
	if err != nil {
		return nil, err
	}
	for key, text := range texts {
		o, err := findOption(info, options, key)
		if err != nil {
			return nil, err
		}
		if _, twice := values[o.Name]; twice {
			return nil, &OptionError{Option: key, Value: text, Problem: fmt.Sprintf("given twice, also as %q", o.Name)}
		}
		if values[o.Name], err = o.Parse(text); err != nil {
			return nil, err
		}
	}
	return instance(info, options, values)
}

func findOption(info Info, options []Option, name string) (Option, error) {
	var names []string
	for _, o := range options {
		if o.Name == name || slices.Contains(o.Aliases, name) {
			return o, nil
		}
		names = append(names, o.Name)
	}
	problem := fmt.Sprintf("mode %q has no such option", info.ID)
	if len(names) == 0 {
		return Option{}, &OptionError{Option: name, Problem: problem + ", it has none"}
	}
	if near := nearest.Name(name, names); near != "" {
		problem += fmt.Sprintf("; did you mean %q?", near)
	}
	return Option{}, &OptionError{Option: name, Problem: problem + " (its options are " + strings.Join(names, ", ") + ")"}
}

// instance makes a mode and sets the values, with defaults for the rest.
func instance(info Info, options []Option, values map[string]any) (Mode, error) {
	m := info.New()
	for _, o := range options {
		v, given := values[o.Name]
		if !given {
			v = o.Default
		}
		if v == nil {
			if o.Required {
				return nil, &OptionError{Option: o.Name, Missing: true, Problem: fmt.Sprintf("mode %q requires it; give it a value", info.ID)}
			}
			continue
		}
		if d, ok := m.(Dynamic); ok {
			if err := d.SetOption(o.Name, v); err != nil {
				return nil, err
			}
			continue
		}
		setField(m, o.Name, v)
	}
	return m, nil
}

// setField stores a checked value in the field with the option's name.
func setField(m Mode, name string, v any) {
	for _, f := range fields(m) {
		if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag != name {
			continue
		}
		dst := reflect.ValueOf(m).Elem().FieldByIndex(f.Index)
		if dst.Kind() == reflect.Pointer {
			dst.Set(reflect.New(dst.Type().Elem()))
			dst = dst.Elem()
		}
		if list, ok := v.([]any); ok {
			slice := reflect.MakeSlice(dst.Type(), len(list), len(list))
			for i, e := range list {
				slice.Index(i).Set(reflect.ValueOf(e).Convert(dst.Type().Elem()))
			}
			dst.Set(slice)
			return
		}
		dst.Set(reflect.ValueOf(v).Convert(dst.Type()))
	}
}

// Settings returns the options of m as "key=value" texts, sorted, that
// [Configure] turns into the same instance. Unset options are left out.
func Settings(m Mode) ([]string, error) {
	values, err := Values(m)
	if err != nil {
		return nil, err
	}
	var out []string
	for key, v := range values {
		out = append(out, key+"="+format(v))
	}
	slices.Sort(out)
	return out, nil
}

func format(v any) string {
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = format(e)
		}
		return strings.Join(parts, ",")
	default:
		return fmt.Sprint(v)
	}
}

// Values returns the set options of m by name.
func Values(m Mode) (map[string]any, error) {
	if v, ok := m.(Dynamic); ok {
		return v.OptionValues(), nil
	}
	out := map[string]any{}
	for _, f := range fields(m) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		v := reflect.ValueOf(m).Elem().FieldByIndex(f.Index)
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				continue
			}
			v = v.Elem()
		}
		switch v.Kind() {
		case reflect.Int, reflect.Int64:
			out[name] = v.Int()
		case reflect.Slice:
			if v.Len() == 0 {
				continue
			}
			list := make([]any, v.Len())
			for i := range list {
				list[i] = v.Index(i).Interface()
			}
			out[name] = list
		default:
			out[name] = v.Interface()
		}
	}
	return out, nil
}

// OptionsJSON returns the set options of m as a JSON object with sorted keys.
func OptionsJSON(m Mode) ([]byte, error) {
	values, err := Values(m)
	if err != nil {
		return nil, err
	}
	return json.Marshal(values)
}
