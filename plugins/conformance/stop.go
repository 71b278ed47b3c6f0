package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"

	"github.com/weightinit/weightinit/plugins/internal/rawhost"
	"github.com/weightinit/weightinit/plugins/internal/rpc"
)

// served is a process started by hand that has answered its first call.
func (e *env) served(ctx context.Context) (*raw, *grpc.ClientConn, error) {
	p, err := e.raw(rawhost.Options{})
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, e.startTimeout()+describeTimeout)
	defer cancel()
	conn, err := p.Dial(ctx)
	if err == nil {
		if _, err = rpc.Describe(ctx, conn, describeRequest()); err == nil {
			return p, conn, nil
		}
		_ = conn.Close()
	}
	p.end()
	return nil, nil, err
}

// shutDown asks a process to end and waits for it.
func shutDown(ctx context.Context, p *raw, conn *grpc.ClientConn) error {
	const limit = 2 * time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := rpc.Shutdown(ctx, conn); err != nil {
		return fmt.Errorf("plugin.GRPCController/Shutdown: %w", err)
	}
	code, err := p.Wait(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("%w %s after Shutdown", err, limit)
	case code != 0:
		return fmt.Errorf("it ends with exit status %d after Shutdown, must be 0", code)
	}
	return nil
}

func stopShutdown(ctx context.Context, e *env) error {
	p, conn, err := e.served(ctx)
	if err != nil {
		return err
	}
	defer p.end()
	defer func() { _ = conn.Close() }()
	if err := shutDown(ctx, p, conn); err != nil {
		return err
	}
	left, err := os.ReadDir(p.dir)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("%d entries are left in its working directory, such as %q", len(left), left[0].Name())
	}
	return nil
}

func stopParent(ctx context.Context, e *env) error {
	p, conn, err := e.served(ctx)
	if err != nil {
		return err
	}
	defer p.end()
	defer func() { _ = conn.Close() }()
	const limit = 5 * time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	p.CloseStdin()
	if _, err := p.Wait(ctx); err != nil {
		return fmt.Errorf("%w %s after the end of stdin", err, limit)
	}
	return nil
}

func stopSigint(ctx context.Context, e *env) error {
	p, conn, err := e.served(ctx)
	if err != nil {
		return err
	}
	defer p.end()
	defer func() { _ = conn.Close() }()
	if !rawhost.Interrupt(p.PID()) {
		return skip("this system has no interrupts of process groups")
	}
	// An interrupt arrives at once, but what it does may take a moment.
	time.Sleep(200 * time.Millisecond)
	ctx, cancel := context.WithTimeout(ctx, describeTimeout)
	defer cancel()
	if _, err := rpc.Describe(ctx, conn, describeRequest()); err != nil {
		return errors.New("it does not answer after an interrupt, which it must ignore")
	}
	return nil
}

func stopChildren(ctx context.Context, e *env) error {
	p, conn, err := e.served(ctx)
	if err != nil {
		return err
	}
	defer p.end()
	defer func() { _ = conn.Close() }()
	if err := shutDown(ctx, p, conn); err != nil {
		return err
	}
	pids, ok := rawhost.Carriers(p.RunID)
	if !ok {
		return skip("this system does not say which processes a run has")
	}
	if len(pids) > 0 {
		return fmt.Errorf("%d processes of its run are left after its end, such as %d", len(pids), pids[0])
	}
	return nil
}
