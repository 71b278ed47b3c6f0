package weightinit

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/weightinit/weightinit/checkpoint/npy"
	"github.com/weightinit/weightinit/checkpoint/safetensors"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/internal/atomicfile"
	"github.com/weightinit/weightinit/internal/record"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/plan"
)

// WriteOptions tune the writing of a plan's values. They never change a byte
// of the output.
type WriteOptions struct {
	// Force replaces an existing output; without it that is an error.
	Force bool
	// NoSync leaves out the syncs that make the output survive a power cut;
	// it appears under its name at once and whole all the same.
	NoSync bool
	// Workers is the number of goroutines that draw; 0 means one a core.
	Workers int
	// Filler makes the values of parameters that a plugin fills itself.
	Filler fill.Filler
	// Progress, if set, is called from several goroutines with the number of
	// values that were just written.
	Progress func(values int64)
	// Overflow, if set, counts the values that are not finite in the stored
	// type. With its Strict they are an error, and nothing appears.
	Overflow *fill.Overflow
}

func (o WriteOptions) atomic() atomicfile.Options {
	return atomicfile.Options{Force: o.Force, NoSync: o.NoSync}
}

func (o WriteOptions) fill() fill.Options {
	return fill.Options{Workers: o.Workers, Filler: o.Filler, Progress: o.Progress, Overflow: o.Overflow}
}

// metadata is the record of a plan for a model; cfg nil means a tensor.
func metadata(p *plan.Plan, cfg *model.Config) (map[string]string, error) {
	r := record.Record{
		Options: string(p.OptionsJSON), Seed: p.SeedText, Streams: string(p.Streams),
		DType: p.DType.String(), Digest: p.Digest(),
	}
	if cfg != nil {
		r.Mode, r.Config = p.Mode, string(cfg.MarshalCanonical())
		if p.Plugin != nil {
			r.Plugin, r.PluginVersion, r.PluginH1 = p.Plugin.Name, p.Plugin.Version, p.Plugin.H1
		}
		return r.Metadata(), nil
	}
	if len(p.Steps) != 1 {
		return nil, fmt.Errorf("weightinit: a record without a config is for one tensor, the plan has %d", len(p.Steps))
	}
	shape, err := json.Marshal(append([]int64{}, p.Steps[0].Param.Shape...))
	if err != nil {
		return nil, err
	}
	r.Scheme, r.Shape = p.Mode, string(shape)
	return r.Metadata(), nil
}

// WriteSafetensors draws the plan into one safetensors file, with its record
// in the metadata. cfg is the config that the plan was made of; nil for a plan
// of [PlanTensor]. The file appears under its name only when it is whole.
func WriteSafetensors(ctx context.Context, p *plan.Plan, cfg *model.Config, path string, opts WriteOptions) error {
	meta, err := metadata(p, cfg)
	if err != nil {
		return err
	}
	entries := make([]safetensors.Entry, len(p.Steps))
	for i, s := range p.Steps {
		entries[i] = safetensors.Entry{Name: s.Param.Name, DType: p.DType, Shape: s.Param.Shape}
	}
	header, offsets, total, err := safetensors.Header(entries, meta)
	if err != nil {
		return err
	}
	return writeFile(ctx, p, path, header, offsets, total, opts)
}

// writeFile writes a header and, at each step's offset, its values.
func writeFile(ctx context.Context, p *plan.Plan, path string, header []byte, offsets []int64, total int64, opts WriteOptions) error {
	f, err := atomicfile.Create(atomicfile.OS(), path, total, opts.atomic())
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(header, 0); err != nil {
		return abort(f, err)
	}
	sink := &offsetSink{write: f.WriteAt, offsets: offsets, width: p.DType.Size()}
	if err := fill.Run(ctx, p, sink, opts.fill()); err != nil {
		return abort(f, err)
	}
	return atomicfile.CommitContext(ctx, f)
}

// aborter is a file or a set of files that is not committed yet.
type aborter interface{ Abort() error }

// abort removes what was written and keeps the first error in front.
func abort(f aborter, err error) error {
	if e := f.Abort(); e != nil {
		return fmt.Errorf("%w; and then: %v", err, e)
	}
	return err
}

// offsetSink writes every chunk to its place in one file.
type offsetSink struct {
	write   func(p []byte, off int64) (int, error)
	offsets []int64
	width   int64
}

func (s *offsetSink) WriteValues(step int, first int64, data []byte) error {
	_, err := s.write(data, s.offsets[step]+first*s.width)
	return err
}

// WriteNPY draws the plan into a folder: one NAME.npy for each parameter, and
// a manifest.json with the record. bfloat16 is stored as the bits in uint16.
// The folder is made when it is not there.
func WriteNPY(ctx context.Context, p *plan.Plan, cfg *model.Config, dir string, opts WriteOptions) error {
	meta, err := metadata(p, cfg)
	if err != nil {
		return err
	}
	manifest := npy.Manifest{Metadata: meta}
	sink := &npySink{width: p.DType.Size()}
	var specs []atomicfile.Spec
	names := make([]string, len(p.Steps))
	for i, s := range p.Steps {
		names[i] = s.Param.Name
	}
	if err := npy.CheckNames(names); err != nil {
		return err
	}
	for _, s := range p.Steps {
		name := s.Param.Name + npy.Extension
		header, err := npy.Header(p.DType, s.Param.Shape)
		if err != nil {
			return fmt.Errorf("parameter %q: %w", s.Param.Name, err)
		}
		sink.headers = append(sink.headers, header)
		specs = append(specs, atomicfile.Spec{Name: name, Size: int64(len(header)) + s.Elements*sink.width})
		manifest.Tensors = append(manifest.Tensors, npy.ManifestTensor{
			Name: s.Param.Name, File: name, DType: p.DType.String(), Shape: s.Param.Shape,
		})
	}
	text, err := manifest.Encode()
	if err != nil {
		return err
	}
	specs = append(specs, atomicfile.Spec{Name: npy.ManifestName, Size: int64(len(text)), Order: 1})
	set, err := atomicfile.CreateSet(atomicfile.OS(), dir, specs, opts.atomic())
	if err != nil {
		return err
	}
	sink.set = set
	if err := sink.run(ctx, p, text, opts); err != nil {
		return abort(set, err)
	}
	return atomicfile.CommitContext(ctx, set)
}

// npySink writes every parameter into a file of its own.
type npySink struct {
	set     *atomicfile.Set
	headers [][]byte
	width   int64
}

func (s *npySink) run(ctx context.Context, p *plan.Plan, manifest []byte, opts WriteOptions) error {
	if err := fill.Run(ctx, p, s, opts.fill()); err != nil {
		return err
	}
	for i, step := range p.Steps {
		if step.Elements == 0 {
			if _, err := s.set.WriteAt(i, s.headers[i], 0); err != nil {
				return err
			}
		}
	}
	return s.set.Put(len(p.Steps), manifest)
}

func (s *npySink) WriteValues(step int, first int64, data []byte) error {
	header := s.headers[step]
	if first == 0 {
		if _, err := s.set.WriteAt(step, header, 0); err != nil {
			return err
		}
	}
	_, err := s.set.WriteAt(step, data, int64(len(header))+first*s.width)
	return err
}

// WriteNPYFile draws a plan of one tensor into one .npy file, which has no
// place for a record.
func WriteNPYFile(ctx context.Context, p *plan.Plan, path string, opts WriteOptions) error {
	if len(p.Steps) != 1 {
		return fmt.Errorf("weightinit: one .npy file holds one tensor, the plan has %d", len(p.Steps))
	}
	step := p.Steps[0]
	header, err := npy.Header(p.DType, step.Param.Shape)
	if err != nil {
		return err
	}
	size := p.DType.Size()
	return writeFile(ctx, p, path, header, []int64{int64(len(header))}, int64(len(header))+step.Elements*size, opts)
}
