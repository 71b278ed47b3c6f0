// Package rpc makes the calls of the plugin protocol from the host's side and
// checks what comes back before it is decoded.
//
// It knows neither processes nor deadlines: the connection and the context are
// the caller's. A failed call is a [*wire.Failure]; a reply that breaks a rule
// is a [*fromproto.FieldError].
package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/internal/fromproto"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

// codec sends messages and receives bytes: what a plugin says is looked at
// before it becomes objects.
type codec struct{}

func (codec) Name() string { return "proto" }

func (codec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(proto.Message)
	if !ok {
		return nil, fmt.Errorf("rpc: cannot send a %T", v)
	}
	raw, err := proto.Marshal(m)
	if err != nil {
		return nil, err
	}
	return mem.BufferSlice{mem.SliceBuffer(raw)}, nil
}

func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	raw, ok := v.(*[]byte)
	if !ok {
		return fmt.Errorf("rpc: cannot receive a %T", v)
	}
	// The buffer of the last message is used again when it is large enough.
	n := data.Len()
	if cap(*raw) < n {
		*raw = make([]byte, n)
	}
	*raw = (*raw)[:n]
	data.CopyTo(*raw)
	return nil
}

var _ encoding.CodecV2 = codec{}

// CallOptions are the limits of every call.
func CallOptions() []grpc.CallOption {
	return []grpc.CallOption{grpc.MaxCallRecvMsgSize(wire.MaxMessage), grpc.MaxCallSendMsgSize(wire.MaxMessage)}
}

// call makes one call and returns the undecoded reply.
func call(ctx context.Context, conn grpc.ClientConnInterface, method string, req proto.Message) ([]byte, error) {
	var raw []byte
	var trailer metadata.MD
	options := append(CallOptions(), grpc.ForceCodecV2(codec{}), grpc.Trailer(&trailer))
	if err := conn.Invoke(ctx, method, req, &raw, options...); err != nil {
		return nil, fromproto.Failure(err, trailer)
	}
	return raw, nil
}

// unmarshal decodes a reply; text that is not UTF-8 is an error too.
func unmarshal(raw []byte, dst proto.Message) error {
	if err := proto.Unmarshal(raw, dst); err != nil {
		return &fromproto.FieldError{Field: "message", Problem: "is not protobuf of " + string(dst.ProtoReflect().Descriptor().Name()) + ", or has text that is not UTF-8"}
	}
	return nil
}

// Describe asks a plugin who it is. The reply's lists are within their limits;
// [fromproto.Describe] checks the rest.
func Describe(ctx context.Context, conn grpc.ClientConnInterface, req *modev1.DescribeRequest) (*modev1.DescribeReply, error) {
	raw, err := call(ctx, conn, modev1.Mode_Describe_FullMethodName, req)
	if err != nil {
		return nil, err
	}
	if err := fromproto.ScanDescribe(raw); err != nil {
		return nil, err
	}
	reply := &modev1.DescribeReply{}
	return reply, unmarshal(raw, reply)
}

// Assign asks for the distributions of a layout. The reply has at most one a
// parameter and its lists are within their limits; [fromproto.Dists] checks
// the rest.
func Assign(ctx context.Context, conn grpc.ClientConnInterface, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
	raw, err := call(ctx, conn, modev1.Mode_Assign_FullMethodName, req)
	if err != nil {
		return nil, err
	}
	if err := fromproto.ScanAssign(raw, req.GetParams()); err != nil {
		return nil, err
	}
	reply := &modev1.AssignReply{}
	return reply, unmarshal(raw, reply)
}

// Dists is Assign with all checks: the distributions of the parameters that
// req asks for, in their order. It needs less memory than decoding the whole
// reply.
func Dists(ctx context.Context, conn grpc.ClientConnInterface, req *modev1.AssignRequest, params []layout.Param, rules fromproto.AssignRules) ([]dist.Dist, error) {
	raw, err := call(ctx, conn, modev1.Mode_Assign_FullMethodName, req)
	if err != nil {
		return nil, err
	}
	return fromproto.DecodeDists(raw, params, rules)
}

// Fill asks for values and passes each checked chunk on; the data is valid
// during the call of each only. An error of each ends the stream and is
// returned as it is. Without an error all values came.
func Fill(ctx context.Context, conn grpc.ClientConnInterface, req *modev1.FillRequest, each func(first uint64, data []byte) error) error {
	stored, err := fromproto.DType(req.GetDtype())
	if err != nil {
		return err
	}
	check := fromproto.NewFilling(req.GetParam().GetName(), stored, req.GetFirst(), req.GetCount())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	options := append(CallOptions(), grpc.ForceCodecV2(codec{}))
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, modev1.Mode_Fill_FullMethodName, options...)
	if err != nil {
		return fromproto.Failure(err, nil)
	}
	if err := stream.SendMsg(req); err != nil && !errors.Is(err, io.EOF) {
		return fromproto.Failure(err, stream.Trailer())
	}
	if err := stream.CloseSend(); err != nil {
		return fromproto.Failure(err, nil)
	}
	var raw []byte
	for {
		switch err := stream.RecvMsg(&raw); {
		case errors.Is(err, io.EOF):
			return check.Done()
		case err != nil:
			return fromproto.Failure(err, stream.Trailer())
		}
		first, data, err := fromproto.FillChunk(raw)
		if err != nil {
			return err
		}
		if err := check.Chunk(first, data); err != nil {
			return err
		}
		if err := each(first, data); err != nil {
			return err
		}
	}
}

// Health reports an error unless the plugin says that it serves.
func Health(ctx context.Context, conn grpc.ClientConnInterface) error {
	var trailer metadata.MD
	reply, err := grpc_health_v1.NewHealthClient(conn).Check(ctx,
		&grpc_health_v1.HealthCheckRequest{Service: wire.HealthService}, append(CallOptions(), grpc.Trailer(&trailer))...)
	if err != nil {
		return fromproto.Failure(err, trailer)
	}
	if status := reply.GetStatus(); status != grpc_health_v1.HealthCheckResponse_SERVING {
		return &wire.Failure{Code: codes.Unavailable, Message: "the health check says " + status.String() + ", not SERVING"}
	}
	return nil
}

// Shutdown asks the process to end. A healthy one breaks the connection
// instead of answering, which is no error.
func Shutdown(ctx context.Context, conn grpc.ClientConnInterface) error {
	_, err := call(ctx, conn, "/plugin.GRPCController/Shutdown", &emptypb.Empty{})
	var f *wire.Failure
	if errors.As(err, &f) && f.Code == codes.Unavailable {
		return nil
	}
	return err
}
