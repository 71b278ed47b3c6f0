package weightinit

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/weightinit/weightinit/checkpoint/place"
	"github.com/weightinit/weightinit/checkpoint/target"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/internal/record"
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
}

func (o WriteOptions) place() place.Options { return place.Options{Force: o.Force, NoSync: o.NoSync} }

func (o WriteOptions) fill() fill.Options {
	return fill.Options{Workers: o.Workers, Filler: o.Filler, Progress: o.Progress}
}

// metadata is the record of a plan: of a model's config, or of one tensor.
func metadata(p *plan.Plan) (map[string]string, error) {
	r := record.Record{
		Options: p.OptionsJSON(), Seed: p.SeedText(), Streams: string(p.Streams()),
		DType: p.DType().String(), Digest: p.Digest(),
	}
	if cfg := p.Config(); cfg != nil {
		r.Mode, r.Config = p.Mode(), string(cfg)
		if from := p.Plugin(); from != nil {
			r.Plugin, r.PluginVersion, r.PluginH1 = from.Name, from.Version, from.H1
		}
		return r.Metadata(), nil
	}
	if p.Tensors().Len() != 1 {
		return nil, fmt.Errorf("weightinit: a record without a config is for one tensor, the plan has %d", p.Tensors().Len())
	}
	shape, err := json.Marshal(append([]int64{}, p.Tensors().At(0).Shape...))
	if err != nil {
		return nil, err
	}
	r.Scheme, r.Shape = p.Mode(), string(shape)
	return r.Metadata(), nil
}

// WriteSafetensors draws the plan into one safetensors file, with its record
// in the metadata. The file appears under its name only when it is whole.
func WriteSafetensors(ctx context.Context, p *plan.Plan, path string, opts WriteOptions) error {
	meta, err := metadata(p)
	if err != nil {
		return err
	}
	t, err := target.Safetensors(entries(p), meta)
	if err != nil {
		return err
	}
	return write(ctx, p, t, path, opts)
}

// WriteCheckpoint draws the plan of a model into a folder of the Hugging Face
// layout: config.json beside model.safetensors or, when the values pass
// maxShard bytes (0 means [target.DefaultShardSize]), beside numbered shards
// with an index. Every file of weights carries the record. The folder is made
// when it is not there.
func WriteCheckpoint(ctx context.Context, p *plan.Plan, dir string, maxShard int64, opts WriteOptions) error {
	meta, err := metadata(p)
	if err != nil {
		return err
	}
	if p.Config() == nil {
		return fmt.Errorf("weightinit: a folder with a config.json is for a model, and the plan was made of no config")
	}
	t, err := target.HuggingFace(entries(p), meta, p.Config(), maxShard)
	if err != nil {
		return err
	}
	return write(ctx, p, t, dir, opts)
}

// WriteNPY draws the plan into a folder: one NAME.npy for each tensor, and a
// manifest.json with the record. bfloat16 is stored as the bits in uint16. The
// folder is made when it is not there.
func WriteNPY(ctx context.Context, p *plan.Plan, dir string, opts WriteOptions) error {
	meta, err := metadata(p)
	if err != nil {
		return err
	}
	t, err := target.NPY(entries(p), meta)
	if err != nil {
		return err
	}
	return write(ctx, p, t, dir, opts)
}

// WriteNPYFile draws a plan of one tensor into one .npy file, which has no
// place for a record.
func WriteNPYFile(ctx context.Context, p *plan.Plan, path string, opts WriteOptions) error {
	all := entries(p)
	if len(all) != 1 {
		return fmt.Errorf("weightinit: one .npy file holds one tensor, the plan has %d", len(all))
	}
	t, err := target.NPYFile(all[0])
	if err != nil {
		return err
	}
	return write(ctx, p, t, path, opts)
}

func entries(p *plan.Plan) []target.Entry {
	out := make([]target.Entry, 0, p.Tensors().Len())
	for _, t := range p.Tensors().All() {
		out = append(out, target.Entry{Name: t.Name, Shape: t.Shape, DType: t.DType})
	}
	return out
}

// write draws the plan into a target at path.
func write(ctx context.Context, p *plan.Plan, t *target.Target, path string, opts WriteOptions) error {
	out, err := place.Create(t, path, opts.place())
	if err != nil {
		return err
	}
	if err := fill.Run(ctx, p, sink{out, t.Entries}, opts.fill()); err != nil {
		return out.Abort(err)
	}
	return out.Finish(ctx)
}

// sink puts chunks to their place in an output.
type sink struct {
	out     *place.Output
	entries []target.Entry
}

func (s sink) WriteValues(tensor int, first int64, data []byte) error {
	return s.out.Write(tensor, data, first*s.entries[tensor].DType.Size())
}
