package cli

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/model"
)

func (a *app) presetsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "presets",
		Short: "The known models: list them, or show one in full",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var listJSON, showJSON bool
	list := &cobra.Command{
		Use: "list", Short: "List the presets", Args: exactArgs(),
		RunE: func(*cobra.Command, []string) error { return a.listPresets(listJSON) },
	}
	list.Flags().BoolVar(&listJSON, "json", false, "print JSON")
	show := &cobra.Command{
		Use: "show NAME", Short: "Show a preset's config; --json prints it as a config file",
		Args: exactArgs("NAME"), ValidArgsFunction: completePresets,
		RunE: func(_ *cobra.Command, args []string) error { return a.showPreset(args[0], showJSON) },
	}
	show.Flags().BoolVar(&showJSON, "json", false, "print the config alone, as a file that --config takes")
	cmd.AddCommand(list, show)
	return cmd
}

// presetTotals are the sizes of a preset's model.
func presetTotals(p model.Preset) (tensors int, values int64, err error) {
	l, err := p.Config.Layout(0)
	if err != nil {
		return 0, 0, err
	}
	for _, param := range l.Params {
		values += param.Elements()
	}
	return len(l.Params), values, nil
}

func (a *app) listPresets(asJSON bool) error {
	type row struct {
		Name    string `json:"name"`
		Summary string `json:"summary"`
		Tensors int    `json:"tensors"`
		Values  int64  `json:"values"`
	}
	out := []row{}
	var rows [][]string
	for _, p := range model.Presets() {
		tensors, values, err := presetTotals(p)
		if err != nil {
			return err
		}
		out = append(out, row{p.Name, p.Summary, tensors, values})
		rows = append(rows, []string{p.Name, strconv.Itoa(tensors), grouped(values), sizeText(values * dtype.F32.Size()), p.Summary})
	}
	if asJSON {
		return a.printJSON(out)
	}
	return a.printTable([]string{"PRESET", "TENSORS", "VALUES", "F32", "SUMMARY"}, rows, 2, 3, 4)
}

func (a *app) showPreset(name string, asJSON bool) error {
	p, err := model.LookupPreset(name)
	if err != nil {
		return err
	}
	config := json.RawMessage(p.Config.Canonical())
	if asJSON {
		return a.printJSON(config)
	}
	tensors, values, err := presetTotals(p)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(a.stdout, "%s: %s\n%d tensors, %s values, %s in f32 (the model of mode version 1)\nconfig:\n",
		p.Name, p.Summary, tensors, grouped(values), sizeText(values*dtype.F32.Size())); err != nil {
		return err
	}
	return a.printJSON(config)
}
