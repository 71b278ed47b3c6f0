package cli

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/model"
)

func (a *app) presetsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "presets",
		Short: "The known models: list them, or show one in full",
		Long: "A preset is a config with a name. Published models go by their plain name and are made by\n" +
			"hf_from_config if no mode is given; where a TransformerLens-native preset has that name already,\n" +
			"the published one ends in " + model.Twin + ". No preset is more than its config: show says what is promised.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
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

// presetSizes are the sizes of a preset's model: as they are written to a file.
type presetSizes struct {
	tensors       int
	values, bytes int64
	dtype         dtype.Type
}

func sizesOf(p model.Preset) (presetSizes, error) {
	l, err := p.Config.Layout(0)
	if err != nil {
		return presetSizes{}, err
	}
	s := presetSizes{dtype: cmp.Or(l.DType, dtype.F32)}
	if l.Saved != nil {
		s.tensors = len(l.Saved)
	}
	for _, param := range l.Params {
		if param.Tied != "" {
			continue
		}
		s.values += param.Elements()
		s.bytes += param.Elements() * cmp.Or(param.DType, s.dtype).Size()
		switch {
		case l.Saved != nil:
		case param.Stored != nil:
			s.tensors += len(param.Stored)
		default:
			s.tensors++
		}
	}
	return s, nil
}

// presetRow is a preset in the JSON of presets list.
type presetRow struct {
	Name    string `json:"name"`
	Summary string `json:"summary"`
	// Source is null where no published config is behind the preset.
	Source  *string `json:"source"`
	Mode    string  `json:"mode"`
	DType   string  `json:"dtype"`
	Tensors int     `json:"tensors"`
	Values  int64   `json:"values"`
}

func (a *app) listPresets(asJSON bool) error {
	out := []presetRow{}
	var rows [][]string
	for _, p := range model.Presets() {
		s, err := sizesOf(p)
		if err != nil {
			return err
		}
		row := presetRow{p.Name, p.Summary, nil, p.Config.Mode(), s.dtype.String(), s.tensors, s.values}
		if p.Source != "" {
			row.Source = &p.Source
		}
		out = append(out, row)
		rows = append(rows, []string{p.Name, grouped(int64(s.tensors)), grouped(s.values), sizeText(s.bytes), s.dtype.String(), p.Summary})
	}
	if asJSON {
		return a.printJSON(out)
	}
	return a.printTable([]string{"PRESET", "TENSORS", "VALUES", "SIZE", "DTYPE", "SUMMARY"}, rows, 2, 3, 4)
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
	s, err := sizesOf(p)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(a.stdout, "%s: %s\n%s tensors, %s values, %s in %s%s\ndefault mode: %s\n%sconfig:\n",
		p.Name, p.Summary, grouped(int64(s.tensors)), grouped(s.values), sizeText(s.bytes), s.dtype, ofVersion(p), p.Config.Mode(), promises(p)); err != nil {
		return err
	}
	return a.printJSON(config)
}

// ofVersion says which model the sizes are of, where there are several.
func ofVersion(p model.Preset) string {
	if p.Source != "" {
		return ""
	}
	return " (the model of mode version 1)"
}

// promises says what a preset promises.
func promises(p model.Preset) string {
	if p.Source == "" {
		text := "promised: this config; no published model has these parameters\n"
		if twin, err := model.LookupPreset(p.Name + model.Twin); err == nil {
			text += "the published model: " + twin.Name + "\n"
		}
		return text
	}
	return "promised: the sizes and the dtype of the published config.json of " + p.Source + "; with " + p.Config.Mode() + " the bits of\n" +
		"  AutoModel….from_config of it, by transformers 5.23.0 and 5.24.0 with torch 2.15.0\n" +
		"not promised: the published weights, the tokenizer, the generation config, that its publisher began training from such weights\n"
}
