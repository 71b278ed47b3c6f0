package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/internal/rawhost"
	"github.com/weightinit/weightinit/plugins/internal/rpc"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
	"github.com/weightinit/weightinit/plugins/sdk"
	"github.com/weightinit/weightinit/registry"
)

// TestMain makes the test binary a plugin when a host starts it as one.
func TestMain(m *testing.M) {
	switch os.Getenv("SDK_TEST_AS") {
	case "":
		os.Exit(m.Run())
	case "early":
		fmt.Println("printed before Serve, which a plugin must not do")
	case "broken":
		sdk.Serve(sdk.Plugin{Name: "Bad Name", Version: "1.0.0"})
	}
	sdk.Serve(plugin)
}

// funcs is a mode made of function fields.
type funcs struct {
	Gain   float64  `json:"gain" default:"1" min:"0" max:"8"`
	Names  []string `json:"names"`
	Needed string   `json:"-"`
	assign func(context.Context, *funcs, *layout.Layout) ([]dist.Dist, error)
}

func (m *funcs) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	return m.assign(ctx, m, l)
}

// filler also fills: element i of a parameter is gain + i.
type filler struct{ funcs }

func (m *filler) Fill(ctx context.Context, req sdk.FillRequest, dst *sdk.Writer) error {
	switch req.Param.Name {
	case "panics":
		panic("in Fill")
	case "short":
		return dst.Float32(make([]float32, req.Count-1))
	case "long":
		return dst.Float32(make([]float32, req.Count+1))
	case "infinite":
		return dst.Float64([]float64{1e300})
	}
	for dst.Left() > 0 {
		if err := dst.Float64([]float64{m.Gain + float64(dst.Next())}); err != nil {
			return err
		}
	}
	return nil
}

// zeros fills as fast as it can.
type zeros struct{ funcs }

func (*zeros) Fill(_ context.Context, _ sdk.FillRequest, dst *sdk.Writer) error {
	block := make([]float32, 1<<18)
	for dst.Left() > 0 {
		if err := dst.Float32(block[:min(dst.Left(), int64(len(block)))]); err != nil {
			return err
		}
	}
	return nil
}

func wide(_ context.Context, m *funcs, l *layout.Layout) ([]dist.Dist, error) {
	out := make([]dist.Dist, len(l.Params))
	for i, p := range l.Params {
		fmt.Println("a mode that prints", p.Name)
		switch {
		case p.Name == "panics":
			panic("on purpose\x1b")
		case p.Name == "exits":
			os.Exit(7)
		case p.Role == "unknown":
			return nil, &registry.NoRuleError{Mode: "test.wide", Param: p.Name, Role: p.Role}
		}
		out[i] = dist.Dist{Draw: dist.Normal{Std: m.Gain}}
	}
	return out, nil
}

func fails(err error) func(context.Context, *funcs, *layout.Layout) ([]dist.Dist, error) {
	return func(context.Context, *funcs, *layout.Layout) ([]dist.Dist, error) { return nil, err }
}

func mode(id string, assign func(context.Context, *funcs, *layout.Layout) ([]dist.Dist, error)) sdk.Mode {
	return sdk.Mode{ID: id, Version: 1, Summary: "a test", New: func() registry.Mode { return &funcs{assign: assign} }}
}

var plugin = sdk.Plugin{
	Name: "test", Version: "1.0.0", Ranges: true,
	Modes: []sdk.Mode{
		mode("wide", wide),
		mode("quiet", func(_ context.Context, m *funcs, l *layout.Layout) ([]dist.Dist, error) {
			out := make([]dist.Dist, len(l.Params))
			for i := range out {
				out[i].Draw = dist.Normal{Std: m.Gain}
			}
			return out, nil
		}),
		{ID: "zeros", Version: 1, Summary: "fills with zeros", New: func() registry.Mode { return &zeros{} }},
		mode("plain_error", fails(errors.New("no luck"))),
		mode("layout_error", fails(&sdk.LayoutError{Param: "a", Problem: "too small"})),
		mode("canceled", fails(fmt.Errorf("stopped: %w", context.Canceled))),
		mode("one", func(context.Context, *funcs, *layout.Layout) ([]dist.Dist, error) {
			return []dist.Dist{{Draw: dist.Eye{}}}, nil
		}),
		mode("nothing", func(_ context.Context, _ *funcs, l *layout.Layout) ([]dist.Dist, error) {
			return make([]dist.Dist, len(l.Params)), nil
		}),
		mode("fills_without", func(_ context.Context, _ *funcs, l *layout.Layout) ([]dist.Dist, error) {
			return []dist.Dist{{Draw: dist.Filled{}}}, nil
		}),
		{ID: "filling", Version: 2, Summary: "fills", New: func() registry.Mode {
			m := &filler{}
			m.assign = func(_ context.Context, _ *funcs, l *layout.Layout) ([]dist.Dist, error) {
				out := make([]dist.Dist, len(l.Params))
				for i := range out {
					out[i].Draw = dist.Filled{}
				}
				return out, nil
			}
			return m
		}},
	},
}

// benchProcess starts a process for the time of a benchmark.
func benchProcess(b *testing.B) *grpc.ClientConn {
	b.Helper()
	self, err := os.Executable()
	require.NoError(b, err)
	dir, err := os.MkdirTemp("", "wi")
	require.NoError(b, err)
	p, err := rawhost.Start([]string{self}, rawhost.Options{Dir: dir, Env: []string{"SDK_TEST_AS=plugin"}})
	require.NoError(b, err)
	conn, err := p.Dial(b.Context())
	require.NoError(b, err)
	b.Cleanup(func() {
		_ = conn.Close()
		p.Kill()
		require.NoError(b, os.RemoveAll(dir))
	})
	return conn
}

func start(t *testing.T, opt rawhost.Options, as string) *rawhost.Process {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	opt.Dir, err = os.MkdirTemp("", "wi")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(opt.Dir)) })
	opt.Env = append(opt.Env, "SDK_TEST_AS="+as)
	p, err := rawhost.Start([]string{self}, opt)
	require.NoError(t, err)
	t.Cleanup(p.Kill)
	return p
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func connect(t *testing.T, p *rawhost.Process) *grpc.ClientConn {
	t.Helper()
	conn, err := p.Dial(within(t, 20*time.Second))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func request(mode string, names ...string) *modev1.AssignRequest {
	req := &modev1.AssignRequest{Mode: mode, ModeVersion: 1, OptionsJson: `{"gain":2}`}
	for _, name := range names {
		req.Params = append(req.Params, &modev1.Param{Name: name, Shape: []int64{2, 3}, Dtype: modev1.DType_DTYPE_F32})
	}
	return req
}

func TestAProcessServesOverMutualTLSAndPrintsNothingElse(t *testing.T) {
	p := start(t, rawhost.Options{}, "plugin")
	conn := connect(t, p)
	ctx := within(t, 20*time.Second)
	require.NoError(t, rpc.Health(ctx, conn))
	reply, err := rpc.Describe(ctx, conn, &modev1.DescribeRequest{})
	require.NoError(t, err)
	require.Equal(t, "test", reply.Name)
	require.Equal(t, []string{"fill", "fill.range"}, reply.Features)
	got, err := rpc.Assign(ctx, conn, request("wide", "a", "b"))
	require.NoError(t, err)
	require.Len(t, got.Dists, 2)
	require.Equal(t, 2.0, got.Dists[0].GetNormal().GetStd())

	// More than a pipe holds: a mode that prints must not stand still.
	many := request("wide")
	for i := range 5000 {
		many.Params = append(many.Params, &modev1.Param{Name: fmt.Sprintf("a.rather.long.name.%d", i)})
	}
	_, err = rpc.Assign(ctx, conn, many)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return strings.Contains(p.Stderr(), "a mode that prints a\n") }, 5*time.Second, 10*time.Millisecond)

	rawhost.Interrupt(p.PID())
	time.Sleep(20 * time.Millisecond)
	require.NoError(t, rpc.Health(ctx, conn), "an interrupt is the host's business")

	require.NoError(t, rpc.Shutdown(ctx, conn))
	code, err := p.Wait(within(t, 2*time.Second))
	require.NoError(t, err)
	require.Zero(t, code)
	require.Equal(t, 1, strings.Count(p.Stdout(), "\n"), p.Stdout())
}

func TestAClientWithoutTheCertificateIsRefused(t *testing.T) {
	p := start(t, rawhost.Options{}, "plugin")
	other := start(t, rawhost.Options{}, "plugin")
	line, _, err := p.Line(within(t, 20*time.Second))
	require.NoError(t, err)
	conn, err := other.DialAs(within(t, 20*time.Second), line)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.Error(t, rpc.Health(within(t, 5*time.Second), conn))
}

func TestWithoutTheCookieItHelpsAndExits(t *testing.T) {
	p := start(t, rawhost.Options{NoCookie: true}, "plugin")
	code, err := p.Wait(within(t, 20*time.Second))
	require.NoError(t, err)
	require.Equal(t, 1, code)
	require.Empty(t, p.Stdout())
	require.Contains(t, p.Stderr(), "test 1.0.0 is a plugin of weightinit")
	require.Contains(t, p.Stderr(), "--mode test.wide")
	require.Equal(t, 2, strings.Count(p.Stderr(), "\n"))
}

func TestWithoutACertificateOrWithABrokenPluginItDoesNotServe(t *testing.T) {
	for as, opt := range map[string]rawhost.Options{"plugin": {NoCertificate: true}, "broken": {}} {
		p := start(t, opt, as)
		code, err := p.Wait(within(t, 20*time.Second))
		require.NoError(t, err)
		require.Equal(t, 1, code)
		require.Empty(t, p.Stdout())
		require.NotEmpty(t, p.Stderr())
		require.Equal(t, 1, strings.Count(p.Stderr(), "\n"), p.Stderr())
	}
}

func TestItEndsWhenTheHostIsGone(t *testing.T) {
	p := start(t, rawhost.Options{}, "plugin")
	conn := connect(t, p)
	require.NoError(t, rpc.Health(within(t, 20*time.Second), conn))
	began := time.Now()
	p.CloseStdin()
	_, err := p.Wait(within(t, 5*time.Second))
	require.NoError(t, err)
	t.Logf("gone after %v", time.Since(began))
}

func TestItEndsWhenTheHostIsGoneBeforeTheFirstCall(t *testing.T) {
	p := start(t, rawhost.Options{}, "plugin")
	p.CloseStdin()
	_, err := p.Wait(within(t, 10*time.Second))
	require.NoError(t, err)
}

func TestAPanicIsAnErrorOfItsCallAndTheNextCallWorks(t *testing.T) {
	p := start(t, rawhost.Options{}, "plugin")
	conn := connect(t, p)
	ctx := within(t, 20*time.Second)
	_, err := rpc.Assign(ctx, conn, request("wide", "panics"))
	var f *wire.Failure
	require.ErrorAs(t, err, &f)
	require.Equal(t, codes.Internal, f.Code)
	require.Contains(t, f.Error(), `the mode panicked: on purpose\x1b`)
	require.Eventually(t, func() bool { return strings.Contains(p.Stderr(), "goroutine ") }, 5*time.Second, 10*time.Millisecond)
	_, err = rpc.Assign(ctx, conn, request("wide", "a"))
	require.NoError(t, err)
}
