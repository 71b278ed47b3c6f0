package weightinit

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/weightinit/weightinit/internal/record"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/strictjson"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/modes/elementary"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

// Rebuild makes the plan again from the record in an output's metadata and
// nothing else. modes is where the record's mode is looked up. A record that
// is missing, broken or of another version is an error.
func Rebuild(ctx context.Context, metadata map[string]string, modes *registry.Registry) (*plan.Plan, error) {
	r, err := record.Parse(metadata)
	if err != nil {
		return nil, err
	}
	opts, err := optionsOf(r)
	if err != nil {
		return nil, err
	}
	settings, err := settingsOf(r.Options)
	if err != nil {
		return nil, err
	}
	var p *plan.Plan
	if r.Scheme != "" {
		p, err = rebuildTensor(ctx, r, settings, opts)
	} else {
		p, err = rebuildModel(ctx, r, settings, opts, modes)
	}
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	return p, nil
}

// Recorded is what an output's record says of itself, before anything is made
// again.
type Recorded struct {
	// Mode is the full id of the mode, such as "gpt2@1"; empty for a tensor.
	Mode string
	// Digest is the plan's.
	Digest string
	// DType is the stored type; a plugin's mode is told it.
	DType layout.DType
	// Plugin names the plugin that the mode comes from; nil for a built-in one.
	Plugin *registry.Plugin
}

// ReadRecord reads the record in an output's metadata.
func ReadRecord(metadata map[string]string) (Recorded, error) {
	r, err := record.Parse(metadata)
	if err != nil {
		return Recorded{}, err
	}
	opts, err := optionsOf(r)
	if err != nil {
		return Recorded{}, err
	}
	out := Recorded{Mode: r.Mode, Digest: r.Digest, DType: opts.DType}
	if r.Plugin != "" {
		out.Plugin = &registry.Plugin{Name: r.Plugin, Version: r.PluginVersion, H1: r.PluginH1}
	}
	return out, nil
}

func optionsOf(r record.Record) (plan.Options, error) {
	seed, err := model.ParseSeed(r.Seed)
	if err != nil {
		return plan.Options{}, fmt.Errorf("record: %w", err)
	}
	dtype, err := layout.ParseDType(r.DType)
	if err != nil {
		return plan.Options{}, fmt.Errorf("record: dtype %s: use a file made by this version", shown.Quote(r.DType))
	}
	streams, err := plan.ParseStreams(r.Streams)
	if err != nil {
		return plan.Options{}, fmt.Errorf("record: %w", err)
	}
	return plan.Options{Seed: seed, SeedText: r.Seed, DType: dtype, Streams: streams}, nil
}

// settingsOf turns the recorded options, a JSON object, into "key=value" texts.
func settingsOf(text string) ([]string, error) {
	const maxDepth = 2 // an object of values and lists of them
	p := strictjson.New([]byte(text), maxDepth)
	var out []string
	err := p.Object(func(key string, _ int64) error {
		value, err := settingText(p)
		out = append(out, key+"="+value)
		return err
	})
	if err == nil {
		err = p.End()
	}
	if err != nil {
		return nil, fmt.Errorf("record: options %s: %w", shown.Quote(text), err)
	}
	sort.Strings(out)
	return out, nil
}

// settingText is a JSON value as --set takes it: a text without its quotes,
// a list with commas, numbers and truth values as they stand.
func settingText(p *strictjson.Parser) (string, error) {
	kind, err := p.Peek()
	if err != nil {
		return "", err
	}
	switch kind {
	case strictjson.String:
		return p.String()
	case strictjson.Number:
		return p.Number()
	case strictjson.Bool:
		v, err := p.Bool()
		return strconv.FormatBool(v), err
	}
	var parts []string
	err = p.Array(func(int) error {
		part, err := settingText(p)
		parts = append(parts, part)
		return err
	})
	return strings.Join(parts, ","), err
}

// shapeOf reads the recorded shape, a JSON list of sizes.
func shapeOf(text string) ([]int64, error) {
	p := strictjson.New([]byte(text), 1)
	shape := []int64{}
	err := p.Array(func(int) error {
		literal, err := p.Number()
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(literal, 10, 64)
		shape = append(shape, size)
		return err
	})
	if err == nil {
		err = p.End()
	}
	if err != nil {
		return nil, fmt.Errorf("shape %s: %w", shown.Quote(text), err)
	}
	return shape, nil
}

func rebuildModel(ctx context.Context, r record.Record, settings []string, opts plan.Options, modes *registry.Registry) (*plan.Plan, error) {
	info, err := modes.Lookup(r.Mode)
	if err != nil {
		return nil, err
	}
	cfg, _, err := model.Parse("weightinit.config", []byte(r.Config), model.JSON)
	if err != nil {
		return nil, err
	}
	return PlanMode(ctx, cfg, info, settings, opts)
}

func rebuildTensor(ctx context.Context, r record.Record, settings []string, opts plan.Options) (*plan.Plan, error) {
	info, err := elementary.Schemes().Lookup(r.Scheme)
	if err != nil {
		return nil, err
	}
	shape, err := shapeOf(r.Shape)
	if err != nil {
		return nil, err
	}
	return PlanTensor(ctx, info, settings, shape, opts)
}
