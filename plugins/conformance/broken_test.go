package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/weightinit/weightinit/plugins/conformance"
	"github.com/weightinit/weightinit/plugins/internal/toproto"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

// service keeps to the protocol, except for what a test replaces.
type service struct {
	modev1.UnimplementedModeServer
	calls    atomic.Int64
	describe func(*modev1.DescribeReply)
	assign   func(ctx context.Context, call int64, req *modev1.AssignRequest) (*modev1.AssignReply, error)
	fill     func(call int64, req *modev1.FillRequest, send func(*modev1.FillChunk) error) error
	health   grpc_health_v1.HealthCheckResponse_ServingStatus
	limit    int
}

func (s *service) Describe(context.Context, *modev1.DescribeRequest) (*modev1.DescribeReply, error) {
	reply := &modev1.DescribeReply{
		Name: "fake", Version: "1.0.0", Features: []string{"fill", "fill.range"},
		Modes: []*modev1.ModeInfo{{
			Id: "m", Version: 1, Summary: "s", Fills: true,
			OptionsSchema: `{"type":"object","properties":{"gain":{"type":"number","default":1,"minimum":0,"maximum":2}},"additionalProperties":false}`,
		}},
	}
	if s.describe != nil {
		s.describe(reply)
	}
	return reply, nil
}

func fail(ctx context.Context, f wire.Failure) error {
	st, trailer := toproto.Failure(f)
	_ = grpc.SetTrailer(ctx, trailer)
	return st.Err()
}

func answer(req *modev1.AssignRequest) *modev1.AssignReply {
	reply := &modev1.AssignReply{}
	for _, p := range req.Params {
		d := &modev1.Dist{Kind: &modev1.Dist_Normal{Normal: &modev1.Normal{Std: 1}}}
		if p.Role == "position" || p.Role == "mlp_in" {
			d.Kind = &modev1.Dist_Fill{Fill: &modev1.Filled{}}
		}
		reply.Dists = append(reply.Dists, d)
	}
	return reply
}

func (s *service) Assign(ctx context.Context, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
	call := s.calls.Add(1)
	if s.assign != nil {
		if reply, err := s.assign(ctx, call, req); reply != nil || err != nil {
			return reply, err
		}
	}
	switch {
	case req.Mode != "m" || req.ModeVersion != 1:
		return nil, fail(ctx, wire.Failure{Code: codes.NotFound, Message: "no such mode"})
	case req.OptionsJson != `{"gain":1}` && req.OptionsJson != `{"gain":0}` && req.OptionsJson != `{"gain":2}`:
		return nil, fail(ctx, wire.Failure{Code: codes.InvalidArgument, Message: "bad option", Subject: "no_such_option"})
	}
	return answer(req), nil
}

// elements sends the elements of a request, made by value.
func elements(req *modev1.FillRequest, send func(*modev1.FillChunk) error, value func(i uint64) byte) error {
	size := uint64(4)
	if req.Dtype == modev1.DType_DTYPE_F64 {
		size = 8
	}
	per := uint64(min(max(req.ChunkBytes, 64<<10), 4<<20)) / size
	for first := req.First; first < req.First+req.Count; first += per {
		n := min(per, req.First+req.Count-first)
		data := make([]byte, n*size)
		for i := range n {
			data[i*size] = value(first + i)
		}
		if err := send(&modev1.FillChunk{First: first, Data: data}); err != nil {
			return err
		}
	}
	return nil
}

func (s *service) Fill(req *modev1.FillRequest, stream grpc.ServerStreamingServer[modev1.FillChunk]) error {
	call := s.calls.Add(1)
	if s.fill != nil {
		return s.fill(call, req, stream.Send)
	}
	return elements(req, stream.Send, func(i uint64) byte { return req.Seed[i%32] ^ byte(i>>8) })
}

func kit(t *testing.T, s *service, only ...string) (map[string]conformance.Result, error) {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	limit := wire.MaxMessage
	if s.limit > 0 {
		limit = s.limit
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(limit), grpc.MaxSendMsgSize(wire.MaxMessage))
	modev1.RegisterModeServer(server, s)
	h := health.NewServer()
	h.SetServingStatus(wire.HealthService, max(s.health, grpc_health_v1.HealthCheckResponse_SERVING))
	grpc_health_v1.RegisterHealthServer(server, h)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	conn, err := grpc.NewClient("passthrough:///fake", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	require.NoError(t, err)
	defer func() {
		_ = conn.Close()
		server.Stop()
		<-done
	}()
	var seen []string
	var run *regexp.Regexp
	if len(only) > 0 {
		run = regexp.MustCompile("^(" + strings.Join(only, "|") + ")$")
	}
	report, err := conformance.InProcess(t.Context(), conn, conformance.Options{
		Run: run, Each: func(r conformance.Result) { seen = append(seen, r.Name) },
	})
	out := map[string]conformance.Result{}
	for _, r := range report.Results {
		out[r.Name] = r
	}
	if err == nil && run == nil {
		require.Equal(t, conformance.Names(), seen)
	}
	return out, err
}

func TestAServiceThatKeepsToTheProtocolPassesAll(t *testing.T) {
	got, err := kit(t, &service{})
	require.NoError(t, err)
	passed := 0
	for name, r := range got {
		require.NotEqual(t, conformance.Fail, r.Status, "%s: %s", name, r.Reason)
		if r.Status == conformance.Pass {
			passed++
		} else {
			require.NotEmpty(t, r.Reason)
		}
	}
	require.Equal(t, 27, passed, "the others need a process, or a feature")
}

// Each check must be able to fail: the service breaks one promise, and the
// check that is about it says so.
func TestEachCheckFindsWhatItIsAbout(t *testing.T) {
	onModel := func(change func(call int64, reply *modev1.AssignReply, req *modev1.AssignRequest)) func(context.Context, int64, *modev1.AssignRequest) (*modev1.AssignReply, error) {
		return func(_ context.Context, call int64, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
			if req.Mode != "m" || req.ModeVersion != 1 || req.OptionsJson != `{"gain":1}` {
				return nil, nil
			}
			reply := answer(req)
			change(call, reply, req)
			return reply, nil
		}
	}
	always := func(err error) func(context.Context, int64, *modev1.AssignRequest) (*modev1.AssignReply, error) {
		return func(context.Context, int64, *modev1.AssignRequest) (*modev1.AssignReply, error) { return nil, err }
	}
	var running atomic.Int64
	var describes atomic.Int64
	for check, c := range map[string]struct {
		service *service
		want    string
	}{
		"health.serving":  {&service{health: grpc_health_v1.HealthCheckResponse_NOT_SERVING}, "says NOT_SERVING"},
		"describe.stable": {&service{describe: func(r *modev1.DescribeReply) { r.Modes[0].Summary = fmt.Sprint(describes.Add(1)) }}, "differ"},
		"assign.count": {&service{assign: onModel(func(_ int64, r *modev1.AssignReply, _ *modev1.AssignRequest) {
			r.Dists = r.Dists[:max(0, len(r.Dists)-1)]
		})}, "entries for"},
		"assign.values": {&service{assign: onModel(func(_ int64, r *modev1.AssignReply, _ *modev1.AssignRequest) {
			if len(r.Dists) > 0 {
				r.Dists[0].Kind = &modev1.Dist_Normal{Normal: &modev1.Normal{Std: -1}}
			}
		})}, "std -1"},
		"assign.layouts": {&service{assign: always(status.Error(codes.Internal, "boom"))}, "Internal: boom"},
		"assign.empty": {&service{assign: func(_ context.Context, _ int64, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
			if len(req.Params) == 0 {
				return nil, status.Error(codes.Unknown, "division by zero")
			}
			return nil, nil
		}}, "division by zero"},
		"assign.unknown-role": {&service{assign: func(_ context.Context, _ int64, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
			for _, p := range req.Params {
				if p.Role == "flux_capacitor" {
					return nil, status.Error(codes.FailedPrecondition, "something is wrong")
				}
			}
			return nil, nil
		}}, "must name a parameter"},
		"assign.pure": {&service{assign: onModel(func(call int64, r *modev1.AssignReply, _ *modev1.AssignRequest) {
			if len(r.Dists) > 0 {
				r.Dists[0].Kind = &modev1.Dist_Normal{Normal: &modev1.Normal{Std: 1 + float64(call)}}
			}
		})}, "another answer"},
		"assign.parallel": {&service{assign: func(_ context.Context, _ int64, _ *modev1.AssignRequest) (*modev1.AssignReply, error) {
			defer running.Add(-1)
			if running.Add(1) > 1 {
				return nil, status.Error(codes.Internal, "not at once")
			}
			time.Sleep(time.Millisecond)
			return nil, nil
		}}, "not at once"},
		"assign.large": {&service{limit: 4 << 20}, "raise the server's receive limit to 64 MiB"},
		"assign.options": {&service{assign: func(ctx context.Context, _ int64, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
			if req.OptionsJson == `{"gain":2}` {
				return nil, fail(ctx, wire.Failure{Code: codes.InvalidArgument, Message: "too much", Subject: "gain"})
			}
			return nil, nil
		}}, "gain = 2, which its schema allows"},
		"assign.bad-option": {&service{assign: func(_ context.Context, _ int64, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
			if req.Mode == "m" && req.ModeVersion == 1 {
				return answer(req), nil
			}
			return nil, nil
		}}, "got an answer, not InvalidArgument"},
		"assign.unknown-mode": {&service{assign: func(_ context.Context, _ int64, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
			if req.Mode != "m" {
				return nil, status.Error(codes.Internal, "KeyError")
			}
			return nil, nil
		}}, "got Internal, not NotFound"},
		"assign.cancel": {&service{assign: func(_ context.Context, _ int64, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
			if len(req.Params) < 1000 {
				return nil, status.Error(codes.Internal, "stuck")
			}
			return nil, nil
		}}, "the call after a cancelled one"},
		"error.detail": {&service{assign: func(ctx context.Context, _ int64, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
			_ = grpc.SetTrailer(ctx, map[string][]string{wire.ErrorTrailer: {"\x12\xff"}})
			return nil, nil
		}}, "trailer weightinit-error-bin is there 2 times"},
		"fill.repeat": {&service{fill: func(call int64, req *modev1.FillRequest, send func(*modev1.FillChunk) error) error {
			return elements(req, send, func(uint64) byte { return byte(call) })
		}}, "asked again: element 0 differs"},
		"fill.chunks": {&service{fill: func(_ int64, req *modev1.FillRequest, send func(*modev1.FillChunk) error) error {
			return elements(req, send, func(uint64) byte { return byte(req.ChunkBytes >> 16) })
		}}, "in chunks of 65536 bytes"},
		"fill.range": {&service{fill: func(_ int64, req *modev1.FillRequest, send func(*modev1.FillChunk) error) error {
			first := req.First
			return elements(req, send, func(i uint64) byte { return seeded(req)(i - first) })
		}}, "differs"},
		"fill.count of a NaN": {&service{fill: func(_ int64, req *modev1.FillRequest, send func(*modev1.FillChunk) error) error {
			data := make([]byte, 4*req.Count)
			data[2], data[3] = 0xC0, 0x7F
			return send(&modev1.FillChunk{Data: data})
		}}, "element 0 is not a finite number"},
		"fill.dtype": {&service{fill: func(_ int64, req *modev1.FillRequest, send func(*modev1.FillChunk) error) error {
			if req.Dtype == modev1.DType_DTYPE_F64 {
				return errors.New("only float32")
			}
			return elements(req, send, seeded(req))
		}}, "as F64"},
		"fill.count": {&service{fill: func(_ int64, req *modev1.FillRequest, send func(*modev1.FillChunk) error) error {
			req.Count--
			return elements(req, send, seeded(req))
		}}, "1 are missing"},
	} {
		t.Run(check, func(t *testing.T) {
			check, _, _ := strings.Cut(check, " of ")
			running.Store(0)
			got, err := kit(t, c.service, check)
			require.NoError(t, err)
			require.Equal(t, conformance.Fail, got[check].Status, got[check].Reason)
			require.Contains(t, got[check].Reason, c.want)
			require.NotContains(t, got[check].Reason, "\n")
		})
	}
}

// seeded makes values of the seed, whatever the parameter.
func seeded(req *modev1.FillRequest) func(uint64) byte {
	return func(i uint64) byte { return req.Seed[i%32] ^ byte(i>>8) }
}

func TestValuesDependOnTheSeedUnlessTheModeSaysFixed(t *testing.T) {
	pattern := func(_ int64, req *modev1.FillRequest, send func(*modev1.FillChunk) error) error {
		return elements(req, send, func(i uint64) byte { return byte(i) })
	}
	drawn := func(_ int64, req *modev1.FillRequest, send func(*modev1.FillChunk) error) error {
		return elements(req, send, seeded(req))
	}
	fixed := func(r *modev1.DescribeReply) { r.Modes[0].Fixed = true }
	for _, c := range []struct {
		name    string
		service *service
		status  conformance.Status
		reason  string
	}{
		{"a pattern", &service{fill: pattern}, conformance.Fail, "the same values for another"},
		{"a pattern that says so", &service{fill: pattern, describe: fixed}, conformance.Pass, ""},
		{"values of the seed", &service{fill: drawn}, conformance.Pass, ""},
		{"values of the seed that say fixed", &service{fill: drawn, describe: fixed}, conformance.Fail, "the mode says fixed"},
	} {
		got, err := kit(t, c.service, "fill.seed", "fill.name")
		require.NoError(t, err)
		for _, check := range []string{"fill.seed", "fill.name"} {
			require.Equal(t, c.status, got[check].Status, "%s: %s: %s", c.name, check, got[check].Reason)
			require.Contains(t, got[check].Reason, c.reason)
		}
	}
}

func TestAPluginThatDoesNotDescribeItselfEndsTheRun(t *testing.T) {
	_, err := kit(t, &service{describe: func(r *modev1.DescribeReply) { r.Name = "torch" }})
	require.ErrorContains(t, err, `field name "torch": is reserved`)
}
