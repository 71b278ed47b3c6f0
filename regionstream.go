package weightinit

import (
	"context"
	"io"
	"iter"
	"slices"

	"github.com/weightinit/weightinit/checkpoint/target"
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/plan"
)

// regionStream writes a file of regions from its first byte to its last: part
// by part, each of which is drawn while the one before it is written.
type regionStream struct {
	plan    *plan.Plan
	regions []fill.Region
	target  *target.Target
	w       io.Writer
	options fill.Options
	watched *fill.Overflow
	// whole tells which parameters are made as a whole whatever is wanted.
	whole map[int]bool
	limit int64 // streamBytes, but in tests

	part    []box
	start   int64 // where the part lies in the file
	bytes   int64 // of the part
	data    []byte
	spare   []byte     // holds what is being written
	written chan error // gives one error for each part before the next is written
}

// box is a part of a region: its elements from first on.
type box struct {
	fill.Region
	region int
	first  int64
}

// streamBytes is the most bytes of a part that can be made in parts.
const streamBytes = 64 << 20

func newRegionStream(p *plan.Plan, regions []fill.Region, t *target.Target, w io.Writer, o fill.Options) *regionStream {
	s := &regionStream{
		plan: p, regions: regions, target: t, w: w, options: o, whole: madeWhole(p), limit: streamBytes,
		start: int64(len(t.Files[0].Head)), written: make(chan error, 1),
	}
	s.watched = fill.WatchRegions(p, regions, inMemory{s})
	s.written <- nil
	return s
}

func (s *regionStream) run(ctx context.Context) error {
	_, err := s.w.Write(s.target.Files[0].Head)
	if err != nil {
		return err
	}
	for i, r := range s.regions {
		if err = s.add(ctx, i, r); err != nil {
			break
		}
	}
	if err == nil {
		err = s.draw(ctx)
	}
	if last := <-s.written; err == nil {
		err = last
	}
	return err
}

// add puts a region into the part, and draws parts that are full.
func (s *regionStream) add(ctx context.Context, number int, r fill.Region) error {
	size := s.plan.Tensors().At(r.Tensor).DType.Size()
	most := max(s.limit/size, 1)
	if s.whole[s.plan.Tensors().At(r.Tensor).Param] {
		most = max(most, dist.Elements(r.Sizes))
	}
	first := int64(0)
	for b := range boxes(r, most) {
		n := dist.Elements(b.Sizes)
		if s.bytes > 0 && s.bytes+n*size > s.limit {
			if err := s.draw(ctx); err != nil {
				return err
			}
		}
		s.part = append(s.part, box{b, number, first})
		s.bytes += n * size
		first += n
	}
	return nil
}

// draw makes the part, and has it written when the one before it is.
func (s *regionStream) draw(ctx context.Context) error {
	if s.bytes == 0 {
		return nil
	}
	if int64(cap(s.data)) < s.bytes {
		s.data = make([]byte, max(s.bytes, min(s.target.Files[0].Size, s.limit)))
	}
	s.data = s.data[:s.bytes]
	regions := make([]fill.Region, len(s.part))
	for i, b := range s.part {
		regions[i] = b.Region
	}
	if err := fill.RunRegions(ctx, s.plan, regions, partSink{s}, s.options); err != nil {
		return err
	}
	err := <-s.written
	if err != nil {
		s.written <- nil
		return err
	}
	go func(data []byte) {
		_, err := s.w.Write(data)
		s.written <- err
	}(s.data)
	s.data, s.spare = s.spare, s.data
	s.part, s.start, s.bytes = s.part[:0], s.start+s.bytes, 0
	return nil
}

// partSink hands on the values of the part as those of whole regions.
type partSink struct{ *regionStream }

func (s partSink) WriteValues(i int, first int64, data []byte) error {
	return s.watched.WriteValues(s.part[i].region, s.part[i].first+first, data)
}

// inMemory keeps values of regions at their place in the part; no two calls
// write the same elements.
type inMemory struct{ *regionStream }

func (s inMemory) WriteValues(region int, first int64, data []byte) error {
	at := s.target.Values[region].Offset + first*s.target.Entries[region].DType.Size()
	copy(s.data[at-s.start:], data)
	return nil
}

// boxes cuts a region into regions of at most so many elements, which follow
// each other in its order: rows of its first dimension or, where one is too
// much, of the next.
func boxes(r fill.Region, most int64) iter.Seq[fill.Region] {
	return func(yield func(fill.Region) bool) { cutBoxes(r, 0, most, yield) }
}

func cutBoxes(r fill.Region, dim int, most int64, yield func(fill.Region) bool) bool {
	n := dist.Elements(r.Sizes)
	if n <= most || dim == len(r.Sizes) {
		return yield(r)
	}
	row := n / r.Sizes[dim]
	count := max(most/row, 1)
	for first := int64(0); first < r.Sizes[dim]; first += count {
		some := fill.Region{Tensor: r.Tensor, Offsets: slices.Clone(r.Offsets), Sizes: slices.Clone(r.Sizes)}
		some.Offsets[dim] += first
		some.Sizes[dim] = min(count, r.Sizes[dim]-first)
		if !cutBoxes(some, dim+1, most, yield) {
			return false
		}
	}
	return true
}

// madeWhole tells which parameters have a step that is made as a whole whatever
// is wanted of it.
func madeWhole(p *plan.Plan) map[int]bool {
	out := map[int]bool{}
	for _, s := range p.Steps().All() {
		_, filled := s.Dist.Draw.(dist.Filled)
		_, matrix := s.Dist.Draw.(dist.Orthonormal)
		if filled || matrix || dist.Whole(s.Dist.Post) {
			out[s.Param] = true
		}
	}
	return out
}
