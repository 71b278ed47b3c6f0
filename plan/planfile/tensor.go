package planfile

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/strictjson"
)

// tensor is a tensor as it stands in the document.
type tensor struct {
	name                           string
	dtype                          dtype.Type
	at                             place
	parameter                      bool
	isValue, isLiteral, isTie      bool
	value                          float64
	literal                        int64
	sameAs                         string
	exact                          bool
	ulp                            int64
	named, shaped, saidExact, ulps bool
	where                          region // of one in a memory
}

func (r *reader) readTensors(p *strictjson.Parser) error {
	var err error
	r.tensors, err = r.entries(p, "tensor", r.counts["tensors"])
	return err
}

func (r *reader) readSaved(p *strictjson.Parser) error {
	var err error
	if r.saved, err = r.entries(p, "saved tensor", r.counts["saved"]); err == nil && len(r.saved) == 0 {
		err = errors.New("saved: it is empty: leave it out, or say which tensors are saved")
	}
	return err
}

// entries reads a list of tensors.
func (r *reader) entries(p *strictjson.Parser, what string, n int) ([]tensor, error) {
	list, number := make([]tensor, 0, n), make(map[string]int, n)
	err := p.Array(func(i int) error {
		t := tensor{at: place{memory: -1}, parameter: true, exact: true}
		err := r.readTensor(p, &t)
		if err == nil {
			err = r.settle(&t, list, number)
		}
		if err != nil {
			if t.named {
				return fmt.Errorf("%s %d %s: %w", what, i, shown.Quote(t.name), err)
			}
			return fmt.Errorf("%s %d: %w", what, i, err)
		}
		number[t.name] = i
		list = append(list, t)
		return nil
	})
	return list, err
}

// readTensor reads the members of a tensor.
func (r *reader) readTensor(p *strictjson.Parser, t *tensor) error {
	return p.Object(func(name string, _ int64) (err error) {
		if known, err := r.placeKey(p, &t.at, name); known {
			t.shaped = t.shaped || name == "shape"
			return err
		}
		switch name {
		case "name":
			t.named = true
			t.name, err = p.String()
		case "dtype":
			t.dtype, err = typeName(p)
		case "parameter":
			t.parameter, err = p.Bool()
		case "value":
			t.isValue = true
			t.value, err = number(p)
		case "literal":
			t.isLiteral = true
			t.literal, err = count(p)
		case "same_as":
			t.isTie = true
			t.sameAs, err = p.String()
		case "exact":
			t.saidExact = true
			t.exact, err = p.Bool()
		case "ulp":
			t.ulps = true
			t.ulp, err = count(p)
		default:
			return unknownKey(name, "name", "dtype", "shape", "parameter", "exact", "ulp", "and one of memory (offset, strides), value, literal, same_as")
		}
		return at1(name, err)
	})
}

// settle checks a tensor against those before it.
func (r *reader) settle(t *tensor, before []tensor, number map[string]int) error {
	_, twice := number[t.name]
	switch {
	case !t.named:
		return errors.New(`no "name"`)
	case t.name == "":
		return errors.New("name: it is empty")
	case twice:
		return fmt.Errorf("name: number %d has it already", number[t.name])
	case t.ulps && (t.exact || t.ulp < 1 || t.ulp > math.MaxInt32):
		return fmt.Errorf(`ulp: %d: must be 1 to 2^31-1, with "exact": false`, t.ulp)
	}
	kinds := 0
	for _, is := range []bool{t.at.memory >= 0, t.isValue, t.isLiteral, t.isTie} {
		if is {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		return fmt.Errorf("%d of the keys memory, value, literal, same_as: give one", kinds)
	case t.at.memory < 0 && (t.at.offset != 0 || t.at.strides != nil):
		return errors.New("offset and strides are for a tensor in a memory")
	case t.isTie:
		return r.settleTie(t, before, number)
	case t.dtype == 0:
		return errors.New(`no "dtype"`)
	case !t.shaped:
		return errors.New(`no "shape"`)
	case t.isValue:
		return at1("value", fits(t.dtype, t.value))
	case t.isLiteral:
		return r.settleLiteral(t)
	}
	return r.settlePlace(t)
}

// settleTie makes a tie to a tie one to its end.
func (r *reader) settleTie(t *tensor, before []tensor, number map[string]int) error {
	i, ok := number[t.sameAs]
	if !ok {
		return fmt.Errorf("same_as: no earlier tensor is called %s", shown.Quote(t.sameAs))
	}
	if before[i].isTie {
		i = number[before[i].sameAs]
	}
	end := before[i]
	if t.dtype != 0 && t.dtype != end.dtype || t.shaped && !slices.Equal(t.at.shape, end.at.shape) {
		return fmt.Errorf("same_as: %s has another dtype or shape", shown.Quote(t.sameAs))
	}
	t.sameAs, t.dtype, t.at.shape = end.name, end.dtype, end.at.shape
	return nil
}

func (r *reader) settleLiteral(t *tensor) error {
	l, err := r.literal(t.literal)
	if err != nil {
		return err
	}
	if l.DType != t.dtype {
		return fmt.Errorf("dtype: %s, literal %d is of %s", t.dtype.Torch(), t.literal, l.DType.Torch())
	}
	if n := dist.Elements(t.at.shape); n != l.Elements() {
		return fmt.Errorf("shape: %d elements, literal %d has %d", n, t.literal, l.Elements())
	}
	return nil
}

func (r *reader) settlePlace(t *tensor) (err error) {
	if t.where, err = r.locate(t.at); err != nil {
		return err
	}
	if m := r.memory[t.at.memory].dtype; m != t.dtype {
		return fmt.Errorf("dtype: %s, memory %d is of %s", t.dtype.Torch(), t.at.memory, m.Torch())
	}
	return nil
}
