// Command pooled_go runs parity's check of statistics on several models at once
// that were made alike from different seeds: four models hold four times as
// many values of each law. scripts/parity-live --nightly uses it to look again
// at what seemed odd in one model.
//
//	pooled_go -config config.json -mode gpt2@1 -candidate a,b,c,d -reference e,f,g,h
//
// With -how stack the tensors of one name become one tensor, longer along its
// first dimension; with -how copies they stay apart, so that small ones are
// pooled as they are in one model. With -laws=false the two sides are compared
// without the mode's laws. It prints the report in JSON, and decides nothing.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/parity/report"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

func main() {
	config := flag.String("config", "", "the models' config `file`")
	mode := flag.String("mode", "", "the mode that says the laws")
	how := flag.String("how", "stack", "stack or copies")
	laws := flag.Bool("laws", true, "test against the mode's laws")
	candidate := flag.String("candidate", "", "`files` of the candidates, with commas between")
	reference := flag.String("reference", "", "`files` of the references, with commas between")
	flag.Parse()
	err := run(*config, *mode, *how == "copies", *laws, strings.Split(*candidate, ","), strings.Split(*reference, ","))
	if err != nil {
		fmt.Fprintln(os.Stderr, "pooled_go:", err)
		os.Exit(3)
	}
}

func run(config, mode string, copies, laws bool, candidates, references []string) error {
	if len(candidates) != len(references) {
		return fmt.Errorf("%d candidates and %d references: give as many of each", len(candidates), len(references))
	}
	candidate, err := together(candidates, copies)
	if err != nil {
		return err
	}
	reference, err := together(references, copies)
	if err != nil {
		return err
	}
	var opts engine.StatsOptions
	if laws {
		if opts.Declared, err = planOf(config, mode, len(candidates), copies); err != nil {
			return err
		}
	}
	r, err := engine.Stats(context.Background(), reference, candidate, opts)
	if err != nil {
		return err
	}
	return report.Write(os.Stdout, "json", r, report.Options{})
}

// copyName is the name of a tensor of model k.
func copyName(name string, k int) string { return fmt.Sprintf("%s#%d", name, k) }

// planOf is the model's plan for so many of them.
func planOf(config, mode string, models int, copies bool) (*plan.Plan, error) {
	cfg, _, err := model.Load(config)
	if err != nil {
		return nil, err
	}
	one, err := weightinit.Prepare(context.Background(), cfg, weightinit.Mode(mode))
	if err != nil {
		return nil, err
	}
	l := &layout.Layout{Model: one.Model()}
	var dists []dist.Dist
	for _, param := range one.Params().All() {
		if copies {
			for k := range models {
				again := param.Param
				again.Name = copyName(param.Name, k)
				l.Params, dists = append(l.Params, again), append(dists, param.Dist)
			}
			continue
		}
		if param.Shape, err = stacked(param.Shape, models); err != nil {
			return nil, err
		}
		l.Params, dists = append(l.Params, param.Param), append(dists, param.Dist)
	}
	return plan.Assigned(l, registry.ID{Name: "pooled", Version: 1}, dists, plan.Options{})
}

func stacked(shape []int64, models int) ([]int64, error) {
	if len(shape) == 0 {
		return nil, errors.New("a scalar cannot be stacked: use -how copies")
	}
	shape = slices.Clone(shape)
	shape[0] *= int64(models)
	return shape, nil
}

// set holds tensors in memory.
type set []checkpoint.Tensor

func (s set) Tensors() []checkpoint.Tensor { return s }

func (s set) Lookup(name string) (checkpoint.Tensor, bool) {
	i := slices.IndexFunc(s, func(t checkpoint.Tensor) bool { return t.Name == name })
	if i < 0 {
		return checkpoint.Tensor{}, false
	}
	return s[i], true
}

func (set) Metadata() map[string]string { return nil }
func (set) Warnings() []string          { return nil }
func (set) Close() error                { return nil }

// part is what the models read so far hold under one name.
type part struct {
	dtype string
	shape []int64
	data  []byte
	count int
}

// together reads all models into one set.
func together(paths []string, copies bool) (set, error) {
	var names []string
	parts := map[string]*part{}
	for k, path := range paths {
		s, err := checkpoint.Open(path)
		if err != nil {
			return nil, err
		}
		for _, t := range s.Tensors() {
			name := t.Name
			if copies {
				name = copyName(name, k)
			}
			p := parts[name]
			if p == nil {
				p = &part{dtype: t.DType, shape: t.Shape}
				parts[name] = p
				names = append(names, name)
			}
			data := make([]byte, t.Bytes())
			if err := t.ReadAt(data, 0); err != nil {
				return nil, errors.Join(err, s.Close())
			}
			if t.DType != p.dtype || !slices.Equal(t.Shape, p.shape) {
				return nil, errors.Join(fmt.Errorf("%s: tensor %q is not as in the files before", path, t.Name), s.Close())
			}
			p.data = append(p.data, data...)
			p.count++
		}
		if err := s.Close(); err != nil {
			return nil, err
		}
	}
	out := make(set, 0, len(names))
	for _, name := range names {
		p := parts[name]
		shape := p.shape
		if !copies {
			var err error
			if shape, err = stacked(p.shape, p.count); err != nil {
				return nil, err
			}
		}
		t, err := checkpoint.NewTensor(name, p.dtype, shape, bytes.NewReader(p.data))
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}
