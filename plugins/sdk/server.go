package sdk

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/internal/version"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/internal/fromproto"
	"github.com/weightinit/weightinit/plugins/internal/toproto"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
	"github.com/weightinit/weightinit/registry"
)

// sdkName tells users which library a plugin was written with.
const sdkName = "weightinit-go"

// Register adds the service of p to a gRPC server, for tests and for programs
// that bring a server of their own. The server must receive messages of up to
// 64 MiB. It is an error when p breaks a rule of the protocol.
func Register(s grpc.ServiceRegistrar, p Plugin) error {
	srv, err := newServer(p)
	if err != nil {
		return err
	}
	modev1.RegisterModeServer(s, srv)
	return nil
}

type server struct {
	modev1.UnimplementedModeServer
	plugin   Plugin
	describe *modev1.DescribeReply
	schemas  []*fromproto.Schema // of plugin.Modes
}

// newServer checks p as strictly as a host does, so that a mistake shows when
// the program starts.
func newServer(p Plugin) (*server, error) {
	s := &server{plugin: p, describe: &modev1.DescribeReply{
		Name: p.Name, Version: p.Version, Sdk: sdkName, SdkVersion: version.Number,
	}}
	fills := false
	for _, m := range p.Modes {
		info, err := modeInfo(m)
		if err != nil {
			return nil, fmt.Errorf("sdk: mode %q: %w", m.ID, err)
		}
		fills = fills || info.Fills
		s.describe.Modes = append(s.describe.Modes, info)
	}
	if fills {
		s.describe.Features = append(s.describe.Features, wire.FeatureFill)
	}
	if fills && p.Ranges {
		s.describe.Features = append(s.describe.Features, wire.FeatureRange)
	}
	checked, err := fromproto.Describe(s.describe, nil)
	if err != nil {
		return nil, fmt.Errorf("sdk: plugin %q: %w", p.Name, err)
	}
	for _, m := range checked.Modes {
		s.schemas = append(s.schemas, m.Options)
	}
	return s, nil
}

func modeInfo(m Mode) (*modev1.ModeInfo, error) {
	if m.New == nil {
		return nil, fmt.Errorf("has no New")
	}
	if m.Version < 1 || m.Version > math.MaxInt32 {
		return nil, fmt.Errorf("version %d must be at least 1", m.Version)
	}
	instance := m.New()
	if instance == nil {
		return nil, fmt.Errorf("its New returned nil")
	}
	options, err := registry.Options(instance)
	if err != nil {
		return nil, err
	}
	schema, err := toproto.Schema(options)
	if err != nil {
		return nil, err
	}
	_, fills := instance.(Filler)
	return &modev1.ModeInfo{
		Id: m.ID, Version: uint32(m.Version), Default: m.Default, Summary: m.Summary,
		Description: m.Description, OptionsSchema: schema, Citation: m.Citation,
		Aliases: m.Aliases, Fills: fills, Fixed: m.Fixed,
	}, nil
}

// Describe implements the service.
func (s *server) Describe(context.Context, *modev1.DescribeRequest) (*modev1.DescribeReply, error) {
	return s.describe, nil
}

// Assign implements the service.
func (s *server) Assign(ctx context.Context, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
	var reply *modev1.AssignReply
	err := guard(func() (err error) {
		reply, err = s.assign(ctx, req)
		return err
	})
	if err != nil {
		// The trailer is lost only when the call is over, and so is the error.
		return nil, end(err, func(md metadata.MD) { _ = grpc.SetTrailer(ctx, md) })
	}
	return reply, nil
}

// end turns an error into the status of a call and sets its trailer.
func end(err error, setTrailer func(metadata.MD)) error {
	s, trailer := toproto.Failure(failureOf(err))
	setTrailer(trailer)
	return s.Err()
}

func (s *server) assign(ctx context.Context, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
	mode, err := s.instance(req.GetMode(), req.GetModeVersion(), req.GetOptionsJson())
	if err != nil {
		return nil, err
	}
	l, err := fromproto.Layout(req)
	if err != nil {
		return nil, err
	}
	dists, err := mode.Assign(ctx, l)
	if err != nil {
		return nil, err
	}
	if len(dists) != len(req.GetParams()) {
		return nil, fmt.Errorf("the mode returned %d distributions for %d parameters", len(dists), len(req.GetParams()))
	}
	_, fills := mode.(Filler)
	for i, d := range dists {
		if _, ok := d.Draw.(dist.Filled); ok && !fills {
			return nil, fmt.Errorf("the mode says fill for parameter %q, but it is no Filler", req.Params[i].GetName())
		}
	}
	return toproto.Dists(dists)
}

// instance makes the mode that a request asks for, with its options.
func (s *server) instance(id string, number uint32, options string) (registry.Mode, error) {
	i := slices.IndexFunc(s.plugin.Modes, func(m Mode) bool { return m.ID == id && uint32(m.Version) == number })
	if i < 0 {
		return nil, s.unknown(id, number)
	}
	values, err := s.schemas[i].Values(options)
	if err != nil {
		return nil, err
	}
	var settings []string
	for _, o := range s.schemas[i].Options() {
		v, given := values[o.Name]
		if !given {
			continue
		}
		text, set, err := setting(o, v)
		if err != nil {
			return nil, err
		}
		if set {
			settings = append(settings, o.Name+"="+text)
		}
	}
	m := s.plugin.Modes[i]
	return registry.Configure(registry.Info{ID: registry.ID{Name: m.ID, Version: m.Version}, New: m.New}, settings)
}

func (s *server) unknown(id string, number uint32) error {
	e := &registry.UnknownError{What: "mode", Name: fmt.Sprintf("%s@%d", id, number)}
	for _, m := range s.plugin.Modes {
		e.Known = append(e.Known, fmt.Sprintf("%s@%d", m.ID, m.Version))
	}
	slices.Sort(e.Known)
	return e
}

// setting writes a checked value as [registry.Configure] reads it. An empty
// list is the same as none.
func setting(o registry.Option, v any) (text string, set bool, err error) {
	list, ok := v.([]any)
	if !ok {
		return scalar(v), true, nil
	}
	if len(list) == 0 && o.Default != nil {
		return "", false, &registry.OptionError{Option: o.Name, Value: "[]", Problem: "must have at least one element"}
	}
	parts := make([]string, len(list))
	for i, e := range list {
		parts[i] = scalar(e)
		if strings.Contains(parts[i], ",") || strings.TrimSpace(parts[i]) != parts[i] {
			return "", false, &registry.OptionError{Option: o.Name, Value: parts[i], Problem: "an element cannot have commas, or spaces at its ends"}
		}
	}
	return strings.Join(parts, ","), len(list) > 0, nil
}

func scalar(v any) string {
	if f, ok := v.(float64); ok {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}

// Fill implements the service.
func (s *server) Fill(req *modev1.FillRequest, stream grpc.ServerStreamingServer[modev1.FillChunk]) error {
	err := guard(func() error { return s.fill(stream.Context(), req, stream.Send) })
	if err != nil {
		return end(err, stream.SetTrailer)
	}
	return nil
}

func (s *server) fill(ctx context.Context, m *modev1.FillRequest, send func(*modev1.FillChunk) error) error {
	mode, err := s.instance(m.GetMode(), m.GetModeVersion(), m.GetOptionsJson())
	if err != nil {
		return err
	}
	filler, ok := mode.(Filler)
	if !ok {
		return &wire.Failure{Code: codes.Unimplemented, Message: fmt.Sprintf("mode %q fills nothing", m.GetMode())}
	}
	req, err := fillRequest(m)
	if err != nil {
		return err
	}
	if whole := req.First == 0 && req.Count == req.Param.Elements(); !whole && !s.plugin.Ranges {
		return &wire.Failure{Code: codes.Unimplemented, Message: "ranges are not supported", Subject: req.Param.Name}
	}
	w := newWriter(req, m.GetChunkBytes(), send)
	if err := filler.Fill(ctx, req, w); err != nil {
		return err
	}
	return w.finish()
}

func fillRequest(m *modev1.FillRequest) (FillRequest, error) {
	var req FillRequest
	var err error
	if req.Model, err = fromproto.Facts(m.GetModel()); err != nil {
		return req, err
	}
	if req.Param, err = fromproto.Param(m.GetParam()); err != nil {
		return req, err
	}
	if req.DType, err = fromproto.DType(m.GetDtype()); err != nil || req.DType != req.DType.Compute() {
		return req, fmt.Errorf("dtype %s must be F32 or F64", m.GetDtype())
	}
	if len(m.GetSeed()) != wire.SeedBytes {
		return req, fmt.Errorf("the seed has %d bytes, must have %d", len(m.GetSeed()), wire.SeedBytes)
	}
	copy(req.Seed[:], m.GetSeed())
	all, err := layout.ElementsOf(req.Param.Shape)
	if err != nil || m.GetFirst() > uint64(all) || m.GetCount() > uint64(all)-m.GetFirst() {
		return req, fmt.Errorf("elements %d and %d more are not in parameter %q", m.GetFirst(), m.GetCount(), req.Param.Name)
	}
	req.First, req.Count = int64(m.GetFirst()), int64(m.GetCount())
	return req, nil
}
