package conformance

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/protobuf/proto"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/plugins"
	"github.com/weightinit/weightinit/plugins/internal/fromproto"
	"github.com/weightinit/weightinit/plugins/internal/rawhost"
	"github.com/weightinit/weightinit/plugins/internal/rpc"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

// describeTimeout is the host's deadline for short calls.
const describeTimeout = 5 * time.Second

// raw is a process that was started by hand, with its run directory.
type raw struct {
	*rawhost.Process
	dir string
}

// raw starts the plugin by hand.
func (e *env) raw(opt rawhost.Options) (*raw, error) {
	if e.candidate == nil {
		return nil, needsProcess
	}
	argv, err := e.candidate.Command(e.opt.Start.Python)
	if err != nil {
		return nil, err
	}
	if opt.Dir, err = os.MkdirTemp("", "wi-"); err != nil {
		return nil, err
	}
	if opt.Dir, err = filepath.EvalSymlinks(opt.Dir); err != nil {
		return nil, err
	}
	for _, name := range e.opt.Start.Env {
		if value, ok := os.LookupEnv(name); ok {
			opt.Env = append(opt.Env, name+"="+value)
		}
	}
	p, err := rawhost.Start(argv, opt)
	if err != nil {
		_ = os.RemoveAll(opt.Dir)
		return nil, err
	}
	return &raw{p, opt.Dir}, nil
}

// end kills what is left and removes the run directory.
func (r *raw) end() {
	r.Kill()
	_ = os.RemoveAll(r.dir)
}

func (e *env) startTimeout() time.Duration {
	if e.opt.Start.StartTimeout > 0 {
		return e.opt.Start.StartTimeout
	}
	return plugins.DefaultStartTimeout
}

func startLine(ctx context.Context, e *env) error {
	p, err := e.raw(rawhost.Options{})
	if err != nil {
		return err
	}
	defer p.end()
	ctx, cancel := context.WithTimeout(ctx, e.startTimeout())
	defer cancel()
	line, _, err := p.Line(ctx)
	if err != nil {
		return err
	}
	return lineProblem(line, p.dir)
}

// lineProblem checks a handshake line field by field.
func lineProblem(line, dir string) error {
	if len(line) >= wire.MaxHandshake {
		return fmt.Errorf("the line has %d bytes, the limit is %d", len(line), wire.MaxHandshake)
	}
	fields := strings.Split(strings.TrimSuffix(line, "\r"), "|")
	if len(fields) < 6 {
		return fmt.Errorf("the line has %d fields, needs 6: %s", len(fields), shown.Quote(line))
	}
	for i, want := range []string{0: "1", 1: "1", 4: "grpc"} {
		if want != "" && fields[i] != want {
			return fmt.Errorf("field %d is %s, must be %q", i+1, shown.Quote(fields[i]), want)
		}
	}
	switch fields[2] {
	case "unix":
		path := fields[3]
		if inside, err := filepath.Rel(dir, path); err != nil || !filepath.IsAbs(path) || !filepath.IsLocal(inside) {
			return fmt.Errorf("field 4 is %s, must be a path in the run directory", shown.Quote(path))
		}
		if len(path) > 107 {
			return fmt.Errorf("field 4 has %d bytes, the limit is 107", len(path))
		}
		if info, err := os.Lstat(path); err != nil || info.Mode().Type() != fs.ModeSocket {
			return fmt.Errorf("field 4 is %s, where no socket is", shown.Quote(path))
		}
	case "tcp":
		if !strings.HasPrefix(fields[3], "127.0.0.1:") {
			return fmt.Errorf("field 4 is %s, must be 127.0.0.1 and a port", shown.Quote(fields[3]))
		}
	default:
		return fmt.Errorf("field 3 is %s, must be unix, or tcp on Windows", shown.Quote(fields[2]))
	}
	der, err := base64.RawStdEncoding.DecodeString(fields[5])
	if err != nil {
		return errors.New("field 6 is not base64 without padding")
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return errors.New("field 6 is not a certificate")
	}
	if err := cert.VerifyHostname("localhost"); err != nil {
		return errors.New("field 6: the certificate is not for localhost")
	}
	if now := time.Now(); now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
		return errors.New("field 6: the certificate is not valid now")
	}
	return nil
}

func startTime(ctx context.Context, e *env) error {
	p, err := e.raw(rawhost.Options{})
	if err != nil {
		return err
	}
	defer p.end()
	limit := e.startTimeout()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if _, _, err := p.Line(ctx); err != nil {
		return fmt.Errorf("within %s: %w", limit, err)
	}
	return nil
}

func startQuiet(ctx context.Context, e *env) error {
	p, err := e.raw(rawhost.Options{})
	if err != nil {
		return err
	}
	defer p.end()
	ctx, cancel := context.WithTimeout(ctx, e.startTimeout()+2*describeTimeout)
	defer cancel()
	conn, err := p.Dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if _, err := rpc.Describe(ctx, conn, describeRequest()); err != nil {
		return err
	}
	for _, m := range e.about.Modes {
		req, err := request(m, tinyGPT2(), dtype.F32)
		if err != nil {
			return err
		}
		if _, err := outcome(ctx, conn, req); err != nil {
			return err
		}
	}
	line, rest, _ := strings.Cut(p.Stdout(), "\n")
	if !strings.HasPrefix(line, "1|") {
		return fmt.Errorf("%s came before the handshake", shown.Quote(line))
	}
	if rest != "" {
		return fmt.Errorf("%s came on stdout after the handshake", shown.Quote(rest))
	}
	return nil
}

func startCookie(ctx context.Context, e *env) error {
	p, err := e.raw(rawhost.Options{NoCookie: true})
	if err != nil {
		return err
	}
	defer p.end()
	const limit = 5 * time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	code, err := p.Wait(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("without %s: %w after %s", wire.CookieKey, err, limit)
	case code != 1:
		return fmt.Errorf("without %s it ends with exit status %d, must be 1", wire.CookieKey, code)
	case strings.TrimSpace(p.Stderr()) == "":
		return fmt.Errorf("without %s it prints no help on stderr", wire.CookieKey)
	case p.Stdout() != "":
		return fmt.Errorf("without %s it prints %s on stdout", wire.CookieKey, shown.Quote(p.Stdout()))
	}
	return nil
}

func startTwice(ctx context.Context, e *env) error {
	if e.candidate == nil {
		return needsProcess
	}
	return together(2, func(int) error {
		i, err := e.second(ctx)
		if err != nil {
			return err
		}
		defer i.stop()
		ctx, cancel := context.WithTimeout(ctx, describeTimeout)
		defer cancel()
		_, err = rpc.Describe(ctx, i.conn, describeRequest())
		return err
	})
}

func startFiles(_ context.Context, e *env) error {
	if e.candidate == nil {
		return needsProcess
	}
	now, err := contents(e.candidate.Path)
	if err != nil {
		return err
	}
	if now != e.firstHash {
		return errors.New("the plugin changed its own files: it may write to its working directory only")
	}
	return nil
}

// contents is a hash over the names and the contents of a file or a folder.
func contents(path string) (string, error) {
	all := sha256.New()
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(all, "%q %s\n", name, d.Type())
		if !d.Type().IsRegular() {
			return nil
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		n, err := io.Copy(all, f)
		_, _ = fmt.Fprintf(all, "\n%d\n", n)
		return err
	})
	return string(all.Sum(nil)), err
}

func healthServing(ctx context.Context, e *env) error {
	const limit = time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	reply, err := grpc_health_v1.NewHealthClient(e.main.conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: wire.HealthService})
	if err != nil {
		return fmt.Errorf("within %s: %w", limit, fromproto.Failure(err, nil))
	}
	if s := reply.GetStatus(); s != grpc_health_v1.HealthCheckResponse_SERVING {
		return fmt.Errorf("says %s, must say SERVING", s)
	}
	return nil
}

func describeFields(_ context.Context, e *env) error {
	_, err := fromproto.Describe(e.describe, e.opt.Taken)
	return err
}

func describeOptions(_ context.Context, e *env) error {
	for _, m := range e.about.Modes {
		if _, err := fromproto.ParseSchema(m.SchemaText); err != nil {
			return fmt.Errorf("mode %s: %w", label(m), err)
		}
		for _, o := range m.Options.Options() {
			if o.Required && someValue(m.Options, o) == nil {
				return skip(fmt.Sprintf("mode %s requires the option %q, for which the kit finds no value: give it a default or bounds", label(m), o.Name))
			}
		}
	}
	return nil
}

func describeStable(ctx context.Context, e *env) error {
	ctx, cancel := context.WithTimeout(ctx, e.startTimeout()+3*describeTimeout)
	defer cancel()
	same := func(reply *modev1.DescribeReply) error {
		if !equalBytes(reply, e.describe) {
			return errors.New("two answers to Describe differ")
		}
		return nil
	}
	again, err := rpc.Describe(ctx, e.main.conn, describeRequest())
	if err != nil {
		return err
	}
	if err := same(again); err != nil || e.candidate == nil {
		return err
	}
	second, err := e.second(ctx)
	if err != nil {
		return err
	}
	defer second.stop()
	if again, err = rpc.Describe(ctx, second.conn, describeRequest()); err != nil {
		return err
	}
	if same(again) != nil {
		return errors.New("the answers of two processes to Describe differ")
	}
	return nil
}

func equalBytes(a, b proto.Message) bool {
	marshal := proto.MarshalOptions{Deterministic: true}
	x, errX := marshal.Marshal(a)
	y, errY := marshal.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
