package native

import (
	"errors"

	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/strictjson"
)

// readJSON reads a JSON text that begins at byte mark of its file. Values of
// unknown keys are checked and dropped.
func readJSON(text []byte, mark int64) (*document, *Error) {
	p := strictjson.NewAt(text, limits.Depth, mark)
	if int(p.Offset()-mark) == len(text) {
		return nil, badText(nowhere, "the text is empty: write a JSON object with the model's fields")
	}
	if len(text) > 8 && text[8] == '{' && text[7] == 0 && text[6] == 0 {
		return nil, badText(place{offset: 0}, "this is a safetensors file, not a config: name the JSON or YAML config")
	}
	d := &document{}
	inside := "" // the key whose value is being read
	read := func() error {
		kind, err := p.Peek()
		if err != nil {
			return err
		}
		if kind != strictjson.Object {
			return badText(place{offset: p.Offset()}, "want one JSON object with the model's fields, found %s", formNames[jsonForm(kind)])
		}
		err = p.Object(func(key string, offset int64) error {
			inside = key
			if !d.note(key, place{offset: offset}) {
				err = p.Skip()
			} else {
				var v value
				v, err = jsonValue(p, fields[key].kind == mapKind)
				d.entries = append(d.entries, entry{key, place{offset: offset}, v})
			}
			if err == nil {
				inside = ""
			}
			return err
		})
		if err != nil {
			return err
		}
		return p.End()
	}
	if err := read(); err != nil {
		return nil, jsonError(err, inside)
	}
	return d, nil
}

// jsonError turns an error of the parser, inside the value of a key or "", into
// one of this package.
func jsonError(err error, inside string) *Error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	fault := badField(inside, "", "%s", err)
	var syntax *strictjson.Error
	if errors.As(err, &syntax) {
		fault = badField(inside, "", "%s", syntax.Detail()).at(place{offset: syntax.Offset})
		switch syntax.Reason {
		case strictjson.Syntax:
			fault.Problem = "not JSON: " + fault.Problem
		case strictjson.Duplicate:
			fault.Field = syntax.Key
		case strictjson.Depth:
			fault.Problem += ": a config needs no more than two levels"
		}
	}
	fault.Err = err
	return fault
}

func jsonForm(k strictjson.Kind) form {
	switch k {
	case strictjson.Object:
		return mapForm
	case strictjson.Array:
		return listForm
	case strictjson.String:
		return textForm
	case strictjson.Number:
		return numberForm
	case strictjson.Bool:
		return boolForm
	default:
		return nullForm
	}
}

// jsonValue reads the next value. Of an object it keeps, when members is true,
// the members that rope_scaling may have.
func jsonValue(p *strictjson.Parser, members bool) (v value, err error) {
	kind, err := p.Peek()
	if err != nil {
		return v, err
	}
	v.form, v.at = jsonForm(kind), place{offset: p.Offset()}
	switch {
	case v.form == textForm:
		v.text, err = p.String()
	case v.form == numberForm:
		v.text, err = p.Number()
	case v.form == boolForm:
		v.flag, err = p.Bool()
	case v.form == mapForm && members:
		v.members = make(map[string]value)
		err = p.Object(func(key string, _ int64) error {
			if _, known := ropeFields[key]; !known {
				return p.Skip()
			}
			m, err := jsonValue(p, false)
			v.members[key] = m
			return err
		})
	default:
		err = p.Skip()
	}
	return v, err
}
