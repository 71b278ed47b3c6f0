package cli

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/internal/atomicfile"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/plan/planfile"
)

func (a *app) planCommand() *cobra.Command {
	var flags modelFlags
	var asJSON, force bool
	var out string
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what init would draw, without drawing it",
		Long: "plan takes the same flags as init and writes no weights. It prints a row for each\n" +
			"parameter in draw order, totals, and the digest that identifies the bits.\n\n" +
			"With -o it writes the plan as a plan file instead: every draw and every tensor as data, for any\n" +
			"seed, which --plan takes in place of model and mode (docs/plan-files.md).",
		Example: "  weightinit plan --preset gpt2-small --mode gpt2 --seed 42\n" +
			"  weightinit plan --preset gpt2-small --mode gpt2 -o gpt2.plan.json.gz",
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := flags.plan(cmd.Context(), a)
			if err != nil {
				return err
			}
			defer p.modes.close()
			if out != "" {
				return a.writePlanFile(p.Plan, out, force, asJSON)
			}
			if asJSON {
				return a.printJSON(p.Plan)
			}
			return a.showPlan(p.Plan)
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "write a plan `FILE`, compressed if its name ends in .gz")
	cmd.Flags().BoolVar(&force, "force", false, "replace an existing file")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// writePlanFile writes the plan as a plan file, whole or not at all.
func (a *app) writePlanFile(p *weightinit.Plan, out string, force, asJSON bool) error {
	if !strings.HasSuffix(out, ".json") && !strings.HasSuffix(out, ".json.gz") {
		return fmt.Errorf("-o %s: use a name that ends in .json or .json.gz", shown.Path(out))
	}
	var b bytes.Buffer
	var err error
	if strings.HasSuffix(out, ".gz") {
		err = planfile.PackTo(&b, func(w io.Writer) error { return p.WritePlan(w, programInfo(p)) })
	} else {
		err = p.WritePlan(&b, programInfo(p))
	}
	if err != nil {
		return err
	}
	data := b.Bytes()
	if err := atomicfile.WriteFile(atomicfile.OS(), out, data, atomicfile.Options{Force: force}); err != nil {
		return err
	}
	if asJSON {
		return a.printJSON(struct {
			Output  string `json:"output"`
			Bytes   int    `json:"bytes"`
			Tensors int    `json:"tensors"`
			Digest  string `json:"digest"`
		}{out, len(data), p.Tensors().Len(), p.Digest()})
	}
	a.say("%s: the plan of %s tensors, %s", shown.Text(out), grouped(int64(p.Tensors().Len())), sizeText(int64(len(data))))
	return nil
}

func (a *app) showPlan(p *weightinit.Plan) error {
	var rows [][]string
	for _, row := range p.Rows() {
		name := shown.Text(row.Name)
		if row.Discard {
			name = "(discard)"
		}
		rows = append(rows, []string{
			name, shapeText(row.Shape), string(row.Role), describeDist(row.Dist),
			unless(row.StartUnknown, strconv.FormatInt(row.Start.Words, 10)), unless(row.WordsUnknown, strconv.FormatInt(row.Words, 10)),
		})
	}
	if err := a.printTable([]string{"NAME", "SHAPE", "ROLE", "RULE", "FIRST WORD", "WORDS"}, rows, 5, 6); err != nil {
		return err
	}
	options := strings.Join(p.Settings(), " ")
	if options == "" {
		options = "none"
	}
	by := fmt.Sprintf("%s, options %s", byMode(p), shown.Text(options))
	if p.Program() {
		by = byMode(p)
	}
	words, known := p.Words()
	_, err := fmt.Fprintf(a.stdout, "\n%s, seed %s, streams %s, dtype %s\n%s tensors, %s values, %s words, %s\ndigest %s\n",
		by, p.SeedText(), p.Streams(), dtypeName(p.Plan),
		grouped(int64(p.Tensors().Len())), grouped(p.Elements()), unless(!known, grouped(words)), sizeText(p.Bytes()), p.Digest())
	if from := p.Plugin(); err == nil && from != nil {
		_, err = fmt.Fprintf(a.stdout, "plugin %s %s %s\n", shown.Text(from.Name), shown.Text(from.Version), from.H1)
	}
	return err
}

// unless is "?" for what only a run can tell.
func unless(unknown bool, text string) string {
	if unknown {
		return "?"
	}
	return text
}

// describeDist shows a distribution with its numbers.
func describeDist(d dist.Dist) string {
	if d.Draw == nil {
		return "computed, or a table"
	}
	text := describeDraw(d.Draw)
	for _, post := range d.Post {
		switch post := post.(type) {
		case dist.Multiply:
			text += ", times " + fullNumber(post.By)
		case dist.Divide:
			text += ", divided by " + fullNumber(post.By)
		case dist.ZeroRows:
			text += ", 0 in " + describeRows(post.Ranges)
		default:
			text += fmt.Sprintf(", %s %v", post.Kind(), post.Operand())
		}
	}
	return text
}

// describeDraw shows the kind and its numbers by name. Those that read better in
// other words have words of their own.
func describeDraw(d dist.Draw) string {
	switch d := d.(type) {
	case dist.Constant:
		return "constant " + fullNumber(d.Value)
	case dist.Uniform:
		return fmt.Sprintf("uniform [%s, %s)", fullNumber(d.Low), fullNumber(d.High))
	case dist.TruncNormal:
		text := fmt.Sprintf("trunc_normal mean %s std %s cut [%s, %s]", fullNumber(d.Mean), fullNumber(d.Std), fullNumber(d.A), fullNumber(d.B))
		if d.Algorithm != dist.TorchRejection {
			text += " by " + d.Algorithm.String()
		}
		return text
	case dist.Filled:
		return "filled by its plugin"
	case dist.Blocks:
		return describeBlocks(d)
	case dist.Pieces:
		return describePieces(d)
	}
	text := d.Kind()
	for _, n := range dist.Numbers(d) {
		text += " " + n.Name + " "
		if v, ok := n.Value.(float64); ok {
			text += fullNumber(v)
		} else {
			text += fmt.Sprint(n.Value)
		}
	}
	if _, ok := d.(dist.Orthonormal); ok {
		text += " (not bit-exact)"
	}
	return text
}

// describePieces shows not too many of the pieces of a fused parameter.
func describePieces(p dist.Pieces) string {
	const most = 6
	var parts []string
	for i, d := range p.Dists {
		if i == most {
			parts = append(parts, "...")
			break
		}
		parts = append(parts, "["+describeDist(d)+"]")
	}
	return "pieces " + strings.Join(parts, " ")
}

// describeBlocks shows each run of equal blocks once, and not too many.
func describeBlocks(b dist.Blocks) string {
	const most = 6
	var parts []string
	for i := 0; i < len(b.Parts); {
		first, count := b.Parts[i], 0
		for i < len(b.Parts) && b.Parts[i].Rows == first.Rows && b.Parts[i].Dist.Equal(first.Dist) {
			i++
			count++
		}
		if len(parts) == most {
			parts = append(parts, "...")
			break
		}
		parts = append(parts, fmt.Sprintf("%d x [%d rows: %s]", count, first.Rows, describeDist(first.Dist)))
	}
	return "blocks " + strings.Join(parts, " ")
}

func describeRows(ranges []dist.Range) string {
	const most = 6
	texts := []string{}
	for _, r := range ranges {
		if len(texts) == most {
			texts = append(texts, "...")
			break
		}
		if r.Count == 1 {
			texts = append(texts, fmt.Sprintf("row %d", r.First))
		} else {
			texts = append(texts, fmt.Sprintf("rows %d to %d", r.First, r.First+r.Count-1))
		}
	}
	if len(texts) == 0 {
		return "no rows"
	}
	return strings.Join(texts, ", ")
}
