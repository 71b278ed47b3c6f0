package cli

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/plugins/templates"
)

func (a *app) pluginsNewCommand() *cobra.Command {
	var lang, dir, replace string
	cmd := &cobra.Command{
		Use:   "new --lang go|python NAME",
		Short: "Begin a plugin: a working, tested project",
		Args:  exactArgs("NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			name := args[0]
			if lang == "" {
				return fmt.Errorf("no language given: use --lang go or --lang python")
			}
			if dir == "" {
				dir = name
			}
			opt := templates.Options{Taken: takenName}
			if replace != "" {
				var err error
				if opt.Replace, err = filepath.Abs(replace); err != nil {
					return err
				}
			}
			if err := templates.New(lang, name, dir, opt); err != nil {
				return err
			}
			a.say("%s: a plugin with one mode; try it:", shown.Text(dir))
			if lang == "go" {
				tidy := "go mod tidy && "
				if replace != "" {
					tidy = ""
				}
				a.say("  (cd %s && %sgo build -o bin/%s .)", shown.Text(dir), tidy, name)
			}
			a.say("  weightinit plan --preset toy-1l --seed 1 --plugin %s --mode %s.example", shown.Text(relativePath(dir)), name)
			a.say("and see %s for the next steps", shown.Text(filepath.Join(dir, "README.md")))
			return nil
		},
	}
	cmd.Flags().StringVar(&lang, "lang", "", "go or python")
	cmd.Flags().StringVar(&dir, "dir", "", "the new `FOLDER` (default: NAME)")
	cmd.Flags().StringVar(&replace, "replace", "", "for Go: a `FOLDER` with the source of weightinit that go.mod points to")
	must(cmd.RegisterFlagCompletionFunc("lang", cobra.FixedCompletions(templates.Languages(), cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// relativePath marks a path as one, not the name of a locked plugin.
func relativePath(dir string) string {
	if filepath.IsAbs(dir) {
		return dir
	}
	return "." + string(filepath.Separator) + dir
}
