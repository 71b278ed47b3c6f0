package hf

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/weightinit/weightinit/internal/formula"
	"github.com/weightinit/weightinit/layout"
)

// savedRule is a file rule with its expressions read.
type savedRule struct {
	fileRule
	when  *formula.Expr
	parts []readPart
}

type readPart struct {
	savedPart
	shape        []*formula.Expr
	start, count *formula.Expr
}

func (f *family) parseFile() error {
	for _, r := range f.File {
		out := savedRule{fileRule: r}
		var err error
		if r.If != "" {
			if out.when, err = formula.Parse(r.If); err != nil {
				return err
			}
		}
		for _, part := range r.To {
			read := readPart{savedPart: part}
			for _, text := range part.Shape {
				e, err := formula.Parse(text)
				if err != nil {
					return err
				}
				read.shape = append(read.shape, e)
			}
			switch part.Take {
			case "whole", "each", "each rows":
			case "rows":
				if read.start, err = formulaOf(part.Start); err != nil {
					return err
				}
				if read.count, err = formulaOf(part.Count); err != nil {
					return err
				}
			default:
				return fmt.Errorf("file rule of %s: take %q is not known", r.From, part.Take)
			}
			out.parts = append(out.parts, read)
		}
		f.files = append(f.files, out)
	}
	return nil
}

// formulaOf reads a number or an expression in a text.
func formulaOf(text json.RawMessage) (*formula.Expr, error) {
	s := string(text)
	if unquoted, err := strconv.Unquote(s); err == nil {
		s = unquoted
	}
	return formula.Parse(s)
}

// slicesOf lists what the saved file holds of a tensor; keep is false where it
// holds the tensor itself, and written is false where it holds nothing.
func (e *expansion) slicesOf(i int) (parts []layout.Slice, keep, written bool, err error) {
	if e.held == nil {
		e.held = make([]*held, len(e.tensors))
	}
	if c := e.held[i]; c != nil {
		return c.parts, c.keep, c.written, nil
	}
	c := &held{}
	if c.parts, c.keep, c.written, err = e.hold(&e.tensors[i]); err == nil {
		e.held[i] = c
	}
	return c.parts, c.keep, c.written, err
}

// held is what the saved file holds of a tensor.
type held struct {
	parts         []layout.Slice
	keep, written bool
}

func (e *expansion) hold(t *tensor) (parts []layout.Slice, keep, written bool, err error) {
	for i := range e.c.family.files {
		r := &e.c.family.files[i]
		names, ok := match(r.From, t.name)
		if !ok {
			continue
		}
		s := scope{e.c.fields, names}
		on, err := s.holds(r.when)
		if err != nil {
			return nil, false, false, err
		}
		if !on {
			continue
		}
		switch {
		case r.Keep:
			return nil, true, true, nil
		case r.Omit || t.to >= 0 && !r.EvenTied:
			return nil, false, false, nil
		}
		for _, part := range r.parts {
			more, err := part.slices(t, s)
			if err != nil {
				return nil, false, false, err
			}
			parts = append(parts, more...)
		}
		return parts, false, true, nil
	}
	return nil, true, t.to < 0, nil
}

// slices cuts a tensor as a file rule says.
func (p readPart) slices(t *tensor, s scope) ([]layout.Slice, error) {
	if p.Take == "whole" {
		shape := t.shape
		if p.shape != nil {
			var err error
			if shape, err = s.integers(p.shape); err != nil {
				return nil, err
			}
		}
		return []layout.Slice{{Name: s.name(p.Name), Shape: shape}}, nil
	}
	inner, _ := layout.ElementsOf(t.shape[1:])
	if p.Take == "rows" {
		start, err := s.integer(p.start)
		if err != nil {
			return nil, err
		}
		count, err := s.integer(p.count)
		if err != nil {
			return nil, err
		}
		return []layout.Slice{{Name: s.name(p.Name), Shape: append([]int64{count}, t.shape[1:]...), First: start * inner}}, nil
	}
	shape, offset := slices.Clone(t.shape[1:]), int64(0)
	if p.Take == "each rows" {
		shape[0] /= 2
		if p.Rows == "second half" {
			offset = shape[0] * (inner / t.shape[1])
		}
	}
	around := aroundIndex(s.name(p.Name), "e")
	out := make([]layout.Slice, 0, min(t.shape[0], layout.MaxParams))
	for e := range t.shape[0] {
		if len(out) == layout.MaxParams {
			return nil, tooManySaved()
		}
		out = append(out, layout.Slice{Name: strings.Join(around, strconv.FormatInt(e, 10)), Shape: shape, First: e*inner + offset})
	}
	return out, nil
}

// aroundIndex is what stands around the components of a name that are an index.
func aroundIndex(name, index string) []string {
	out := []string{""}
	for i, part := range strings.Split(name, ".") {
		if i > 0 {
			out[len(out)-1] += "."
		}
		if part == index {
			out = append(out, "")
		} else {
			out[len(out)-1] += part
		}
	}
	return out
}

func tooManySaved() error {
	return fieldFault("", "the saved model has more than %d tensors: use fewer layers or experts", layout.MaxParams)
}

// entries lists the saved tensors in the order in which save_pretrained spreads
// them over files. nil means what the parameters say of themselves, which is
// right where nothing is renamed.
func (e *expansion) entries(params []layout.Param, order []int) ([]layout.Entry, error) {
	if e.c.family.files == nil {
		return nil, nil
	}
	at := make([]int, len(e.tensors)) // a tensor's place in the layout
	for place, i := range order {
		at[i] = place
	}
	sorted := slices.Clone(order)
	slices.SortStableFunc(sorted, func(a, b int) int { return compareNaturally(e.tensors[a].name, e.tensors[b].name) })
	total := 0
	for i := range e.tensors {
		parts, _, _, err := e.slicesOf(i)
		if err != nil {
			return nil, err
		}
		if total += len(parts) + 1; total > layout.MaxParams {
			total = layout.MaxParams
		}
	}
	out := make([]layout.Entry, 0, total)
	for _, i := range sorted {
		t := &e.tensors[i]
		parts, keep, written, err := e.slicesOf(i)
		if err != nil {
			return nil, err
		}
		if !written {
			continue
		}
		if keep {
			parts = []layout.Slice{{Name: t.name, Shape: t.shape}}
		}
		from := i
		if t.to >= 0 {
			from = t.to
		}
		for _, s := range parts {
			if len(out) >= layout.MaxParams {
				return nil, tooManySaved()
			}
			out = append(out, layout.Entry{Name: s.Name, Shape: s.Shape, Param: at[from], First: s.First, Buffer: params[at[from]].Buffer})
		}
	}
	return out, nil
}

// sameName tells whether a stored tensor is nothing but the parameter itself.
func sameName(p layout.Param, s layout.Slice) bool {
	return s.Name == p.Name && s.First == 0 && slices.Equal(s.Shape, p.Shape)
}
