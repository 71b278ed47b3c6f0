package cli

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/strictjson"
)

// wantParser reads a list of regions:
//
//	{"tensors": [{"name": "w", "offsets": [0, 64], "sizes": [32, 64], "as": "w.0"}]}
type wantParser struct {
	p       *strictjson.Parser
	regions []weightinit.Region
	where   string // what is being read, for errors: "" or `tensors[3] "w"`
}

// parseWant reads the text of a list of regions. Its errors are one line each,
// and name the entry, the tensor and the value.
func parseWant(text []byte) ([]weightinit.Region, error) {
	w := &wantParser{p: strictjson.New(text, limits.Depth)}
	listed := false
	err := w.p.Object(func(key string, _ int64) error {
		if key != "tensors" {
			return fmt.Errorf("unknown key %s: use tensors", shown.Quote(key))
		}
		listed = true
		return w.p.Array(w.entry)
	})
	if err == nil {
		err = w.p.End()
	}
	if err == nil && !listed {
		err = errors.New(`no "tensors": give {"tensors": [{"name": …}]}`)
	}
	if err != nil {
		if w.where != "" {
			return nil, fmt.Errorf("%s: %w", w.where, err)
		}
		return nil, err
	}
	return w.regions, nil
}

// entry reads one region.
func (w *wantParser) entry(i int) error {
	if i >= limits.Tensors {
		return fmt.Errorf("more than %d entries, the limit", limits.Tensors)
	}
	w.where = entryText(i, "")
	var r weightinit.Region
	named := false
	err := w.p.Object(func(key string, _ int64) (err error) {
		switch key {
		case "name":
			named = true
			if r.Name, err = w.p.String(); err == nil {
				w.where = entryText(i, r.Name)
			}
		case "as":
			if r.As, err = w.p.String(); err == nil && r.As == "" {
				err = errors.New("as is empty: give a name, or leave it out")
			}
		case "offsets":
			r.Offsets, err = w.numbers(key)
		case "sizes":
			r.Sizes, err = w.numbers(key)
		default:
			err = fmt.Errorf("unknown key %s: use name, offsets, sizes or as", shown.Quote(key))
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case !named:
		return errors.New(`no "name": give that of a tensor`)
	}
	w.regions = append(w.regions, r)
	w.where = ""
	return nil
}

// entryText names an entry, with its tensor if it is known.
func entryText(i int, name string) string {
	text := fmt.Sprintf("tensors[%d]", i)
	if name != "" {
		text += " " + shown.Quote(name)
	}
	return text
}

// numbers reads a list with one whole number a dimension.
func (w *wantParser) numbers(key string) ([]int64, error) {
	out := []int64{}
	err := w.p.Array(func(i int) error {
		if i >= limits.Dims {
			return fmt.Errorf("%s: more than %d numbers, the limit", key, limits.Dims)
		}
		literal, err := w.p.Number()
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(literal, 10, 64)
		if err != nil || n < 0 || literal == "-0" {
			return fmt.Errorf("%s[%d] is %s: must be a whole number from 0 to 2^63-1", key, i, shown.Cut(literal, 40))
		}
		out = append(out, n)
		return nil
	})
	return out, err
}
