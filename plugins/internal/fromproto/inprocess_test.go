package fromproto_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/internal/fromproto"
	"github.com/weightinit/weightinit/plugins/internal/rpc"
	"github.com/weightinit/weightinit/plugins/internal/toproto"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

// fake is a plugin made of function fields.
type fake struct {
	modev1.UnimplementedModeServer
	describe func() (*modev1.DescribeReply, error)
	assign   func(context.Context, *modev1.AssignRequest) (*modev1.AssignReply, error)
	fill     func(send func(*modev1.FillChunk) error) error
}

func (f *fake) Describe(context.Context, *modev1.DescribeRequest) (*modev1.DescribeReply, error) {
	return f.describe()
}

func (f *fake) Assign(ctx context.Context, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
	return f.assign(ctx, req)
}

func (f *fake) Fill(_ *modev1.FillRequest, s grpc.ServerStreamingServer[modev1.FillChunk]) error {
	return f.fill(s.Send)
}

// connection serves over real gRPC in memory until the test ends.
func connection(t testing.TB, service modev1.ModeServer, options ...grpc.ServerOption) grpc.ClientConnInterface {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(append(options, grpc.MaxRecvMsgSize(wire.MaxMessage), grpc.MaxSendMsgSize(2*wire.MaxMessage))...)
	modev1.RegisterModeServer(server, service)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	conn, err := grpc.NewClient("passthrough:///fake", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		<-done
	})
	return conn
}

// describeOver sends a reply through gRPC and checks it as the host does.
func describeOver(t *testing.T, conn grpc.ClientConnInterface) error {
	t.Helper()
	reply, err := rpc.Describe(t.Context(), conn, &modev1.DescribeRequest{})
	if err != nil {
		return err
	}
	_, err = fromproto.Describe(reply, func(name string) bool { return name == "gpt2" })
	return err
}

// assignOver asks for one parameter through gRPC.
func assignOver(t *testing.T, conn grpc.ClientConnInterface, params ...layout.Param) error {
	t.Helper()
	req, err := toproto.AssignRequest("wide", 1, nil, &layout.Layout{Params: params}, dtype.BF16)
	require.NoError(t, err)
	rules := fromproto.AssignRules{DType: dtype.BF16}
	_, direct := rpc.Dists(t.Context(), conn, req, params, rules)
	reply, err := rpc.Assign(t.Context(), conn, req)
	if err == nil {
		_, err = fromproto.Dists(reply, params, rules)
	}
	if err != nil {
		require.EqualError(t, direct, err.Error(), "both ways of decoding find the same")
	}
	return direct
}

// bytesCodec sends bytes as they are: what no honest server can send.
type bytesCodec struct{ raw []byte }

func (bytesCodec) Name() string { return "proto" }

func (c bytesCodec) Marshal(any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(c.raw)}, nil
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, v any) error {
	return proto.Unmarshal(data.Materialize(), v.(proto.Message))
}

var _ encoding.CodecV2 = bytesCodec{}

func TestRepliesThatAreNotProtobufAreBadReplies(t *testing.T) {
	good := func() (*modev1.DescribeReply, error) { return &modev1.DescribeReply{}, nil }
	assign := func(context.Context, *modev1.AssignRequest) (*modev1.AssignReply, error) {
		return &modev1.AssignReply{}, nil
	}
	for name, c := range map[string]struct {
		raw  string
		want string
	}{
		"cut":       {"\x0a\xff", "is not protobuf"},
		"not UTF-8": {"\x0a\x02\xff\xfe", "not UTF-8"},
		"many":      {strings.Repeat("\x32\x00", 300) + strings.Repeat("\x0a\x00", 300), "entries"},
	} {
		conn := connection(t, &fake{describe: good, assign: assign}, grpc.ForceServerCodecV2(bytesCodec{[]byte(c.raw)}))
		var field *fromproto.FieldError
		err := describeOver(t, conn)
		require.ErrorAs(t, err, &field, name)
		require.ErrorContains(t, err, c.want, name)
		if name == "not UTF-8" {
			continue // these bytes are a list entry of AssignReply
		}
		err = assignOver(t, conn)
		require.ErrorAs(t, err, &field, name)
	}
}

func TestAReplyBeyondTheLimitIsTooLarge(t *testing.T) {
	service := &fake{describe: func() (*modev1.DescribeReply, error) {
		return &modev1.DescribeReply{Name: strings.Repeat("x", wire.MaxMessage)}, nil
	}}
	err := describeOver(t, connection(t, service))
	var f *wire.Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, codes.ResourceExhausted, f.Code)
}

func TestStatusesAndTheirDetailsArrive(t *testing.T) {
	service := &fake{}
	conn := connection(t, service)
	for code := codes.Canceled; code <= codes.Unauthenticated; code++ {
		service.assign = func(ctx context.Context, _ *modev1.AssignRequest) (*modev1.AssignReply, error) {
			s, trailer := toproto.Failure(wire.Failure{Code: code, Message: "no\x1b[2J\nluck", Subject: "gain", Hint: "set it\n"})
			require.NoError(t, grpc.SetTrailer(ctx, trailer))
			return nil, s.Err()
		}
		err := assignOver(t, conn)
		var f *wire.Failure
		require.ErrorAs(t, err, &f)
		require.Equal(t, code, f.Code)
		require.Equal(t, `gain: no\x1b[2J\nluck; set it\n`, f.Error())
	}
	service.assign = func(ctx context.Context, _ *modev1.AssignRequest) (*modev1.AssignReply, error) {
		require.NoError(t, grpc.SetTrailer(ctx, map[string][]string{wire.ErrorTrailer: {"\x12\xff"}}))
		return nil, status.Error(codes.Internal, "")
	}
	require.EqualError(t, assignOver(t, conn), "no reason given", "a trailer that does not parse counts as none")
}

func TestMethodsThatAreMissingAreUnimplemented(t *testing.T) {
	conn := connection(t, modev1.UnimplementedModeServer{})
	_, err := rpc.Describe(t.Context(), conn, &modev1.DescribeRequest{})
	var f *wire.Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, codes.Unimplemented, f.Code)
	require.ErrorAs(t, rpc.Health(t.Context(), conn), &f)
	require.Equal(t, codes.Unimplemented, f.Code)
}

func TestFillStreamsThatBreakARuleAreBadReplies(t *testing.T) {
	four := make([]byte, 16)
	for name, c := range map[string]struct {
		fill func(send func(*modev1.FillChunk) error) error
		want string
	}{
		"empty":    {func(func(*modev1.FillChunk) error) error { return nil }, "the stream ends at element 0, 4 are missing"},
		"too much": {func(send func(*modev1.FillChunk) error) error { return send(&modev1.FillChunk{Data: make([]byte, 20)}) }, "only 4 are left"},
		"after the end": {func(send func(*modev1.FillChunk) error) error {
			return errors.Join(send(&modev1.FillChunk{Data: four}), send(&modev1.FillChunk{First: 4, Data: four}))
		}, "has 4 elements at element 4, only 0 are left"},
		"twice": {func(send func(*modev1.FillChunk) error) error {
			return errors.Join(send(&modev1.FillChunk{Data: four[:8]}), send(&modev1.FillChunk{Data: four[:8]}))
		}, "element 2 comes next"},
		"error after all": {func(send func(*modev1.FillChunk) error) error {
			return errors.Join(send(&modev1.FillChunk{Data: four}), status.Error(codes.Internal, "late"))
		}, "late"},
	} {
		conn := connection(t, &fake{fill: c.fill})
		req := &modev1.FillRequest{Param: &modev1.Param{Name: "w"}, Dtype: modev1.DType_DTYPE_F32, Count: 4}
		err := rpc.Fill(t.Context(), conn, req, func(uint64, []byte) error { return nil })
		require.ErrorContains(t, err, c.want, name)
	}
}

func TestACallerCanLeaveAFill(t *testing.T) {
	stopped := make(chan struct{})
	conn := connection(t, &fake{fill: func(send func(*modev1.FillChunk) error) error {
		defer close(stopped)
		for i := uint64(0); ; i++ {
			if err := send(&modev1.FillChunk{First: i, Data: make([]byte, 4)}); err != nil {
				return err
			}
		}
	}})
	left := errors.New("left")
	req := &modev1.FillRequest{Param: &modev1.Param{Name: "w"}, Dtype: modev1.DType_DTYPE_F32, Count: 1 << 40}
	require.ErrorIs(t, rpc.Fill(t.Context(), conn, req, func(uint64, []byte) error { return left }), left)
	<-stopped
}
