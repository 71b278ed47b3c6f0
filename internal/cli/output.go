package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// printJSON writes one JSON document with a last newline.
func (a *app) printJSON(v any) error {
	text, err := indented(v, "")
	if err != nil {
		return err
	}
	_, err = a.stdout.Write(text)
	return err
}

// indented encodes a value as JSON with a last newline; every line but the
// first begins with prefix.
func indented(v any, prefix string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, "  ")
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("json: %w", err)
	}
	return b.Bytes(), nil
}

// printTable writes rows under a header, without lines, columns padded. right
// names the columns (from 1) that hold numbers.
func (a *app) printTable(header []string, rows [][]string, right ...int) error {
	return a.printRows(header, len(rows), func(i int) []string { return rows[i] }, right...)
}

// printRows is printTable for n rows that are made when they are written, once
// to be measured and once to be shown.
func (a *app) printRows(header []string, n int, row func(i int) []string, right ...int) error {
	widths := make([]int, len(header))
	for i := range n + 1 {
		cells := header
		if i < n {
			cells = row(i)
		}
		for c, cell := range cells {
			widths[c] = max(widths[c], text.StringWidthWithoutEscSequences(cell))
		}
	}
	w := bufio.NewWriter(a.stdout)
	for i := range n + 1 {
		cells := header
		if i > 0 {
			cells = row(i - 1)
		}
		line := ""
		for c, cell := range cells {
			pad := strings.Repeat(" ", widths[c]-text.StringWidthWithoutEscSequences(cell))
			if slices.Contains(right, c+1) {
				line += pad + cell + "  "
			} else {
				line += cell + pad + "  "
			}
		}
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return w.Flush()
}

// number is a float64 that JSON can hold: null when it is not finite.
type number float64

// MarshalJSON implements json.Marshaler.
func (n number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// shortNumber shows a number in at most 6 digits.
func shortNumber(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// fullNumber shows a float64 so that it reads back as the same bits.
func fullNumber(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// shapeText shows a shape as [2, 3].
func shapeText(shape []int64) string {
	parts := make([]string, len(shape))
	for i, d := range shape {
		parts[i] = strconv.FormatInt(d, 10)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// grouped shows a count with a space between groups of three digits.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return sign + b.String()
}

// sizeText shows bytes in decimal units.
func sizeText(bytes int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB", "PB", "EB"}
	v, u := float64(bytes), 0
	for v >= 1000 && u < len(units)-1 {
		v /= 1000
		u++
	}
	if u == 0 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.3g %s", v, units[u])
}
