package plugins

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/weightinit/weightinit/plugins/internal/rpc"
	"github.com/weightinit/weightinit/plugins/internal/wire"
)

// Stop ends the plugin and removes everything of it: a healthy one is asked to
// shut down first; then its group, and whatever else carries its run id, is
// killed, the pipes are closed and the run directory is removed. Each step has
// its own deadline. It may be called again and from several goroutines, which
// all wait for the end; calls that run meanwhile fail with [ErrGone].
func (p *Process) Stop() { p.stopOnce.Do(p.stop) }

func (p *Process) stop() {
	p.mu.Lock()
	p.stopped = true
	healthy := p.healthy
	p.mu.Unlock()
	if p.child == nil {
		_ = p.dir.remove()
		return
	}
	if healthy {
		p.shutdown()
	}
	p.kill()
	p.disconnect()
	p.child.closeStdin()
	waitFor(p.child.errEnd, p.times.pipes)
	p.child.closePipes()
	_ = p.dir.remove()
}

// shutdown asks the plugin to end and gives it a moment.
func (p *Process) shutdown() {
	ctx, cancel := context.WithTimeout(context.Background(), p.times.shutdown)
	defer cancel()
	began, wait := time.Now(), p.times.shutdown
	// A server that stops may break the connection before it answers, so what
	// counts is that the process ends. One that does not know the call hears
	// of the end by its stdin, or not at all.
	var f *wire.Failure
	if errors.As(rpc.Shutdown(ctx, p.conn), &f) && f.Code == codes.Unimplemented {
		wait = min(wait, time.Since(began)+p.times.pipes)
	}
	p.child.closeStdin()
	waitFor(p.child.done, wait-time.Since(began))
}

// kill ends what is left of the process, its group and its run.
func (p *Process) kill() {
	p.child.kill()
	waitFor(p.child.done, p.times.dead)
	killRun(p.runID)
}

// disconnect closes the connection and lets go-plugin's goroutines end.
func (p *Process) disconnect() {
	p.mu.Lock()
	conn := p.captured
	p.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
	if p.launched == nil || !waitFor(p.launched, p.times.dead) {
		return
	}
	p.mu.Lock()
	client, conn := p.client, p.captured
	p.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
	if client != nil {
		// The connection is closed already, so its own Shutdown call fails at
		// once.
		_ = client.Close()
	}
}
