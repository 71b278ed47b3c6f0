package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit/internal/version"
)

func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  exactArgs(),
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return a.printJSON(struct {
					Version   string `json:"version"`
					Revision  string `json:"revision"`
					GoVersion string `json:"go_version"`
					Platform  string `json:"platform"`
				}{version.Number, version.Revision(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
			}
			revision := version.Revision()
			if revision != "" {
				revision = " (" + revision + ")"
			}
			_, err := fmt.Fprintf(a.stdout, "weightinit %s%s %s %s/%s\n", version.Number, revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
