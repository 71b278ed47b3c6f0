package cli

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/version"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/plugins"
	"github.com/weightinit/weightinit/registry"
)

// startFlags say how plugins are started, on every command that may.
type startFlags struct {
	env                       []string
	startTimeout, callTimeout time.Duration
	python                    string
}

func (f *startFlags) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.env, "plugin-env", nil, "hand this environment variable to plugins, by `NAME`; repeatable")
	flags.DurationVar(&f.startTimeout, "plugin-start-timeout", 0, "time for a plugin to start (default: WEIGHTINIT_PLUGIN_START_TIMEOUT, else 10s)")
	flags.DurationVar(&f.callTimeout, "plugin-timeout", 0, "time for a plugin to answer (default: grows with the model)")
	flags.StringVar(&f.python, "python", "", "interpreter of Python plugins (default: WEIGHTINIT_PYTHON, else python3)")
}

func (f *startFlags) options(a *app) (plugins.Options, error) {
	opt := plugins.Options{
		StartTimeout: f.startTimeout, CallTimeout: f.callTimeout, Python: f.python, Env: f.env, HostVersion: version.Number,
		Log: func(line plugins.LogLine) { a.say("plugin %s: %s: %s", line.Plugin, line.Level, line.Text) },
	}
	if text := os.Getenv("WEIGHTINIT_PLUGIN_START_TIMEOUT"); text != "" && opt.StartTimeout == 0 {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return opt, fmt.Errorf("WEIGHTINIT_PLUGIN_START_TIMEOUT %s: use a time such as 10s", shown.Quote(text))
		}
		opt.StartTimeout = d
	}
	if opt.StartTimeout < 0 || opt.CallTimeout < 0 {
		return opt, fmt.Errorf("--plugin-start-timeout and --plugin-timeout must be above 0")
	}
	return opt, nil
}

// pluginFlags are those of commands that take modes.
type pluginFlags struct {
	startFlags
	paths    []string
	lockFile string
}

func (f *pluginFlags) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.paths, "plugin", nil, "run the plugin at `PATH` for this one run; the flag is the consent; repeatable")
	registerLockFile(flags, &f.lockFile)
	f.startFlags.register(flags)
}

func registerLockFile(flags *pflag.FlagSet, dst *string) {
	flags.StringVar(dst, "lock-file", plugins.LockName, "the `FILE` that lists the plugins that may run")
}

// modeSet is the modes of one run: the built-in ones and those of plugins.
type modeSet struct {
	*registry.Registry
	host *plugins.Host
}

// close stops every plugin.
func (m *modeSet) close() {
	if m.host != nil {
		m.host.Close()
	}
}

// modes returns the modes of a run. With names, those that the run needs, only
// the plugins that they name are started; without, all are listed. The caller
// must close the set.
func (f *pluginFlags) modes(ctx context.Context, a *app, stored dtype.Type, names ...string) (*modeSet, error) {
	set := &modeSet{Registry: registry.Default().Clone()}
	external := len(names) == 0
	for _, name := range names {
		external = external || strings.Contains(name, ".")
	}
	if !external && len(f.paths) == 0 {
		return set, nil
	}
	opt, err := f.options(a)
	if err != nil {
		return nil, err
	}
	set.host = plugins.NewHost(plugins.HostOptions{Options: opt, DType: stored, Note: func(line string) { a.say("%s", line) }})
	if err := f.fillHost(ctx, set, external, names); err != nil {
		set.close()
		return nil, err
	}
	return set, nil
}

func (f *pluginFlags) fillHost(ctx context.Context, set *modeSet, external bool, names []string) error {
	for _, path := range f.paths {
		if err := set.host.AddPath(path); err != nil {
			return err
		}
	}
	if external {
		if err := set.host.AddLock(f.lockFile); err != nil {
			return err
		}
	}
	return set.host.Register(ctx, set.Registry, names...)
}

// filler returns who makes the values that a plan leaves to its plugin; nil
// when there is no plugin.
func (m *modeSet) filler(p *weightinit.Plan) fill.Filler {
	if m.host == nil || p.Plugin() == nil {
		return nil
	}
	return pluginFiller{m.host, p}
}

// pluginFiller asks the plugin of a plan's mode for values.
type pluginFiller struct {
	host *plugins.Host
	plan *weightinit.Plan
}

// Fill implements [fill.Filler].
func (f pluginFiller) Fill(ctx context.Context, param plan.Param, _ bool, each func(first int64, data []byte) error) error {
	return f.host.Fill(ctx, plugins.Filling{
		Mode: f.plan.Assigner(), Model: f.plan.Model(), Param: param.Param, DType: f.plan.DType(),
		Seed: f.plan.Seed(), Count: uint64(param.Elements),
	}, func(first uint64, data []byte) error { return each(int64(first), data) })
}
