package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/plugins"
	"github.com/weightinit/weightinit/registry"
)

func (a *app) pluginsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugins",
		Short: "External modes: add, list, verify, remove, test plugins, or begin a new one",
		Long: "A plugin is a program that adds init modes, in any language. It runs with your rights,\n" +
			"so only what you added yourself is ever started: \"plugins add\" copies a plugin into your\n" +
			"own store and writes its hash into weightinit.lock.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.pluginsAddCommand(), a.pluginsListCommand(), a.pluginsVerifyCommand(), a.pluginsRemoveCommand(),
		a.pluginsTestCommand(), a.pluginsNewCommand())
	return cmd
}

func (a *app) pluginsAddCommand() *cobra.Command {
	var f startFlags
	var opt plugins.AddOptions
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "add PATH",
		Short: "Copy a plugin into your store, start it once, and lock its hash",
		Args:  exactArgs("PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if opt.Launch, err = f.options(a); err != nil {
				return err
			}
			opt.Taken = takenName
			e, err := plugins.Add(cmd.Context(), args[0], opt)
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(lockedJSON(e))
			}
			_, err = fmt.Fprintf(a.stdout, "%s %s: modes %s\n%s in %s\n", shown.Text(e.Name), shown.Text(e.Version), modeIDs(e), e.H1, shown.Text(opt.LockFile))
			return err
		},
	}
	registerLockFile(cmd.Flags(), &opt.LockFile)
	f.register(cmd.Flags())
	cmd.Flags().BoolVar(&opt.Replace, "replace", false, "replace another plugin or version of this name")
	cmd.Flags().BoolVar(&opt.Locked, "locked", false, "add it only if the lock file has its hash already")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// takenName reports whether a built-in mode has a name.
func takenName(name string) bool {
	_, err := registry.Default().Lookup(name)
	return err == nil
}

// modeIDs lists an entry's modes as the user writes them.
func modeIDs(e plugins.Entry) string {
	var ids []string
	for _, m := range e.Modes {
		ids = append(ids, registry.ID{Plugin: e.Name, Name: m.ID, Version: m.Version}.String())
	}
	return shown.Text(strings.Join(ids, ", "))
}

// pluginJSON is a locked plugin.
type pluginJSON struct {
	Name     string   `json:"name"`
	Version  string   `json:"version"`
	Platform string   `json:"platform"`
	H1       string   `json:"h1"`
	Protocol string   `json:"protocol"`
	Features []string `json:"features"`
	Modes    []string `json:"modes"`
	State    string   `json:"state"`
	Problem  string   `json:"problem"`
	Python   string   `json:"python"`
}

func lockedJSON(e plugins.Entry) pluginJSON {
	out := pluginJSON{
		Name: e.Name, Version: e.Version, Platform: e.Platform, H1: e.H1, Protocol: e.Protocol,
		Features: append([]string{}, e.Features...), Modes: []string{}, State: string(plugins.StateOK),
	}
	for _, m := range e.Modes {
		out.Modes = append(out.Modes, registry.ID{Plugin: e.Name, Name: m.ID, Version: m.Version}.String())
	}
	return out
}

// printStatuses shows locked plugins with the state of their copies.
func (a *app) printStatuses(all []plugins.Status, asJSON bool) error {
	if asJSON {
		out := []pluginJSON{}
		for _, s := range all {
			p := lockedJSON(s.Entry)
			p.State, p.Problem, p.Python = string(s.State), s.Problem, s.Python
			out = append(out, p)
		}
		return a.printJSON(out)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(a.stdout, "no plugins")
		return err
	}
	var rows [][]string
	for _, s := range all {
		rows = append(rows, []string{shown.Text(s.Entry.Name), shown.Text(s.Entry.Version), string(s.State), modeIDs(s.Entry), shown.Text(s.Python), s.Entry.H1})
	}
	return a.printTable([]string{"PLUGIN", "VERSION", "STATE", "MODES", "PYTHON", "HASH"}, rows)
}

func (a *app) pluginsListCommand() *cobra.Command {
	var lockFile, python string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "List the locked plugins and the state of their copies; starts nothing", Args: exactArgs(),
		RunE: func(*cobra.Command, []string) error {
			all, err := plugins.List(lockFile, "", python)
			if err != nil {
				return err
			}
			return a.printStatuses(all, asJSON)
		},
	}
	registerLockFile(cmd.Flags(), &lockFile)
	cmd.Flags().StringVar(&python, "python", "", "interpreter of Python plugins (default: WEIGHTINIT_PYTHON, else python3)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) pluginsVerifyCommand() *cobra.Command {
	var lockFile string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "verify", Short: "Compare every hash of the lock file with the store; starts nothing", Args: exactArgs(),
		RunE: func(*cobra.Command, []string) error {
			all, ok, err := plugins.Verify(lockFile, "")
			if err != nil {
				return err
			}
			if err := a.printStatuses(all, asJSON); err != nil {
				return err
			}
			if ok {
				return nil
			}
			for _, s := range all {
				if s.State == plugins.StateMissing || s.State == plugins.StateChanged {
					return &failedError{fmt.Sprintf("plugin %s: %s", shown.Quote(s.Entry.Name), s.Problem)}
				}
			}
			return &failedError{}
		},
	}
	registerLockFile(cmd.Flags(), &lockFile)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) pluginsRemoveCommand() *cobra.Command {
	var lockFile string
	var keep bool
	cmd := &cobra.Command{
		Use: "remove NAME", Short: "Take a plugin out of the lock file and the store", Args: exactArgs("NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := plugins.Remove(args[0], lockFile, "", keep); err != nil {
				return err
			}
			a.say("plugin %s removed from %s", shown.Text(args[0]), shown.Text(lockFile))
			return nil
		},
	}
	registerLockFile(cmd.Flags(), &lockFile)
	cmd.Flags().BoolVar(&keep, "keep", false, "leave the copy in the store")
	return cmd
}
