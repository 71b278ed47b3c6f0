package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/internal/fromproto"
	"github.com/weightinit/weightinit/plugins/internal/rpc"
	"github.com/weightinit/weightinit/plugins/internal/toproto"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
	"github.com/weightinit/weightinit/registry"
)

// label names a mode in reasons.
func label(m fromproto.Mode) string { return fmt.Sprintf("%s@%d", m.ID, m.Version) }

// request asks a mode for a layout with its default options.
func request(m fromproto.Mode, s standard, stored dtype.Type) (*modev1.AssignRequest, error) {
	return requestWith(m, s, stored, defaults(m))
}

func requestWith(m fromproto.Mode, s standard, stored dtype.Type, values map[string]any) (*modev1.AssignRequest, error) {
	options, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	return toproto.AssignRequest(m.ID, m.Version, options, s.layout, stored)
}

// deadline is the host's for an Assign of n parameters.
func deadline(n int) time.Duration { return 10*time.Second + time.Duration(n/10_000)*time.Second }

// assign makes the call under the host's deadline.
func assign(ctx context.Context, conn grpc.ClientConnInterface, req *modev1.AssignRequest) (*modev1.AssignReply, error) {
	limit := deadline(len(req.Params))
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	reply, err := rpc.Assign(ctx, conn, req)
	if ctx.Err() != nil && err != nil {
		return nil, fmt.Errorf("no answer within %s", limit)
	}
	return reply, err
}

// each asks every mode for every standard layout; answer gets the checked
// distributions, or the failure.
func (e *env) each(ctx context.Context, answer func(m fromproto.Mode, s standard, got []dist.Dist, err error) error) error {
	for _, m := range e.about.Modes {
		for _, s := range standards() {
			req, err := request(m, s, dtype.F32)
			if err != nil {
				return err
			}
			var got []dist.Dist
			reply, err := assign(ctx, e.main.conn, req)
			if err == nil {
				got, err = fromproto.Dists(reply, s.layout.Params, fromproto.AssignRules{DType: dtype.F32, Fills: m.Fills})
			}
			if err = answer(m, s, got, err); err != nil {
				return fmt.Errorf("mode %s, layout %s: %w", label(m), s.name, err)
			}
		}
	}
	return nil
}

// refusal checks that an error refuses a parameter of the layout, in the
// manner of the protocol.
func refusal(err error, params []layout.Param) error {
	var f *wire.Failure
	if !errors.As(err, &f) {
		return err
	}
	if f.Code != codes.FailedPrecondition {
		return fmt.Errorf("%s: %w", f.Code, f)
	}
	for _, p := range params {
		if f.Subject == p.Name || strings.Contains(f.Message, p.Name) {
			return nil
		}
	}
	if len(params) == 0 {
		return nil
	}
	return fmt.Errorf("FailedPrecondition must name a parameter: %w", f)
}

func assignCount(ctx context.Context, e *env) error {
	return e.each(ctx, func(_ fromproto.Mode, s standard, _ []dist.Dist, err error) error {
		var field *fromproto.FieldError
		if errors.As(err, &field) && field.Field == "dists" {
			return err
		}
		return nil
	})
}

func assignValues(ctx context.Context, e *env) error {
	return e.each(ctx, func(_ fromproto.Mode, _ standard, _ []dist.Dist, err error) error {
		var field *fromproto.FieldError
		if errors.As(err, &field) {
			return err
		}
		return nil
	})
}

func assignLayouts(ctx context.Context, e *env) error {
	answered := map[string]bool{}
	err := e.each(ctx, func(m fromproto.Mode, s standard, _ []dist.Dist, err error) error {
		if err == nil {
			answered[label(m)] = true
			return nil
		}
		return refusal(err, s.layout.Params)
	})
	if err != nil {
		return err
	}
	for _, m := range e.about.Modes {
		if !answered[label(m)] {
			return fmt.Errorf("mode %s refuses every standard layout", label(m))
		}
	}
	return nil
}

func assignEmpty(ctx context.Context, e *env) error {
	for _, m := range e.about.Modes {
		req, err := request(m, standard{layout: &layout.Layout{}}, dtype.F32)
		if err != nil {
			return err
		}
		if _, err := assign(ctx, e.main.conn, req); err != nil {
			if err := refusal(err, nil); err != nil {
				return fmt.Errorf("mode %s, no parameters: %w", label(m), err)
			}
		}
	}
	return nil
}

func assignUnknownRole(ctx context.Context, e *env) error {
	s := unknownRole()
	for _, m := range e.about.Modes {
		req, err := request(m, s, dtype.F32)
		if err != nil {
			return err
		}
		if _, err := assign(ctx, e.main.conn, req); err != nil {
			if err := refusal(err, s.layout.Params); err != nil {
				return fmt.Errorf("mode %s: %w", label(m), err)
			}
		}
	}
	return nil
}

// outcome is an answer as bytes, in which numbers keep their bits, or the
// status that refuses.
func outcome(ctx context.Context, conn grpc.ClientConnInterface, req *modev1.AssignRequest) ([]byte, error) {
	reply, err := assign(ctx, conn, req)
	var f *wire.Failure
	if errors.As(err, &f) && f.Code == codes.FailedPrecondition {
		return []byte(f.Code.String() + f.Subject), nil
	}
	if err != nil {
		return nil, err
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(reply)
}

// compare asks every mode for the first layouts and compares the answers with
// those of again.
func (e *env) compare(ctx context.Context, again func(req *modev1.AssignRequest, want []byte) error) error {
	for _, m := range e.about.Modes {
		for _, s := range []standard{tinyGPT2(), llama()} {
			req, err := request(m, s, dtype.F32)
			if err != nil {
				return err
			}
			want, err := outcome(ctx, e.main.conn, req)
			if err == nil {
				err = again(req, want)
			}
			if err != nil {
				return fmt.Errorf("mode %s, layout %s: %w", label(m), s.name, err)
			}
		}
	}
	return nil
}

var errDiffers = errors.New("the same request got another answer")

func assignPure(ctx context.Context, e *env) error {
	return e.compare(ctx, func(req *modev1.AssignRequest, want []byte) error {
		for i := range 50 { // of two layouts
			if got, err := outcome(ctx, e.main.conn, req); err != nil {
				return err
			} else if !bytes.Equal(got, want) {
				return fmt.Errorf("call %d: %w", i+2, errDiffers)
			}
		}
		return nil
	})
}

func assignProcess(ctx context.Context, e *env) error {
	second, err := e.second(ctx)
	if err != nil {
		return err
	}
	defer second.stop()
	return e.compare(ctx, func(req *modev1.AssignRequest, want []byte) error {
		got, err := outcome(ctx, second.conn, req)
		if err == nil && !bytes.Equal(got, want) {
			return fmt.Errorf("in another process: %w", errDiffers)
		}
		return err
	})
}

func assignParallel(ctx context.Context, e *env) error {
	return e.compare(ctx, func(req *modev1.AssignRequest, want []byte) error {
		return together(8, func(int) error {
			got, err := outcome(ctx, e.main.conn, req)
			if err == nil && !bytes.Equal(got, want) {
				return fmt.Errorf("8 calls at once: %w", errDiffers)
			}
			return err
		})
	})
}

// together runs do n times at once and returns the first error.
func together(n int, do func(i int) error) error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = do(i) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// manyParams makes a request of about 8 MB.
const manyParams = 100_000

func assignLarge(ctx context.Context, e *env) error {
	l := largeLayout(manyParams)
	for _, m := range e.about.Modes {
		req, err := request(m, standard{layout: l}, dtype.F32)
		if err != nil {
			return err
		}
		reply, err := assign(ctx, e.main.conn, req)
		if err == nil {
			_, err = fromproto.Dists(reply, l.Params, fromproto.AssignRules{DType: dtype.F32, Fills: m.Fills})
		} else if refusal(err, l.Params) == nil {
			continue
		}
		var f *wire.Failure
		if errors.As(err, &f) && f.Code == codes.ResourceExhausted {
			return fmt.Errorf("mode %s: a request of %d parameters (%d bytes) is refused: raise the server's receive limit to 64 MiB: %w", label(m), manyParams, proto.Size(req), f)
		}
		if err != nil {
			return fmt.Errorf("mode %s, %d parameters: %w", label(m), manyParams, err)
		}
	}
	return nil
}

func assignOptions(ctx context.Context, e *env) error {
	tried := 0
	s := tinyGPT2()
	for _, m := range e.about.Modes {
		for _, o := range m.Options.Options() {
			for _, v := range append(limits(o), o.Default) {
				if v == nil {
					continue
				}
				if _, list := v.([]any); o.Type == registry.Array && !list {
					v = []any{v}
				}
				if m.Options.Check(o.Name, v) != nil {
					continue // a list needs more elements
				}
				tried++
				values := defaults(m)
				values[o.Name] = v
				req, err := requestWith(m, s, dtype.F32, values)
				if err != nil {
					return err
				}
				reply, err := assign(ctx, e.main.conn, req)
				if err == nil {
					_, err = fromproto.Dists(reply, s.layout.Params, fromproto.AssignRules{DType: dtype.F32, Fills: m.Fills})
				} else if refusal(err, s.layout.Params) == nil {
					continue
				}
				if err != nil {
					return fmt.Errorf("mode %s with %s = %s, which its schema allows: %w", label(m), o.Name, shown.Cut(fmt.Sprint(v), shown.MaxText), err)
				}
			}
		}
	}
	if tried == 0 {
		return skip("no mode has options")
	}
	return nil
}

func assignBadOption(ctx context.Context, e *env) error {
	for _, m := range e.about.Modes {
		values := defaults(m)
		const name = "no_such_option"
		values[name] = 1
		req, err := requestWith(m, tinyGPT2(), dtype.F32, values)
		if err != nil {
			return err
		}
		_, err = assign(ctx, e.main.conn, req)
		if err := failsWith(err, codes.InvalidArgument, name); err != nil {
			return fmt.Errorf("mode %s with the option %q: %w", label(m), name, err)
		}
	}
	return nil
}

func assignUnknownMode(ctx context.Context, e *env) error {
	m := e.about.Modes[0]
	for _, ask := range []fromproto.Mode{
		{ID: "no_such_mode", Version: 1, Options: m.Options}, {ID: m.ID, Version: 1 << 20, Options: m.Options},
	} {
		req, err := request(ask, tinyGPT2(), dtype.F32)
		if err != nil {
			return err
		}
		_, err = assign(ctx, e.main.conn, req)
		if err := failsWith(err, codes.NotFound, ""); err != nil {
			return fmt.Errorf("asked for %s: %w", label(ask), err)
		}
	}
	return nil
}

// failsWith checks that a call failed with the code and named the subject.
func failsWith(err error, code codes.Code, subject string) error {
	var f *wire.Failure
	switch {
	case err == nil:
		return fmt.Errorf("got an answer, not %s", code)
	case !errors.As(err, &f):
		return err
	case f.Code != code:
		return fmt.Errorf("got %s, not %s: %w", f.Code, code, f)
	case subject != "" && f.Subject != subject && !strings.Contains(f.Message, subject):
		return fmt.Errorf("%s must name %q: %w", code, subject, f)
	}
	return nil
}

func assignCancel(ctx context.Context, e *env) error {
	m := e.about.Modes[0]
	large, err := request(m, standard{layout: largeLayout(manyParams)}, dtype.F32)
	if err != nil {
		return err
	}
	canceled, cancel := context.WithCancel(ctx)
	time.AfterFunc(30*time.Millisecond, cancel)
	_, _ = rpc.Assign(canceled, e.main.conn, large)
	cancel()
	small, err := request(m, tinyGPT2(), dtype.F32)
	if err != nil {
		return err
	}
	if _, err := outcome(ctx, e.main.conn, small); err != nil {
		return fmt.Errorf("the call after a cancelled one: %w", err)
	}
	return nil
}

func errorDetail(ctx context.Context, e *env) error {
	m := e.about.Modes[0]
	values := defaults(m)
	values["no_such_option"] = 1
	req, err := requestWith(m, tinyGPT2(), dtype.F32, values)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, deadline(0))
	defer cancel()
	var trailer metadata.MD
	_, err = modev1.NewModeClient(e.main.conn).Assign(ctx, req, grpc.Trailer(&trailer))
	if err == nil {
		return errors.New("an option that does not exist got an answer")
	}
	detail, err := fromproto.Detail(trailer)
	switch {
	case err != nil:
		return err
	case detail == nil:
		return skip("errors of the plugin have no detail")
	case detail.Kind != modev1.ErrorDetail_KIND_OPTION || detail.Subject != "no_such_option":
		return fmt.Errorf("the detail of an unknown option is kind %s, subject %s", detail.Kind, shown.Quote(detail.Subject))
	}
	return nil
}
