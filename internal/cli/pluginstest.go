package cli

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/plugins"
	"github.com/weightinit/weightinit/plugins/conformance"
)

// testFlags are those of plugins test.
type testFlags struct {
	startFlags
	lockFile, run, format string
	asJSON                bool
}

func (a *app) pluginsTestCommand() *cobra.Command {
	var f testFlags
	cmd := &cobra.Command{
		Use:   "test NAME|PATH",
		Short: "Run the conformance kit on a plugin",
		Long: "test starts a plugin several times and checks everything that the protocol asks of it:\n" +
			"one line a check, exit code 1 when one fails, 3 when the plugin cannot be started at all.\n" +
			"NAME is a locked plugin, PATH one on disk (the command is the consent to run it).",
		Args: exactArgs("NAME|PATH"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.runPluginsTest(cmd, &f, args[0]) },
	}
	registerLockFile(cmd.Flags(), &f.lockFile)
	f.register(cmd.Flags())
	cmd.Flags().StringVar(&f.run, "run", "", "only checks whose name matches the `REGEX`")
	cmd.Flags().StringVar(&f.format, "format", "text", "text, json or junit")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "short for --format json")
	return cmd
}

func (a *app) runPluginsTest(cmd *cobra.Command, f *testFlags, plugin string) error {
	if f.asJSON {
		f.format = "json"
	}
	opt := conformance.Options{Taken: takenName}
	var err error
	if opt.Start, err = f.options(a); err != nil {
		return err
	}
	opt.Start.Log = nil // what a tested plugin writes is no news
	if f.run != "" {
		if opt.Run, err = regexp.Compile(f.run); err != nil {
			return fmt.Errorf("--run %s: %w", shown.Quote(f.run), err)
		}
		if !matchesAny(opt.Run, conformance.Names()) {
			return fmt.Errorf("--run %s matches none of the checks: %s", shown.Quote(f.run), strings.Join(conformance.Names(), ", "))
		}
	}
	switch f.format {
	case "text":
		opt.Each = func(r conformance.Result) { _ = conformance.WriteText(a.stdout, r) } // a.stdout keeps the error
	case "json", "junit":
	default:
		return fmt.Errorf("--format %s: use text, json or junit", shown.Quote(f.format))
	}
	c, err := plugins.Find(plugin, f.lockFile, "")
	if err != nil {
		return err
	}
	report, err := conformance.Run(cmd.Context(), c, opt)
	if err != nil {
		return err
	}
	switch f.format {
	case "json":
		err = conformance.WriteJSON(a.stdout, report)
	case "junit":
		err = conformance.WriteJUnit(a.stdout, report)
	default:
		err = conformance.WriteSummary(a.stdout, report)
	}
	if err == nil && report.Failed() > 0 {
		err = &failedError{fmt.Sprintf("plugin %s: %d of %d checks failed", shown.Path(plugin), report.Failed(), len(report.Results))}
	}
	return err
}

func matchesAny(r *regexp.Regexp, names []string) bool {
	for _, n := range names {
		if r.MatchString(n) {
			return true
		}
	}
	return false
}
