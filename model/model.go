// Package model reads the config file of a model, whatever its kind, and holds
// the presets. A [Config] gives the model's parameters as a layout.
//
// It chooses no distribution and draws nothing: modes give each parameter its
// distribution (package registry finds them), and package plan freezes the
// result. The kinds are TransformerLens' native model (package model/native) and
// the models of Hugging Face's transformers (package model/hf), whose configs
// have a model_type.
package model

import (
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/model/hf"
	"github.com/weightinit/weightinit/model/native"
)

// Config is the config of a model: complete, with every default resolved.
type Config interface {
	// Kind names what reads the config, such as "native".
	Kind() string
	// Layout returns the parameters of a version of the model; 0 is the one
	// that the config itself means. The error names the field.
	Layout(version int) (*layout.Layout, error)
	// Mode is the mode that the config asks for, or the kind's default. It is
	// not looked up.
	Mode() string
	// SeedText is the seed that the config asks for, in decimal; "" when it
	// has none.
	SeedText() string
	// Warnings are what is to be told only when a mode of that version of the
	// model is used.
	Warnings(version int) []string
	// Canonical is one line of JSON that holds everything that decides about
	// the parameters. [Parse] of it gives an equal config.
	Canonical() []byte
	// File is the config.json that stands beside the weights in a folder.
	File() []byte
}

var (
	_ Config = (*native.Config)(nil)
	_ Config = (*hf.Config)(nil)
)

// In returns the config of the same model made in another type, where a kind of
// model is made in one; else c.
func In(c Config, t dtype.Type) Config {
	if c, ok := c.(*hf.Config); ok {
		return c.In(t)
	}
	return c
}

// FileIn is the config.json that stands beside weights of a type in a folder. The
// config is one that [Config.Canonical] made.
func FileIn(canonical []byte, t dtype.Type) ([]byte, error) {
	if !hf.Recognise(canonical) {
		return canonical, nil
	}
	c, err := hf.Parse("config", canonical)
	if err != nil {
		return nil, err
	}
	return c.FileIn(t), nil
}

// Error is what is wrong with a config file, and where.
type Error = native.Error

// Syntax is the language of a config text.
type Syntax = native.Syntax

// The languages of config texts.
const (
	// AnySyntax chooses by the file's name, else by the first character.
	AnySyntax = native.AnySyntax
	// JSON is strict JSON.
	JSON = native.JSON
	// YAML is the guarded part of YAML that configs may use.
	YAML = native.YAML
)

// Load reads the config file at path, which may be a pipe with a writer. The
// warnings are lines without a prefix about values that are accepted but hardly
// meant. The error is an [*Error], or one of opening and reading.
func Load(path string) (c Config, warnings []string, err error) {
	data, err := native.Read(path)
	if err != nil {
		return nil, nil, err
	}
	return Parse(path, data, AnySyntax)
}

// Parse reads a config text, of at most 4 MiB in JSON and 64 KiB in YAML. name
// is the file's name as the user gave it: it chooses the syntax and stands in
// messages. The error is an [*Error].
func Parse(name string, data []byte, syntax Syntax) (c Config, warnings []string, err error) {
	if native.SyntaxOf(name, data, syntax) == JSON && hf.Recognise(data) {
		made, err := hf.Parse(name, data)
		if err != nil {
			return nil, nil, err
		}
		return made, nil, nil
	}
	return as(native.Parse(name, data, syntax))
}

// as makes no Config of a nil pointer.
func as(c *native.Config, warnings []string, err error) (Config, []string, error) {
	if err != nil {
		return nil, nil, err
	}
	return c, warnings, nil
}

// ParseSeed reads a decimal integer from -2^63 to 2^64-1, with an optional
// minus and nothing else around it, and returns it modulo 2^64.
func ParseSeed(text string) (uint64, error) { return native.ParseSeed(text) }
