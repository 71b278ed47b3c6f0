// Package planfiles builds the plan files of the hostile-input table, for tests
// of every reader of them: the Go API, the command, and fuzz targets.
//
// It is test support: nothing outside of tests imports it. What each file must
// lead to stands in the [Case]; that it does is checked by the tests of the
// readers.
package planfiles

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"fmt"
	"strings"
)

// Case is one row of the table.
type Case struct {
	// ID is the row: P01 and so on, VP01 and so on for the controls.
	ID string
	// Name says in a few words what the file is.
	Name  string
	Bytes func() []byte
	// Sound tells that the file is to be accepted; all others are refused.
	Sound bool
	// MustName lists what the line of a refusal must contain, in any letter
	// case.
	MustName []string
	// Large tells that the file takes seconds or more than 100 MB.
	Large bool
}

// doc is a document by its members, as JSON texts.
type doc struct {
	format, memory, steps, tensors, literals, more string
}

// sound is the document that the cases change: 24 float32 elements, 4 int64
// and 24 bfloat16, a literal of 4 int64, one draw, one tensor.
func sound() doc {
	return doc{
		format: `"format":"weightinit.plan/1"`,
		memory: `{"dtype":"float32","elements":24},{"dtype":"int64","elements":4},{"dtype":"bfloat16","elements":24}`,
		steps:  draw, tensors: tensor,
		literals: literal("int64", 4, make([]byte, 32)),
	}
}

const (
	draw   = `{"do":"uniform","low":0,"high":1,"dtype":"float32","shape":[24],"to":{"memory":0}}`
	tensor = `{"name":"w","dtype":"float32","shape":[4,6],"parameter":true,"memory":0}`
)

func (d doc) text() string {
	return fmt.Sprintf(`{%s,"memory":[%s],"steps":[%s],"tensors":[%s],"literals":[%s]%s}`, d.format, d.memory, d.steps, d.tensors, d.literals, d.more)
}

// literal is one literal with the bytes packed.
func literal(dtype string, elements int64, data []byte) string {
	return fmt.Sprintf(`{"dtype":%q,"elements":%d,"zlib":%q}`, dtype, elements, base64.StdEncoding.EncodeToString(deflated(data)))
}

func deflated(data []byte) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	w.Write(data)
	w.Close()
	return b.Bytes()
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	w.Close()
	return b.Bytes()
}

// table collects the rows of one kind.
type table struct{ list []Case }

func (t *table) text(name, text, must string) {
	t.list = append(t.list, Case{Name: name, Bytes: func() []byte { return []byte(text) }, MustName: words(must)})
}

// words splits a list at its bars.
func words(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, "|")
}

// step is a document with one more step, after the draw.
func (t *table) step(name, step, must string) {
	d := sound()
	d.steps += "," + step
	t.text(name, d.text(), must)
}

// tensor is a document with one more tensor.
func (t *table) tensor(name, text, must string) {
	d := sound()
	d.tensors += "," + text
	t.text(name, d.text(), must)
}

// with is the sound document after a change.
func (t *table) with(name string, change func(*doc), must string) {
	d := sound()
	change(&d)
	t.text(name, d.text(), must)
}

// Cases lists the table.
func Cases() []Case {
	var t table
	documents(&t)
	literals(&t)
	draws(&t)
	steps(&t)
	regions(&t)
	tensors(&t)
	bombs(&t)
	for i := range t.list {
		t.list[i].ID = fmt.Sprintf("P%02d", i+1)
	}
	var controls table
	accepted(&controls)
	for i := range controls.list {
		controls.list[i].ID, controls.list[i].Sound = fmt.Sprintf("VP%02d", i+1), true
	}
	return append(t.list, controls.list...)
}
