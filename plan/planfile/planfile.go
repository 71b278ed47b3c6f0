// Package planfile reads and writes plan files ("weightinit.plan/1"): a
// program as data, every draw in the order of the stream, where its values go,
// and which tensors come out.
//
// [Parse] makes a layout of one, whose Replay are the steps; package plan
// lowers that and package fill runs it, as they do with a model whose framework
// is replayed. [Write] says any plan as a plan file. The package opens no file
// and draws nothing; docs/plan-files.md describes the format.
//
// A plan file comes from anywhere, so nothing in it is believed: sizes are
// checked before anything is allocated for them, and every fault is one line
// that names the step or tensor, the key and the reason.
package planfile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"

	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/layout"
)

// Format is the value of the key "format".
const Format = "weightinit.plan/1"

// Document is a plan file that was read.
type Document struct {
	// Layout holds a parameter for each memory, in the order of the file, then
	// one for each tensor that lies in no memory as it is stored. Its Replay has
	// one event for each step, in order, then those of these tensors.
	Layout *layout.Layout
	// Info is for people; it decides no bit.
	Info map[string]string
}

// Parse reads a plan file: JSON, as it is or compressed by gzip.
func Parse(data []byte) (*Document, error) {
	text, err := Text(data)
	if err != nil {
		return nil, err
	}
	r := reader{text: text, doc: Document{Layout: &layout.Layout{}}}
	if err := r.read(); err != nil {
		return nil, err
	}
	return &Document{Layout: r.doc.Layout, Info: r.doc.Info}, nil // not a part of r, which holds the text
}

// Text returns the JSON of a plan file, whether it is compressed or not. It
// reads nothing of it.
func Text(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, []byte("\x1f\x8b")) {
		if int64(len(data)) > limits.PlanText {
			return nil, tooLong()
		}
		return data, nil
	}
	unzip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, badGzip(err)
	}
	var b bytes.Buffer
	b.Grow(sizeHint(data))
	if _, err := b.ReadFrom(io.LimitReader(unzip, limits.PlanText+1)); err != nil {
		return nil, badGzip(err)
	}
	if int64(b.Len()) > limits.PlanText {
		return nil, tooLong()
	}
	return b.Bytes(), nil
}

// sizeHint is the size that gzip's last four bytes claim, if data can hold it:
// the text of a plan is packed at most a hundredfold.
func sizeHint(data []byte) int {
	const packed = 100
	if len(data) < 4 {
		return 0
	}
	end := data[len(data)-4:]
	claim := int(end[0]) | int(end[1])<<8 | int(end[2])<<16
	claim += int(end[3]&0x0f) << 24 // no more than the limit
	return min(claim, packed*len(data)) + bytes.MinRead
}

func tooLong() error {
	return fmt.Errorf("the text of the plan has more than the limit of %d bytes: is this a plan file?", int64(limits.PlanText))
}

func badGzip(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("the gzip file ends too early: copy or make it again")
	}
	return fmt.Errorf("broken gzip file (%s): copy or make it again", shown.Text(err.Error()))
}

// Pack compresses the text of a plan file; the same text gives the same bytes.
func Pack(text []byte) ([]byte, error) {
	var b bytes.Buffer
	err := PackTo(&b, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
	return b.Bytes(), err
}

// PackTo compresses what write writes.
func PackTo(to io.Writer, write func(io.Writer) error) error {
	zip, err := gzip.NewWriterLevel(to, gzip.BestCompression)
	if err != nil {
		return err
	}
	if err := write(zip); err != nil {
		return err
	}
	return zip.Close()
}
