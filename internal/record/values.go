package record

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/strictjson"
)

// Settings are the recorded options as "key=value" texts, sorted.
func (r Record) Settings() ([]string, error) {
	text := r.Options
	const maxDepth = 2 // an object of values and lists of them
	p := strictjson.New([]byte(text), maxDepth)
	var out []string
	err := p.Object(func(key string, _ int64) error {
		value, err := settingText(p)
		out = append(out, key+"="+value)
		return err
	})
	if err == nil {
		err = p.End()
	}
	if err != nil {
		return nil, fmt.Errorf("record: options %s: %w", shown.Quote(text), err)
	}
	sort.Strings(out)
	return out, nil
}

// settingText is a JSON value as --set takes it: a text without its quotes,
// a list with commas, numbers and truth values as they stand.
func settingText(p *strictjson.Parser) (string, error) {
	kind, err := p.Peek()
	if err != nil {
		return "", err
	}
	switch kind {
	case strictjson.String:
		return p.String()
	case strictjson.Number:
		return p.Number()
	case strictjson.Bool:
		v, err := p.Bool()
		return strconv.FormatBool(v), err
	}
	var parts []string
	err = p.Array(func(int) error {
		part, err := settingText(p)
		parts = append(parts, part)
		return err
	})
	return strings.Join(parts, ","), err
}

// TensorShape is the recorded shape.
func (r Record) TensorShape() ([]int64, error) {
	text := r.Shape
	p := strictjson.New([]byte(text), 1)
	shape := []int64{}
	err := p.Array(func(int) error {
		literal, err := p.Number()
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(literal, 10, 64)
		shape = append(shape, size)
		return err
	})
	if err == nil {
		err = p.End()
	}
	if err != nil {
		return nil, fmt.Errorf("shape %s: %w", shown.Quote(text), err)
	}
	return shape, nil
}
