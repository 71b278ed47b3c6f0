package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit/modes/elementary"
	"github.com/weightinit/weightinit/registry"
)

// schemeJSON is an elementary scheme: what modes show, and how exact it is.
type schemeJSON struct {
	modeJSON
	// Exactness is "bits" when every value has PyTorch's bits, else "law".
	Exactness string `json:"exactness"`
}

// exactness says in words what the two kinds mean.
var exactness = map[string]string{
	"bits": "bit for bit as PyTorch's CPU generator",
	"law":  "the draws are PyTorch's, the values follow the same law and differ in their last bits",
}

func describeScheme(info registry.Info) (schemeJSON, error) {
	m, err := describeMode(elementary.Schemes(), info)
	s := schemeJSON{m, "bits"}
	if !elementary.BitExact(info) {
		s.Exactness = "law"
	}
	return s, err
}

func (a *app) tensorListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the elementary schemes",
		Args:  exactArgs(),
		RunE: func(*cobra.Command, []string) error {
			out := []schemeJSON{}
			var rows [][]string
			for _, info := range elementary.Schemes().List() {
				s, err := describeScheme(info)
				if err != nil {
					return err
				}
				var options []string
				for _, o := range s.Options {
					options = append(options, o.Name)
				}
				out = append(out, s)
				rows = append(rows, []string{s.Name, strings.Join(s.Aliases, ", "), s.Exactness, strings.Join(options, ", "), s.Rules[0].Formula})
			}
			if asJSON {
				return a.printJSON(out)
			}
			return a.printTable([]string{"SCHEME", "ALIASES", "EXACT", "OPTIONS", "FORMULA"}, rows)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) tensorShowCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:               "show SCHEME",
		Short:             "Show one elementary scheme: formula, options with defaults, notes, exactness",
		Args:              exactArgs("SCHEME"),
		ValidArgsFunction: completeSchemes,
		RunE: func(_ *cobra.Command, args []string) error {
			info, err := lookupScheme(args[0])
			if err != nil {
				return err
			}
			return a.showScheme(info, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) showScheme(info registry.Info, asJSON bool) error {
	s, err := describeScheme(info)
	if err != nil {
		return err
	}
	if asJSON {
		return a.printJSON(s)
	}
	required := ""
	for _, o := range s.Options {
		if o.Required {
			required += " --set " + o.Name + "=VALUE"
		}
	}
	return a.showMode(s.modeJSON, "exactness: "+exactness[s.Exactness],
		"make one: weightinit tensor "+s.Name+" --shape SIZES"+required+" --seed N -o x.npy")
}

// schemeFor returns the elementary scheme of a name that is no mode.
func schemeFor(name string, err error) (registry.Info, bool) {
	var unknown *registry.UnknownError
	if !errors.As(err, &unknown) {
		return registry.Info{}, false
	}
	info, err := elementary.Schemes().Lookup(name)
	return info, err == nil
}

// helpOfSchemes makes the help of "tensor SCHEME" begin with that scheme.
func (a *app) helpOfSchemes(tensor *cobra.Command) {
	help := tensor.HelpFunc()
	tensor.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		for _, arg := range args {
			info, err := elementary.Schemes().Lookup(arg)
			if cmd != tensor || strings.HasPrefix(arg, "-") || err != nil {
				continue
			}
			if a.showScheme(info, false) == nil { // an error of stdout is told in the end
				_, _ = a.stdout.Write([]byte{'\n'})
			}
			break
		}
		help(cmd, args)
	})
}

// completeSchemes proposes names of elementary schemes to the shell.
func completeSchemes(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return elementary.Schemes().Names(), cobra.ShellCompDirectiveNoFileComp
}
