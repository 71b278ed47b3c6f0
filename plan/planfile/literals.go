package planfile

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/strictjson"
	"github.com/weightinit/weightinit/layout"
)

// inflater inflates one literal after the other.
type inflater struct{ zip io.ReadCloser }

func (r *reader) readLiterals(p *strictjson.Parser) error {
	var unzip inflater
	total := int64(0) // bytes of all literals
	return p.Array(func(i int) error {
		l, err := unzip.literal(p, limits.PlanLiterals-total)
		if err != nil {
			return fmt.Errorf("literal %d: %w", i, err)
		}
		total += int64(len(l.Data))
		r.literals = append(r.literals, l)
		return nil
	})
}

// literal reads one literal; left is how many bytes it may have beside its own
// limit.
func (u *inflater) literal(p *strictjson.Parser, left int64) (*layout.Literal, error) {
	l, elements, packed, given := new(layout.Literal), int64(-1), "", false
	err := p.Object(func(key string, _ int64) (err error) {
		switch key {
		case "dtype":
			l.DType, err = typeName(p)
		case "elements":
			elements, err = count(p)
		case "zlib":
			given = true
			packed, err = p.String()
		default:
			return unknownKey(key, "dtype", "elements", "zlib")
		}
		return at1(key, err)
	})
	switch {
	case err != nil:
		return nil, err
	case l.DType == 0:
		return nil, errors.New(`no "dtype"`)
	case elements < 0:
		return nil, errors.New(`no "elements"`)
	case !given:
		return nil, errors.New(`no "zlib"`)
	case elements > limits.PlanLiteral/l.DType.Size():
		return nil, fmt.Errorf("elements: %d of %s have more than the limit of %d bytes", elements, l.DType.Torch(), int64(limits.PlanLiteral))
	case elements*l.DType.Size() > left:
		return nil, fmt.Errorf("elements: all literals together have more than the limit of %d bytes", int64(limits.PlanLiterals))
	}
	l.Data, err = u.inflate(packed, elements*l.DType.Size())
	return l, at1("zlib", err)
}

// inflate returns the size bytes that packed, zlib in base64, must hold. No
// more is inflated than these and one.
func (u *inflater) inflate(packed string, size int64) ([]byte, error) {
	if strings.ContainsAny(packed, "\r\n") {
		return nil, errors.New("base64 with a line break")
	}
	data, err := base64.StdEncoding.Strict().DecodeString(packed)
	if err != nil {
		return nil, fmt.Errorf("no base64 (%s)", shown.Text(err.Error()))
	}
	in := bytes.NewReader(data)
	if u.zip == nil {
		u.zip, err = zlib.NewReader(in)
	} else {
		err = u.zip.(zlib.Resetter).Reset(in, nil)
	}
	if err != nil {
		return nil, badZlib(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(io.LimitReader(u.zip, size+1)); err != nil {
		return nil, badZlib(err)
	}
	switch n := int64(b.Len()); {
	case n > size:
		return nil, fmt.Errorf("more than the %d bytes of its elements", size)
	case n < size:
		return nil, fmt.Errorf("%d bytes, its elements have %d", n, size)
	case in.Len() > 0:
		return nil, fmt.Errorf("%d bytes follow the compressed data", in.Len())
	}
	return b.Bytes(), nil
}

func badZlib(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the compressed data end too early")
	}
	return fmt.Errorf("broken data (%s)", shown.Text(err.Error()))
}

// literalLines writes literals as readLiterals reads them.
func literalLines(literals []*layout.Literal) (lines, error) {
	var out lines
	for _, l := range literals {
		var b bytes.Buffer
		zip, err := zlib.NewWriterLevel(&b, zlib.BestCompression)
		if err != nil {
			return out, err
		}
		if _, err := zip.Write(l.Data); err != nil {
			return out, err
		}
		if err := zip.Close(); err != nil {
			return out, err
		}
		out.begin("dtype", l.DType.Torch())
		out.whole("elements", l.Elements())
		out.word("zlib", base64.StdEncoding.EncodeToString(b.Bytes()))
		out.end()
	}
	return out, nil
}
