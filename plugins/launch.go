package plugins

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/weightinit/weightinit/internal/fault"
)

// Options say how plugins are started and asked.
type Options struct {
	// StartTimeout is the time from the start to the handshake line; 0 means
	// [DefaultStartTimeout].
	StartTimeout time.Duration
	// CallTimeout is the time for an Assign, and for each chunk of a Fill; 0
	// means the protocol's own, which grow with the model.
	CallTimeout time.Duration
	// Python is the interpreter of Python plugins; empty means the one that
	// WEIGHTINIT_PYTHON names, else python3.
	Python string
	// Env names variables of this process's environment that plugins get.
	Env []string
	// Log is called with the lines that plugins write on stderr, one at a time
	// for each plugin. While it runs the plugin may block in a write. nil
	// drops them.
	Log func(LogLine)
	// HostVersion is told to plugins; for information only.
	HostVersion string

	times    *deadlines               // for tests
	starting func(argv, env []string) // for tests
}

func (o Options) deadlines() deadlines {
	if o.times != nil {
		return *o.times
	}
	return defaultDeadlines
}

// Process is a running plugin that has passed its first health check.
type Process struct {
	cand  Candidate
	opt   Options
	times deadlines
	runID string
	dir   *runDir
	child *child
	log   *stderrLog

	conn  *grpc.ClientConn // set once, by the first stream that go-plugin opens
	fills chan struct{}    // a place for each Fill that may run at once

	mu       sync.Mutex
	captured *grpc.ClientConn
	client   goplugin.ClientProtocol
	launched chan struct{} // closed when go-plugin's calls have returned
	healthy  bool          // the last call ended as it should
	stopped  bool
	stopOnce sync.Once
	about    *Description
}

// maxFills is how many Fills of one plugin run at once.
const maxFills = 2

// Launch starts a plugin and connects to it, within the deadlines of opt. The
// copy of a locked plugin is compared with its hash first. After an error
// nothing of the process is left; otherwise the caller must call
// [Process.Stop].
func Launch(ctx context.Context, c Candidate, opt Options) (*Process, error) {
	p := &Process{cand: c, opt: opt, times: opt.deadlines(), runID: newRunID(), fills: make(chan struct{}, maxFills)}
	if err := p.launch(ctx); err != nil {
		p.Stop()
		return nil, c.wrap("", err)
	}
	return p, nil
}

func (p *Process) launch(ctx context.Context) error {
	if ctx.Err() != nil {
		return canceled(ctx)
	}
	if err := p.cand.verifyLocked(); err != nil {
		return err
	}
	argv, err := p.cand.command(p.opt.Python)
	if err != nil {
		return err
	}
	if p.dir, err = newRunDir(runDirBases(), p.runID); err != nil {
		return err
	}
	cert, certText, err := oneTimeCertificate(time.Now())
	if err != nil {
		return fault.CannotRun(fmt.Errorf("make a certificate: %w", err))
	}
	timeout := p.opt.StartTimeout
	if timeout <= 0 {
		timeout = DefaultStartTimeout
	}
	p.log = newStderrLog(p.cand.label(), p.opt.Log)
	p.child = &child{
		argv: argv, hint: p.cand.pythonHint(argv), env: environment(p.runID, p.dir.path, certText, p.opt.Env), dir: p.dir.path,
		runID: p.runID, timeout: timeout, times: p.times, log: p.log, ctx: ctx, starting: p.opt.starting,
		shaken: make(chan struct{}), done: make(chan struct{}),
		outEnd: make(chan struct{}), errEnd: make(chan struct{}),
	}
	return p.connect(ctx, cert)
}

// label names the plugin in log lines.
func (c Candidate) label() string {
	if c.Given != "" {
		return c.Given
	}
	return c.Name
}

// connect lets go-plugin start the process through p.child and dial it. Its
// calls can block for much longer than they may, and panic, so they run in a
// goroutine of their own under our clock. go-plugin's own Kill is never
// called.
func (p *Process) connect(ctx context.Context, cert tls.Certificate) error {
	client := goplugin.NewClient(p.clientConfig(cert))
	failed := make(chan error, 1)
	p.launched = make(chan struct{})
	go func() {
		defer close(p.launched)
		defer func() {
			if r := recover(); r != nil {
				failed <- fail(ErrConnect, fmt.Sprintf("go-plugin panicked: %s", said(fmt.Sprint(r))))
			}
		}()
		protocol, err := client.Client()
		p.mu.Lock()
		p.client = protocol
		p.mu.Unlock()
		failed <- err
	}()
	select {
	case <-p.child.shaken:
	case err := <-failed:
		return p.startFailure(err)
	}
	clock := time.NewTimer(p.times.connect)
	defer clock.Stop()
	select {
	case err := <-failed:
		if err != nil {
			return p.startFailure(err)
		}
	case <-clock.C:
		return p.noConnection()
	case <-ctx.Done():
		return canceled(ctx)
	}
	p.mu.Lock()
	p.conn = p.captured
	p.mu.Unlock()
	if p.conn == nil {
		return fail(ErrConnect, "go-plugin made no connection")
	}
	return p.checkHealth(ctx)
}

func (p *Process) noConnection() error {
	return fail(ErrTimeout, fmt.Sprintf("no connection within %s%s: the plugin must serve gRPC over TLS at the socket of its handshake", p.times.connect, p.child.lastSaid()), ErrConnect)
}

// startFailure is the cause of a failed start: ours, when there is one.
func (p *Process) startFailure(err error) error {
	if p.child.err != nil {
		return p.child.err
	}
	if marked := new(failure); errors.As(err, &marked) {
		return err
	}
	if ended, how := p.child.ended(0); ended {
		return fail(ErrGone, fmt.Sprintf("ended before the first call (%s)%s", how, p.child.lastSaid()), ErrConnect)
	}
	return fail(ErrConnect, "go-plugin: "+said(fmt.Sprint(err)))
}

func (p *Process) clientConfig(cert tls.Certificate) *goplugin.ClientConfig {
	return &goplugin.ClientConfig{
		HandshakeConfig:  goplugin.HandshakeConfig{ProtocolVersion: protocolVersion, MagicCookieKey: cookieName, MagicCookieValue: cookieValue},
		VersionedPlugins: map[int]goplugin.PluginSet{protocolVersion: {}},
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		TLSConfig: &tls.Config{
			Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, ServerName: "localhost",
		},
		// Any level but Off lets lines of stderr panic.
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Off, Output: io.Discard}),
		SkipHostEnv:      true,
		StartTimeout:     p.child.timeout + time.Minute, // ours is shorter
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: p.dir.path},
		SyncStderr:       p.log.writer(),
		RunnerFunc: func(_ hclog.Logger, _ *exec.Cmd, tmpDir string) (runner.Runner, error) {
			// A folder for sockets; ours is the run directory itself.
			_ = os.Remove(tmpDir)
			return p.child, nil
		},
		GRPCDialOptions: []grpc.DialOption{
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessage), grpc.MaxCallSendMsgSize(MaxMessage)),
			grpc.WithMaxHeaderListSize(maxHeaderBytes),
			grpc.WithDisableRetry(),
			grpc.WithDisableServiceConfig(),
			grpc.WithContextDialer(p.dial),
			grpc.WithStreamInterceptor(p.firstStreams),
		},
	}
}

// dial connects to the address of the handshake, as long as the process that
// wrote it lives.
func (p *Process) dial(ctx context.Context, _ string) (net.Conn, error) {
	select {
	case <-p.child.done:
		return nil, errors.New("the process has ended")
	default:
	}
	var d net.Dialer
	return d.DialContext(ctx, p.child.hello.network, p.child.hello.address)
}

// firstStreams sees the streams that go-plugin opens by itself. It takes the
// connection, which go-plugin does not give away when it fails half-way;
// refuses the broker, which nobody uses; and turns every failure of the stdio
// service into the one that go-plugin takes for "not there", so that the health
// check is what tells the reason.
func (p *Process) firstStreams(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	p.mu.Lock()
	p.captured = cc
	p.mu.Unlock()
	switch method {
	case "/plugin.GRPCBroker/StartStream":
		return nil, status.Error(codes.Unimplemented, "the broker is not used")
	case "/plugin.GRPCStdio/StreamStdio":
		stream, err := streamer(ctx, desc, cc, method, opts...)
		if err != nil {
			return nil, status.Error(codes.Unavailable, err.Error())
		}
		return stream, nil
	}
	return streamer(ctx, desc, cc, method, opts...)
}

// Conn is the connection to the plugin, for services beyond those that Process
// has methods for. Errors of its calls are gRPC statuses.
func (p *Process) Conn() grpc.ClientConnInterface { return p.conn }

// Candidate is what was started.
func (p *Process) Candidate() Candidate { return p.cand }

// PID is the process id.
func (p *Process) PID() int { return p.child.pid() }

// RunID marks the process and everything that it starts.
func (p *Process) RunID() string { return p.runID }

// RunDir is the working directory of the process.
func (p *Process) RunDir() string { return p.child.dir }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.child.done }

// ExitStatus says how the process ended, such as "exit status 1", and whether
// it has.
func (p *Process) ExitStatus() (string, bool) {
	ended, how := p.child.ended(0)
	return how, ended
}

// Stderr returns the last lines of stderr, oldest first, escaped.
func (p *Process) Stderr() []string { return p.log.lines() }
