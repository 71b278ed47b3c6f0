package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"google.golang.org/grpc"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/internal/fromproto"
	"github.com/weightinit/weightinit/plugins/internal/rpc"
	"github.com/weightinit/weightinit/plugins/internal/toproto"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
	"github.com/weightinit/weightinit/registry"
)

// fillCase is a parameter that a mode leaves to the plugin.
type fillCase struct {
	mode     fromproto.Mode
	assign   *modev1.AssignRequest
	i        int
	elements uint64
}

// casesPerMode are as many parameters of each mode as are filled.
const casesPerMode = 4

// fills finds parameters to fill; a plugin that fills none gets a skip.
func (e *env) fills(ctx context.Context) ([]fillCase, error) {
	if !e.about.Has(wire.FeatureFill) {
		return nil, skip("the plugin does not have the feature " + wire.FeatureFill)
	}
	if !e.looked {
		e.looked = true
		for _, m := range e.about.Modes {
			if m.Fills {
				e.cases = append(e.cases, e.fillsOf(ctx, m)...)
			}
		}
	}
	if len(e.cases) == 0 {
		return nil, skip("no mode leaves a parameter of the standard layouts to the plugin")
	}
	return e.cases, nil
}

func (e *env) fillsOf(ctx context.Context, m fromproto.Mode) []fillCase {
	var out []fillCase
	for _, s := range append([]standard{wideLayout()}, standards()...) {
		req, err := request(m, s, dtype.F32)
		if err != nil {
			continue
		}
		reply, err := assign(ctx, e.main.conn, req)
		if err != nil {
			continue // assign.layouts tells
		}
		got, err := fromproto.Dists(reply, s.layout.Params, fromproto.AssignRules{DType: dtype.F32, Fills: true})
		if err != nil {
			continue // assign.values tells
		}
		for i, d := range got {
			if _, ok := d.Draw.(dist.Filled); ok && len(out) < casesPerMode {
				out = append(out, fillCase{m, req, i, uint64(s.layout.Params[i].Elements())})
			}
		}
	}
	return out
}

// wideLayout has parameters of several chunks.
func wideLayout() standard {
	b := newBuilder(layout.Facts{Architecture: "wide", Layers: 1, DModel: 256, DHead: 64, Heads: 4, KVHeads: 4, DMLP: 1024, DVocab: 1000, Ctx: 512})
	b.add("position.weight", layout.Position, 512, 256, 512, 256)
	b.in(0, "layers.0.")
	b.matrix("mlp.up", layout.MLPIn, 256, 512)
	return standard{name: "wide", layout: b.layout}
}

// name is the parameter's.
func (c fillCase) name() string { return c.assign.Params[c.i].Name }

func (c fillCase) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("mode %s, parameter %q: %w", label(c.mode), c.name(), err)
}

// request asks for all values with a fixed seed.
func (c fillCase) request(e *env) *modev1.FillRequest {
	id := registry.ID{Plugin: e.about.Name, Name: c.mode.ID, Version: c.mode.Version}
	seed := wire.FillSeed(42, id.String(), c.name(), dtype.F32)
	return toproto.FillRequest(c.assign, c.i, seed, dtype.F32, 0, c.elements, wire.DefaultChunk)
}

// fillTimeout is the host's to a chunk; the kit's parameters are small.
const fillTimeout = 30 * time.Second

// values asks for values.
func values(ctx context.Context, conn grpc.ClientConnInterface, req *modev1.FillRequest) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fillTimeout)
	defer cancel()
	var out bytes.Buffer
	err := rpc.Fill(ctx, conn, req, func(_ uint64, data []byte) error {
		out.Write(data)
		return nil
	})
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("no end within %s", fillTimeout)
	}
	return out.Bytes(), err
}

// eachFill calls do for every case with the values that a plain request gets.
func (e *env) eachFill(ctx context.Context, do func(c fillCase, req *modev1.FillRequest, want []byte) error) error {
	cases, err := e.fills(ctx)
	if err != nil {
		return err
	}
	for _, c := range cases {
		want, err := values(ctx, e.main.conn, c.request(e))
		if err == nil {
			err = do(c, c.request(e), want)
		}
		var skipped skip
		if errors.As(err, &skipped) {
			return err
		}
		if err != nil {
			return c.wrap(err)
		}
	}
	return nil
}

// same asks for values and compares them.
func same(ctx context.Context, conn grpc.ClientConnInterface, req *modev1.FillRequest, want []byte, when string) error {
	got, err := values(ctx, conn, req)
	if err != nil {
		return fmt.Errorf("%s: %w", when, err)
	}
	if i := firstDifference(got, want); i >= 0 {
		return fmt.Errorf("%s: element %d differs", when, i/elementSize(req))
	}
	return nil
}

func elementSize(req *modev1.FillRequest) int {
	if req.Dtype == modev1.DType_DTYPE_F64 {
		return 8
	}
	return 4
}

// firstDifference returns the first byte at which two texts differ, or -1.
func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}

func fillRepeat(ctx context.Context, e *env) error {
	return e.eachFill(ctx, func(_ fillCase, req *modev1.FillRequest, want []byte) error {
		return same(ctx, e.main.conn, req, want, "asked again")
	})
}

func fillProcess(ctx context.Context, e *env) error {
	if _, err := e.fills(ctx); err != nil {
		return err
	}
	second, err := e.second(ctx)
	if err != nil {
		return err
	}
	defer second.stop()
	return e.eachFill(ctx, func(_ fillCase, req *modev1.FillRequest, want []byte) error {
		return same(ctx, second.conn, req, want, "in another process")
	})
}

// moves checks that a change of the request changes the values of a mode: those
// of at least one parameter, as some may be a pattern; those of none when the
// mode says that it makes fixed patterns.
func (e *env) moves(ctx context.Context, what string, change func(*modev1.FillRequest)) error {
	moved := map[string]bool{}
	err := e.eachFill(ctx, func(c fillCase, req *modev1.FillRequest, want []byte) error {
		change(req)
		got, err := values(ctx, e.main.conn, req)
		differ := err == nil && !bytes.Equal(got, want)
		if differ && c.mode.Fixed {
			return fmt.Errorf("other values for another %s, and the mode says fixed: remove fixed, or use no seed", what)
		}
		moved[label(c.mode)] = moved[label(c.mode)] || differ || c.mode.Fixed
		return err
	})
	if err != nil {
		return err
	}
	for _, mode := range slices.Sorted(maps.Keys(moved)) {
		if !moved[mode] {
			return fmt.Errorf("mode %s: the same values for another %s: use the seed of the request, or say fixed of a fixed pattern", mode, what)
		}
	}
	return nil
}

func fillSeed(ctx context.Context, e *env) error {
	return e.moves(ctx, "seed", func(req *modev1.FillRequest) { req.Seed[0] ^= 1 })
}

func fillName(ctx context.Context, e *env) error {
	return e.moves(ctx, "parameter name", func(req *modev1.FillRequest) {
		// A host makes the seed from the name.
		seed := wire.FillSeed(42, req.Mode, req.Param.Name+".other", dtype.F32)
		req.Seed = seed[:]
		param := &modev1.Param{
			Name: req.Param.Name + ".other", Shape: req.Param.Shape, Dtype: req.Param.Dtype, Role: req.Param.Role,
			Layer: req.Param.Layer, FanIn: req.Param.FanIn, FanOut: req.Param.FanOut,
		}
		req.Param = param
	})
}

func fillChunks(ctx context.Context, e *env) error {
	return e.eachFill(ctx, func(_ fillCase, req *modev1.FillRequest, want []byte) error {
		for _, n := range []uint32{wire.MinChunk, wire.DefaultChunk, wire.MaxChunk} {
			req.ChunkBytes = n
			if err := same(ctx, e.main.conn, req, want, fmt.Sprintf("in chunks of %d bytes", n)); err != nil {
				return err
			}
		}
		return nil
	})
}

func fillParallel(ctx context.Context, e *env) error {
	return e.eachFill(ctx, func(_ fillCase, req *modev1.FillRequest, want []byte) error {
		return together(2, func(int) error { return same(ctx, e.main.conn, req, want, "two at once") })
	})
}

func fillOrder(ctx context.Context, e *env) error {
	cases, err := e.fills(ctx)
	if err != nil {
		return err
	}
	want := make([][]byte, len(cases))
	for i, c := range cases {
		if want[i], err = values(ctx, e.main.conn, c.request(e)); err != nil {
			return c.wrap(err)
		}
	}
	for i := len(cases) - 1; i >= 0; i-- {
		if err := same(ctx, e.main.conn, cases[i].request(e), want[i], "in another order"); err != nil {
			return cases[i].wrap(err)
		}
	}
	return nil
}

func fillRange(ctx context.Context, e *env) error {
	if !e.about.Has(wire.FeatureRange) {
		return skip("the plugin does not have the feature " + wire.FeatureRange)
	}
	return e.eachFill(ctx, func(c fillCase, req *modev1.FillRequest, want []byte) error {
		size := uint64(elementSize(req))
		n := c.elements
		for _, r := range [][2]uint64{{0, n / 2}, {n / 2, n - n/2}, {n / 3, min(7, n-n/3)}, {n - min(1, n), min(1, n)}, {n, 0}} {
			req.First, req.Count = r[0], r[1]
			part := want[r[0]*size : (r[0]+r[1])*size]
			if err := same(ctx, e.main.conn, req, part, fmt.Sprintf("elements %d and %d more", r[0], r[1])); err != nil {
				return err
			}
		}
		return nil
	})
}

func fillDType(ctx context.Context, e *env) error {
	return e.eachFill(ctx, func(c fillCase, req *modev1.FillRequest, _ []byte) error {
		req.Dtype = modev1.DType_DTYPE_F64
		got, err := values(ctx, e.main.conn, req)
		if err != nil {
			return fmt.Errorf("as F64: %w", err)
		}
		if uint64(len(got)) != 8*c.elements {
			return fmt.Errorf("as F64: %d bytes for %d elements", len(got), c.elements)
		}
		return nil
	})
}

// fillCount checks the count; that values are finite every chunk is checked for.
func fillCount(ctx context.Context, e *env) error {
	return e.eachFill(ctx, func(c fillCase, req *modev1.FillRequest, want []byte) error {
		if uint64(len(want)) != c.elements*uint64(elementSize(req)) {
			return fmt.Errorf("%d bytes for %d elements", len(want), c.elements)
		}
		return nil
	})
}

func fillCancel(ctx context.Context, e *env) error {
	cases, err := e.fills(ctx)
	if err != nil {
		return err
	}
	for _, c := range cases {
		want, err := values(ctx, e.main.conn, c.request(e))
		if err != nil {
			return c.wrap(err)
		}
		req := c.request(e)
		req.ChunkBytes = wire.MinChunk
		left := errors.New("left")
		_ = rpc.Fill(ctx, e.main.conn, req, func(uint64, []byte) error { return left })
		began := time.Now()
		ctx, cancel := context.WithTimeout(ctx, fillTimeout)
		health := rpc.Health(ctx, e.main.conn)
		took := time.Since(began)
		cancel()
		if health != nil || took > time.Second {
			return c.wrap(fmt.Errorf("after a stream that was left in the middle the next call took %s: %v", took.Round(time.Millisecond), health))
		}
		if err := same(context.WithoutCancel(ctx), e.main.conn, c.request(e), want, "after a stream that was left in the middle"); err != nil {
			return c.wrap(err)
		}
	}
	return nil
}
