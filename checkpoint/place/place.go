// Package place puts the bytes of an output where it is to be, so that it
// appears only when it is whole. Today that is the file system.
//
// What an output consists of says package target; how a file is written
// crash-safe is internal/atomicfile's business.
package place

import (
	"context"
	"fmt"
	"sync"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/checkpoint/target"
	"github.com/weightinit/weightinit/internal/atomicfile"
)

// Options tune the writing. They never change a byte of the output.
type Options struct {
	// Force replaces an existing output; without it that is an error.
	Force bool
	// NoSync leaves out the syncs that make the output survive a power cut;
	// it appears under its name at once and whole all the same.
	NoSync bool
}

// Output is an output under way. Its calls may come from several goroutines.
type Output struct {
	target *target.Target
	files  files
	heads  []head
}

// files is where the files of an output go. Nothing appears before its Commit.
type files interface {
	atomicfile.Output
	writeAt(file int, p []byte, off int64) (int, error)
}

type head struct {
	once sync.Once
	err  error
}

// Create begins an output at path: a file, or a folder which is made when it is
// not there.
func Create(t *target.Target, path string, o Options) (*Output, error) {
	opts := atomicfile.Options{Force: o.Force, NoSync: o.NoSync, Part: checkpoint.PartOf}
	out := &Output{target: t, heads: make([]head, len(t.Files))}
	if !t.Folder() {
		f, err := atomicfile.Create(atomicfile.OS(), path, t.Files[0].Size, opts)
		if err != nil {
			return nil, err
		}
		out.files = one{f}
		return out, nil
	}
	specs := make([]atomicfile.Spec, len(t.Files))
	for i, f := range t.Files {
		specs[i] = atomicfile.Spec{Name: f.Name, Size: f.Size, Order: f.Order}
	}
	set, err := atomicfile.CreateSet(atomicfile.OS(), path, specs, opts)
	if err != nil {
		return nil, err
	}
	out.files = many{set}
	return out, nil
}

// Write puts bytes of the values of an entry, from byte off of them on.
func (o *Output) Write(entry int, p []byte, off int64) error {
	at := o.target.Values[entry]
	if err := o.head(at.File); err != nil {
		return err
	}
	_, err := o.files.writeAt(at.File, p, at.Offset+off)
	return err
}

// head writes what stands before the values of a file, once: a file is open
// from its first byte to its last, so heads are not written all at the start.
func (o *Output) head(file int) error {
	h := &o.heads[file]
	h.once.Do(func() { _, h.err = o.files.writeAt(file, o.target.Files[file].Head, 0) })
	return h.err
}

// Finish lets the output appear under its name, after everything was written.
// When ctx is done before that, or an error occurs, nothing appears.
func (o *Output) Finish(ctx context.Context) error {
	for i := range o.target.Files {
		if err := o.head(i); err != nil {
			return o.Abort(err)
		}
	}
	return atomicfile.CommitContext(ctx, o.files)
}

// Abort removes what was written. It returns err, with what went wrong then.
func (o *Output) Abort(err error) error {
	if e := o.files.Abort(); e != nil {
		return fmt.Errorf("%w; and then: %v", err, e)
	}
	return err
}

// one is an output of one file.
type one struct{ *atomicfile.File }

func (f one) writeAt(_ int, p []byte, off int64) (int, error) { return f.WriteAt(p, off) }

// many is an output of several files.
type many struct{ *atomicfile.Set }

func (s many) writeAt(file int, p []byte, off int64) (int, error) { return s.WriteAt(file, p, off) }
