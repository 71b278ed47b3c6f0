package native

import (
	"errors"

	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/strictyaml"
)

// configYAML is what a config may hold. It has about a hundred keys.
var configYAML = strictyaml.Dialect{
	Name: "config", Limited: "YAML config",
	Empty:  "the text is empty: write the model's fields, one \"key: value\" a line",
	Levels: "a config needs no more than two levels",
	Bytes:  limits.ConfigYAML,
}

// readYAML reads a YAML text.
func readYAML(text []byte) (*document, *Error) {
	root, err := strictyaml.Parse(text, configYAML)
	if err != nil {
		return nil, yamlError(err)
	}
	if root.Kind != strictyaml.Map {
		v := yamlValue(root, false)
		return nil, badText(v.at, "want the model's fields, one \"key: value\" a line, found %s", formNames[v.form])
	}
	d := &document{}
	for _, m := range root.Members {
		at := yamlPlace(m.Line, m.Column)
		if d.note(m.Key, at) {
			d.entries = append(d.entries, entry{m.Key, at, yamlValue(m.Value, fields[m.Key].kind == mapKind)})
		}
	}
	return d, nil
}

// yamlError turns an error of the reader into one of this package.
func yamlError(err error) *Error {
	var fault *strictyaml.Error
	if !errors.As(err, &fault) {
		return &Error{Offset: -1, Problem: err.Error(), Err: err}
	}
	return &Error{Offset: fault.Offset, Line: fault.Line, Column: fault.Column, Field: fault.Key, Problem: fault.Problem, Err: fault.Err}
}

func yamlPlace(line, column int) place { return place{offset: -1, line: line, column: column} }

var yamlForms = [...]form{
	strictyaml.Null: nullForm, strictyaml.Bool: boolForm, strictyaml.Number: numberForm, strictyaml.Text: textForm,
	strictyaml.List: listForm, strictyaml.Map: mapForm, strictyaml.Unclear: unclearForm,
}

// yamlValue makes a value of a node. Of a mapping it keeps, when members is
// true, the members that rope_scaling may have.
func yamlValue(n *strictyaml.Node, members bool) value {
	v := value{form: yamlForms[n.Kind], at: yamlPlace(n.Line, n.Column), text: n.Text, flag: n.Flag, why: n.Why, broken: n.Broken}
	if n.Kind != strictyaml.Map || !members {
		return v
	}
	v.members = make(map[string]value)
	for _, m := range n.Members {
		if ropeFields[m.Key].kind != 0 {
			v.members[m.Key] = yamlValue(m.Value, false)
		}
	}
	return v
}
