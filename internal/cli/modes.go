package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/registry"
)

func (a *app) modesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "modes",
		Short: "The init modes: list them, or show one in full",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.modesListCommand(), a.modesShowCommand())
	return cmd
}

func (a *app) modesListCommand() *cobra.Command {
	var asJSON bool
	var f pluginFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List every registered mode",
		Args:  exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			modes, err := f.modes(cmd.Context(), a, 0)
			if err != nil {
				return err
			}
			defer modes.close()
			infos := modes.List()
			if asJSON {
				out := make([]modeJSON, len(infos))
				for i, info := range infos {
					m, err := describeMode(modes.Registry, info)
					if err != nil {
						return err
					}
					out[i] = m
				}
				return a.printJSON(out)
			}
			var rows [][]string
			for _, info := range infos {
				mark := ""
				if isDefault(modes.Registry, info) {
					mark = "default"
				}
				origin := info.Origin
				if origin == "" {
					origin = "built in"
				}
				rows = append(rows, []string{info.ID.String(), mark, shown.Text(origin), shown.Text(strings.Join(info.Aliases, ", ")), shown.Text(info.Summary)})
			}
			return a.printTable([]string{"MODE", "", "FROM", "ALIASES", "SUMMARY"}, rows)
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func isDefault(modes *registry.Registry, info registry.Info) bool {
	bare, err := modes.Lookup(info.ID.FullName())
	return err == nil && bare.ID == info.ID
}

type modeJSON struct {
	ID      string       `json:"id"`
	Name    string       `json:"name"`
	Version int          `json:"version"`
	Default bool         `json:"default"`
	Aliases []string     `json:"aliases"`
	Summary string       `json:"summary"`
	Source  string       `json:"source"`
	Origin  string       `json:"origin"`
	Rules   []ruleJSON   `json:"rules"`
	Options []optionJSON `json:"options"`
	Notes   []string     `json:"notes"`
}

type ruleJSON struct {
	Roles   []string `json:"roles"`
	Formula string   `json:"formula"`
}

type optionJSON struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Default  any    `json:"default"`
	Required bool   `json:"required"`
	// FromConfig is the config's field that counts where the option is unset.
	FromConfig string   `json:"from_config,omitempty"`
	Allowed    string   `json:"allowed"`
	Aliases    []string `json:"aliases"`
	Doc        string   `json:"doc"`
}

func describeMode(modes *registry.Registry, info registry.Info) (modeJSON, error) {
	options, err := registry.Options(info.New())
	if err != nil {
		return modeJSON{}, err
	}
	m := modeJSON{
		ID: info.ID.String(), Name: info.ID.FullName(), Version: info.ID.Version, Default: isDefault(modes, info), Origin: info.Origin,
		Aliases: append([]string{}, info.Aliases...), Summary: info.Summary, Source: info.Source,
		Rules: []ruleJSON{}, Options: []optionJSON{}, Notes: append([]string{}, info.Notes...),
	}
	for _, r := range info.Rules {
		roles := []string{}
		for _, role := range r.Roles {
			roles = append(roles, string(role))
		}
		m.Rules = append(m.Rules, ruleJSON{roles, r.Formula})
	}
	for _, o := range options {
		m.Options = append(m.Options, optionJSON{
			Name: o.Name, Type: string(o.Type), Default: o.Default, Required: o.Required, FromConfig: o.FromConfig,
			Allowed: allowed(o), Aliases: append([]string{}, o.Aliases...), Doc: o.Doc,
		})
	}
	return m, nil
}

// allowed says in words which values an option takes.
func allowed(o registry.Option) string {
	if len(o.Enum) > 0 {
		return strings.Join(o.Enum, ", ")
	}
	var parts []string
	for _, b := range []struct {
		word  string
		bound *float64
	}{{">=", o.Min}, {">", o.Above}, {"<=", o.Max}, {"<", o.Below}} {
		if b.bound != nil {
			parts = append(parts, b.word+" "+fullNumber(*b.bound))
		}
	}
	if len(parts) == 0 {
		return "any " + string(o.Type)
	}
	return strings.Join(parts, " and ")
}

func (a *app) modesShowCommand() *cobra.Command {
	var asJSON bool
	var f pluginFlags
	cmd := &cobra.Command{
		Use:               "show NAME[@VERSION]",
		Short:             "Show one mode: formula by role, options, source, aliases",
		Long:              "show tells all about one mode or, for a name that is no mode, about an elementary scheme.",
		Args:              exactArgs("NAME"),
		ValidArgsFunction: completeModes,
		RunE: func(cmd *cobra.Command, args []string) error {
			modes, err := f.modes(cmd.Context(), a, 0, args[0])
			if err != nil {
				return err
			}
			defer modes.close()
			info, err := modes.Lookup(args[0])
			if scheme, ok := schemeFor(args[0], err); ok {
				return a.showScheme(scheme, asJSON)
			}
			if err != nil {
				return err
			}
			m, err := describeMode(modes.Registry, info)
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(m)
			}
			return a.showMode(m)
		},
	}
	f.register(cmd.Flags())
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// showMode shows a mode or a scheme; about are further lines of its head.
func (a *app) showMode(m modeJSON, about ...string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", m.ID, m.Summary)
	if m.Default {
		fmt.Fprintf(&b, "default: the name %q alone means this version\n", m.Name)
	}
	if len(m.Aliases) > 0 {
		fmt.Fprintf(&b, "aliases: %s\n", strings.Join(m.Aliases, ", "))
	}
	if m.Origin != "" {
		fmt.Fprintf(&b, "from: %s\n", m.Origin)
	}
	if m.Source != "" {
		fmt.Fprintf(&b, "source: %s\n", m.Source)
	}
	for _, line := range about {
		b.WriteString(line + "\n")
	}
	if len(m.Rules) > 0 {
		b.WriteString("\nformula by role:\n")
	}
	for _, r := range m.Rules {
		fmt.Fprintf(&b, "  %s\n    %s\n", r.Formula, strings.Join(r.Roles, ", "))
	}
	b.WriteString("\noptions (--set NAME=VALUE):\n")
	for _, o := range m.Options {
		value := "unset"
		switch {
		case o.Required:
			value = "required"
		case o.Default != nil:
			value = fmt.Sprint(o.Default)
		}
		if o.FromConfig != "" {
			value = fmt.Sprintf("the config's %s if above 0, else %s", o.FromConfig, value)
		}
		fmt.Fprintf(&b, "  %s (%s, %s; default %s)", o.Name, o.Type, o.Allowed, value)
		if o.Doc != "" {
			fmt.Fprintf(&b, ": %s", o.Doc)
		}
		b.WriteByte('\n')
	}
	if len(m.Options) == 0 {
		b.WriteString("  none\n")
	}
	for i, n := range m.Notes {
		if i == 0 {
			b.WriteString("\nnotes:\n")
		}
		fmt.Fprintf(&b, "  - %s\n", n)
	}
	_, err := fmt.Fprint(a.stdout, b.String())
	return err
}

// completeModes proposes mode names to the shell.
func completeModes(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var out []string
	for _, info := range registry.Default().List() {
		out = append(out, info.ID.String())
	}
	return append(out, registry.Default().Names()...), cobra.ShellCompDirectiveNoFileComp
}
