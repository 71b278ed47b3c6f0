package weightinit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/weightinit/weightinit/checkpoint/target"
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/internal/nearest"
	"github.com/weightinit/weightinit/internal/record"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/plan"
)

// Region is a part of a tensor, such as one machine of many needs.
type Region struct {
	// Name is the tensor's.
	Name string
	// Offsets and Sizes tell, along every dimension of the tensor, the first
	// element and the number of elements. Without Offsets a region begins where
	// the tensor does, without Sizes it goes on to the tensor's end.
	Offsets, Sizes []int64
	// As is the region's name in a file; Name if it is empty.
	As string
}

// RegionError says which of several regions cannot be made.
type RegionError struct {
	// Number counts from 0.
	Number int
	// Name is the tensor's.
	Name string
	Err  error
}

// Error returns one line.
func (e *RegionError) Error() string {
	return fmt.Sprintf("region %d of tensor %s: %v", e.Number, shown.Quote(e.Name), e.Err)
}

// Unwrap returns the cause.
func (e *RegionError) Unwrap() error { return e.Err }

// WriteRegions draws regions of tensors into one safetensors file, in their
// order. All are made in one walk through the plan, which draws little else (see
// [Plan.Slice]), so a part of a model costs about what it holds. Regions may
// overlap, or be the same, under names of their own. The file's metadata tells
// the digest of the plan, its mode and its seed; it is no record, and
// [Rebuild] refuses it. A region that does not lie in its tensor is a
// [*RegionError].
func (p *Plan) WriteRegions(ctx context.Context, path string, regions []Region, opts ...Option) error {
	wanted, t, err := p.regions(regions)
	if err != nil {
		return err
	}
	return put(ctx, t, path, opts, func(to fill.Sink, o fill.Options) (*fill.OverflowError, error) {
		values := fill.WatchRegions(p.Plan, wanted, to)
		err := fill.RunRegions(ctx, p.Plan, wanted, values, o)
		return values.Found(), err
	})
}

// StreamRegions writes the file of [Plan.WriteRegions] to w, from its first byte
// to its last. It holds two parts of 64 MiB in memory, one that is drawn while
// the other is written; of a parameter that can only be made as a whole, such as
// an orthogonal matrix, all of each region. The option [Overflow] is called
// when everything is written.
func (p *Plan) StreamRegions(ctx context.Context, w io.Writer, regions []Region, opts ...Option) error {
	s, err := collect(writes, opts)
	if err != nil {
		return err
	}
	wanted, t, err := p.regions(regions)
	if err != nil {
		return err
	}
	stream := newRegionStream(p.Plan, wanted, t, w, s.fill)
	if err := stream.run(ctx); err != nil {
		return err
	}
	return s.tell(stream.watched.Found())
}

// RegionSizes returns the number of values of each region. An error is that of
// [Plan.WriteRegions].
func (p *Plan) RegionSizes(regions []Region) ([]int64, error) {
	wanted, _, err := p.regions(regions)
	if err != nil {
		return nil, err
	}
	sizes := make([]int64, len(wanted))
	for i, r := range wanted {
		sizes[i] = dist.Elements(r.Sizes)
	}
	return sizes, nil
}

// regions finds the tensors of regions, and what a file of them consists of.
func (p *Plan) regions(regions []Region) ([]fill.Region, *target.Target, error) {
	numbers := make(map[string]int, p.Tensors().Len())
	for i, t := range p.Tensors().All() {
		numbers[t.Name] = i
	}
	wanted := make([]fill.Region, len(regions))
	entries := make([]target.Entry, len(regions))
	names := make(map[string]int, len(regions))
	for i, r := range regions {
		fail := func(err error) ([]fill.Region, *target.Target, error) {
			return nil, nil, &RegionError{Number: i, Name: r.Name, Err: err}
		}
		number, ok := numbers[r.Name]
		if !ok {
			return fail(p.unknown(r.Name))
		}
		t := p.Tensors().At(number)
		wanted[i] = r.of(number, t)
		if err := wanted[i].Check(t); err != nil {
			return fail(err)
		}
		as := r.As
		if as == "" {
			as = r.Name
		}
		if before, twice := names[as]; twice {
			return fail(fmt.Errorf("region %d has the name %s in the file already: give another", before, shown.Quote(as)))
		}
		names[as] = i
		entries[i] = target.Entry{Name: as, Shape: wanted[i].Sizes, DType: t.DType}
		if _, err := target.Safetensors(entries[i:i+1], nil); err != nil {
			return fail(err)
		}
	}
	r := record.Record{Digest: p.Digest(), Mode: p.Mode(), Seed: p.SeedText(), Streams: string(p.Streams())}
	if !p.Program() && p.Drawn() != p.DType().Compute() {
		r.Drawn = p.Drawn().String()
	}
	t, err := target.Safetensors(entries, r.SliceMetadata())
	return wanted, t, err
}

// unknown is the error of a name that no tensor has.
func (p *Plan) unknown(name string) error {
	var known []string
	for _, t := range p.Tensors().All() {
		known = append(known, t.Name)
	}
	if near := nearest.Name(name, known); near != "" {
		return fmt.Errorf("the plan has no such tensor: did you mean %s?", shown.Quote(near))
	}
	return errors.New("the plan has no such tensor")
}

// of completes the offsets and sizes of a region of tensor number.
func (r Region) of(number int, t plan.Tensor) fill.Region {
	out := fill.Region{Tensor: number, Offsets: r.Offsets, Sizes: r.Sizes}
	if out.Offsets == nil {
		out.Offsets = make([]int64, len(t.Shape))
	}
	if out.Sizes == nil {
		out.Sizes = slices.Clone(t.Shape)
		for d := range min(len(out.Sizes), len(out.Offsets)) {
			out.Sizes[d] = max(out.Sizes[d]-out.Offsets[d], 0)
		}
	}
	return out
}
