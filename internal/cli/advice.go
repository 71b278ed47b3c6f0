package cli

import (
	"errors"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/internal/atomicfile"
	"github.com/weightinit/weightinit/model/hf"
	"github.com/weightinit/weightinit/plan/planfile"
	"github.com/weightinit/weightinit/plugins"
	"github.com/weightinit/weightinit/registry"
)

// advices says which flags do what an error of another package advises. Those
// packages know no command line: their messages end with the next step, and
// their errors have types.
var advices = []func(error) string{
	as(func(*atomicfile.ExistsError) string { return "--force, -o" }),
	as(func(*atomicfile.KindError) string { return "-o" }),
	as(func(*atomicfile.LockedError) string { return "-o" }),
	as(func(*atomicfile.PathError) string { return "-o" }),
	as(func(*atomicfile.BrokenSetError) string { return "--force" }),
	as(func(e *atomicfile.CommittedError) string {
		if e.Left != "" {
			return "" // it is removed by hand
		}
		return "--force"
	}),
	as(func(e *atomicfile.WriteError) string {
		switch {
		case errors.Is(e, errors.ErrUnsupported):
			return "--force, -o"
		case e.Elsewhere():
			return "-o"
		}
		return ""
	}),
	as(func(*fill.OverflowError) string { return "--dtype" }),
	as(func(*fill.WorkMemoryError) string { return "--work-memory" }),
	as(func(*weightinit.NoPlanError) string { return "--plan FILE" }),
	as(func(*planfile.RoundedError) string { return "leave --dtype out, and give it to init --plan" }),
	is(hf.ErrUnknownType, "--plan FILE"),
	is(checkpoint.NoVariant, "--variant"),
	as(func(e *registry.OptionError) string {
		if !e.Missing {
			return ""
		}
		return "--set " + e.Option + "=VALUE"
	}),
	is(plugins.ErrStartTimeout, "--plugin-start-timeout"),
	is(plugins.ErrCallTimeout, "--plugin-timeout"),
	is(plugins.ErrPython, "--python PATH"),
	is(plugins.ErrPythonEnded, "--python PATH"),
	is(plugins.ErrNameLocked, "--replace"),
	is(plugins.ErrNotLocked, "without --locked"),
}

func as[T error](flags func(T) string) func(error) string {
	return func(err error) string {
		var found T
		if !errors.As(err, &found) {
			return ""
		}
		return flags(found)
	}
}

func is(reason error, flags string) func(error) string {
	return func(err error) string {
		if !errors.Is(err, reason) {
			return ""
		}
		return flags
	}
}

// advised is the message of an error with the flags that do what it advises.
func advised(err error) string {
	for _, advice := range advices {
		if flags := advice(err); flags != "" {
			return err.Error() + " (" + flags + ")"
		}
	}
	return err.Error()
}
