package plugins

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"
)

// child is one process of a plugin: the only part of the program that starts,
// signals or waits for it. It is the runner that go-plugin is given, and shows
// it no more than a checked handshake line.
type child struct {
	argv    []string
	env     []string
	dir     string
	runID   string
	timeout time.Duration // from the start to the handshake line
	times   deadlines
	log     *stderrLog
	// hint ends the message about a process that ended early.
	hint string
	// starting is called before the program is executed: tests prove by it
	// that none was.
	starting func(argv, env []string)

	ctx    context.Context // of the launch
	shaken chan struct{}   // closed when the handshake line is sound
	done   chan struct{}   // closed when the process has ended and was waited for
	outEnd chan struct{}   // closed when stdout is at its end
	errEnd chan struct{}   // closed when stderr is at its end

	mu     sync.Mutex
	cmd    *exec.Cmd
	killed bool // must not run any more
	reaped bool // its process id may belong to somebody else
	state  *os.ProcessState
	stdin  *os.File // our ends of the pipes
	stdout *os.File
	stderr *os.File
	hello  handshake
	err    error // why Start failed
}

// firstLine is what stdout began with.
type firstLine struct {
	text  string
	whole bool // it had its newline
	long  bool // no newline within the limit
}

// Start starts the process and waits for its handshake line. The cause of a
// failure is kept in c.err.
func (c *child) Start(context.Context) error {
	c.err = c.start()
	return c.err
}

func (c *child) start() error {
	clock := time.NewTimer(c.timeout)
	defer clock.Stop()
	line := make(chan firstLine, 1)
	started := make(chan error, 1)
	go c.live(started, line)
	select {
	case err := <-started:
		if err != nil {
			return startError(c.argv[0], err)
		}
	case <-clock.C:
		return c.late()
	case <-c.ctx.Done():
		return canceled(c.ctx)
	}
	select {
	case got := <-line:
		return c.shake(got)
	case <-c.done:
		return c.afterEnd(line)
	case <-clock.C:
		return c.late()
	case <-c.ctx.Done():
		return canceled(c.ctx)
	}
}

// afterEnd takes the first line of a process that has ended already. The end
// of its stdout may never come: a process that it started can hold it.
func (c *child) afterEnd(line <-chan firstLine) error {
	clock := time.NewTimer(c.times.pipes)
	defer clock.Stop()
	select {
	case got := <-line:
		return c.shake(got)
	case <-clock.C:
		return c.early()
	}
}

func (c *child) late() error {
	return fail(ErrTimeout, fmt.Sprintf("no handshake within %s%s: see what it waits for, or give it a longer time", c.timeout, c.lastSaid()), ErrStartTimeout)
}

// startError sorts why a program was not executed.
func startError(program string, err error) error {
	text := reasonOf(err)
	var run *exec.Error
	if errors.As(err, &run) {
		text = run.Err.Error()
	}
	return fail(ErrStart, fmt.Sprintf("cannot start %s: %s: check that it is a program for %s/%s and that its interpreter is installed", said(program), text, runtime.GOOS, runtime.GOARCH), err)
}

func canceled(ctx context.Context) error {
	return fail(context.Canceled, "interrupted", context.Cause(ctx))
}

// shake checks the first line.
func (c *child) shake(got firstLine) error {
	switch {
	case got.long:
		return fail(ErrHandshake, fmt.Sprintf("the first output line is longer than %d bytes: %s%s", maxHandshake, said(got.text), onlyHandshake))
	case !got.whole && got.text == "":
		return c.early()
	case !got.whole:
		if ended, how := c.ended(c.times.dead); ended {
			return fail(ErrHandshake, fmt.Sprintf("ended in the middle of its first output line %s (%s)%s", said(got.text), how, c.lastSaid()))
		}
		return fail(ErrHandshake, fmt.Sprintf("first output line is not a handshake, it has no end: %s%s", said(got.text), onlyHandshake))
	}
	hello, err := parseHandshake(got.text, c.dir, time.Now())
	if err != nil {
		return err
	}
	c.hello = hello
	close(c.shaken)
	return nil
}

// early says how a plugin went without a word on stdout.
func (c *child) early() error {
	if ended, how := c.ended(c.times.dead); ended {
		text := fmt.Sprintf("ended before the handshake (%s)%s%s", how, c.lastSaid(), c.hint)
		if c.hint != "" {
			return fail(ErrHandshake, text, ErrPythonEnded)
		}
		return fail(ErrHandshake, text)
	}
	return fail(ErrHandshake, "closed its stdout before the handshake"+c.lastSaid()+": a plugin must print its handshake line there")
}

// lastSaid is the last line on stderr as the end of a message, or "".
func (c *child) lastSaid() string {
	waitFor(c.errEnd, c.times.pipes)
	if last := c.log.last(); last != "" {
		return "; its last line on stderr: " + said(last)
	}
	return ""
}

// ended waits a moment for the end of the process and says how it ended.
func (c *child) ended(wait time.Duration) (bool, string) {
	if !waitFor(c.done, wait) {
		return false, ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == nil {
		return true, "it was not started"
	}
	return true, c.state.String()
}

// waitFor reports whether a channel was closed within a time.
func waitFor(ch <-chan struct{}, wait time.Duration) bool {
	select {
	case <-ch:
		return true
	default:
	}
	if wait <= 0 {
		return false
	}
	clock := time.NewTimer(wait)
	defer clock.Stop()
	select {
	case <-ch:
		return true
	case <-clock.C:
		return false
	}
}

// live starts the process, waits for its end and closes done. It is one
// goroutine on one thread for as long as the process lives: on Linux the
// process is killed when the thread that started it ends.
func (c *child) live(started chan<- error, line chan<- firstLine) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(c.done)
	if err := c.spawn(line); err != nil {
		close(c.outEnd)
		close(c.errEnd)
		c.closePipes()
		started <- err
		return
	}
	started <- nil
	// What the plugin started goes with it. Until it is waited for, its id
	// cannot belong to another group; where the system cannot say that it
	// ended without that, the group is killed right after.
	unreaped := waitUnreaped(c.cmd.Process.Pid)
	if unreaped {
		c.mu.Lock()
		killGroup(c.cmd.Process)
		c.mu.Unlock()
	}
	_ = c.cmd.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !unreaped {
		killGroup(c.cmd.Process)
	}
	c.reaped, c.state = true, c.cmd.ProcessState
}

// spawn makes the pipes and starts the process, unless it was killed before.
func (c *child) spawn(line chan<- firstLine) error {
	cmd := &exec.Cmd{Path: c.argv[0], Args: c.argv, Env: c.env, Dir: c.dir}
	ownGroup(cmd)
	var theirs []*os.File
	defer func() {
		for _, f := range theirs {
			_ = f.Close()
		}
	}()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.killed {
		return errors.New("it was ended before it began")
	}
	in, stdin, err := os.Pipe()
	if err != nil {
		return err
	}
	theirs, c.stdin = append(theirs, in), stdin
	stdout, out, err := os.Pipe()
	if err != nil {
		return err
	}
	theirs, c.stdout = append(theirs, out), stdout
	stderr, errw, err := os.Pipe()
	if err != nil {
		return err
	}
	theirs, c.stderr = append(theirs, errw), stderr
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, errw
	closeOnExec()
	if c.starting != nil {
		c.starting(c.argv, c.env)
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	c.cmd = cmd
	go func() {
		defer close(c.outEnd)
		readStdout(stdout, line)
	}()
	go func() {
		defer close(c.errEnd)
		c.log.readAll(stderr)
	}()
	return nil
}

// readStdout reads the first line, and then reads on to the end and forgets
// what it reads: a plugin must never block in a write.
func readStdout(r io.Reader, line chan<- firstLine) {
	buf := make([]byte, 0, maxHandshake+1)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if text, _, ok := bytes.Cut(buf, []byte{'\n'}); ok {
			line <- firstLine{text: string(text), whole: true}
			break
		}
		if len(buf) > maxHandshake {
			line <- firstLine{text: string(buf), long: true}
			break
		}
		if err != nil {
			line <- firstLine{text: string(buf)}
			return
		}
	}
	_, _ = io.Copy(io.Discard, onlyReader{r})
}

// onlyReader hides that a file can be copied in other ways than block by
// block.
type onlyReader struct{ io.Reader }

// kill ends the process and its group at once, also before it has begun.
func (c *child) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.killed = true
	if c.cmd != nil && !c.reaped {
		killGroup(c.cmd.Process)
	}
}

// closeStdin tells the plugin that its host is gone.
func (c *child) closeStdin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stdin != nil {
		_ = c.stdin.Close()
		c.stdin = nil
	}
}

// closePipes closes our ends, which ends their readers: whoever holds the
// other ends cannot keep us.
func (c *child) closePipes() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range []**os.File{&c.stdin, &c.stdout, &c.stderr} {
		if *f != nil {
			_ = (*f).Close()
			*f = nil
		}
	}
}

// The rest makes child a runner of go-plugin.

// Wait waits for the end of the process.
func (c *child) Wait(ctx context.Context) error {
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Kill ends the process and its group.
func (c *child) Kill(context.Context) error {
	c.kill()
	return nil
}

// Stdout is the handshake line that was checked, and nothing after it.
func (c *child) Stdout() io.ReadCloser {
	return io.NopCloser(strings.NewReader(c.hello.line + "\n"))
}

// Stderr is empty: a line of JSON with fields of a wrong type makes go-plugin
// panic.
func (c *child) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name is the program.
func (c *child) Name() string { return c.argv[0] }

// ID is the process id.
func (c *child) ID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil || c.cmd.Process == nil {
		return ""
	}
	return strconv.Itoa(c.cmd.Process.Pid)
}

func (c *child) pid() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil || c.cmd.Process == nil {
		return 0
	}
	return c.cmd.Process.Pid
}

// Diagnose adds nothing: errors are made here.
func (c *child) Diagnose(context.Context) string { return "" }

// PluginToHost and HostToPlugin leave addresses as they are.
func (c *child) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

// HostToPlugin leaves addresses as they are.
func (c *child) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
