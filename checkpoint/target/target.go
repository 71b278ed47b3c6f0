// Package target says what an output consists of: its files with their sizes,
// what stands in each beside the values, and where every tensor's values lie.
//
// It is pure data made of names, shapes and types: the same for every worker.
// It writes nothing (package place does) and knows no plan.
package target

import (
	"fmt"

	"github.com/weightinit/weightinit/checkpoint/npy"
	"github.com/weightinit/weightinit/checkpoint/safetensors"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/layout"
)

// Entry is a tensor of an output.
type Entry struct {
	Name  string
	Shape []int64
	// DType is the stored type.
	DType dtype.Type
	// Unit above 0 is that of entries in a row which must lie in one file of a
	// folder, such as the slices of one tensor.
	Unit int
}

// File is a file of an output.
type File struct {
	// Name is relative to the output; empty for an output of one file, which
	// is the output itself.
	Name string
	// Size is in bytes.
	Size int64
	// Head are the bytes at the start that are no values: a header, or the
	// whole text of a file that holds none.
	Head []byte
	// Order tells when a file appears: after all of a lower order. What a
	// reader looks for first comes last.
	Order int
}

// At is where the values of a tensor lie: in a file, from a byte on.
type At struct {
	File   int
	Offset int64
}

// Target is an output.
type Target struct {
	Files []File
	// Values tells for each entry where its values lie, in C order.
	Values []At
	// Entries are the tensors.
	Entries []Entry
}

// Folder tells whether the output is a folder of files.
func (t *Target) Folder() bool { return t.Files[0].Name != "" }

// Safetensors is one safetensors file with the metadata in its header.
func Safetensors(entries []Entry, metadata map[string]string) (*Target, error) {
	t := &Target{Entries: entries, Values: make([]At, len(entries))}
	all := make([]int, len(entries))
	for i := range all {
		all[i] = i
	}
	if err := t.addSafetensors("", all, metadata); err != nil {
		return nil, err
	}
	return t, nil
}

// addSafetensors adds a safetensors file that holds some of the entries.
func (t *Target) addSafetensors(name string, entries []int, metadata map[string]string) error {
	tensors := make([]safetensors.Entry, len(entries))
	for i, e := range entries {
		tensors[i] = safetensors.Entry{Name: t.Entries[e].Name, DType: t.Entries[e].DType, Shape: t.Entries[e].Shape}
	}
	header, offsets, size, err := safetensors.Header(tensors, metadata)
	if err != nil {
		return err
	}
	for i, e := range entries {
		t.Values[e] = At{File: len(t.Files), Offset: offsets[i]}
	}
	t.Files = append(t.Files, File{Name: name, Size: size, Head: header})
	return nil
}

// NPY is a folder of one NAME.npy a tensor and a manifest.json with the
// metadata. bfloat16 is stored as its bits in uint16.
func NPY(entries []Entry, metadata map[string]string) (*Target, error) {
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name
	}
	if err := npy.CheckNames(names); err != nil {
		return nil, err
	}
	t := &Target{Entries: entries, Values: make([]At, len(entries))}
	manifest := npy.Manifest{Metadata: metadata}
	for i, e := range entries {
		file := e.Name + npy.Extension
		if err := t.addNPY(i, file); err != nil {
			return nil, err
		}
		manifest.Tensors = append(manifest.Tensors, npy.ManifestTensor{Name: e.Name, File: file, DType: e.DType.String(), Shape: e.Shape})
	}
	text, err := manifest.Encode()
	if err != nil {
		return nil, err
	}
	t.addText(npy.ManifestName, text, 1)
	return t, nil
}

// NPYFile is one .npy file, which has no place for metadata.
func NPYFile(e Entry) (*Target, error) {
	t := &Target{Entries: []Entry{e}, Values: make([]At, 1)}
	if err := t.addNPY(0, ""); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Target) addNPY(entry int, file string) error {
	e := t.Entries[entry]
	header, err := npy.Header(e.DType, e.Shape)
	if err != nil {
		return fmt.Errorf("tensor %s: %w", shown.Quote(e.Name), err)
	}
	n, err := e.bytes()
	if err != nil {
		return err
	}
	t.Values[entry] = At{File: len(t.Files), Offset: int64(len(header))}
	t.Files = append(t.Files, File{Name: file, Size: int64(len(header)) + n, Head: header})
	return nil
}

func (t *Target) addText(name string, text []byte, order int) {
	t.Files = append(t.Files, File{Name: name, Size: int64(len(text)), Head: text, Order: order})
}

// bytes returns the size of the values.
func (e Entry) bytes() (int64, error) {
	n, err := layout.ElementsOf(e.Shape)
	if err != nil {
		return 0, fmt.Errorf("tensor %s: %w", shown.Quote(e.Name), err)
	}
	return n * e.DType.Size(), nil
}
