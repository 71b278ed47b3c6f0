package hf

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/weightinit/weightinit/internal/formula"
	"github.com/weightinit/weightinit/internal/shown"
)

// given is a key of a config with its value, as far as a table can read it.
type given struct {
	key    string
	offset int64 // of the key in the text
	// value is the value; of an object nothing but its number of members.
	value   formula.Value
	object  bool
	members int
	// written is the value for messages.
	written string
	// tooLarge tells that it is an integer that does not fit int64.
	tooLarge bool
}

// fields are the fields of a family with their values in one config: other
// names, defaults and nulls resolved, each when it is first read.
type fields struct {
	family *family
	given  map[string]*given // by the field's name
	made   map[string]formula.Value
	busy   map[string]bool
}

// newFields sorts the keys of a config to the fields of the family and checks
// what can be checked of each by itself.
func newFields(f *family, keys []*given) (*fields, *Error) {
	r := &fields{family: f, given: map[string]*given{}, made: map[string]formula.Value{}, busy: map[string]bool{}}
	for _, g := range keys {
		r.given[g.key] = g
	}
	for _, other := range slices.Sorted(maps.Keys(f.Aliases)) {
		if g := r.given[other]; g != nil { // the other name wins
			delete(r.given, other)
			r.given[f.Aliases[other]] = g
		}
	}
	r.countLabels()
	if fault := r.checkUncovered(); fault != nil {
		return nil, fault
	}
	for _, name := range slices.Sorted(maps.Keys(f.Fields)) {
		if fault := r.check(name, f.Fields[name]); fault != nil {
			return nil, fault
		}
	}
	return r, nil
}

// countLabels makes num_labels of the labels, as transformers does.
func (r *fields) countLabels() {
	if _, reads := r.family.Fields["num_labels"]; !reads {
		return
	}
	if g := r.given["num_labels"]; g != nil && !g.value.IsNull() {
		return
	}
	n := int64(2)
	if labels := r.given["id2label"]; labels != nil && labels.object {
		n = int64(labels.members)
	}
	r.made["num_labels"] = formula.OfInt(n)
	delete(r.given, "num_labels")
}

// checkUncovered refuses fields whose effect the table does not know.
func (r *fields) checkUncovered() *Error {
	for _, name := range slices.Sorted(maps.Keys(r.family.Fixed)) {
		g := r.given[name]
		if g == nil {
			continue
		}
		want, err := plainValue(r.family.Fixed[name])
		if err != nil || g.object || !g.value.Equal(want) {
			return g.fault("not covered: only %s is known for %s; leave the field out, or record the model as a plan", want, r.family.ModelType)
		}
	}
	for _, name := range r.family.Absent {
		if g := r.given[name]; g != nil && (g.object || !g.value.IsNull()) {
			return g.fault("not covered: its effect on %s is not known; leave the field out, or record the model as a plan", r.family.ModelType)
		}
	}
	return nil
}

// check checks the value that a config gives a field.
func (r *fields) check(name string, rule fieldRule) *Error {
	g := r.given[name]
	switch {
	case g == nil && rule.Required:
		return fieldFault(name, "missing: give it, %s has no default", r.family.ModelType)
	case g == nil:
		return nil
	case g.object:
		return g.fault("want %s, not an object", wanted(rule.Type))
	case g.tooLarge:
		return g.fault("an integer beyond 2^63-1")
	case g.value.IsNull():
		if rule.nullRefused {
			return g.fault("null is not allowed here: leave the field out for the default, or give %s", wanted(rule.Type))
		}
		return nil
	case !fits(rule.Type, g.value):
		return g.fault("want %s%s", wanted(rule.Type), hint(rule.Type, g.value))
	}
	if rule.values == nil {
		return nil
	}
	list, isList := g.value.List()
	if !isList {
		list = []formula.Value{g.value}
	}
	for _, v := range list {
		if _, word := v.Text(); (word || isList) && !slices.ContainsFunc(rule.values, v.Equal) {
			return g.fault("%s is not covered for %s: use %s", shown.Cut(v.String(), shown.MaxText), r.family.ModelType, formula.OfList(rule.values))
		}
	}
	return nil
}

// fits tells whether a value is of the type of a field: strict, as transformers
// is.
func fits(kind string, v formula.Value) bool {
	k := v.Kind()
	switch kind {
	case "int":
		return k == formula.Int
	case "float":
		return k == formula.Float
	case "number":
		return k == formula.Int || k == formula.Float
	case "bool":
		return k == formula.Bool
	case "str":
		return k == formula.Text
	case "list":
		return k == formula.List
	case "int or list":
		return k == formula.Int || k == formula.List
	}
	return true
}

func wanted(kind string) string {
	switch kind {
	case "int":
		return "an integer"
	case "float":
		return "a number with a decimal point"
	case "number":
		return "a number"
	case "bool":
		return "true or false"
	case "str":
		return "a text"
	case "list":
		return "a list"
	case "int or list":
		return "an integer or a list"
	}
	return "a value"
}

// hint says how to write what was probably meant.
func hint(kind string, v formula.Value) string {
	switch {
	case kind == "float" && v.Kind() == formula.Int:
		return ": transformers refuses integers here, write " + v.String() + ".0"
	case kind == "int" && v.Kind() == formula.Float:
		return ": no decimal point, no exponent"
	case v.Kind() == formula.Text && kind != "list":
		return ": remove the quotes"
	}
	return ""
}

// Value implements [formula.Names].
func (r *fields) Value(name string) (formula.Value, bool, error) {
	if v, done := r.made[name]; done {
		return v, true, nil
	}
	rule, known := r.family.Fields[name]
	if !known {
		return formula.Value{}, false, nil
	}
	if r.busy[name] {
		return formula.Value{}, true, fmt.Errorf("the default of %q depends on itself", name)
	}
	r.busy[name] = true
	defer delete(r.busy, name)
	v, err := r.resolve(name, rule)
	if err != nil {
		return v, true, err
	}
	r.made[name] = v
	return v, true, nil
}

// resolve gives a field its value: the config's, or what a rule says.
func (r *fields) resolve(name string, rule fieldRule) (formula.Value, error) {
	g := r.given[name]
	switch {
	case g == nil:
		return r.apply(rule.absent)
	case !g.value.IsNull():
		if rule.given.set {
			return r.applyTo(rule.given, scope{fields: r, names: []variable{{"given", g.value}}})
		}
		return g.value, nil
	case rule.nullKept:
		return formula.Value{}, nil
	}
	return r.apply(rule.null)
}

func (r *fields) apply(rule rule) (formula.Value, error) { return r.applyTo(rule, scope{fields: r}) }

// maxList is the most entries of a list that a rule makes.
const maxList = 1 << 20

func (r *fields) applyTo(rule rule, s scope) (formula.Value, error) {
	switch {
	case rule.expr != nil:
		return rule.expr.Eval(s)
	case rule.each == nil:
		return rule.value, nil
	}
	n, err := s.integer(rule.count)
	if err != nil {
		return formula.Value{}, err
	}
	if n > maxList {
		return formula.Value{}, fmt.Errorf("a list of %d entries, the limit is %d", n, maxList)
	}
	var list []formula.Value
	for i := range n {
		v, err := rule.each.Eval(s.with("i", i))
		if err != nil {
			return formula.Value{}, err
		}
		list = append(list, v)
	}
	return formula.OfList(list), nil
}

// variable is a name with its value: a loop's index.
type variable struct {
	name  string
	value formula.Value
}

// scope is the names that an expression sees: the indices of the loops around
// it, then the fields.
type scope struct {
	fields *fields
	names  []variable
}

// Value implements [formula.Names].
func (s scope) Value(name string) (formula.Value, bool, error) {
	for i := len(s.names) - 1; i >= 0; i-- {
		if s.names[i].name == name {
			return s.names[i].value, true, nil
		}
	}
	return s.fields.Value(name)
}

// with adds a loop's index.
func (s scope) with(name string, i int64) scope {
	names := make([]variable, len(s.names), len(s.names)+1)
	copy(names, s.names)
	return scope{s.fields, append(names, variable{name, formula.OfInt(i)})}
}

// holds evaluates a condition; nil holds.
func (s scope) holds(e *formula.Expr) (bool, error) {
	if e == nil {
		return true, nil
	}
	v, err := e.Eval(s)
	return v.True(), err
}

func (s scope) integer(e *formula.Expr) (int64, error) {
	v, err := e.Eval(s)
	if err != nil {
		return 0, err
	}
	n, err := v.Int()
	if err != nil {
		return 0, fmt.Errorf("formula %q: %w", e, err)
	}
	return n, nil
}

func (s scope) integers(list []*formula.Expr) ([]int64, error) {
	out := make([]int64, len(list))
	for i, e := range list {
		var err error
		if out[i], err = s.integer(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s scope) float(e *formula.Expr) (float64, error) {
	v, err := e.Eval(s)
	if err != nil {
		return 0, err
	}
	f, err := v.Float()
	if err != nil {
		return 0, fmt.Errorf("formula %q: %w", e, err)
	}
	return f, nil
}

// name puts the indices into a name's components.
func (s scope) name(text string) string {
	if len(s.names) == 0 {
		return text
	}
	parts := strings.Split(text, ".")
	for i, part := range parts {
		if len(part) != 1 {
			continue
		}
		for _, v := range s.names {
			if v.name == part {
				parts[i] = v.value.String()
			}
		}
	}
	return strings.Join(parts, ".")
}

// refusal is a condition under which transformers refuses a config, or the
// table does not cover it.
type refusal struct {
	when *formula.Expr
	why  string
}

// checkRefused evaluates the refusals of the family.
func (r *fields) checkRefused() *Error {
	if fault := r.checkLayerTypes(); fault != nil {
		return fault
	}
	for _, refused := range r.family.refusals {
		v, err := refused.when.Eval(scope{fields: r})
		if err != nil {
			return fieldFault("", "%v: this config makes no %s", err, r.family.Class)
		}
		if !v.True() {
			continue
		}
		if refused.why == "not covered" {
			return fieldFault("", "not covered: %s%s; change it, or record the model as a plan", refused.when, r.readBy(refused.when))
		}
		return fieldFault("", "transformers refuses a config with %s%s", refused.when, r.readBy(refused.when))
	}
	return nil
}

// checkLayerTypes refuses a list of layer types of another length than the
// number of layers, as every config of transformers does, whether or not the
// family reads it.
func (r *fields) checkLayerTypes() *Error {
	g := r.given["layer_types"]
	if g == nil {
		return nil
	}
	list, isList := g.value.List()
	layers, known, err := r.Value("num_hidden_layers")
	n, errInt := layers.Int()
	if !isList || !known || err != nil || errInt != nil || int64(len(list)) == n {
		return nil
	}
	return g.fault("%d layer types for %d layers: transformers refuses this; give one a layer", len(list), n)
}

// readBy lists the fields that expressions read, with their values.
func (r *fields) readBy(all ...*formula.Expr) string {
	var out []string
	for _, e := range all {
		for _, name := range e.Names() {
			v, known, err := r.Value(name)
			if text := name + " " + shown.Cut(v.String(), 60); known && err == nil && !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	}
	if out == nil {
		return ""
	}
	return " (" + strings.Join(out, ", ") + ")"
}
