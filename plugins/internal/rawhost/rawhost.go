// Package rawhost starts a program as a plugin host does, with the least that
// the protocol asks for and nothing of what protects a host: for tests of
// plugins, which look at what package plugins hides (the handshake line,
// everything on stdout, the way a process ends).
//
// It is not for plugins that may be hostile: package plugins is.
package rawhost

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/weightinit/weightinit/plugins/internal/rpc"
	"github.com/weightinit/weightinit/plugins/internal/wire"
)

// Options change what a process gets.
type Options struct {
	// Dir is the run directory; it must exist and be short.
	Dir string
	// NoCookie leaves the cookie out, as when a user starts the program.
	NoCookie bool
	// NoCertificate leaves the host's certificate out.
	NoCertificate bool
	// Env is added to the environment.
	Env []string
}

// Process is a started program.
type Process struct {
	// RunID marks the process and its children.
	RunID string
	cmd   *exec.Cmd
	cert  tls.Certificate
	stdin io.Closer
	// done is closed when the process has ended and its output was read.
	done chan struct{}

	line   chan struct{} // closed when stdout has a line, or has ended
	mu     sync.Mutex
	stdout bytes.Buffer
	stderr bytes.Buffer
	began  time.Time
	took   time.Duration
}

// most is how much of each output is kept.
const most = 1 << 20

// Start starts argv.
func Start(argv []string, opt Options) (*Process, error) {
	p := &Process{done: make(chan struct{}), line: make(chan struct{})}
	var id [16]byte
	rand.Read(id[:])
	p.RunID = hex.EncodeToString(id[:])
	var text string
	var err error
	if p.cert, text, err = certificate(); err != nil {
		return nil, fmt.Errorf("rawhost: %w", err)
	}
	p.cmd = exec.Command(argv[0], argv[1:]...)
	p.cmd.Dir = opt.Dir
	p.cmd.Env = environment(p.RunID, text, opt)
	p.cmd.WaitDelay = time.Second // a child of the plugin may hold the pipes
	ownGroup(p.cmd)
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("rawhost: %w", err)
	}
	p.cmd.Stdout, p.cmd.Stderr = (*stdoutOf)(p), (*stderrOf)(p)
	p.began = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("rawhost: %w", err)
	}
	go func() {
		_ = p.cmd.Wait()
		p.mu.Lock()
		p.gotLine()
		p.mu.Unlock()
		close(p.done)
	}()
	return p, nil
}

func environment(runID, cert string, opt Options) []string {
	env := []string{
		wire.RunIDKey + "=" + runID, "PLUGIN_PROTOCOL_VERSIONS=1",
		"PLUGIN_UNIX_SOCKET_DIR=" + opt.Dir, "TMPDIR=" + opt.Dir, "PATH=" + os.Getenv("PATH"),
		"LC_ALL=C.UTF-8", "TZ=UTC", "PYTHONDONTWRITEBYTECODE=1",
	}
	if runtime.GOOS == "windows" {
		env = append(env, "SYSTEMROOT="+os.Getenv("SYSTEMROOT"), "TEMP="+opt.Dir, "TMP="+opt.Dir, "PLUGIN_MIN_PORT=0", "PLUGIN_MAX_PORT=1")
	}
	if !opt.NoCookie {
		env = append(env, wire.CookieKey+"="+wire.CookieValue)
	}
	if !opt.NoCertificate {
		env = append(env, wire.CertKey+"="+cert)
	}
	return append(env, opt.Env...)
}

// gotLine notes the time of the first line; p.mu is held.
func (p *Process) gotLine() {
	select {
	case <-p.line:
	default:
		p.took = time.Since(p.began)
		close(p.line)
	}
}

type (
	stdoutOf Process
	stderrOf Process
)

func (o *stdoutOf) Write(b []byte) (int, error) {
	p := (*Process)(o)
	p.mu.Lock()
	defer p.mu.Unlock()
	keep(&p.stdout, b)
	if bytes.IndexByte(b, '\n') >= 0 {
		p.gotLine()
	}
	return len(b), nil
}

func (o *stderrOf) Write(b []byte) (int, error) {
	p := (*Process)(o)
	p.mu.Lock()
	defer p.mu.Unlock()
	keep(&p.stderr, b)
	return len(b), nil
}

func keep(dst *bytes.Buffer, b []byte) {
	dst.Write(b[:min(len(b), max(0, most-dst.Len()))])
}

// Line waits for the first line on stdout and returns it without its newline,
// and the time from the start.
func (p *Process) Line(ctx context.Context) (string, time.Duration, error) {
	select {
	case <-p.line:
	case <-ctx.Done():
		return "", 0, fmt.Errorf("no line on stdout: %w", ctx.Err())
	}
	line, _, ok := strings.Cut(p.Stdout(), "\n")
	if !ok {
		return "", 0, fmt.Errorf("no line on stdout; stderr: %q", p.Stderr())
	}
	return line, p.took, nil
}

// Stdout returns what came on stdout so far.
func (p *Process) Stdout() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stdout.String()
}

// Stderr returns what came on stderr so far.
func (p *Process) Stderr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// Dial waits for the handshake and connects with mutual TLS. The caller closes
// the connection.
func (p *Process) Dial(ctx context.Context) (*grpc.ClientConn, error) {
	line, _, err := p.Line(ctx)
	if err != nil {
		return nil, err
	}
	return p.DialAs(ctx, line)
}

// DialAs connects to the process of another handshake line, with the
// certificate of this one.
func (p *Process) DialAs(_ context.Context, line string) (*grpc.ClientConn, error) {
	fields := strings.Split(line, "|")
	if len(fields) < 6 {
		return nil, fmt.Errorf("handshake line %q has %d fields, needs 6", line, len(fields))
	}
	der, err := base64.RawStdEncoding.DecodeString(fields[5])
	if err != nil {
		return nil, fmt.Errorf("handshake: certificate: %w", err)
	}
	server, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("handshake: certificate: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(server)
	return grpc.NewClient("passthrough:///plugin",
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
			Certificates: []tls.Certificate{p.cert}, RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12,
		})),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, fields[2], fields[3])
		}),
		grpc.WithDefaultCallOptions(rpc.CallOptions()...))
}

// CloseStdin tells the program that its host is gone.
func (p *Process) CloseStdin() { _ = p.stdin.Close() }

// PID is the process id, which is that of its group as well.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Wait waits for the end of the process and returns its exit status, -1 after
// a signal.
func (p *Process) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, errors.New("the process is still there")
	}
}

// Kill ends the process and its group and waits for the end.
func (p *Process) Kill() {
	select {
	case <-p.done:
	default:
		killGroup(p.cmd.Process)
	}
	<-p.done
}

// certificate makes a one-time certificate and returns its PEM.
func certificate() (tls.Certificate, string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: now.Add(-time.Minute), NotAfter: now.Add(24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		IsCA:        true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, "", err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(text), nil
}
