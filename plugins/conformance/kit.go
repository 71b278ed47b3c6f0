package conformance

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"google.golang.org/grpc"

	"github.com/weightinit/weightinit/plugins"
	"github.com/weightinit/weightinit/plugins/internal/fromproto"
	"github.com/weightinit/weightinit/plugins/internal/rpc"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

// Status is the outcome of one check.
type Status string

// The outcomes. A skipped check says why it does not apply.
const (
	Pass Status = "pass"
	Fail Status = "fail"
	Skip Status = "skip"
)

// Result is the outcome of one check.
type Result struct {
	Name   string
	Status Status
	// Reason is one line; empty for a check that passed.
	Reason   string
	Duration time.Duration
}

// Report is the outcome of a run of the kit.
type Report struct {
	// Plugin and Version are what the plugin calls itself; Path is where it
	// was, as it was given.
	Plugin, Version, Path string
	Results               []Result
}

// Failed counts the checks that failed.
func (r Report) Failed() int { return r.count(Fail) }

func (r Report) count(s Status) int {
	n := 0
	for _, result := range r.Results {
		if result.Status == s {
			n++
		}
	}
	return n
}

// Options choose checks and say how the plugin is started.
type Options struct {
	// Run chooses the checks whose name it matches; nil means all.
	Run *regexp.Regexp
	// Each is called after each check; nil for none.
	Each func(Result)
	// Start says how the plugin is started.
	Start plugins.Options
	// Taken reports whether a mode of this program has a name; nil for no.
	Taken func(name string) bool
}

// checkTimeout bounds each check; single calls have the protocol's deadlines.
const checkTimeout = 2 * time.Minute

// Run checks a plugin on disk. The error says that it cannot be started at
// all, or does not describe itself so that modes could be asked.
func Run(ctx context.Context, c plugins.Candidate, opt Options) (Report, error) {
	e := &env{opt: opt, candidate: &c, start: func(ctx context.Context) (*instance, error) {
		return launch(ctx, c, opt.Start)
	}}
	report, err := e.run(ctx)
	report.Path = c.Given
	return report, err
}

// InProcess checks a service behind a connection of the caller's. Checks that
// need a process are skipped.
func InProcess(ctx context.Context, conn grpc.ClientConnInterface, opt Options) (Report, error) {
	e := &env{opt: opt, start: func(context.Context) (*instance, error) {
		return &instance{conn: conn, stop: func() {}}, nil
	}}
	return e.run(ctx)
}

// Names lists the checks in the order in which they run.
func Names() []string {
	var out []string
	for _, c := range checks {
		out = append(out, c.name)
	}
	return out
}

// instance is a running plugin.
type instance struct {
	conn grpc.ClientConnInterface
	pid  int
	took time.Duration
	stop func()
}

func launch(ctx context.Context, c plugins.Candidate, opt plugins.Options) (*instance, error) {
	began := time.Now()
	p, err := plugins.Launch(ctx, c, opt)
	if err != nil {
		return nil, err
	}
	return &instance{conn: p.Conn(), pid: p.PID(), took: time.Since(began), stop: p.Stop}, nil
}

// env is what the checks of one run share.
type env struct {
	opt       Options
	candidate *plugins.Candidate // nil without a process
	start     func(context.Context) (*instance, error)
	main      *instance
	// describe is the plugin's answer, about the same checked.
	describe *modev1.DescribeReply
	about    *fromproto.Description
	// cases are the parameters that a mode leaves to the plugin, found when
	// first asked for.
	cases     []fillCase
	looked    bool
	firstHash string
}

func (e *env) run(ctx context.Context) (Report, error) {
	var report Report
	var err error
	if e.candidate != nil {
		if e.firstHash, err = contents(e.candidate.Path); err != nil {
			return report, err
		}
	}
	if e.main, err = e.start(ctx); err != nil {
		return report, err
	}
	defer func() { e.main.stop() }()
	if err := e.introduce(ctx); err != nil {
		return report, err
	}
	report.Plugin, report.Version = e.about.Name, e.about.Version
	for _, c := range checks {
		if e.opt.Run != nil && !e.opt.Run.MatchString(c.name) {
			continue
		}
		r := e.check(ctx, c)
		if ctx.Err() != nil {
			return report, fmt.Errorf("conformance: interrupted in %s: %w", c.name, ctx.Err())
		}
		report.Results = append(report.Results, r)
		if e.opt.Each != nil {
			e.opt.Each(r)
		}
	}
	return report, nil
}

// introduce asks for the description that all checks need.
func (e *env) introduce(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, describeTimeout)
	defer cancel()
	var err error
	if e.describe, err = rpc.Describe(ctx, e.main.conn, describeRequest()); err == nil {
		e.about, err = fromproto.Describe(e.describe, e.opt.Taken)
	}
	if err != nil {
		return e.wrap("describe", err)
	}
	if name := e.candidateName(); name != "" && name != e.about.Name {
		return e.wrap("describe", fmt.Errorf("it is called %q on disk and calls itself %q", name, e.about.Name))
	}
	return nil
}

func (e *env) candidateName() string {
	if e.candidate == nil {
		return ""
	}
	return e.candidate.Name
}

func (e *env) wrap(op string, err error) error {
	out := &plugins.Error{Op: op, Err: fmt.Errorf("%w: %w", plugins.ErrBadReply, err)}
	if e.candidate != nil {
		out.Path = e.candidate.Given
		out.Plugin = e.candidate.Name
	}
	return out
}

func describeRequest() *modev1.DescribeRequest {
	return &modev1.DescribeRequest{HostVersion: "conformance", HostFeatures: wire.HostFeatures()}
}

// check runs one check and restarts the plugin when it broke it, so that the
// next one does not fail for the same reason.
func (e *env) check(ctx context.Context, c check) Result {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err := c.run(ctx, e)
	r := Result{Name: c.name, Status: Pass, Duration: time.Since(began)}
	var skipped skip
	switch {
	case errors.As(err, &skipped):
		r.Status, r.Reason = Skip, string(skipped)
	case err != nil:
		r.Status, r.Reason = Fail, oneLine(err.Error())
		e.revive(ctx)
	}
	return r
}

// maxReason is the most bytes of a reason.
const maxReason = 600

// oneLine cuts a reason. What a plugin wrote is quoted in it already, so only
// what slipped through is taken out.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "") + "…"
	}
	return s
}

// revive replaces a main instance that does not answer any more.
func (e *env) revive(ctx context.Context) {
	timed, cancel := context.WithTimeout(context.WithoutCancel(ctx), describeTimeout)
	defer cancel()
	if rpc.Health(timed, e.main.conn) == nil {
		return
	}
	if fresh, err := e.start(context.WithoutCancel(ctx)); err == nil {
		e.main.stop()
		e.main = fresh
	}
}

// skip is the reason why a check does not apply.
type skip string

func (s skip) Error() string { return string(s) }

const needsProcess = skip("needs a process of its own")

// second starts another instance for the time of a check.
func (e *env) second(ctx context.Context) (*instance, error) {
	if e.candidate == nil {
		return nil, needsProcess
	}
	i, err := e.start(ctx)
	if err != nil {
		return nil, fmt.Errorf("a second instance: %w", err)
	}
	return i, nil
}

type check struct {
	name string
	run  func(context.Context, *env) error
}

// checks are all checks, in the order in which they run.
var checks = []check{
	{"start.line", startLine},
	{"start.time", startTime},
	{"start.quiet", startQuiet},
	{"start.cookie", startCookie},
	{"start.twice", startTwice},
	{"health.serving", healthServing},
	{"describe.fields", describeFields},
	{"describe.options", describeOptions},
	{"describe.stable", describeStable},
	{"assign.count", assignCount},
	{"assign.values", assignValues},
	{"assign.layouts", assignLayouts},
	{"assign.empty", assignEmpty},
	{"assign.unknown-role", assignUnknownRole},
	{"assign.pure", assignPure},
	{"assign.process", assignProcess},
	{"assign.parallel", assignParallel},
	{"assign.large", assignLarge},
	{"assign.options", assignOptions},
	{"assign.bad-option", assignBadOption},
	{"assign.unknown-mode", assignUnknownMode},
	{"assign.cancel", assignCancel},
	{"error.detail", errorDetail},
	{"fill.repeat", fillRepeat},
	{"fill.process", fillProcess},
	{"fill.seed", fillSeed},
	{"fill.name", fillName},
	{"fill.chunks", fillChunks},
	{"fill.parallel", fillParallel},
	{"fill.order", fillOrder},
	{"fill.range", fillRange},
	{"fill.dtype", fillDType},
	{"fill.count", fillCount},
	{"fill.cancel", fillCancel},
	{"stop.shutdown", stopShutdown},
	{"stop.parent", stopParent},
	{"stop.sigint", stopSigint},
	{"stop.children", stopChildren},
	{"start.files", startFiles},
}
