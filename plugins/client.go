package plugins

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/internal/fromproto"
	"github.com/weightinit/weightinit/plugins/internal/rpc"
	"github.com/weightinit/weightinit/plugins/internal/toproto"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

// Description is what a plugin says of itself, checked.
type Description = fromproto.Description

// ModeInfo is what a plugin says of one version of one mode, checked.
type ModeInfo = fromproto.Mode

// checkHealth asks whether the plugin serves. A plugin that ignores TLS gets
// through everything before this.
func (p *Process) checkHealth(ctx context.Context) error {
	timed, clock, cancel := underClock(ctx, p.times.connect)
	defer cancel()
	err := rpc.Health(timed, p.conn)
	clock.Stop()
	if err == nil {
		p.setHealthy(true)
		return nil
	}
	var f *wire.Failure
	if !errors.As(err, &f) {
		return fail(ErrConnect, "health check: "+err.Error(), err)
	}
	if ended, how := p.child.ended(p.times.pipes); ended && f.Code == codes.Unavailable {
		return fail(ErrGone, fmt.Sprintf("ended before the first call (%s)%s", how, p.child.lastSaid()), ErrConnect)
	}
	switch {
	case ctx.Err() != nil:
		return canceled(ctx)
	case context.Cause(timed) == errLate:
		return p.noConnection()
	case f.Code == codes.Unimplemented:
		return fail(ErrConnect, "does not serve grpc.health.v1.Health: rebuild the plugin with the SDK", ErrUnsupported)
	}
	if reply := "the health check says"; strings.HasPrefix(f.Message, reply) {
		return fail(ErrConnect, f.Error()+": see what it says on stderr", f)
	}
	return fail(ErrConnect, "connection: "+words(f)+": the plugin must serve gRPC over TLS with the certificate of its handshake", f)
}

func (p *Process) setHealthy(ok bool) {
	p.mu.Lock()
	p.healthy = ok
	p.mu.Unlock()
}

// Describe asks the plugin who it is, once, and checks the answer against
// every rule of the protocol, and against what its manifest or its lock says.
// taken reports whether a mode of this process has a name; it may be nil.
func (p *Process) Describe(ctx context.Context, taken func(name string) bool) (*Description, error) {
	p.mu.Lock()
	have := p.about
	p.mu.Unlock()
	if have != nil {
		return have, nil
	}
	var d *Description
	err := p.call(ctx, "describe", p.times.describe, func(ctx context.Context) error {
		reply, err := rpc.Describe(ctx, p.conn, &modev1.DescribeRequest{
			HostVersion: p.opt.HostVersion, HostFeatures: wire.HostFeatures(),
		})
		if err != nil {
			return err
		}
		d, err = fromproto.Describe(reply, taken)
		return err
	})
	if err == nil {
		err = p.cand.wrap("", p.cand.agrees(d))
	}
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.about = d
	p.mu.Unlock()
	return d, nil
}

// entryOf is what a lock says of a plugin, without its hash.
func entryOf(d *Description) Entry {
	e := Entry{Name: d.Name, Version: d.Version, Protocol: protocolName, Features: []string{}}
	e.Features = append(e.Features, d.Features...)
	for _, m := range d.Modes {
		e.Modes = append(e.Modes, LockedMode{ID: m.ID, Version: m.Version})
	}
	return e.sorted()
}

// agrees compares a description with what is known of the plugin.
func (c Candidate) agrees(d *Description) error {
	if c.locked == nil {
		if c.Name != "" && c.Name != d.Name {
			return fail(ErrBadReply, fmt.Sprintf("its %s calls it %q, the program calls itself %q", manifestName, c.Name, d.Name))
		}
		return nil
	}
	said := entryOf(d)
	said.Platform, said.Path, said.H1 = c.locked.Platform, c.locked.Path, c.locked.H1
	want := c.locked.sorted()
	switch {
	case said.Name != want.Name:
		return fail(ErrLock, fmt.Sprintf("calls itself %q, in %s it is %q", said.Name, LockName, want.Name))
	case said.Version != want.Version:
		return fail(ErrLock, fmt.Sprintf("says that it is version %s, in %s it is %s", said.Version, LockName, want.Version))
	case !said.equal(want):
		return fail(ErrLock, fmt.Sprintf("has other features or modes than %s says: it has modes %s and features [%s]", LockName, modeList(said.Modes), strings.Join(said.Features, " ")))
	}
	return nil
}

// Assign asks for the distributions of a layout. options are the options'
// values as a JSON object with sorted keys; all parameters are stored in
// dtype. The plugin must have been described.
func (p *Process) Assign(ctx context.Context, m ModeInfo, options []byte, l *layout.Layout, stored dtype.Type) ([]dist.Dist, error) {
	req, err := toproto.AssignRequest(m.ID, m.Version, options, l, stored)
	if err != nil {
		return nil, p.cand.wrap("assign", err)
	}
	var out []dist.Dist
	err = p.call(ctx, "assign", p.timeout(p.times.assignFor(len(l.Params))), func(ctx context.Context) error {
		out, err = rpc.Dists(ctx, p.conn, req, l.Params, fromproto.AssignRules{DType: stored, Fills: m.Fills})
		return err
	})
	return out, err
}

// timeout is the user's for calls, else the given one.
func (p *Process) timeout(usual time.Duration) time.Duration {
	if p.opt.CallTimeout > 0 {
		return p.opt.CallTimeout
	}
	return usual
}

// errLate is the cause of a context whose call took too long.
var errLate = errors.New("the plugin took too long")

// underClock returns a context that ends with the cause errLate after limit.
// It has no deadline of its own: gRPC would tell the plugin, whose answer that
// it is late could come before ours.
func underClock(ctx context.Context, limit time.Duration) (context.Context, *time.Timer, func()) {
	timed, cancel := context.WithCancelCause(ctx)
	clock := time.AfterFunc(limit, func() { cancel(errLate) })
	return timed, clock, func() {
		clock.Stop()
		cancel(nil)
	}
}

// call makes one call under a deadline and turns its error into one of this
// package. A plugin that misses the deadline is killed.
func (p *Process) call(ctx context.Context, op string, limit time.Duration, do func(context.Context) error) error {
	timed, clock, cancel := underClock(ctx, limit)
	defer cancel()
	p.setHealthy(false)
	err := do(timed)
	clock.Stop()
	if err == nil {
		p.setHealthy(true)
		return nil
	}
	if context.Cause(timed) == errLate && ctx.Err() == nil {
		p.child.kill()
		return p.cand.wrap(op, p.late(op, limit))
	}
	return p.cand.wrap(op, p.reason(ctx, err))
}

func (p *Process) late(op string, limit time.Duration) error {
	text := fmt.Sprintf("no answer within %s%s; it was ended: ", limit, p.child.lastSaid())
	if op == "describe" {
		return fail(ErrTimeout, text+"a plugin must answer this at once")
	}
	return fail(ErrTimeout, text+"see what it waits for, or give it a longer time", ErrCallTimeout)
}

// reason sorts the error of a call.
func (p *Process) reason(ctx context.Context, err error) error {
	var field *fromproto.FieldError
	if errors.As(err, &field) {
		return fail(ErrBadReply, "bad reply: "+field.Error()+": this is a defect of the plugin", field)
	}
	var f *wire.Failure
	if !errors.As(err, &f) {
		return err
	}
	p.mu.Lock()
	stopped := p.stopped
	p.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return canceled(ctx)
	case stopped:
		return fail(ErrGone, "was ended meanwhile", f)
	case f.Code == codes.Unavailable:
		return p.gone(f)
	}
	said := words(f)
	switch f.Code {
	case codes.ResourceExhausted:
		return fail(ErrTooLarge, fmt.Sprintf("a message is too large: %s (the limit is %d bytes each way)", said, MaxMessage), f)
	case codes.DeadlineExceeded:
		return fail(ErrTimeout, "says that a deadline passed: "+said, f)
	case codes.DataLoss:
		return fail(ErrBadReply, "bad reply: "+said, f)
	}
	p.setHealthy(true) // it answers, in the manner of the protocol
	switch f.Code {
	case codes.InvalidArgument:
		return fail(ErrOption, "refuses an option: "+said, f)
	case codes.NotFound:
		return fail(ErrUnknownMode, "has no such mode or version: "+said, f)
	case codes.FailedPrecondition:
		return fail(ErrLayout, "cannot do this model: "+said, f)
	case codes.Unimplemented:
		return fail(ErrUnsupported, "does not serve this call of "+protocolName+": "+said+": take another version of the plugin", f)
	}
	return fail(ErrPlugin, "the plugin failed: "+said, f)
}

// words repeats what a status and its detail say, quoted.
func words(f *wire.Failure) string {
	text := "no reason given"
	if f.Message != "" {
		text = said(f.Message)
	}
	if f.Subject != "" && !strings.Contains(f.Message, f.Subject) {
		text = said(f.Subject) + ": " + text
	}
	if f.Hint != "" {
		text += "; its advice: " + said(f.Hint)
	}
	return text
}

// gone explains a broken connection: by the end of the process, mostly.
func (p *Process) gone(f *wire.Failure) error {
	if ended, how := p.child.ended(p.times.dead); ended {
		return fail(ErrGone, fmt.Sprintf("the plugin ended (%s)%s", how, p.child.lastSaid()), f)
	}
	return fail(ErrGone, "the plugin broke the connection: "+words(f)+p.child.lastSaid(), f)
}
