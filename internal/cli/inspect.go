package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/internal/atomicfile"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/summary"
	"github.com/weightinit/weightinit/parity/report"
)

func (a *app) inspectCommand() *cobra.Command {
	var asJSON bool
	var page, variant string
	var laws lawFlags
	cmd := &cobra.Command{
		Use:   "inspect PATH",
		Short: "Show what is in a checkpoint: shapes, types, statistics",
		Long: "inspect reads a .safetensors, .npy or .npz file, or a folder of them, and shows for each\n" +
			"tensor its shape and type, the mean, standard deviation and extremes of its finite values,\n" +
			"how many are not finite, and a small histogram from minimum to maximum.\n\n" +
			"With --mode and a model, or --plan, it also tests, whatever the seed, whether every tensor\n" +
			"follows the law that is declared of it, and names those that do not: exit code 1. So it finds\n" +
			"parameters whose initialisation was skipped or replaced.",
		Example: "  weightinit inspect model.safetensors\n" +
			"  weightinit inspect model.safetensors --preset gpt2-small --mode gpt2",
		Args: exactArgs("PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			test, err := laws.wanted()
			if err != nil {
				return err
			}
			set, err := a.open(args[0], variant)
			if err != nil {
				return err
			}
			defer set.Close()
			var found *lawReport
			if test {
				if found, err = laws.testLaws(cmd.Context(), a, args[0], set); err != nil {
					return err
				}
				set = found.set
			}
			if err := a.inspect(cmd.Context(), args[0], set, found, page, asJSON); err != nil {
				return err
			}
			return found.failure(args[0])
		},
	}
	laws.register(cmd)
	registerVariant(cmd.Flags(), &variant)
	cmd.Flags().StringVar(&page, "html", "", "write one self-contained page to this `FILE`, too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// tensorSummary is what inspect says of one tensor.
type tensorSummary struct {
	Name     string  `json:"name"`
	DType    string  `json:"dtype"`
	Shape    []int64 `json:"shape"`
	Elements int64   `json:"elements"`
	Bytes    int64   `json:"bytes"`
	// HasValues is false for types whose values are not decoded.
	HasValues bool      `json:"has_values"`
	Mean      number    `json:"mean"`
	Std       number    `json:"std"`
	Min       number    `json:"min"`
	Max       number    `json:"max"`
	NaN       int64     `json:"nan"`
	PosInf    int64     `json:"pos_inf"`
	NegInf    int64     `json:"neg_inf"`
	Zero      int64     `json:"zero"`
	NegZero   int64     `json:"neg_zero"`
	NotBool   int64     `json:"not_bool"`
	Histogram histogram `json:"histogram"`
}

// histogram holds the counts of [summary.Bins] classes in few bytes, for files
// of very many tensors; empty when there are no finite values.
type histogram string

func packHistogram(h *summary.Histogram) histogram {
	var b []byte
	for _, c := range h.Counts {
		b = binary.AppendUvarint(b, uint64(c))
	}
	return histogram(b)
}

func (h histogram) unpack() *summary.Histogram {
	out := summary.NewHistogram(0, 0)
	b := []byte(h)
	for i := range out.Counts {
		c, n := binary.Uvarint(b)
		out.Counts[i], b = int64(c), b[max(0, n):]
	}
	return out
}

// MarshalJSON implements json.Marshaler.
func (h histogram) MarshalJSON() ([]byte, error) { return json.Marshal(h.unpack().Counts) }

// bars draws the histogram; empty when there is none.
func (h histogram) bars() string {
	if h == "" {
		return ""
	}
	return h.unpack().Bars()
}

func (a *app) inspect(ctx context.Context, path string, set checkpoint.Set, laws *lawReport, page string, asJSON bool) error {
	tensors := make([]tensorSummary, 0, len(set.Tensors()))
	var values, bytes int64
	for _, t := range set.Tensors() {
		s, err := summarise(ctx, t)
		if err != nil {
			return err
		}
		values += s.Elements
		bytes += s.Bytes
		tensors = append(tensors, s)
	}
	if page != "" {
		if err := writePage(ctx, page, path, set, tensors, laws); err != nil {
			return err
		}
	}
	if asJSON {
		findings, err := laws.json()
		if err != nil {
			return err
		}
		return a.printInspection(inspection{path, &tensors, values, bytes, orEmpty(set.Metadata()), append([]string{}, set.Warnings()...), findings})
	}
	if err := a.showInspection(set, tensors, values, bytes); err != nil || laws == nil {
		return err
	}
	return report.Write(a.stdout, "text", laws.result, report.Options{})
}

// inspection is the JSON document of inspect.
type inspection struct {
	Path        string            `json:"path"`
	Tensors     *[]tensorSummary  `json:"tensors"`
	TotalValues int64             `json:"total_values"`
	TotalBytes  int64             `json:"total_bytes"`
	Metadata    map[string]string `json:"metadata"`
	Warnings    []string          `json:"warnings"`
	// Laws is the report of parity, null when no laws were tested.
	Laws json.RawMessage `json:"laws"`
}

// printInspection writes the document, its tensors one by one: all at once may
// take several times the memory of the file.
func (a *app) printInspection(doc inspection) error {
	tensors := *doc.Tensors
	doc.Tensors = nil
	text, err := indented(doc, "")
	if err != nil {
		return err
	}
	const place = "\n  \"tensors\": "
	before, after, _ := bytes.Cut(text, []byte(place+"null"))
	w := bufio.NewWriter(a.stdout)
	w.Write(before)
	w.WriteString(place + "[")
	for i, t := range tensors {
		text, err := indented(t, "    ")
		if err != nil {
			return err
		}
		if i > 0 {
			w.WriteByte(',')
		}
		w.WriteString("\n    ")
		w.Write(bytes.TrimSuffix(text, []byte("\n")))
	}
	if len(tensors) > 0 {
		w.WriteString("\n  ")
	}
	w.WriteByte(']')
	w.Write(after)
	return w.Flush()
}

// writePage writes the page, whole or not at all.
func writePage(ctx context.Context, page, path string, set checkpoint.Set, tensors []tensorSummary, laws *lawReport) error {
	var b bytes.Buffer
	if err := writeInspection(ctx, &b, path, set, tensors, laws.note()); err != nil {
		return err
	}
	return atomicfile.WriteFile(atomicfile.OS(), page, b.Bytes(), atomicfile.Options{Force: true})
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// summarise reads a tensor twice: for the numbers, then for the histogram. Neither
// needs C order; the order changes the last digits of mean and std at most.
func summarise(ctx context.Context, t checkpoint.Tensor) (tensorSummary, error) {
	out := tensorSummary{
		Name: t.Name, DType: t.DType, Shape: t.Shape, Elements: t.Elements(), Bytes: t.Bytes(),
		Mean: number(math.NaN()), Std: number(math.NaN()), Min: number(math.NaN()), Max: number(math.NaN()),
	}
	if out.Shape == nil {
		out.Shape = []int64{} // a scalar's, in JSON
	}
	out.HasValues = checkpoint.Decodable(t.DType)
	if !out.HasValues {
		return out, nil
	}
	var s summary.Summary
	err := t.EachStored(ctx, func(values []float64) error {
		s.Add(values)
		if t.DType == "BOOL" {
			for _, v := range values {
				if v != 0 && v != 1 {
					out.NotBool++
				}
			}
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	out.NaN, out.PosInf, out.NegInf, out.Zero, out.NegZero = s.NaN, s.PosInf, s.NegInf, s.Zero, s.NegZero
	if s.Finite() == 0 {
		return out, nil
	}
	out.Mean, out.Std, out.Min, out.Max = number(s.Mean()), number(s.Std()), number(s.Min), number(s.Max)
	h := summary.NewHistogram(s.Min, s.Max)
	err = t.EachStored(ctx, func(values []float64) error { h.Add(values); return nil })
	out.Histogram = packHistogram(h)
	return out, err
}

func (a *app) showInspection(set checkpoint.Set, tensors []tensorSummary, values, bytes int64) error {
	row := func(i int) []string {
		t := &tensors[i]
		row := []string{shown.Text(t.Name), t.DType, shapeText(t.Shape), "", "", "", "", oddities(t), t.Histogram.bars()}
		if row[8] != "" {
			row[3], row[4] = shortNumber(float64(t.Mean)), shortNumber(float64(t.Std))
			row[5], row[6] = shortNumber(float64(t.Min)), shortNumber(float64(t.Max))
		}
		return row
	}
	if len(tensors) > 0 {
		if err := a.printRows([]string{"NAME", "DTYPE", "SHAPE", "MEAN", "STD", "MIN", "MAX", "NOTES", "HISTOGRAM"}, len(tensors), row, 4, 5, 6, 7); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(a.stdout, "%s tensors, %s values, %s\n", grouped(int64(len(tensors))), grouped(values), sizeText(bytes)); err != nil {
		return err
	}
	meta := set.Metadata()
	for _, key := range slices.Sorted(maps.Keys(meta)) {
		if _, err := fmt.Fprintf(a.stdout, "%s = %s\n", shown.Text(key), shown.Cut(meta[key], 300)); err != nil {
			return err
		}
	}
	return nil
}

// oddities names the values that a start weight should not have.
func oddities(t *tensorSummary) string {
	text := ""
	for _, o := range []struct {
		what  string
		count int64
	}{{"NaN", t.NaN}, {"+Inf", t.PosInf}, {"-Inf", t.NegInf}, {"-0", t.NegZero}, {"neither 0 nor 1", t.NotBool}} {
		if o.count > 0 {
			if text != "" {
				text += ", "
			}
			text += strconv.FormatInt(o.count, 10) + " " + o.what
		}
	}
	switch {
	case text != "":
	case t.Elements == 0:
		return "empty"
	case !t.HasValues:
		return "values not decoded"
	case t.Zero == t.Elements:
		return "all 0"
	}
	return text
}
