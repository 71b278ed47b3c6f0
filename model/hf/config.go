// Package hf reads a config.json of Hugging Face's transformers: which
// parameters AutoModel….from_config makes of it, what is drawn to make them,
// and under which names save_pretrained writes them.
//
// It knows no class of transformers. What a family of models does stands in a
// table, families/NAME.json, in the language of families/LANGUAGE.md; this
// package interprets it. Only the families with a table are known, and of these
// only what the table covers: the rest is refused by name, never guessed.
package hf

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/formula"
	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/nearest"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/strictjson"
	"github.com/weightinit/weightinit/model/native"
)

// Kind is the kind of a [Config].
const Kind = "hf"

// DefaultMode is the mode of a config that names none.
const DefaultMode = "hf_from_config"

// Error is what is wrong with a config, and where.
type Error = native.Error

// Config is a config of a known model type.
type Config struct {
	source string
	family *family
	fields *fields
	made   dtype.Type
	// members are the keys of the text in order, values as they are written.
	members []member
}

type member struct{ key, value string }

// Recognise tells whether a JSON text is an object with the key model_type,
// which configs of transformers have.
func Recognise(text []byte) bool {
	found := false
	p := strictjson.New(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), limits.Depth)
	_ = p.Object(func(key string, _ int64) error {
		found = found || key == "model_type"
		return p.Skip()
	})
	return found
}

// Parse reads the text of a config.json of at most 4 MiB. name is the file's
// name, for messages. The error is an [*Error].
func Parse(name string, text []byte) (*Config, error) {
	c, fault := parse(text)
	if fault != nil {
		fault.File = name
		return nil, fault
	}
	c.source = name
	if _, err := c.expand(); err != nil {
		return nil, c.located(err)
	}
	return c, nil
}

func parse(text []byte) (*Config, *Error) {
	if len(text) > limits.ConfigJSON {
		return nil, fieldFault("", "the text has %d bytes, the limit of a config is %d: is this the right file?", len(text), limits.ConfigJSON)
	}
	body := bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	base := int64(len(text) - len(body))
	o, fault := readObject(body, base)
	if fault != nil {
		return nil, fault
	}
	o, f, fault := o.model(body, base)
	if fault != nil {
		return nil, fault
	}
	c := &Config{family: f, members: o.members}
	if c.fields, fault = newFields(f, o.keys); fault != nil {
		return nil, fault
	}
	if fault = c.readType(); fault != nil {
		return nil, fault
	}
	return c, c.fields.checkRefused()
}

// object is an object of a config text.
type object struct {
	keys    []*given
	members []member
}

func (o *object) find(key string) *given {
	for _, g := range o.keys {
		if g.key == key {
			return g
		}
	}
	return nil
}

// readObject reads the members of an object.
func readObject(text []byte, base int64) (*object, *Error) {
	o := &object{}
	p := strictjson.NewAt(text, limits.Depth, base)
	inside := ""
	err := p.Object(func(key string, offset int64) error {
		inside = key
		start := p.Offset() - base
		g, err := readGiven(p, key, offset)
		if err != nil {
			return err
		}
		inside = ""
		raw := bytes.TrimRight(text[start:p.Offset()-base], " \t\r\n")
		o.keys = append(o.keys, g)
		o.members = append(o.members, member{key, string(raw)})
		return nil
	})
	if err == nil {
		err = p.End()
	}
	if err != nil {
		return nil, textFault(err, inside)
	}
	return o, nil
}

// textFault is the error of a text that is no sound JSON object.
func textFault(err error, inside string) *Error {
	fault := fieldFault(inside, "%s", err)
	var syntax *strictjson.Error
	if errors.As(err, &syntax) {
		fault.Offset, fault.Problem = syntax.Offset, syntax.Detail()
		switch {
		case syntax.Reason == strictjson.Duplicate:
			fault.Field = syntax.Key
		case syntax.Reason == strictjson.Syntax && (syntax.Found == "N" || syntax.Found == "I"):
			fault.Problem = "NaN and Infinity are no JSON: use a number"
		case syntax.Reason == strictjson.Syntax:
			fault.Problem = "not JSON: " + fault.Problem
		}
	}
	fault.Err = err
	return fault
}

// maxWritten is how much of a value a message shows.
const maxWritten = 80

// readGiven reads a value as far as a table can need it.
func readGiven(p *strictjson.Parser, key string, offset int64) (*given, error) {
	g := &given{key: key, offset: offset}
	kind, err := p.Peek()
	if err != nil {
		return nil, err
	}
	if kind == strictjson.Object {
		g.object, g.written = true, "an object"
		return g, p.Object(func(string, int64) error {
			g.members++
			return p.Skip()
		})
	}
	if g.value, err = readValue(p, g); err != nil {
		return nil, err
	}
	g.written = shown.Cut(g.value.String(), maxWritten)
	return g, nil
}

// readValue reads a value; objects in lists are null.
func readValue(p *strictjson.Parser, g *given) (formula.Value, error) {
	kind, err := p.Peek()
	if err != nil {
		return formula.Value{}, err
	}
	switch kind {
	case strictjson.String:
		s, err := p.String()
		return formula.OfText(s), err
	case strictjson.Bool:
		b, err := p.Bool()
		return formula.OfBool(b), err
	case strictjson.Number:
		text, err := p.Number()
		if err != nil {
			return formula.Value{}, err
		}
		return g.number(text), nil
	case strictjson.Array:
		var list []formula.Value
		err := p.Array(func(int) error {
			v, err := readValue(p, g)
			list = append(list, v)
			return err
		})
		return formula.OfList(list), err
	}
	return formula.Value{}, p.Skip()
}

// number is Python's: digits alone are an integer.
func (g *given) number(text string) formula.Value {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return formula.OfInt(n)
	} else if errors.Is(err, strconv.ErrRange) {
		g.tooLarge = true
	}
	f, _ := strconv.ParseFloat(text, 64) // beyond float64 is infinite, as in Python
	return formula.OfFloat(f)
}

// model finds the family and the object that its fields stand in: that of the
// text model where the config is one of a wrapper.
func (o *object) model(text []byte, base int64) (*object, *family, *Error) {
	g := o.find("model_type")
	if g == nil {
		return nil, nil, fieldFault("model_type", "missing: it says which model this is")
	}
	name, isText := g.value.Text()
	if !isText {
		return nil, nil, g.fault("want a text, the name of a model type of Hugging Face")
	}
	f, err := find(name)
	if err != nil {
		return nil, nil, fieldFault("", "%v", err)
	}
	if f != nil {
		return o, f, nil
	}
	inner, wrapped := wrappers()[name]
	if !wrapped {
		return nil, nil, unknownType(g, name)
	}
	if f, err = find(inner); err != nil {
		return nil, nil, fieldFault("", "%v", err)
	}
	o, fault := o.textConfig(inner, base)
	return o, f, fault
}

// textConfig reads the config of the text model within that of a wrapper.
func (o *object) textConfig(modelType string, base int64) (*object, *Error) {
	const key = "text_config"
	text := "{}"
	for _, m := range o.members {
		if m.key == key && m.value != "null" {
			text = m.value
		}
	}
	if g := o.find(key); g != nil && !g.object && !g.value.IsNull() {
		return nil, g.fault("want an object, the config of the text model")
	}
	inner, fault := readObject([]byte(text), base)
	if fault != nil {
		return nil, fault
	}
	for _, g := range inner.keys {
		g.offset = -1 // of the nested text, which no message is about
	}
	if g := inner.find("model_type"); g != nil {
		if name, _ := g.value.Text(); name != modelType {
			return nil, g.fault("the text model of this type is %s", modelType)
		}
		return inner, nil
	}
	inner.members = append([]member{{"model_type", strconv.Quote(modelType)}}, inner.members...)
	return inner, nil
}

// ErrUnknownType is the cause of an error about a model type that has no table.
var ErrUnknownType = errors.New("a model type without a table")

func unknownType(g *given, name string) *Error {
	near := ""
	if best := nearest.Name(name, Families()); best != "" {
		near = ": did you mean " + shown.Quote(best) + "?"
	}
	fault := g.fault("no table for this model type of Hugging Face: %d are known%s; record the model with torch and give the plan file instead", len(Families()), near)
	fault.Err = ErrUnknownType
	return fault
}

// typeNames are the names of a config's dtype.
var typeNames = map[string]dtype.Type{
	"float32": dtype.F32, "float": dtype.F32, "bfloat16": dtype.BF16,
	"float16": dtype.F16, "half": dtype.F16, "float64": dtype.F64, "double": dtype.F64,
}

// readType reads the type that the model is made in: dtype, or by its older
// name torch_dtype.
func (c *Config) readType() *Error {
	c.made = dtype.F32
	for _, key := range []string{"dtype", "torch_dtype"} {
		g := c.fields.given[key]
		if g == nil || g.value.IsNull() && !g.object {
			continue
		}
		name, isText := g.value.Text()
		made, known := typeNames[name]
		if !isText || !known {
			return g.fault("not a type that weights are made in: use float32, bfloat16, float16 or float64")
		}
		c.made = made
		return nil
	}
	return nil
}

// fieldFault is the error of one field, or of none ("").
func fieldFault(field, format string, args ...any) *Error {
	return &Error{Offset: -1, Field: field, Problem: fmt.Sprintf(format, args...)}
}

// fault is the error of a key of the text.
func (g *given) fault(format string, args ...any) *Error {
	fault := fieldFault(g.key, format, args...)
	fault.Offset, fault.Value = g.offset, g.written
	return fault
}

// located makes an error about the config one with its name.
func (c *Config) located(err error) error {
	var own *Error
	if errors.As(err, &own) {
		if own.File == "" {
			own.File = c.source
		}
		return own
	}
	return &Error{File: c.source, Offset: -1, Problem: err.Error(), Err: err}
}
