// Package rules reads parity.yaml, the file that says which check holds for
// which tensors, and under which names two sets are compared.
//
// It runs no check (package parity does) and opens no tensors. The first rule
// whose pattern matches a name decides; a tensor that no rule matches is
// checked as the command line says, and keeps its name.
//
// What of YAML a file may use is decided in internal/strictyaml;
// docs/parity-rules.schema.json takes the same documents as this package.
package rules

import (
	"slices"
	"strings"
	"unicode/utf8"
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

// File is what a rule file says.
type File struct {
	Rules
	Names Names
}

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
