package weightinit

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/weightinit/weightinit/checkpoint/place"
	"github.com/weightinit/weightinit/checkpoint/target"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/internal/record"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/plan"
)

// metadata is the record of a plan: of a model's config, or of one tensor.
func (p *Plan) metadata() (map[string]string, error) {
	if p.file != nil {
		return p.programMetadata()
	}
	r := record.Record{
		Options: p.OptionsJSON(), Seed: p.SeedText(), Streams: string(p.Streams()),
		DType: p.DType().String(), Digest: p.Digest(),
	}
	if p.Drawn() != p.DType().Compute() {
		r.Drawn = p.Drawn().String()
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
func (p *Plan) WriteSafetensors(ctx context.Context, path string, opts ...Option) error {
	meta, err := p.metadata()
	if err != nil {
		return err
	}
	t, err := target.Safetensors(p.entries(), meta)
	if err != nil {
		return err
	}
	return p.write(ctx, t, path, opts)
}

// WriteCheckpoint draws the plan of a model into a folder of the Hugging Face
// layout: config.json beside model.safetensors or, when the values pass the
// [MaxShardSize], beside numbered shards with an index. Every file of weights
// carries the record. A plan that was made of a plan file has no config, and the
// folder no config.json. The folder is made when it is not there.
func (p *Plan) WriteCheckpoint(ctx context.Context, dir string, opts ...Option) error {
	meta, err := p.metadata()
	if err != nil {
		return err
	}
	if p.Config() == nil && p.file == nil {
		return fmt.Errorf("weightinit: a folder with a config.json is for a model, and the plan was made of no config")
	}
	s, err := collect(writes, opts)
	if err != nil {
		return err
	}
	config := p.Config()
	if config != nil {
		if config, err = model.FileIn(config, p.DType()); err != nil {
			return err
		}
	}
	t, err := target.HuggingFace(p.entries(), meta, target.Folder{Config: config, MaxShard: s.shard, Parameters: p.parameters()})
	if err != nil {
		return err
	}
	return p.write(ctx, t, dir, opts)
}

// WriteNPY draws the plan into a folder: one NAME.npy for each tensor, and a
// manifest.json with the record. bfloat16 is stored as the bits in uint16. The
// folder is made when it is not there.
func (p *Plan) WriteNPY(ctx context.Context, dir string, opts ...Option) error {
	meta, err := p.metadata()
	if err != nil {
		return err
	}
	t, err := target.NPY(p.entries(), meta)
	if err != nil {
		return err
	}
	return p.write(ctx, t, dir, opts)
}

// WriteNPYFile draws a plan of one tensor into one .npy file, which has no
// place for a record.
func (p *Plan) WriteNPYFile(ctx context.Context, path string, opts ...Option) error {
	all := p.entries()
	if len(all) != 1 {
		return fmt.Errorf("weightinit: one .npy file holds one tensor, the plan has %d", len(all))
	}
	t, err := target.NPYFile(all[0])
	if err != nil {
		return err
	}
	return p.write(ctx, t, path, opts)
}

func (p *Plan) entries() []target.Entry {
	out := make([]target.Entry, 0, p.Tensors().Len())
	unit := 0
	last := plan.Tensor{Param: -1}
	for _, t := range p.Tensors().All() {
		// save_pretrained cuts a stack of experts into views of one tensor, which
		// it keeps together; what begins again is another view.
		if t.Param != last.Param || t.First <= last.First {
			unit++
		}
		out = append(out, target.Entry{Name: t.Name, Shape: t.Shape, DType: t.DType, Unit: unit})
		last = t
	}
	return out
}

// parameters is the number of values of the state dict that are parameters.
func (p *Plan) parameters() int64 {
	n := int64(0)
	for _, e := range p.StateDict().All() {
		if e.SameAs == "" && !e.Buffer {
			n += e.Elements
		}
	}
	return n
}

// write draws the plan into a target at path.
func (p *Plan) write(ctx context.Context, t *target.Target, path string, opts []Option) error {
	return put(ctx, t, path, opts, func(to fill.Sink, o fill.Options) (*fill.OverflowError, error) {
		values := fill.Watch(p.Plan, to)
		err := fill.Run(ctx, p.Plan, values, o)
		return values.Found(), err
	})
}

// put writes what run makes into a target at path.
func put(ctx context.Context, t *target.Target, path string, opts []Option, run func(fill.Sink, fill.Options) (*fill.OverflowError, error)) error {
	s, err := collect(writes, opts)
	if err != nil {
		return err
	}
	out, err := place.Create(t, path, s.place)
	if err != nil {
		return err
	}
	found, err := run(sink{out, t.Entries}, s.fill)
	if err == nil {
		err = s.tell(found)
	}
	if err != nil {
		return out.Abort(err)
	}
	return out.Finish(ctx)
}

// tell hands what does not fit the stored type, if anything, to the option
// [Overflow].
func (s *settings) tell(found *fill.OverflowError) error {
	if found == nil || s.overflow == nil {
		return nil
	}
	return s.overflow(found)
}

// sink puts chunks to their place in an output.
type sink struct {
	out     *place.Output
	entries []target.Entry
}

func (s sink) WriteValues(tensor int, first int64, data []byte) error {
	return s.out.Write(tensor, data, first*s.entries[tensor].DType.Size())
}
