package cli

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/page"
	"github.com/weightinit/weightinit/internal/plots"
	"github.com/weightinit/weightinit/internal/shown"
)

//go:embed inspect.html
var inspectPageText string

var inspectPage = template.Must(template.New("inspect").Parse(inspectPageText))

// What a page shows at most: a browser opens it at once, and the values are
// read in a moment.
const (
	maxPageRows       = 10_000  // tensors; as many more that are bad news
	maxPictured       = 500     // tensors with a picture
	maxPicturedValues = 1 << 20 // values in a picture
	maxPageName       = 300     // bytes of a name
	maxPageValue      = 4000    // bytes of a metadata value
)

// inspectData is the page of inspect.
type inspectData struct {
	Style      template.CSS
	Policy     string
	Path       string
	Tensors    int
	Values     string
	Bytes      string
	Warnings   []string
	Metadata   []keyText
	Rows       []inspectRow
	Unpictured int
	Unlisted   string
	Cut        bool
	PerPicture string
}

type keyText struct{ Key, Text string }

// inspectRow is a tensor; texts are escaped for the eye.
type inspectRow struct {
	Name, DType, Shape  string
	Mean, Std, Min, Max string
	Notes               string
	Bad                 bool
	Picture             template.HTML
	// Part tells that the picture shows the first values only.
	Part bool
}

// writeInspection writes what inspect found as one HTML page that refers to
// nothing outside of it. tensors are some or all of set, as [summarise] made
// them; the values of the pictures are read from set. note, unless nil, adds a
// text to a tensor's notes, and says whether it is bad news. The error is one of
// reading, or of w, marked as a failure of the system.
func writeInspection(ctx context.Context, w io.Writer, path string, set checkpoint.Set, tensors []tensorSummary, note func(name string) (text string, bad bool)) error {
	d := inspectData{
		Style: page.Style, Policy: page.Policy, Path: shown.Cut(path, shown.MaxPath), Tensors: len(tensors),
		PerPicture: grouped(maxPicturedValues),
	}
	for _, warning := range set.Warnings() {
		d.Warnings = append(d.Warnings, shown.Cut(warning, shown.MaxPath))
	}
	meta := set.Metadata()
	for _, key := range slices.Sorted(maps.Keys(meta)) {
		d.Metadata = append(d.Metadata, keyText{shown.Cut(key, maxPageName), shown.Cut(meta[key], maxPageValue)})
	}
	var values, bytes, unlisted int64
	for i, t := range tensors {
		values, bytes = values+t.Elements, bytes+t.Bytes
		row := rowOfInspection(t)
		if note != nil {
			row.addNote(note(t.Name))
		}
		if i >= maxPageRows && (!row.Bad || len(d.Rows) >= 2*maxPageRows) {
			unlisted++
			continue
		}
		if t.Min < t.Max { // both are no numbers where there are no finite values
			if i >= maxPictured {
				d.Unpictured++
			} else if err := row.draw(ctx, set, t); err != nil {
				return err
			}
		}
		d.Cut = d.Cut || row.Part
		d.Rows = append(d.Rows, row)
	}
	if unlisted > 0 {
		d.Unlisted = grouped(unlisted)
	}
	d.Values, d.Bytes = grouped(values), sizeText(bytes)
	if err := inspectPage.Execute(w, d); err != nil {
		return fault.CannotRun(fmt.Errorf("inspect: writing the page: %w", err))
	}
	return nil
}

func rowOfInspection(t tensorSummary) inspectRow {
	row := inspectRow{Name: shown.Cut(t.Name, maxPageName), DType: shown.Cut(t.DType, maxPageName), Shape: shapeText(t.Shape), Notes: oddities(&t)}
	row.Bad = t.NaN > 0 || t.PosInf > 0 || t.NegInf > 0 || t.NotBool > 0
	if finite := t.Elements - t.NaN - t.PosInf - t.NegInf; t.HasValues && finite > 0 {
		row.Mean, row.Std = shortNumber(float64(t.Mean)), shortNumber(float64(t.Std))
		row.Min, row.Max = shortNumber(float64(t.Min)), shortNumber(float64(t.Max))
	}
	return row
}

func (r *inspectRow) addNote(text string, bad bool) {
	if text == "" {
		return
	}
	if r.Notes != "" {
		r.Notes += "; "
	}
	r.Notes += shown.Cut(text, maxPageValue)
	r.Bad = r.Bad || bad
}

// errEnough ends the reading of values.
var errEnough = errors.New("enough values")

// draw adds the histogram from the tensor's least to its greatest value.
func (r *inspectRow) draw(ctx context.Context, set checkpoint.Set, s tensorSummary) error {
	t, ok := set.Lookup(s.Name)
	if !ok {
		return nil
	}
	var counts [plots.Bins]int64
	low, high := float64(s.Min), float64(s.Max)
	left := maxPicturedValues
	err := t.Each(ctx, func(values []float64) error {
		values = values[:min(len(values), left)]
		plots.Count(counts[:], values, low, high)
		if left -= len(values); left == 0 {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	r.Picture, r.Part = plots.Bars(counts[:], low, high), s.Elements > maxPicturedValues
	return nil
}
