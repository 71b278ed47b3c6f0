package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/plan"
)

func (a *app) planCommand() *cobra.Command {
	var flags modelFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what init would draw, without drawing it",
		Long: "plan takes the same flags as init and writes no weights. It prints a row for each\n" +
			"parameter in draw order, totals, and the digest that identifies the bits.",
		Example: "  weightinit plan --preset gpt2-small --mode gpt2 --seed 42",
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := flags.plan(cmd.Context(), a)
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(p)
			}
			return a.showPlan(p)
		},
	}
	flags.register(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func (a *app) showPlan(p *plan.Plan) error {
	rows := make([][]string, len(p.Steps))
	for i, s := range p.Steps {
		rows[i] = []string{
			shown.Text(s.Param.Name), shapeText(s.Param.Shape), string(s.Param.Role), describeDist(s.Dist),
			strconv.FormatInt(s.Start.Words, 10), strconv.FormatInt(s.Words, 10),
		}
	}
	if err := a.printTable([]string{"NAME", "SHAPE", "ROLE", "RULE", "FIRST WORD", "WORDS"}, rows, 5, 6); err != nil {
		return err
	}
	options := strings.Join(p.Settings, " ")
	if options == "" {
		options = "none"
	}
	_, err := fmt.Fprintf(a.stdout, "\nmode %s, options %s, seed %s, streams %s, dtype %s\n%s tensors, %s values, %s words, %s\ndigest %s\n",
		p.Mode, shown.Text(options), p.SeedText, p.Streams, p.DType,
		grouped(int64(len(p.Steps))), grouped(p.Values), grouped(p.Words), sizeText(p.Bytes()), p.Digest())
	return err
}

// describeDist shows a distribution with its numbers.
func describeDist(d dist.Dist) string {
	text := ""
	switch draw := d.Draw.(type) {
	case dist.Constant:
		text = "constant " + fullNumber(draw.Value)
	case dist.Uniform:
		text = fmt.Sprintf("uniform [%s, %s)", fullNumber(draw.Low), fullNumber(draw.High))
	case dist.Normal:
		text = fmt.Sprintf("normal mean %s std %s", fullNumber(draw.Mean), fullNumber(draw.Std))
	default:
		text = draw.Kind()
	}
	for _, post := range d.Post {
		if m, ok := post.(dist.Multiply); ok {
			text += ", times " + fullNumber(m.By)
		}
	}
	return text
}
