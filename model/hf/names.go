package hf

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weightinit/weightinit/internal/formula"
)

// indices are the names that loops give their index.
const indices = "ijklm"

// match matches a name with a pattern in which the components i to m stand for
// numbers, and returns these.
func match(pattern, name string) ([]variable, bool) {
	var out []variable
	for pattern != "" || name != "" {
		var a, b string
		var moreA, moreB bool
		a, pattern, moreA = strings.Cut(pattern, ".")
		b, name, moreB = strings.Cut(name, ".")
		if moreA != moreB {
			return nil, false
		}
		if len(a) == 1 && strings.Contains(indices, a) {
			if n, err := strconv.ParseInt(b, 10, 64); err == nil && n >= 0 {
				out = append(out, variable{a, formula.OfInt(n)})
				continue
			}
		}
		if a != b {
			return nil, false
		}
	}
	return out, true
}

// indexed tells whether a pattern has a component that stands for a number.
func indexed(pattern string) bool {
	return slices.ContainsFunc(strings.Split(pattern, "."), func(part string) bool {
		return len(part) == 1 && strings.Contains(indices, part)
	})
}

// tie is a row of a table's ties.
type tie struct {
	target, source string
	when           *formula.Expr
}

func (f *family) parseTies() error {
	for _, row := range f.Ties {
		when, err := formula.Parse(row[2])
		if err != nil {
			return err
		}
		f.ties = append(f.ties, tie{row[0], row[1], when})
	}
	return nil
}

// tie finds which tensors are others'.
func (e *expansion) tie() error {
	for _, t := range e.c.family.ties {
		if !indexed(t.target) {
			if i, there := e.number[t.target]; there {
				if err := e.tieOne(t, i, nil); err != nil {
					return err
				}
			}
			continue
		}
		for i := range e.tensors {
			if names, ok := match(t.target, e.tensors[i].name); ok {
				if err := e.tieOne(t, i, names); err != nil {
					return err
				}
			}
		}
	}
	for i := range e.tensors {
		t := &e.tensors[i]
		if t.to < 0 && t.value == nil && t.table == "" && t.draw < 0 {
			return fieldFault("", "not covered: tensor %q has neither a draw nor a tie", t.name)
		}
		for n := 0; t.to >= 0 && e.tensors[t.to].to >= 0; n++ {
			if t.to = e.tensors[t.to].to; n > len(e.tensors) {
				return fmt.Errorf("tensor %q is tied in a circle", t.name)
			}
		}
	}
	return nil
}

func (e *expansion) tieOne(t tie, i int, names []variable) error {
	s := scope{e.c.fields, names}
	on, err := s.holds(t.when)
	if err != nil || !on {
		return err
	}
	source := s.name(t.source)
	to, there := e.number[source]
	if !there || to == i {
		return fieldFault("", "not covered: tensor %q would be tied to %q, which this config does not make", e.tensors[i].name, source)
	}
	e.tensors[i].to = to
	return nil
}

// module is a module of the model, with the numbers of its tensors.
type module struct {
	path            string
	params, buffers []int
	names           []string // of the children, in order
	children        map[string]*module
}

// inOrder lists the tensors as the state dict has them: of each module its
// parameters, its buffers, then its children in the order of their lines.
func (e *expansion) inOrder() []int {
	first := make([]int, len(e.tensors))
	for i := range first {
		first[i] = i
	}
	slices.SortStableFunc(first, func(a, b int) int { return cmp.Compare(e.tensors[a].seen, e.tensors[b].seen) })
	root := &module{}
	for _, i := range first {
		root.put(e.tensors[i].name, i, e.tensors[i].buffer)
	}
	return root.list(e.c.family.order, make([]int, 0, len(first)))
}

func (m *module) put(name string, i int, buffer bool) {
	for {
		head, rest, more := strings.Cut(name, ".")
		if !more {
			break
		}
		child := m.children[head]
		if child == nil {
			child = &module{path: strings.TrimPrefix(m.path+"."+head, ".")}
			if m.children == nil {
				m.children = map[string]*module{}
			}
			m.children[head] = child
			m.names = append(m.names, head)
		}
		m, name = child, rest
	}
	if buffer {
		m.buffers = append(m.buffers, i)
		return
	}
	m.params = append(m.params, i)
}

func (m *module) list(order map[string][]string, dst []int) []int {
	dst = append(append(dst, m.params...), m.buffers...)
	names := m.names
	for pattern, first := range order {
		if _, ok := match(pattern, m.path); ok {
			names = slices.Clone(names)
			rank := func(name string) int {
				if at := slices.Index(first, name); at >= 0 {
					return at
				}
				return len(first)
			}
			slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
		}
	}
	for _, name := range names {
		dst = m.children[name].list(order, dst)
	}
	return dst
}

// compareNaturally orders names as save_pretrained does where it renames
// tensors: component by component, numbers by their value and before words.
func compareNaturally(a, b string) int {
	for a != "" && b != "" {
		var x, y string
		var moreX, moreY bool
		x, a, moreX = strings.Cut(a, ".")
		y, b, moreY = strings.Cut(b, ".")
		if c := compareParts(x, y); c != 0 {
			return c
		}
		if moreX != moreY {
			if moreX {
				return 1
			}
			return -1
		}
	}
	return cmp.Compare(len(a), len(b))
}

func compareParts(x, y string) int {
	if x == y {
		return 0
	}
	n, errN := strconv.ParseUint(x, 10, 64)
	m, errM := strconv.ParseUint(y, 10, 64)
	switch {
	case errN == nil && errM == nil:
		return cmp.Compare(n, m)
	case errN == nil:
		return -1
	case errM == nil:
		return 1
	}
	wordX, digitsX := trailing(x)
	wordY, digitsY := trailing(y)
	if c := strings.Compare(wordX, wordY); c != 0 {
		return c
	}
	if c := cmp.Compare(min(len(digitsX), 1), min(len(digitsY), 1)); c != 0 {
		return c
	}
	n, _ = strconv.ParseUint(digitsX, 10, 64)
	m, _ = strconv.ParseUint(digitsY, 10, 64)
	return cmp.Compare(n, m)
}

// trailing cuts the digits off the end of a word.
func trailing(s string) (word, digits string) {
	word = strings.TrimRight(s, "0123456789")
	return word, s[len(word):]
}
