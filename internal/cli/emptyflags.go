package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// emptyOK marks a flag whose empty value means something.
const emptyOK = "weightinit_empty_ok"

// mayBeEmpty marks flags whose empty value means something.
func mayBeEmpty(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		must(flags.SetAnnotation(name, emptyOK, []string{"true"}))
	}
}

// refuseEmpty refuses a flag that is given with an empty value, as a shell
// makes of an unset variable: it would quietly mean that the flag is not there.
func refuseEmpty(cmd *cobra.Command, _ []string) error {
	var err error
	cmd.Flags().Visit(func(flag *pflag.Flag) {
		empty := flag.Value.String() == "" && flag.Value.Type() == "string"
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			items := list.GetSlice()
			empty = len(items) == 0 || slices.Contains(items, "")
		}
		if empty && err == nil && flag.Annotations[emptyOK] == nil {
			err = fmt.Errorf("--%s \"\": give a value, or leave the flag out; see %q", flag.Name, cmd.CommandPath()+" --help")
		}
	})
	return err
}
