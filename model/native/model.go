// Package native is the config of the models that TransformerLens builds
// natively (NativeModel), in the two forms of releases 3.7.3 (version 1) and
// 4.3.0 (version 2): it turns a config file into a typed config and that into a
// layout. Configs use TransformerLens' field names, in JSON or YAML.
//
// Whether an init_mode exists is not checked here: [Config] only carries its
// name.
package native

import (
	"cmp"

	"github.com/weightinit/weightinit/layout"
)

// The versions of the native model, which are also the versions of its modes.
const (
	// V1 is the model of TransformerLens 3.7.3.
	V1 = 1
	// V2 is the model of TransformerLens 4.3.0.
	V2 = 2
)

// The kinds of normalization. Other texts are LayerNorm to the reference; a
// config that has one is accepted with a warning and holds [NormLN].
const (
	// NormNone is no normalization and no parameter: null in a config file.
	NormNone = ""
	// NormLN is LayerNorm with weight and bias.
	NormLN = "LN"
	// NormLNPre is LayerNorm, in version 2 without parameters.
	NormLNPre = "LNPRE"
	// NormRMS is RMSNorm with a weight.
	NormRMS = "RMS"
	// NormRMSPre is RMSNorm, in version 2 without parameters.
	NormRMSPre = "RMSPRE"
)

// The kinds of positions.
const (
	// PosStandard is a learned table, pos.weight.
	PosStandard = "standard"
	// PosRotary has no parameter.
	PosRotary = "rotary"
)

// NativeArchitecture is the only value that the field architecture may have,
// and the one that layouts carry.
const NativeArchitecture = "TransformerLensNative"

// Config holds the sizes and choices of a native model that decide about its
// parameters, under the names of TransformerBridgeConfig. Fields of a config
// file that decide nothing here are checked and dropped when it is read.
//
// [Parse], [Load] and [Config.Normalized] return configs in which every
// default is resolved; those are comparable field by field. A config made by
// hand may leave fields at zero where a comment gives that a meaning.
type Config struct {
	// Sizes. NHeads -1 means DModel/DHead, which must have no remainder.
	DModel, DHead, NLayers, NCtx, NHeads, DVocab int64
	// DMLP is the width of the MLP; 0 means 4·DModel.
	DMLP int64
	// NKeyValueHeads divides NHeads; 0 means NHeads.
	NKeyValueHeads int64
	// DVocabOut is the number of rows of the head; 0 or less means DVocab.
	DVocabOut int64
	// ActFn is lower-case; "" means gelu, or silu with GatedMLP.
	ActFn string
	// NormalizationType is one of the Norm constants, upper-case.
	NormalizationType string
	// FinalRMS makes the last normalization an RMSNorm.
	FinalRMS bool
	// PositionalEmbeddingType is PosStandard or PosRotary; "" means PosStandard.
	PositionalEmbeddingType string
	// RotaryDim is used with PosRotary only, and is 0 otherwise; 0 means DHead.
	RotaryDim int64
	// GatedMLP has three matrices and no bias; AttnOnly has no MLP.
	GatedMLP, AttnOnly bool
	// InitMode names the mode, lower-case; "" means gpt2. It is not checked.
	InitMode string
	// InitializerRange is a number of the modes; 0 or less means that it is
	// not set, and is -1 after reading.
	InitializerRange float64
	// Seed is nil when the config has none.
	Seed *Seed

	// source is the file's name as the user gave it, for messages.
	source string
	// unmade is the warning about init_weights false, "" when it is true.
	unmade string
}

// Kind is "native".
func (*Config) Kind() string { return "native" }

// Mode is the init_mode of the config.
func (c *Config) Mode() string { return cmp.Or(c.InitMode, defaultMode) }

// SeedText is the seed in decimal, "" when the config has none.
func (c *Config) SeedText() string {
	if c.Seed == nil {
		return ""
	}
	return c.Seed.String()
}

// File is the config.json of a folder: the canonical form.
func (c *Config) File() []byte { return c.Canonical() }

// Warnings returns what is to be told about the config only when a mode of
// that version is used: version 2 of the reference has a branch for
// init_weights false, version 1 has none.
func (c *Config) Warnings(version int) []string {
	if version < V2 || c.unmade == "" {
		return nil
	}
	return []string{c.unmade}
}

// Defaults returns a config with the reference's defaults for every field but
// the sizes, which are 0.
func Defaults() *Config {
	return &Config{
		NHeads:                  -1,
		ActFn:                   "relu",
		NormalizationType:       NormLN,
		PositionalEmbeddingType: PosStandard,
		InitMode:                defaultMode,
		InitializerRange:        -1,
	}
}

const defaultMode = "gpt2"

// facts returns the sizes that modes may use. c is normalized.
func (c *Config) facts() layout.Facts {
	f := layout.Facts{
		Architecture: NativeArchitecture,
		Layers:       c.NLayers,
		DModel:       c.DModel,
		DHead:        c.DHead,
		Heads:        c.NHeads,
		KVHeads:      c.NKeyValueHeads,
		DVocab:       c.DVocab,
		Ctx:          c.NCtx,
	}
	if c.InitializerRange > 0 {
		f.InitializerRange = new(c.InitializerRange)
	}
	if !c.AttnOnly {
		f.DMLP = c.DMLP
	}
	return f
}
