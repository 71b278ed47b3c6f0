// Package cli is the command line: one file a command. It wires the other
// packages, and is the only one that prints, reads the environment or decides
// an exit code. The contract that users script against is in docs/cli.md.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/registry"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1 // a check failed
	exitInput       = 2 // usage or bad input
	exitCannotRun   = 3 // I/O, environment
	exitInterrupted = 130
)

// errInterrupted is the cause of a context that a signal ended.
var errInterrupted = errors.New("interrupted; nothing was changed")

// failedError is a check that ran and did not pass. Its text may be empty when
// the result is already on stdout.
type failedError struct{ text string }

func (e *failedError) Error() string { return e.text }

// app holds what commands share.
type app struct {
	stdin  io.Reader
	stdout *output
	stderr io.Writer
	// quiet drops everything on stderr but errors and warnings.
	quiet bool
	ctx   context.Context
}

// Main runs the command line and returns the exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	survivePipes()
	ctx, stop := watchSignals(context.Background())
	defer stop()
	a := &app{stdin: stdin, stdout: newOutput(stdout), stderr: stderr, ctx: ctx}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(a.stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if fault := a.stdout.fault(); fault != nil && !errors.Is(err, errInterrupted) {
		err = fault // nobody saw the result, whatever it was
	}
	return a.report(err)
}

// report prints an error as one line and returns its exit code.
func (a *app) report(err error) int {
	if err == nil {
		return exitOK
	}
	code := exitInput
	var failed *failedError
	switch {
	case errors.As(err, &failed):
		code = exitFailed
	case errors.Is(err, errInterrupted):
		code = exitInterrupted
	case fault.IsCannotRun(err):
		code = exitCannotRun
	}
	if errors.Is(err, syscall.EPIPE) && a.stdout.err != nil {
		return code // who read stdout has left, and knows
	}
	if text := oneLine(advised(err)); text != "" {
		fmt.Fprintf(a.stderr, "weightinit: %s\n", text)
	}
	return code
}

// warn prints one line of warning.
func (a *app) warn(text string) {
	fmt.Fprintf(a.stderr, "warning: %s\n", oneLine(strings.TrimPrefix(text, "warning: ")))
}

// notes prints what a user should know of a plan.
func (a *app) notes(notes []registry.Note) {
	for _, note := range notes {
		if note.Level == registry.Warning {
			a.warn(note.Text)
		} else {
			a.say("note: %s", oneLine(note.Text))
		}
	}
}

// say prints one line of progress or advice, unless --quiet.
func (a *app) say(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintln(a.stderr, oneLine(fmt.Sprintf(format, args...)))
	}
}

// oneLine keeps a message on one line of bearable length. Texts from files
// are escaped where the message is made; this is the last guard.
func oneLine(text string) string {
	text = shown.Line(text)
	const most = 1900
	if len(text) > most {
		text = shown.Cut(text, most)
	}
	return text
}

// output is stdout; it remembers the first error of writing.
type output struct {
	w     io.Writer
	guard *shown.Writer // of w: results are text
	used  bool
	err   error
}

func newOutput(w io.Writer) *output { return &output{w: w, guard: shown.NewWriter(w)} }

func (o *output) Write(p []byte) (int, error) { return o.pass(o.guard, p) }

// pass writes p to w, which leads to stdout.
func (o *output) pass(w io.Writer, p []byte) (int, error) {
	if !o.used {
		o.used = true
		if o.w == io.Writer(os.Stdout) && stdoutClosed() {
			o.err = errors.New("closed, so the result is lost: open it, or send it to /dev/null")
		}
	}
	if o.err != nil {
		return 0, o.err
	}
	n, err := w.Write(p)
	if err != nil {
		o.err = err
	}
	return n, err
}

// fault is the error of writing to stdout as the user sees it.
func (o *output) fault() error {
	if err := o.guard.Close(); o.err == nil {
		o.err = err
	}
	if o.err == nil {
		return nil
	}
	return fault.CannotRun(fmt.Errorf("standard output: %w", o.err))
}

// root builds the command tree.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "weightinit",
		Short: "Starting weights of neural networks, bit for bit the numbers PyTorch would draw",
		Long: "weightinit creates the starting weights of neural networks by named schemes, bit for bit\n" +
			"the numbers that PyTorch's CPU generator would draw, in bounded memory and without PyTorch.\n\n" +
			"  weightinit init --preset gpt2-small --mode gpt2 --seed 42 -o model.safetensors",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,

		PersistentPreRunE: refuseEmpty,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
	}
	root.PersistentFlags().BoolVarP(&a.quiet, "quiet", "q", false, "no progress and no advice on stderr")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %q", err, cmd.CommandPath()+" --help")
	})
	root.AddCommand(
		a.initCommand(), a.sliceCommand(), a.planCommand(), a.modesCommand(), a.presetsCommand(), a.tensorCommand(),
		a.inspectCommand(), a.identifyCommand(), a.verifyCommand(), a.parityCommand(), a.pluginsCommand(), a.benchCommand(), a.versionCommand(),
	)
	return root
}

// exactArgs is cobra.ExactArgs with a message that names what is missing.
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return fmt.Errorf("%s: missing argument %s; see %q", cmd.CommandPath(), names[len(args)], cmd.CommandPath()+" --help")
		case len(args) > len(names):
			return fmt.Errorf("%s: unexpected argument %s; see %q", cmd.CommandPath(), shown.Quote(args[len(names)]), cmd.CommandPath()+" --help")
		}
		return nil
	}
}
