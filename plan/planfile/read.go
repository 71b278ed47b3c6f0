package planfile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/strictjson"
	"github.com/weightinit/weightinit/layout"
)

// reader reads one document. The members of the document may come in any order
// and refer to each other, so the text is walked once to find where each
// begins, by which all of its syntax is checked, and then each is read.
type reader struct {
	text     []byte
	members  map[string]int64 // where the value of each begins
	memory   []memory
	literals []*layout.Literal
	counts   map[string]int // of the items of each list
	// tensors and saved are the two lists of what comes out.
	tensors, saved []tensor
	arena          ints
	doc            Document
}

// memory is a flat piece of working memory.
type memory struct {
	dtype    dtype.Type
	elements int64
}

var known = []string{"format", "info", "memory", "steps", "tensors", "saved", "literals"}

func (r *reader) read() error {
	if err := r.find(); err != nil {
		return err
	}
	for _, member := range []struct {
		key  string
		kind strictjson.Kind
		read func(*strictjson.Parser) error
	}{
		{"info", strictjson.Object, r.readInfo},
		{"memory", strictjson.Array, r.readMemory},
		{"literals", strictjson.Array, r.readLiterals},
		{"steps", strictjson.Array, r.readSteps},
		{"tensors", strictjson.Array, r.readTensors},
		{"saved", strictjson.Array, r.readSaved},
	} {
		at, ok := r.members[member.key]
		if !ok {
			continue
		}
		p := strictjson.NewAt(r.text[at:], limits.Depth, at)
		if kind, err := p.Peek(); err != nil || kind != member.kind {
			return fmt.Errorf("%s: must be an %s, not a %s", member.key, member.kind, kind)
		}
		if err := member.read(p); err != nil {
			return err
		}
	}
	if len(r.tensors) == 0 {
		return errors.New("the plan has no tensors: say in \"tensors\" which come out")
	}
	r.finish()
	return nil
}

// find checks the syntax and notes where the members begin.
func (r *reader) find() error {
	r.members, r.counts = map[string]int64{}, map[string]int{}
	p := strictjson.New(r.text, limits.Depth)
	format, unknown := "", ""
	err := p.Object(func(key string, at int64) error {
		switch {
		case key == "format":
			r.members[key] = p.Offset()
			var err error
			format, err = p.String()
			return at1("format", err)
		case isKnown(key):
			r.members[key] = p.Offset()
			return r.countItems(p, key)
		case unknown == "":
			unknown = key
		}
		return p.Skip()
	})
	if err == nil {
		err = p.End()
	}
	_, given := r.members["format"]
	switch {
	case err != nil:
		return err
	case !given:
		return fmt.Errorf("no key \"format\": a plan file says %q there", Format)
	case format != Format:
		return fmt.Errorf("format %s: this version reads %q", shown.Quote(format), Format)
	case unknown != "":
		return fmt.Errorf("unknown key %s of the plan: use one of %s", shown.Quote(unknown), strings.Join(known, ", "))
	}
	return nil
}

// countItems walks a member and counts its items if it is a list.
func (r *reader) countItems(p *strictjson.Parser, key string) error {
	if kind, err := p.Peek(); err != nil || kind != strictjson.Array {
		return p.Skip()
	}
	most := limits.PlanTensors
	if key == "steps" {
		most = limits.PlanSteps
	}
	n := 0
	defer func() { r.counts[key] = n }()
	return p.Array(func(int) error {
		if n++; n > most {
			return fmt.Errorf("%s: more than the limit of %d", key, most)
		}
		return p.Skip()
	})
}

func isKnown(key string) bool {
	for _, k := range known {
		if k == key {
			return true
		}
	}
	return false
}

// at1 puts a key in front of an error.
func at1(key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", key, err)
}

func unknownKey(key string, known ...string) error {
	return fmt.Errorf("unknown key %s: use %s", shown.Quote(key), strings.Join(known, ", "))
}

func (r *reader) readInfo(p *strictjson.Parser) error {
	r.doc.Info = map[string]string{}
	return at1("info", p.Object(func(key string, _ int64) error {
		text, err := p.String()
		r.doc.Info[key] = text
		return at1(shown.Quote(key), err)
	}))
}

func (r *reader) readMemory(p *strictjson.Parser) error {
	r.memory = make([]memory, 0, r.counts["memory"])
	return p.Array(func(i int) error {
		m := memory{elements: -1}
		err := p.Object(func(key string, _ int64) (err error) {
			switch key {
			case "dtype":
				m.dtype, err = typeName(p)
			case "elements":
				m.elements, err = count(p)
			default:
				return unknownKey(key, "dtype", "elements")
			}
			return at1(key, err)
		})
		switch {
		case err != nil:
		case m.dtype == 0:
			err = errors.New(`no "dtype"`)
		case m.elements < 0:
			err = errors.New(`no "elements"`)
		}
		if err != nil {
			return fmt.Errorf("memory %d: %w", i, err)
		}
		r.memory = append(r.memory, m)
		return nil
	})
}
