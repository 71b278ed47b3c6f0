package weightinit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/weightinit/weightinit/checkpoint/safetensors"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/internal/atomicfile"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/plan"
)

// DefaultShardSize is the most bytes of values in one file of a folder, as in
// Hugging Face's libraries: 5 GB.
const DefaultShardSize = 5_000_000_000

// The names in a folder of the Hugging Face layout.
const (
	configFile = "config.json"
	singleFile = "model.safetensors"
	indexFile  = "model.safetensors.index.json"
)

// WriteCheckpoint draws the plan into a folder of the Hugging Face layout:
// config.json beside model.safetensors or, when the values pass maxShard bytes
// (0 means [DefaultShardSize]), beside numbered shards with an index. Every
// file of weights carries the record. The folder is made when it is not there.
func WriteCheckpoint(ctx context.Context, p *plan.Plan, cfg *model.Config, dir string, maxShard int64, opts WriteOptions) error {
	if maxShard <= 0 {
		maxShard = DefaultShardSize
	}
	meta, err := metadata(p, cfg)
	if err != nil {
		return err
	}
	shards := splitShards(p, maxShard)
	sink := &shardSink{width: p.DType.Size(), place: make([]place, len(p.Steps)), shards: make([]shardFile, len(shards))}
	var specs []atomicfile.Spec
	weightMap := map[string]string{}
	for i, steps := range shards {
		name := shardName(i, len(shards))
		entries := make([]safetensors.Entry, len(steps))
		for j, s := range steps {
			param := p.Steps[s].Param
			entries[j] = safetensors.Entry{Name: param.Name, DType: p.DType, Shape: param.Shape}
			weightMap[param.Name] = name
		}
		header, offsets, total, err := safetensors.Header(entries, meta)
		if err != nil {
			return err
		}
		for j, s := range steps {
			sink.place[s] = place{i, offsets[j]}
		}
		sink.shards[i].header = header
		specs = append(specs, atomicfile.Spec{Name: name, Size: total})
	}
	small, err := smallFiles(cfg, weightMap, p.Bytes(), len(shards) > 1)
	if err != nil {
		return err
	}
	for _, f := range small {
		specs = append(specs, atomicfile.Spec{Name: f.name, Size: int64(len(f.text)), Order: f.order})
	}
	set, err := atomicfile.CreateSet(atomicfile.OS(), dir, specs, opts.atomic())
	if err != nil {
		return err
	}
	sink.set = set
	if err := sink.run(ctx, p, small, opts); err != nil {
		return abort(set, err)
	}
	return atomicfile.CommitContext(ctx, set)
}

// splitShards spreads the steps over files by Hugging Face's rule: a file is
// closed before the tensor that would make it pass the limit, and a tensor
// larger than the limit gets a file of its own, before the one still open.
func splitShards(p *plan.Plan, most int64) [][]int {
	var shards [][]int
	var current []int
	size := int64(0)
	for i, s := range p.Steps {
		bytes := s.Elements * p.DType.Size()
		if bytes > most {
			shards = append(shards, []int{i})
			continue
		}
		if size+bytes > most {
			shards = append(shards, current)
			current, size = nil, 0
		}
		current = append(current, i)
		size += bytes
	}
	if len(current) > 0 || len(shards) == 0 {
		shards = append(shards, current)
	}
	return shards
}

func shardName(i, n int) string {
	if n == 1 {
		return singleFile
	}
	return fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, n)
}

// smallFile is a file that is known at once.
type smallFile struct {
	name  string
	text  []byte
	order int
}

// smallFiles are the config and, for several shards, the index.
func smallFiles(cfg *model.Config, weightMap map[string]string, bytes int64, sharded bool) ([]smallFile, error) {
	config, err := indented(json.RawMessage(cfg.MarshalCanonical()))
	if err != nil {
		return nil, err
	}
	out := []smallFile{{configFile, config, 1}}
	if !sharded {
		return out, nil
	}
	index, err := indented(map[string]any{
		"metadata":   map[string]int64{"total_size": bytes},
		"weight_map": weightMap,
	})
	if err != nil {
		return nil, err
	}
	return append(out, smallFile{indexFile, index, 2}), nil
}

// indented is a JSON text with keys sorted, as Hugging Face's libraries write
// theirs.
func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}

// place is where a step's values lie.
type place struct {
	shard  int
	offset int64
}

// shardFile is one file of weights.
type shardFile struct {
	header []byte
	begin  sync.Once
	err    error
}

// shardSink writes every chunk to its place in one of several files.
type shardSink struct {
	set    *atomicfile.Set
	shards []shardFile
	place  []place
	width  int64
}

func (s *shardSink) run(ctx context.Context, p *plan.Plan, small []smallFile, opts WriteOptions) error {
	if err := fill.Run(ctx, p, s, opts.fill()); err != nil {
		return err
	}
	for i := range s.shards {
		if err := s.beginShard(i); err != nil {
			return err
		}
	}
	for i, f := range small {
		if err := s.set.Put(len(s.shards)+i, f.text); err != nil {
			return err
		}
	}
	return nil
}

// beginShard writes the header of a file, once.
func (s *shardSink) beginShard(i int) error {
	f := &s.shards[i]
	f.begin.Do(func() { _, f.err = s.set.WriteAt(i, f.header, 0) })
	return f.err
}

func (s *shardSink) WriteValues(step int, first int64, data []byte) error {
	at := s.place[step]
	if err := s.beginShard(at.shard); err != nil {
		return err
	}
	_, err := s.set.WriteAt(at.shard, data, at.offset+first*s.width)
	return err
}
