package planfile

import (
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/strictjson"
	"github.com/weightinit/weightinit/layout"
)

// key is a member of a step.
type key uint8

const (
	keyMean key = iota
	keyStd
	keyLow
	keyHigh
	keyA
	keyB
	keySparsity
	keyGain
	keyGroups
	keyValue
	keyLiteral
	keyDType
	keyShape
	keyTo
	keyFrom
	keyDims
	keySeed
	keySlot
	keyStream
	keys // how many there are
)

var keyNames = [keys]string{
	"mean", "std", "low", "high", "a", "b", "sparsity", "gain", "groups", "value", "literal",
	"dtype", "shape", "to", "from", "dims", "seed", "slot", "stream",
}

// set is a set of keys.
type set uint32

func setOf(list ...key) (s set) {
	for _, k := range list {
		s |= 1 << k
	}
	return s
}

// first is the name of the first key of the set.
func (s set) first() string { return keyNames[bits.TrailingZeros32(uint32(s))] }

// form is what a step of a kind looks like.
type form struct {
	need, may set
	event     func(*reader, *step, *layout.Event) error
}

var forms = map[string]form{}

func init() {
	draw := func(numbers ...key) form {
		return form{setOf(numbers...) | setOf(keyDType, keyShape), setOf(keyTo, keyStream), (*reader).draw}
	}
	binary := form{setOf(keyFrom, keyTo), 0, (*reader).compute}
	maps.Copy(forms, map[string]form{
		"normal":       draw(keyMean, keyStd),
		"uniform":      draw(keyLow, keyHigh),
		"trunc_normal": draw(keyMean, keyStd, keyA, keyB),
		"sparse":       draw(keySparsity, keyStd),
		"orthogonal":   draw(keyGain),
		"dirac":        draw(keyGroups),
		"eye":          draw(),
		"set":          {setOf(keyValue, keyTo), 0, (*reader).set},
		"literal":      {setOf(keyLiteral, keyTo), 0, (*reader).setLiteral},
		"copy":         {setOf(keyFrom, keyTo), 0, (*reader).copy},
		"clamp":        {setOf(keyFrom, keyTo), setOf(keyLow, keyHigh), (*reader).compute},
		"norm":         {setOf(keyFrom, keyTo, keyDims), 0, (*reader).norm},
		"seed":         {setOf(keySeed), setOf(keyStream), (*reader).seed},
		"save":         {setOf(keySlot), setOf(keyStream), (*reader).slot},
		"load":         {setOf(keySlot), setOf(keyStream), (*reader).slot},
	})
	for d := layout.Add; d <= layout.Erfinv; d++ {
		forms[d.String()] = binary
	}
}

// step is a step as it stands in the document.
type step struct {
	do       string
	seen     set
	numbers  [keyGroups]float64
	groups   int64
	value    float64
	literal  int64
	dtype    dtype.Type
	shape    []int64
	to       region
	operands [2]operand
	from     []operand // those that there are
	dims     []int64
	seed     *uint64
	slot     int
	stream   int
}

func (r *reader) readSteps(p *strictjson.Parser) error {
	var s step
	r.doc.Layout.Replay = make([]layout.Event, 0, r.counts["steps"])
	return p.Array(func(i int) error {
		s = step{}
		var e layout.Event
		err := r.readStep(p, &s)
		if err == nil {
			err = r.event(&s, &e)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", stepName(i, s.do), err)
		}
		r.doc.Layout.Replay = append(r.doc.Layout.Replay, e)
		return nil
	})
}

func stepName(i int, do string) string {
	if do == "" {
		return fmt.Sprintf("step %d", i)
	}
	return fmt.Sprintf("step %d (%s)", i, shown.Cut(do, 40))
}

// readStep reads the members of a step, whatever it does.
func (r *reader) readStep(p *strictjson.Parser, s *step) error {
	return p.Object(func(name string, _ int64) (err error) {
		if name == "do" {
			s.do, err = p.String()
			return at1(name, err)
		}
		k := key(slices.Index(keyNames[:], name))
		if k >= keys {
			return unknownKey(name, keyNames[:]...)
		}
		s.seen |= 1 << k
		return at1(name, r.readKey(p, s, k))
	})
}

func (r *reader) readKey(p *strictjson.Parser, s *step, k key) (err error) {
	switch k {
	default:
		s.numbers[k], err = number(p)
	case keyGroups:
		s.groups, err = count(p)
	case keyValue:
		s.value, err = number(p)
	case keyLiteral:
		s.literal, err = count(p)
	case keyDType:
		s.dtype, err = typeName(p)
	case keyShape:
		s.shape, err = r.shape(p)
	case keyTo:
		s.to, err = r.region(p)
	case keyFrom:
		err = r.readFrom(p, s)
	case keyDims:
		s.dims, err = r.arena.read(p, limits.Dims)
	case keySeed:
		s.seed, err = seed(p)
	case keySlot:
		s.slot, err = small(p)
	case keyStream:
		s.stream, err = small(p)
	}
	return err
}

func (r *reader) readFrom(p *strictjson.Parser, s *step) error {
	n := 0
	err := p.Array(func(i int) (err error) {
		if i >= len(s.operands) {
			return errors.New("more than two operands")
		}
		n = i + 1
		if s.operands[i], err = r.operand(p); err != nil {
			return fmt.Errorf("operand %d: %w", i, err)
		}
		return nil
	})
	s.from = s.operands[:n]
	return err
}

// seed reads a seed: nil is the plan's own.
func seed(p *strictjson.Parser) (*uint64, error) {
	kind, err := p.Peek()
	if err != nil {
		return nil, err
	}
	bad := func(text string) error {
		return fmt.Errorf(`%s: must be "plan" or a whole number from -2^63 to 2^64-1`, text)
	}
	if kind == strictjson.String {
		text, err := p.String()
		if err == nil && text != "plan" {
			err = bad(shown.Quote(text))
		}
		return nil, err
	}
	text, err := p.Number()
	if err != nil {
		return nil, err
	}
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return &n, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return new(uint64(n)), nil
	}
	return nil, bad(shown.Cut(text, 40))
}

// event turns a step into an event.
func (r *reader) event(s *step, e *layout.Event) error {
	if s.do == "" {
		return errors.New(`no "do"`)
	}
	form, ok := forms[s.do]
	if !ok {
		return fmt.Errorf("do %s: no such step: use one of %s", shown.Quote(s.do), strings.Join(slices.Sorted(maps.Keys(forms)), ", "))
	}
	if missing := form.need &^ s.seen; missing != 0 {
		return fmt.Errorf("no %q", missing.first())
	}
	if extra := s.seen &^ (form.need | form.may); extra != 0 {
		return fmt.Errorf("%q: this step has no such key", extra.first())
	}
	e.Param, e.Stream = layout.Lost, s.stream
	return form.event(r, s, e)
}

func (r *reader) seed(s *step, e *layout.Event) error {
	e.Do, e.Seed = layout.Seed, s.seed
	return nil
}

func (r *reader) slot(s *step, e *layout.Event) error {
	e.Do, _ = layout.ParseDo(s.do)
	e.Slot = s.slot
	return nil
}
