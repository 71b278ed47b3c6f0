// Package rules reads parity.yaml, the file that says which check holds for
// which tensors.
//
// It runs no check (package parity does) and opens no tensors. The first rule
// whose pattern matches a name decides; a tensor that no rule matches is
// checked as the command line says.
package rules

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/nearest"
	"github.com/weightinit/weightinit/internal/shown"
)

// Rule says how the tensors that its pattern matches are checked.
type Rule struct {
	// Tensors is the pattern: * stands for any characters, the dot too, ? for
	// one, everything else for itself.
	Tensors string
	// Checks are "bits", "close" and "stats"; none when Ignore is set.
	Checks []string
	Ignore bool
	// RTol and ATol are those of "close"; nil for the type's defaults.
	RTol, ATol *float64
	// Margin is that of "stats", a share such as 0.01; nil for the default.
	Margin             *float64
	EqualNaN, AnyDType bool
	// Line is where the rule begins, from 1 on.
	Line int
}

// Rules are the rules of a file, in its order.
type Rules []Rule

// For returns the index of the first rule that matches the name, -1 for none.
func (r Rules) For(name string) int {
	return slices.IndexFunc(r, func(rule Rule) bool { return match(rule.Tensors, name) })
}

// Unused returns the rules that decide about none of the names: mostly a
// pattern that is misspelt, or one behind a wider one.
func (r Rules) Unused(names []string) []Rule {
	used := make([]bool, len(r))
	for _, name := range names {
		if i := r.For(name); i >= 0 {
			used[i] = true
		}
	}
	var out []Rule
	for i, rule := range r {
		if !used[i] {
			out = append(out, rule)
		}
	}
	return out
}

// match is linear in the name for each star: after a mismatch only the latest
// star takes one character more.
func match(pattern, name string) bool {
	p, n, star, mark := 0, 0, -1, 0
	for n < len(name) {
		_, width := utf8.DecodeRuneInString(name[n:])
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, n
			p++
		case p < len(pattern) && pattern[p] == '?':
			p++
			n += width
		case p < len(pattern) && pattern[p] == name[n]:
			p++
			n++
		case star >= 0:
			_, width = utf8.DecodeRuneInString(name[mark:])
			mark += width
			p, n = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// Error is the first fault of a rule file.
type Error struct {
	Path string
	// Line and Column are from 1 on; 0 when the fault has no place.
	Line, Column int
	What         string
}

// Error returns one line: path, place, problem.
func (e *Error) Error() string {
	place := ""
	if e.Line > 0 {
		place = fmt.Sprintf(" line %d column %d:", e.Line, e.Column)
	}
	return "rules: " + shown.Path(e.Path) + ":" + place + " " + e.What
}

const (
	maxTokens = 16_384
	maxRules  = 1_000
	maxBlank  = 256 // the lexer's time grows with the square of such runs
)

var keys = []string{"any_dtype", "atol", "check", "equal_nan", "ignore", "margin", "rtol", "tensors"}

// Parse reads the text of a rule file; path stands in messages. The error is an
// *[Error].
func Parse(text []byte, path string) (Rules, error) {
	r := reader{path}
	clean, err := r.scan(text)
	if err != nil {
		return nil, err
	}
	tokens := lexer.Tokenize(clean)
	if err := r.scanTokens(tokens); err != nil {
		return nil, err
	}
	file, syntax := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if syntax != nil {
		return nil, r.bad(nil, "not YAML: %s", shown.Cut(syntax.Error(), shown.MaxText))
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, r.bad(nil, "want one document with the key rules")
	}
	top, err := r.mapping(file.Docs[0].Body, []string{"rules"})
	if err != nil {
		return nil, err
	}
	list, ok := top["rules"].(*ast.SequenceNode)
	if !ok || len(list.Values) == 0 || len(list.Values) > maxRules {
		return nil, r.bad(file.Docs[0].Body.GetToken(), "want \"rules:\" and below it a list of 1 to %d rules", maxRules)
	}
	var out Rules
	for _, item := range list.Values {
		rule, err := r.rule(item)
		if err != nil {
			return nil, err
		}
		out = append(out, rule)
	}
	return out, nil
}

type reader struct{ path string }

func (r reader) bad(tk *token.Token, format string, args ...any) error {
	e := &Error{Path: r.path, What: fmt.Sprintf(format, args...)}
	if tk != nil && tk.Position != nil {
		e.Line, e.Column = tk.Position.Line, tk.Position.Column
	}
	return e
}

// scan checks what must hold before the lexer sees the text.
func (r reader) scan(text []byte) (string, error) {
	if len(text) > limits.ConfigYAML {
		return "", r.bad(nil, "%d bytes, the limit is %d", len(text), limits.ConfigYAML)
	}
	if !utf8.Valid(text) {
		return "", r.bad(nil, "not valid UTF-8: save the text as UTF-8")
	}
	lines := strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
	blank := 0
	for i, line := range lines {
		at := &token.Token{Position: &token.Position{Line: i + 1, Column: 1}}
		for _, c := range line {
			if c < ' ' || c >= 0x7f && c < 0xa0 || c == 0xfeff || c == 0xfffe || c == 0xffff || c == 0x2028 || c == 0x2029 {
				return "", r.bad(at, "the character %U is not allowed here: remove it (for a tab use spaces)", c)
			}
		}
		lines[i] = strings.TrimRight(line, " ")
		if blank++; lines[i] != "" {
			blank = 0
		}
		if blank > maxBlank {
			return "", r.bad(at, "more than %d blank lines in a row, the limit: remove them", maxBlank)
		}
	}
	return strings.Join(lines, "\n"), nil
}

// scanTokens refuses the parts of YAML that rules do not need, and what the
// parser has no linear time for.
func (r reader) scanTokens(tokens token.Tokens) error {
	count, flow, columns := 0, 0, []int(nil)
	for _, tk := range tokens {
		switch tk.Type {
		case token.CommentType:
			continue
		case token.InvalidType:
			return r.bad(tk, "not YAML: %s", shown.Cut(tk.Error, shown.MaxText))
		case token.AnchorType, token.AliasType, token.TagType, token.MergeKeyType, token.DirectiveType, token.LiteralType, token.FoldedType,
			token.MappingKeyType, token.DocumentHeaderType, token.DocumentEndType:
			return r.bad(tk, "%s is not supported in a rule file: write plain keys and values", shown.Quote(tk.Value))
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType:
			if !slices.Contains(columns, tk.Position.Column) {
				columns = append(columns, tk.Position.Column)
			}
		}
		if count++; count > maxTokens || flow > 4 || len(columns) > 16 {
			return r.bad(tk, "too much structure, the limit is %d words and signs and 4 open brackets", maxTokens)
		}
	}
	if count == 0 {
		return r.bad(nil, "the text is empty: want \"rules:\" and below it a list of rules")
	}
	return nil
}

// mapping returns the values of a mapping whose keys are all known.
func (r reader) mapping(n ast.Node, known []string) (map[string]ast.Node, error) {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		return nil, r.bad(n.GetToken(), "want keys and values: %s", strings.Join(known, ", "))
	}
	out := map[string]ast.Node{}
	for _, pair := range m.Values {
		tk := pair.Key.GetToken()
		if !slices.Contains(known, tk.Value) {
			hint := "use one of " + strings.Join(known, ", ")
			if near := nearest.Name(tk.Value, known); near != "" {
				hint = "did you mean " + near + "?"
			}
			return nil, r.bad(tk, "unknown key %s: %s", shown.Quote(tk.Value), hint)
		}
		if out[tk.Value] != nil {
			return nil, r.bad(tk, "duplicate key %s: keep one", tk.Value)
		}
		out[tk.Value] = pair.Value
	}
	return out, nil
}

func (r reader) rule(n ast.Node) (Rule, error) {
	at := n.GetToken()
	var rule Rule
	m, err := r.mapping(n, keys)
	if err != nil {
		return rule, err
	}
	first := n.(*ast.MappingNode)
	if len(first.Values) > 0 {
		at = first.Values[0].Key.GetToken()
	}
	rule.Line = at.Position.Line
	if rule.Tensors, err = r.text(m["tensors"]); err != nil {
		return rule, err
	} else if rule.Tensors == "" {
		return rule, r.bad(at, "a rule without tensors: write a pattern such as tensors: \"*.bias\"")
	}
	for _, f := range []struct {
		key string
		to  *bool
	}{{"ignore", &rule.Ignore}, {"equal_nan", &rule.EqualNaN}, {"any_dtype", &rule.AnyDType}} {
		if v, found := m[f.key]; found {
			b, ok := v.(*ast.BoolNode)
			if !ok {
				return rule, r.bad(v.GetToken(), "%s: want true or false", f.key)
			}
			*f.to = b.Value
		}
	}
	for _, f := range []struct {
		key string
		to  **float64
		max float64
	}{{"rtol", &rule.RTol, math.MaxFloat64}, {"atol", &rule.ATol, math.MaxFloat64}, {"margin", &rule.Margin, 1}} {
		if v, found := m[f.key]; found {
			x, err := strconv.ParseFloat(v.GetToken().Value, 64)
			if _, quoted := v.(*ast.StringNode); err != nil || !(x >= 0 && x <= f.max) || f.key == "margin" && x == 0 ||
				quoted && v.GetToken().Type != token.StringType {
				return rule, r.bad(v.GetToken(), "%s %s: want a number from 0 to %g", f.key, shown.Quote(v.GetToken().Value), f.max)
			}
			*f.to = &x
		}
	}
	if err := r.checks(m["check"], &rule); err != nil {
		return rule, err
	}
	return rule, r.consistent(at, m, rule)
}

// text reads a text; an absent one is empty.
func (r reader) text(n ast.Node) (string, error) {
	if n == nil {
		return "", nil
	}
	s, ok := n.(*ast.StringNode)
	if !ok {
		return "", r.bad(n.GetToken(), "want a text, %s is none: put it in quotes", shown.Quote(n.GetToken().Value))
	}
	return s.Value, nil
}

func (r reader) checks(n ast.Node, rule *Rule) error {
	items := []ast.Node{n}
	if list, ok := n.(*ast.SequenceNode); ok {
		items = list.Values
	}
	known := []string{"all", "bits", "close", "stats"}
	for _, item := range items {
		if item == nil {
			continue
		}
		name, err := r.text(item)
		if err != nil {
			return err
		}
		switch {
		case !slices.Contains(known, name):
			return r.bad(item.GetToken(), "check %s: use all, bits, close or stats", shown.Quote(name))
		case slices.Contains(rule.Checks, name) || name == "all" && len(items) > 1:
			return r.bad(item.GetToken(), "check %s is named twice: keep one", name)
		case name == "all":
			rule.Checks = known[1:]
		default:
			rule.Checks = append(rule.Checks, name)
		}
	}
	return nil
}

// consistent refuses keys that would have no effect.
func (r reader) consistent(at *token.Token, m map[string]ast.Node, rule Rule) error {
	if rule.Ignore && len(m) > 2 {
		return r.bad(at, "a rule with ignore: true has only tensors beside it: remove the other keys")
	}
	if !rule.Ignore && len(rule.Checks) == 0 {
		return r.bad(at, "a rule without check: write check: bits, or ignore: true")
	}
	for key, check := range map[string]string{"margin": "stats", "rtol": "close", "atol": "close", "equal_nan": "close", "any_dtype": "close"} {
		if m[key] != nil && !slices.Contains(rule.Checks, check) {
			return r.bad(at, "%s has a meaning only with check: %s: remove it", key, check)
		}
	}
	return nil
}
