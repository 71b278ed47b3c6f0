// Package record is the note that every output carries about how it was made,
// from which the same bits can be made again.
//
// It is a flat map of texts, as the metadata of a safetensors file and the
// manifest of an .npy directory hold it. This package reads and writes the
// map; it rebuilds nothing (package weightinit does).
package record

import (
	"fmt"
	"strings"

	"github.com/weightinit/weightinit/internal/version"
)

const prefix = "weightinit."

// Record is the note. All fields are texts, as they stand in the file; only
// their presence has been checked.
type Record struct {
	// Version is the version of the tool that made the output.
	Version string
	// Mode is the full id of the mode of a whole model; empty for a tensor.
	Mode string
	// Scheme is the full id of the elementary scheme of a single tensor;
	// empty for a model.
	Scheme string
	// Options is a JSON object of the options that were set.
	Options string
	// Seed, Streams and DType are as given on the command line.
	Seed, Streams, DType string
	// Drawn is the type in which the values were drawn; empty for the compute
	// type of DType.
	Drawn string
	// Digest is the plan's.
	Digest string
	// Config is the model's config as canonical JSON; empty for a tensor.
	Config string
	// Plugin, PluginVersion and PluginH1 name the plugin that the mode comes
	// from; all are empty for a built-in mode.
	Plugin, PluginVersion, PluginH1 string
	// Shape is the tensor's shape as a JSON list; empty for a model.
	Shape string
	// Program tells that a plan file was run, and no mode asked. Plan is that
	// file, compressed and in base64; empty for one above [MaxPlan].
	Program bool
	Plan    string
}

// MaxPlan is the most bytes of a compressed plan file that a record holds.
const MaxPlan = 256 << 10

// OwnTypes is the DType of a plan file's record when every tensor is stored in
// its own type.
const OwnTypes = "own"

// field ties a key of the map to a field of the record.
type field struct {
	key  string
	text *string
}

func (r *Record) fields() []field {
	common := []field{{"version", &r.Version}, {"seed", &r.Seed}, {"streams", &r.Streams}, {"dtype", &r.DType}, {"digest", &r.Digest}}
	if r.Program {
		return append(common, field{"plan", &r.Plan})
	}
	common = append(common, field{"options", &r.Options})
	if r.Drawn != "" {
		common = append(common, field{"drawn", &r.Drawn})
	}
	if r.Scheme != "" {
		return append(common, field{"scheme", &r.Scheme}, field{"shape", &r.Shape})
	}
	common = append(common, field{"mode", &r.Mode}, field{"config", &r.Config})
	if r.Plugin != "" {
		common = append(common, field{"plugin", &r.Plugin}, field{"plugin_version", &r.PluginVersion}, field{"plugin_h1", &r.PluginH1})
	}
	return common
}

// Metadata returns the map that an output carries. It begins with the key
// "format", which loaders of safetensors files look for.
func (r Record) Metadata() map[string]string {
	if r.Version == "" {
		r.Version = version.Number
	}
	out := map[string]string{"format": "pt"}
	for _, f := range r.fields() {
		out[prefix+f.key] = *f.text
	}
	return out
}

// MissingError is returned by [Parse] for a file that lacks a part of the
// record, as one that this tool did not make.
type MissingError struct{ Key string }

func (e *MissingError) Error() string {
	return fmt.Sprintf("record: no %q in the metadata: only files that carry weightinit's record can be made again", e.Key)
}

// sliceKey holds the digest of the plan that slices are of.
const sliceKey = prefix + "slice_of"

// SliceMetadata returns the map that a file with slices of tensors carries. It
// is no record: the file cannot be made again from it.
func (r Record) SliceMetadata() map[string]string {
	out := map[string]string{"format": "pt", sliceKey: r.Digest, "seed": r.Seed, "streams": r.Streams}
	if r.Mode != "" { // of a plan file there is none
		out["mode"] = r.Mode
	}
	if r.Drawn != "" {
		out["drawn"] = r.Drawn
	}
	return out
}

// SliceError is returned by [Parse] for a file with slices of tensors.
type SliceError struct {
	// Digest is that of the plan.
	Digest string
}

func (e *SliceError) Error() string {
	return fmt.Sprintf("record: the file holds slices of the tensors of plan %+.100q, and only an output of whole tensors carries a record: make the slices again and compare the files", e.Digest)
}

// Parse reads the record out of an output's metadata. A missing key is a
// [*MissingError], a file with slices a [*SliceError], an unknown "weightinit." key an error: it may decide bits
// that this version does not know of.
func Parse(metadata map[string]string) (Record, error) {
	var r Record
	if digest, ok := metadata[sliceKey]; ok {
		return Record{}, &SliceError{Digest: digest}
	}
	_, r.Program = metadata[prefix+"plan"]
	r.Scheme, r.Plugin, r.Drawn = metadata[prefix+"scheme"], metadata[prefix+"plugin"], metadata[prefix+"drawn"]
	known := map[string]bool{}
	for _, f := range r.fields() {
		text, ok := metadata[prefix+f.key]
		if !ok {
			return Record{}, &MissingError{Key: prefix + f.key}
		}
		*f.text = text
		known[prefix+f.key] = true
	}
	for key := range metadata {
		if strings.HasPrefix(key, prefix) && !known[key] {
			return Record{}, fmt.Errorf("record: unknown key %+.100q: the file was made by another version of weightinit (%+.40q)", key, r.Version)
		}
	}
	return r, nil
}
