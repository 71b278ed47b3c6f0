// Package configs builds the config files of the hostile-input table, for
// tests of every reader of configs: the Go API, the command, and fuzz targets.
//
// It is test support: nothing outside of tests imports it. What each file must
// lead to stands in the [Case]; that it does is checked by the tests of the
// readers.
package configs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// Verdict is what a reader must do with a file.
type Verdict uint8

const (
	// Refuse: exit code 2, one line on stderr, no file created.
	Refuse Verdict = iota + 1
	// Warn: done, with a warning.
	Warn
	// Accept: done, without a warning.
	Accept
)

// ErrNoSuchFile says that this system has no file of the case's kind.
var ErrNoSuchFile = errors.New("configs: this system has no such kind of file")

// Case is one row of the table.
type Case struct {
	// ID is the row: C01 to C101, and VC01 to VC27 for the controls.
	ID string
	// File is the name of the file; its extension chooses the syntax.
	File string
	// Bytes makes the contents; nil where the case is no ordinary file.
	Bytes func() []byte
	// Write makes what is no ordinary file in the folder dir and returns the
	// path to give to the reader; nil where Bytes is set.
	Write func(dir string) (path string, err error)

	Verdict Verdict
	// MustName lists what the line must contain beside the path, in any letter
	// case.
	MustName []string
	// ByMode marks a sound config that its own mode refuses: package model
	// accepts it, the command does not.
	ByMode bool
	// PlanOnly marks a model that is too large to write.
	PlanOnly bool
	// HuggingFace marks a Hugging Face config, which the native model refuses by
	// its model_type. Verdict and MustName say what the command makes of it.
	HuggingFace bool
	// Seed is the value for --seed, "" for none.
	Seed string
}

// Put makes the file in the folder dir and returns its path.
func (c Case) Put(dir string) (path string, err error) {
	if c.Write != nil {
		return c.Write(dir)
	}
	path = filepath.Join(dir, c.File)
	return path, os.WriteFile(path, c.Bytes(), 0o666)
}

// pairs are the members of a config in order, the values as JSON texts, which
// are also YAML.
type pairs [][2]string

var base = pairs{
	{"d_model", "64"}, {"d_head", "16"}, {"n_layers", "2"}, {"n_ctx", "32"}, {"n_heads", "4"},
	{"d_vocab", "100"}, {"act_fn", `"gelu"`}, {"seed", "7"}, {"init_mode", `"gpt2"`},
}

// BaseJSON is the base config.
func BaseJSON() []byte { return []byte(base.json()) }

// BaseYAML is the base config in YAML, one key a line.
func BaseYAML() []byte { return []byte(base.yaml()) }

// with returns p with values replaced or added: name, value, name, value...
func (p pairs) with(changes ...string) pairs {
	p = append(pairs(nil), p...)
next:
	for i := 0; i+1 < len(changes); i += 2 {
		for j := range p {
			if p[j][0] == changes[i] {
				p[j][1] = changes[i+1]
				continue next
			}
		}
		p = append(p, [2]string{changes[i], changes[i+1]})
	}
	return p
}

func (p pairs) without(name string) pairs {
	var out pairs
	for _, m := range p {
		if m[0] != name {
			out = append(out, m)
		}
	}
	return out
}

func (p pairs) json() string {
	var members []string
	for _, m := range p {
		members = append(members, `"`+m[0]+`":`+m[1])
	}
	return "{" + strings.Join(members, ",") + "}"
}

func (p pairs) yaml() string {
	var b strings.Builder
	for _, m := range p {
		b.WriteString(m[0] + ": " + strings.Trim(m[1], `"`) + "\n")
	}
	return b.String()
}

// Cases returns the rows of the table, in its order.
func Cases() []Case {
	var list []Case
	for _, part := range [][]Case{fieldCases(), sizeCases(), textCases(), fileCases(), controls()} {
		list = append(list, part...)
	}
	sortByID(list)
	return list
}

// changed is a refused JSON config: the base with one value changed.
func changed(id, name, value string, mustName ...string) Case {
	return refuse(id, base.with(name, value).json(), append([]string{name}, mustName...)...)
}

// refuse is a refused JSON text.
func refuse(id, text string, mustName ...string) Case {
	return Case{ID: id, File: "config.json", Bytes: bytesOf(text), Verdict: Refuse, MustName: mustName}
}

// refuseYAML is a refused YAML text.
func refuseYAML(id, text string, mustName ...string) Case {
	c := refuse(id, text, mustName...)
	c.File = "config.yaml"
	return c
}

// accept is an accepted JSON config.
func accept(id string, p pairs) Case {
	return Case{ID: id, File: "config.json", Bytes: bytesOf(p.json()), Verdict: Accept}
}

func acceptYAML(id, text string) Case {
	return Case{ID: id, File: "config.yaml", Bytes: bytesOf(text), Verdict: Accept}
}

func bytesOf(text string) func() []byte {
	return func() []byte { return []byte(text) }
}
