package sdk

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"time"

	hclog "github.com/hashicorp/go-hclog"
	plugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

// Serve makes the program a plugin. It never returns: the process ends when
// the host says so or is gone, with exit status 0, or at once with 1 when the
// program was not started by a host or p breaks a rule.
//
// While it runs, standard output belongs to the handshake: whatever else is
// printed there comes out on standard error, which the host takes as log
// lines. Standard input is at its end for the modes, interrupts are ignored
// (the host decides), and a panic in a mode becomes an error of its call.
func Serve(p Plugin) {
	if os.Getenv(wire.CookieKey) != wire.CookieValue {
		help(os.Stderr, p)
		os.Exit(1)
	}
	srv, err := newServer(p)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if os.Getenv(wire.CertKey) == "" {
		// Without it the connection would be open to every program.
		fmt.Fprintln(os.Stderr, "sdk: "+wire.CertKey+" is not set: the host sent no certificate")
		os.Exit(1)
	}
	signal.Ignore(os.Interrupt)
	process := &process{server: srv, stderr: os.Stderr}
	if err := process.takeStdio(); err != nil {
		fmt.Fprintln(os.Stderr, "sdk: standard streams:", err)
		os.Exit(1)
	}
	go process.watchParent()
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: plugin.HandshakeConfig{MagicCookieKey: wire.CookieKey, MagicCookieValue: wire.CookieValue},
		VersionedPlugins: map[int]plugin.PluginSet{
			wire.Version: {wire.PluginName: process},
		},
		GRPCServer: process.newGRPC,
		Logger:     hclog.New(&hclog.LoggerOptions{Level: hclog.Error, Output: os.Stderr, JSONFormat: true}),
	})
	if !process.started {
		os.Exit(1)
	}
	os.Exit(0)
}

// help tells someone who started a plugin by hand how to try it.
func help(w io.Writer, p Plugin) {
	mode := "MODE"
	if len(p.Modes) > 0 {
		mode = p.Modes[0].ID
	}
	self := os.Args[0]
	fmt.Fprintf(w, "%s %s is a plugin of weightinit, which starts it by itself.\n", p.Name, p.Version)
	fmt.Fprintf(w, "To try it: weightinit plan --preset gpt2-small --plugin %s --mode %s.%s\n", self, p.Name, mode)
}

// process is the state of a served program.
type process struct {
	plugin.NetRPCUnsupportedPlugin
	server *server
	// stderr is the stream that the host reads.
	stderr *os.File
	// stdout is kept so that the stream stays open after the handshake.
	stdout  *os.File
	started bool

	mu   sync.Mutex
	grpc *grpc.Server
	once sync.Once
}

// GRPCServer implements [plugin.GRPCPlugin].
func (p *process) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	p.started = true
	modev1.RegisterModeServer(s, p.server)
	return nil
}

// GRPCClient implements [plugin.GRPCPlugin]; a plugin has no clients.
func (p *process) GRPCClient(context.Context, *plugin.GRPCBroker, *grpc.ClientConn) (any, error) {
	return nil, fmt.Errorf("sdk: a plugin has no client side")
}

func (p *process) newGRPC(options []grpc.ServerOption) *grpc.Server {
	s := grpc.NewServer(append(options,
		grpc.MaxRecvMsgSize(wire.MaxMessage), grpc.MaxSendMsgSize(wire.MaxMessage),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			p.once.Do(p.keepStreams)
			return next(ctx, req)
		}),
		grpc.StreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, next grpc.StreamHandler) error {
			p.once.Do(p.keepStreams)
			return next(srv, stream)
		}),
	)...)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.grpc = s
	return s
}

// keepStreams undoes what go-plugin does to the standard streams after the
// handshake: its pipes are read by the host's request only, and a mode that
// prints into a full one would stand still.
func (p *process) keepStreams() { os.Stdout, os.Stderr = p.stderr, p.stderr }

// watchStdin ends the process when the host's end of the pipe is closed.
func (p *process) watchStdin(stdin io.Reader) {
	_, _ = io.Copy(io.Discard, stdin)
	p.hostGone()
}

// watchParent is for hosts whose end does not close the pipe, because another
// program holds it too.
func (p *process) watchParent() {
	parent := os.Getppid()
	for range time.Tick(time.Second) {
		if os.Getppid() != parent {
			p.hostGone()
		}
	}
}

// hostGone ends the process, in the orderly way if that takes no time: the
// socket is removed then.
func (p *process) hostGone() {
	time.AfterFunc(500*time.Millisecond, func() { os.Exit(1) })
	p.mu.Lock()
	s := p.grpc
	p.mu.Unlock()
	if s != nil {
		s.Stop()
	}
	select {}
}
