package plugins

import (
	"context"
	"errors"
	"strings"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/shown"
)

// Reasons why a plugin cannot be used; errors.Is finds them in every error of
// this package. The first four that follow mean bad input (exit code 2), the
// others that something could not run (exit code 3), except that a lock file
// that does not parse is bad input too.
var (
	// ErrNotPlugin: the path does not exist or is no plugin.
	ErrNotPlugin = errors.New("not a plugin")
	// ErrOption: the plugin refuses the value of an option.
	ErrOption = errors.New("option refused")
	// ErrUnknownMode: the plugin has no such mode or version.
	ErrUnknownMode = errors.New("unknown mode")
	// ErrLayout: the mode cannot do this model.
	ErrLayout = errors.New("model refused")

	// ErrStart: the system cannot start the program.
	ErrStart = errors.New("cannot be started")
	// ErrHandshake: the first line on stdout is missing or wrong.
	ErrHandshake = errors.New("no handshake")
	// ErrTimeout: a deadline passed.
	ErrTimeout = errors.New("deadline passed")
	// ErrConnect: the connection or the first health check failed.
	ErrConnect = errors.New("no connection")
	// ErrLock: the plugin is not what the lock file says, or not installed.
	ErrLock = errors.New("differs from the lock")
	// ErrBadReply: a reply breaks a rule of the protocol.
	ErrBadReply = errors.New("bad reply")
	// ErrUnsupported: a method or a feature is missing.
	ErrUnsupported = errors.New("not supported")
	// ErrTooLarge: a message or a list passes a limit.
	ErrTooLarge = errors.New("too large")
	// ErrGone: the process ended or broke the connection.
	ErrGone = errors.New("plugin ended")
	// ErrPlugin: the plugin reports a failure of its own.
	ErrPlugin = errors.New("plugin failed")
)

// Causes that an option of this package can remove. An error that wraps one
// wraps a reason too.
var (
	// ErrStartTimeout: the start takes longer than [Options].StartTimeout.
	ErrStartTimeout = errors.New("start too slow")
	// ErrCallTimeout: a call takes longer than [Options].CallTimeout.
	ErrCallTimeout = errors.New("call too slow")
	// ErrPython: [Options].Python, or what stands for it, is no interpreter.
	ErrPython = errors.New("no interpreter")
	// ErrPythonEnded: the interpreter ended early; another may fit the plugin.
	ErrPythonEnded = errors.New("interpreter ended")
	// ErrNameLocked: the lock file has another plugin of this name.
	ErrNameLocked = errors.New("name is locked")
	// ErrNotLocked: the lock file does not have this plugin.
	ErrNotLocked = errors.New("not in the lock")
)

// Error is every error of this package about one plugin. It is one line.
type Error struct {
	// Plugin is the plugin's name, empty when it is not known yet.
	Plugin string
	// Path is where the plugin is, as it was given; empty for one that comes
	// from a lock file.
	Path string
	// Op is what was done, such as "assign"; empty when Err says it.
	Op string
	// Err is the cause; it wraps one of the reasons.
	Err error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("plugin ")
	switch {
	case e.Path != "":
		b.WriteString(shown.Path(e.Path))
	case e.Plugin != "":
		b.WriteString(shown.Quote(e.Plugin))
	default:
		b.WriteString("of unknown name")
	}
	b.WriteString(": ")
	if e.Op != "" {
		b.WriteString(e.Op + ": ")
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// failure is a cause: a text for people, and what errors.Is finds.
type failure struct {
	text string
	is   []error
}

func (f *failure) Error() string   { return f.text }
func (f *failure) Unwrap() []error { return f.is }

// fail makes a cause of the given reason, in its exit class. Further errors
// can be found in it as well; their texts are not shown.
func fail(reason error, text string, also ...error) error {
	f := &failure{text: text, is: append([]error{reason}, also...)}
	switch reason {
	case ErrNotPlugin, ErrOption, ErrUnknownMode, ErrLayout:
		return fault.BadInput(f)
	case context.Canceled:
		return f
	default:
		return fault.CannotRun(f)
	}
}

// maxSaid is how much of a text that a plugin wrote a message repeats, in
// bytes.
const maxSaid = 300

// said quotes a text that a plugin wrote.
func said(text string) string {
	return `"` + strings.ReplaceAll(shown.Cut(text, maxSaid), `"`, `\"`) + `"`
}
