package rules

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/weightinit/weightinit/internal/inputfile"
	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/nearest"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/strictyaml"
)

// Error is the first fault of a rule file. It is bad input for package fault.
type Error struct {
	Path string
	// Line and Column are from 1 on; 0 when unknown.
	Line, Column int
	What         string
}

// Error returns one line: path, place, problem.
func (e *Error) Error() string {
	place := ""
	switch {
	case e.Column > 0:
		place = fmt.Sprintf(" line %d column %d:", e.Line, e.Column)
	case e.Line > 0:
		place = fmt.Sprintf(" line %d:", e.Line)
	}
	return "rules: " + shown.Path(e.Path) + ":" + place + " " + e.What
}

var (
	keys     = []string{"any_dtype", "atol", "check", "equal_nan", "ignore", "margin", "rtol", "tensors"}
	nameKeys = []string{"beside", "from", "to", "zeros"}
	checks   = []string{"all", "bits", "close", "stats"}
)

var dialect = strictyaml.Dialect{
	Name: "rule file", Limited: "rule file",
	Empty:  "the text is empty: want \"rules:\" and below it a list of rules, or \"names:\"",
	Levels: "a rule file needs no more than four levels",
	Bytes:  limits.RulesYAML, Plain: true,
}

// Load reads the rule file at path, which may be a pipe with a writer, and is
// [Parse] of its contents. A file that cannot be opened or read has the errors
// of package inputfile, sorted for package fault; all other errors are an
// *[Error].
func Load(path string) (File, error) {
	text, err := inputfile.ReadAll(path, limits.RulesYAML, true)
	if err != nil {
		return File{}, err
	}
	return Parse(text, path)
}

// Parse reads the text of a rule file, UTF-8 with or without a byte order mark,
// of at most 192 KiB and 2,048 rules of each kind; path stands in messages. The
// error is an *[Error].
func Parse(text []byte, path string) (File, error) {
	f, err := reader{path}.file(text)
	if err != nil {
		return File{}, err
	}
	return f, nil
}

func (r reader) file(text []byte) (f File, err error) {
	root, err := strictyaml.Parse(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), dialect)
	if err != nil {
		return f, r.syntax(err)
	}
	top, err := r.mapping(root, []string{"names", "rules"})
	if err != nil {
		return f, err
	}
	if names := top["names"]; names != nil {
		if f.Names, err = r.names(names); err != nil {
			return f, err
		}
	}
	list := top["rules"]
	if list == nil {
		if f.Names != nil {
			return f, nil
		}
		list = root
	}
	if n := len(list.Items); list.Kind != strictyaml.List || n == 0 || n > limits.Rules {
		return f, r.bad(list, "want \"rules:\" and below it a list of 1 to %d rules", limits.Rules)
	}
	f.Rules = make(Rules, 0, len(list.Items))
	for _, item := range list.Items {
		rule, err := r.rule(item)
		if err != nil {
			return f, err
		}
		f.Rules = append(f.Rules, rule)
	}
	return f, nil
}

type reader struct{ path string }

// syntax turns an error of the YAML reader into one of this package.
func (r reader) syntax(err error) error {
	var fault *strictyaml.Error
	if !errors.As(err, &fault) {
		return &Error{Path: r.path, What: err.Error()}
	}
	e := &Error{Path: r.path, Line: fault.Line, Column: fault.Column, What: fault.Problem}
	if fault.Key != "" {
		e.What = "duplicate key " + shown.Quote(fault.Key) + ": keep one"
	}
	return e
}

func (r reader) bad(at *strictyaml.Node, format string, args ...any) error {
	return &Error{Path: r.path, Line: at.Line, Column: at.Column, What: fmt.Sprintf(format, args...)}
}

// written returns a value for a message.
func written(n *strictyaml.Node) string {
	switch n.Kind {
	case strictyaml.Map:
		return "an object"
	case strictyaml.List:
		return "a list"
	case strictyaml.Null:
		return "null"
	}
	return shown.Quote(n.Text)
}

// mapping returns the values of a mapping whose keys are all known.
func (r reader) mapping(n *strictyaml.Node, known []string) (map[string]*strictyaml.Node, error) {
	if n.Kind != strictyaml.Map {
		return nil, r.bad(n, "want keys and values, found %s: use %s", written(n), strings.Join(known, ", "))
	}
	out := map[string]*strictyaml.Node{}
	for _, m := range n.Members {
		if !slices.Contains(known, m.Key) {
			hint := "use one of " + strings.Join(known, ", ")
			if near := nearest.Name(m.Key, known); near != "" {
				hint = "did you mean " + near + "?"
			}
			return nil, r.bad(&strictyaml.Node{Line: m.Line, Column: m.Column}, "unknown key %s: %s", shown.Quote(m.Key), hint)
		}
		out[m.Key] = m.Value
	}
	return out, nil
}

// start returns the place of a mapping's first key: a mapping itself may begin
// a line earlier, at the dash of its list.
func start(n *strictyaml.Node) *strictyaml.Node {
	if len(n.Members) == 0 {
		return n
	}
	return &strictyaml.Node{Line: n.Members[0].Line, Column: n.Members[0].Column}
}

func (r reader) rule(n *strictyaml.Node) (Rule, error) {
	var rule Rule
	m, err := r.mapping(n, keys)
	if err != nil {
		return rule, err
	}
	at := start(n)
	rule.Line = at.Line
	if v := m["tensors"]; v != nil {
		if rule.Tensors, err = r.text("tensors", v); err != nil {
			return rule, err
		}
	}
	if rule.Tensors == "" {
		return rule, r.bad(at, "a rule without tensors: write a pattern such as tensors: \"*.bias\"")
	}
	for _, f := range []struct {
		key string
		to  *bool
	}{{"ignore", &rule.Ignore}, {"equal_nan", &rule.EqualNaN}, {"any_dtype", &rule.AnyDType}} {
		if v := m[f.key]; v != nil {
			if v.Kind != strictyaml.Bool {
				return rule, r.bad(v, "%s %s: want true or false", f.key, written(v))
			}
			*f.to = v.Flag
		}
	}
	for _, f := range []struct {
		key string
		to  **float64
		max float64
	}{{"rtol", &rule.RTol, math.MaxFloat64}, {"atol", &rule.ATol, math.MaxFloat64}, {"margin", &rule.Margin, 1}} {
		if v := m[f.key]; v != nil {
			if *f.to, err = r.number(f.key, v, f.max); err != nil {
				return rule, err
			}
		}
	}
	if v := m["check"]; v != nil {
		if rule.Checks, err = r.checks(v); err != nil {
			return rule, err
		}
	}
	return rule, r.consistent(at, m, rule)
}

// text reads a text on one line.
func (r reader) text(key string, n *strictyaml.Node) (string, error) {
	switch {
	case n.Kind == strictyaml.Unclear:
		return "", r.bad(n, "%s %s: %s", key, written(n), n.Why)
	case n.Kind != strictyaml.Text:
		return "", r.bad(n, "%s: want a text, %s is none: put it in quotes", key, written(n))
	case n.Broken:
		return "", r.bad(n, "%s %s: written over several lines: write it on one line", key, written(n))
	}
	return n.Text, nil
}

// number reads a number from 0 to limit, for margin without the 0.
func (r reader) number(key string, n *strictyaml.Node, limit float64) (*float64, error) {
	if n.Kind == strictyaml.Unclear {
		return nil, r.bad(n, "%s %s: %s", key, written(n), n.Why)
	}
	x := n.Float()
	if !(x >= 0 && x <= limit) || key == "margin" && x == 0 {
		want := "from 0"
		if key == "margin" {
			want = "above 0 and up"
		}
		return nil, r.bad(n, "%s %s: want a number %s to %g, without quotes", key, written(n), want, limit)
	}
	return &x, nil
}

// checks reads one name of a check or a list of them.
func (r reader) checks(n *strictyaml.Node) (names []string, err error) {
	items := []*strictyaml.Node{n}
	if n.Kind == strictyaml.List {
		items = n.Items
	}
	for _, item := range items {
		name, err := r.text("check", item)
		if err != nil {
			return nil, err
		}
		switch {
		case !slices.Contains(checks, name):
			return nil, r.bad(item, "check %s: use all, bits, close or stats", shown.Quote(name))
		case name == "all" && len(items) > 1:
			return nil, r.bad(item, "check all has the others in it: use it alone")
		case slices.Contains(names, name):
			return nil, r.bad(item, "check %s is named twice: keep one", name)
		case name == "all":
			return slices.Clone(checks[1:]), nil
		}
		names = append(names, name)
	}
	return names, nil
}

// consistent refuses keys that would have no effect.
func (r reader) consistent(at *strictyaml.Node, m map[string]*strictyaml.Node, rule Rule) error {
	if rule.Ignore && len(m) > 2 {
		return r.bad(at, "a rule with ignore: true has only tensors beside it: remove the other keys")
	}
	if !rule.Ignore && len(rule.Checks) == 0 {
		return r.bad(at, "a rule without check: write check: bits, or ignore: true")
	}
	for _, f := range [][2]string{{"margin", "stats"}, {"rtol", "close"}, {"atol", "close"}, {"equal_nan", "close"}, {"any_dtype", "close"}} {
		if m[f[0]] != nil && !slices.Contains(rule.Checks, f[1]) {
			return r.bad(at, "%s has a meaning only with check: %s: remove it", f[0], f[1])
		}
	}
	return nil
}
