//go:build linux

package plugins

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

// The test binary is also the plugin: started as "BINARY hostile NAME" it
// becomes the program of that name, and started as "BINARY host NAME ARGUMENT"
// a host that the tests kill.
func TestMain(m *testing.M) {
	if len(os.Args) >= 3 {
		switch os.Args[1] {
		case "hostile":
			act(os.Args[2], os.Args[3:])
			os.Exit(0)
		case "host":
			actHost(os.Args[2:])
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// server is a plugin made of function fields; nil means the good answer.
type server struct {
	modev1.UnimplementedModeServer
	describe func(context.Context, *modev1.DescribeRequest) (*modev1.DescribeReply, error)
	assign   func(context.Context, *modev1.AssignRequest) (*modev1.AssignReply, error)
	fill     func(*modev1.FillRequest, grpc.ServerStreamingServer[modev1.FillChunk]) error
}

func (s *server) Describe(ctx context.Context, req *modev1.DescribeRequest) (*modev1.DescribeReply, error) {
	if s.describe != nil {
		return s.describe(ctx, req)
	}
	return goodDescription(), nil
}

func (s *server) Assign(ctx context.Context, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
	if s.assign != nil {
		return s.assign(ctx, req)
	}
	return goodReply(req), nil
}

func (s *server) Fill(req *modev1.FillRequest, stream grpc.ServerStreamingServer[modev1.FillChunk]) error {
	if s.fill != nil {
		return s.fill(req, stream)
	}
	return goodFill(req, stream)
}

func goodDescription() *modev1.DescribeReply {
	schema := `{"type":"object","properties":{"gain":{"type":"number","default":1,"minimum":0,"description":"factor"},` +
		`"kind":{"type":"integer","enum":[1,2],"default":1},"free":{"type":"number"}},"additionalProperties":false}`
	return &modev1.DescribeReply{
		Name: "corp", Version: "1.4.0", Sdk: "test", SdkVersion: "1", Features: []string{"fill.range", "fill"},
		Modes: []*modev1.ModeInfo{
			{Id: "wide", Version: 1, Summary: "first", OptionsSchema: schema, Fills: true},
			{Id: "wide", Version: 2, Default: true, Summary: "second", OptionsSchema: schema, Aliases: []string{"broad"}, Fills: true, Description: "two\nlines"},
			{Id: "flat", Version: 1, Summary: "constant"},
		},
	}
}

// goodReply gives every parameter a normal whose mean is the mode's version,
// and the parameter "filled" to the plugin.
func goodReply(req *modev1.AssignRequest) *modev1.AssignReply {
	reply := &modev1.AssignReply{}
	for _, p := range req.Params {
		d := &modev1.Dist{Formula: req.OptionsJson, Kind: &modev1.Dist_Normal{Normal: &modev1.Normal{Mean: float64(req.ModeVersion), Std: 0.02}}}
		if p.Name == "filled" {
			d.Kind = &modev1.Dist_Fill{Fill: &modev1.Filled{}}
		}
		reply.Dists = append(reply.Dists, d)
	}
	return reply
}

// goodFill sends the index of each element as float32, 1000 a chunk.
func goodFill(req *modev1.FillRequest, stream grpc.ServerStreamingServer[modev1.FillChunk]) error {
	for first := req.First; first < req.First+req.Count; {
		n := min(1000, req.First+req.Count-first)
		if err := stream.Send(&modev1.FillChunk{First: first, Data: floats(first, n)}); err != nil {
			return err
		}
		first += n
	}
	return nil
}

type modePlugin struct {
	goplugin.Plugin
	server *server
}

func (p *modePlugin) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	modev1.RegisterModeServer(s, p.server)
	return nil
}

func (p *modePlugin) GRPCClient(context.Context, *goplugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, nil
}

var watchStdin = sync.OnceFunc(func() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
})

// serve serves like a plugin of the SDK.
func serve(s *server) {
	watchStdin()
	serveDeaf(s)
}

// serveDeaf does not notice that its host is gone.
func serveDeaf(s *server) {
	goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig:  goplugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: wire.CookieKey, MagicCookieValue: wire.CookieValue},
		VersionedPlugins: map[int]goplugin.PluginSet{1: {"mode": &modePlugin{server: s}}},
		GRPCServer: func(options []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(options, grpc.MaxRecvMsgSize(wire.MaxMessage), grpc.MaxSendMsgSize(wire.MaxMessage))...)
		},
	})
}

// act is a plugin, good or not.
func act(name string, args []string) {
	if do, ok := acts[name]; ok {
		do(args)
		return
	}
	fmt.Fprintln(os.Stderr, "no such act:", name)
	os.Exit(9)
}
