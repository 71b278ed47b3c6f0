package hf

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/weightinit/weightinit/internal/formula"
)

//go:embed families/*.json order.json roles.json
var tables embed.FS

// family is the leaf table of a model type, as families/NAME.json has it.
type family struct {
	Auto      string               `json:"auto"`
	Class     string               `json:"class"`
	ModelType string               `json:"model_type"`
	Fields    map[string]fieldRule `json:"fields"`
	Aliases   map[string]string    `json:"aliases"`
	Fixed     map[string]any       `json:"fixed"`
	Absent    []string             `json:"absent"`
	Refuse    [][2]string          `json:"refuse"`
	Sigma     string               `json:"sigma"`
	Lines     []string             `json:"lines"`
	Ties      [][3]string          `json:"ties"`
	File      []fileRule           `json:"file"`
	TextOnly  []string             `json:"text_only"`
	Verified  map[string]any       `json:"verified"`

	parts    [][]item
	refusals []refusal
	ties     []tie
	files    []savedRule
	order    map[string][]string
}

// fieldRule is a field of a config that an expression reads.
type fieldRule struct {
	Type     string          `json:"type"`
	Values   []any           `json:"values"`
	Default  json.RawMessage `json:"default"`
	Null     json.RawMessage `json:"null"`
	Given    json.RawMessage `json:"given"`
	Required bool            `json:"required"`

	absent, null, given rule
	// nullRefused tells that the field must not be null, nullKept that null
	// stays null.
	nullRefused, nullKept bool
	values                []formula.Value
}

// rule is a value that is written down, or computed.
type rule struct {
	set         bool
	value       formula.Value
	expr        *formula.Expr
	each, count *formula.Expr
}

// fileRule says what lies in the saved file instead of a tensor.
type fileRule struct {
	From     string      `json:"from"`
	If       string      `json:"if"`
	Omit     bool        `json:"omit"`
	Keep     bool        `json:"keep"`
	EvenTied bool        `json:"even_tied"`
	To       []savedPart `json:"to"`
}

type savedPart struct {
	Name  string          `json:"name"`
	Take  string          `json:"take"`
	Rows  string          `json:"rows"`
	Shape []string        `json:"shape"`
	Start json.RawMessage `json:"start"`
	Count json.RawMessage `json:"count"`
}

// index finds the file of a model type, without reading it.
var index = sync.OnceValue(func() map[string]string {
	entries, err := tables.ReadDir("families")
	if err != nil {
		panic(err) // the tables are part of the program
	}
	out := map[string]string{}
	for _, e := range entries {
		out[strings.TrimSuffix(e.Name(), ".json")] = path.Join("families", e.Name())
	}
	return out
})

// Families lists the model types that are known, sorted.
func Families() []string {
	var out []string
	for name := range index() {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Class returns the class of transformers that a known model type makes; "" for
// others.
func Class(modelType string) string {
	f, err := find(modelType)
	if err != nil || f == nil {
		return ""
	}
	return f.Class
}

var (
	readLock sync.Mutex
	read     = map[string]*family{}
)

// find returns the table of a model type, nil where there is none.
func find(modelType string) (*family, error) {
	file, known := index()[modelType]
	if !known {
		return nil, nil
	}
	readLock.Lock()
	defer readLock.Unlock()
	if f := read[modelType]; f != nil {
		return f, nil
	}
	text, err := tables.ReadFile(file)
	if err != nil {
		return nil, err
	}
	f, err := readFamily(text)
	if err != nil {
		return nil, fmt.Errorf("model: the table of %s: %w", modelType, err)
	}
	f.order = orders()[modelType]
	read[modelType] = f
	return f, nil
}

// wrappers maps the model types of wrappers to those of the text models that
// AutoModelForCausalLM makes of them.
var wrappers = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	for name := range index() {
		f, err := find(name)
		if err != nil {
			continue // told when the family is asked for
		}
		for _, wrapper := range f.TextOnly {
			out[wrapper] = name
		}
	}
	return out
})

// orders says where the state dict has the children of a module in another
// order than the table has the lines.
var orders = sync.OnceValue(func() map[string]map[string][]string {
	text, err := tables.ReadFile("order.json")
	if err != nil {
		panic(err)
	}
	var out map[string]map[string][]string
	if err := json.Unmarshal(text, &out); err != nil {
		panic(err)
	}
	return out
})

// readFamily reads a table and parses all that stands in it.
func readFamily(text []byte) (*family, error) {
	f := &family{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(f); err != nil {
		return nil, err
	}
	for name, field := range f.Fields {
		if err := field.parse(); err != nil {
			return nil, fmt.Errorf("field %s: %w", name, err)
		}
		f.Fields[name] = field
	}
	var err error
	if f.parts, err = parseLines(f.Lines, f.Sigma); err != nil {
		return nil, err
	}
	for _, r := range f.Refuse {
		e, err := formula.Parse(r[0])
		if err != nil {
			return nil, err
		}
		f.refusals = append(f.refusals, refusal{e, r[1]})
	}
	if err := f.parseTies(); err != nil {
		return nil, err
	}
	return f, f.parseFile()
}

// parse reads the rules of a field.
func (f *fieldRule) parse() error {
	var err error
	if f.absent, err = parseRule(f.Default); err != nil {
		return err
	}
	if f.given, err = parseRule(f.Given); err != nil {
		return err
	}
	f.nullKept, f.nullRefused = string(f.Null) == `"null"`, len(f.Null) == 0 || string(f.Null) == `"refused"`
	if !f.nullKept && !f.nullRefused {
		if f.null, err = parseRule(f.Null); err != nil {
			return err
		}
	}
	for _, v := range f.Values {
		value, err := plainValue(v)
		if err != nil {
			return err
		}
		f.values = append(f.values, value)
	}
	return nil
}

// parseRule reads a constant, {"expr": E} or {"each": E, "count": N}.
func parseRule(text json.RawMessage) (rule, error) {
	if len(text) == 0 {
		return rule{}, nil
	}
	if text[0] != '{' {
		var v any
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			return rule{}, err
		}
		value, err := plainValue(v)
		return rule{set: true, value: value}, err
	}
	var computed struct{ Expr, Each, Count string }
	if err := json.Unmarshal(text, &computed); err != nil {
		return rule{}, err
	}
	r := rule{set: true}
	var err error
	if computed.Expr != "" {
		r.expr, err = formula.Parse(computed.Expr)
		return r, err
	}
	if r.each, err = formula.Parse(computed.Each); err != nil {
		return r, err
	}
	r.count, err = formula.Parse(cmp.Or(computed.Count, "0"))
	return r, err
}

// plainValue is a decoded JSON value of a table.
func plainValue(v any) (formula.Value, error) {
	switch v := v.(type) {
	case nil:
		return formula.Value{}, nil
	case bool:
		return formula.OfBool(v), nil
	case string:
		return formula.OfText(v), nil
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return formula.OfInt(n), nil
		}
		f, err := v.Float64()
		return formula.OfFloat(f), err
	case []any:
		list := make([]formula.Value, len(v))
		for i := range v {
			var err error
			if list[i], err = plainValue(v[i]); err != nil {
				return formula.Value{}, err
			}
		}
		return formula.OfList(list), nil
	}
	return formula.Value{}, fmt.Errorf("a value of kind %T", v)
}
