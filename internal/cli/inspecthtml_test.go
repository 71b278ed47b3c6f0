package cli

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/internal/fault"
)

// madeSet is a set of tensors that is no file.
type madeSet struct {
	tensors  []checkpoint.Tensor
	metadata map[string]string
	warnings []string
}

func (s *madeSet) Tensors() []checkpoint.Tensor { return s.tensors }

func (s *madeSet) Lookup(name string) (checkpoint.Tensor, bool) {
	for _, t := range s.tensors {
		if t.Name == name {
			return t, true
		}
	}
	return checkpoint.Tensor{}, false
}

func (s *madeSet) Metadata() map[string]string { return s.metadata }
func (s *madeSet) Warnings() []string          { return s.warnings }
func (s *madeSet) Close() error                { return nil }

func (s *madeSet) add(t *testing.T, name string, values ...float32) {
	t.Helper()
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	s.addRaw(t, name, "F32", []int64{int64(len(values))}, raw)
}

func (s *madeSet) addRaw(t *testing.T, name, stored string, shape []int64, raw []byte) {
	t.Helper()
	made, err := checkpoint.NewTensor(name, stored, shape, bytes.NewReader(raw))
	require.NoError(t, err)
	s.tensors = append(s.tensors, made)
}

func inspectionOf(t *testing.T, path string, set *madeSet, note func(string) (string, bool)) string {
	t.Helper()
	var tensors []tensorSummary
	for _, tensor := range set.tensors {
		s, err := summarise(t.Context(), tensor)
		require.NoError(t, err)
		tensors = append(tensors, s)
	}
	var b bytes.Buffer
	require.NoError(t, writeInspection(t.Context(), &b, path, set, tensors, note))
	page := b.String()
	for _, text := range []string{"<script", "src=", "href", "http:", "https:", "url(", "@import", "<link", "<img", "ZgotmplZ", "\u202e", "\x1b"} {
		require.NotContains(t, strings.ToLower(page), strings.ToLower(text))
	}
	b.Reset()
	require.NoError(t, writeInspection(t.Context(), &b, path, set, tensors, note))
	require.Equal(t, page, b.String(), "the same set makes the same page")
	return page
}

func normals32(n int) []float32 {
	r := rand.New(rand.NewPCG(7, 7))
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(0.02 * r.NormFloat64())
	}
	return out
}

func TestInspectionPageIsBounded(t *testing.T) {
	set := &madeSet{}
	for i := range maxPageRows + 5 {
		set.add(t, fmt.Sprint("t", i), 1)
	}
	set.add(t, "bad.weight", float32(math.NaN()))
	page := inspectionOf(t, "model.safetensors", set, nil)
	for text, want := range map[string]bool{
		`<td class="name">t9999</td>`:      true,
		`<td class="name">t10000</td>`:     false,
		`<td class="name">bad.weight</td>`: true,
		"5 more tensors are not listed":    true,
		"<p>10006 tensors":                 true,
	} {
		require.Equal(t, want, strings.Contains(page, text), text) // not the whole page in a failure
	}
}

func TestInspectionPageHasARowATensor(t *testing.T) {
	set := &madeSet{metadata: map[string]string{"weightinit.mode": "gpt2@1", "format": "pt"}, warnings: []string{"odd"}}
	inf := float32(math.Inf(1))
	set.add(t, "wte.weight", normals32(5000)...)
	set.add(t, "ln.weight", 1, 1, 1)
	set.add(t, "bad.weight", 1, float32(math.NaN()), -inf, 3)
	set.add(t, "lost.weight", inf, inf)
	set.add(t, "nothing")
	set.addRaw(t, "other", "C64", []int64{1, 1}, make([]byte, 8))
	page := inspectionOf(t, "model.safetensors", set, func(name string) (string, bool) {
		return map[string]string{"ln.weight": "declared 0, found 1"}[name], true
	})
	for _, want := range []string{
		`<h1><span class="name">model.safetensors</span></h1>`,
		`<p>6 tensors, 5 010 values, 20 kB</p>`,
		`<dt class="key-name">format</dt><dd>pt</dd>` + "\n" + `<dt class="key-name">weightinit.mode</dt><dd>gpt2@1</dd>`,
		`<p class="bad">odd</p>`,
		`<td class="name">ln.weight</td><td>F32</td><td class="shape">[3]</td><td class="r">1</td><td class="r">0</td><td class="r">1</td><td class="r">1</td><td class="bad">declared 0, found 1</td><td class="picture"></td>`,
		`<td class="name">bad.weight</td><td>F32</td><td class="shape">[4]</td><td class="r">2</td><td class="r">1.41421</td><td class="r">1</td><td class="r">3</td><td class="bad">1 NaN, 1 -Inf</td><td class="picture"><svg class="bars"`,
		`<td class="name">lost.weight</td><td>F32</td><td class="shape">[2]</td><td class="r"></td><td class="r"></td><td class="r"></td><td class="r"></td><td class="bad">2 &#43;Inf</td><td class="picture"></td>`,
		`<td class="name">nothing</td><td>F32</td><td class="shape">[0]</td><td class="r"></td><td class="r"></td><td class="r"></td><td class="r"></td><td>empty</td><td class="picture"></td>`,
		`<td class="name">other</td><td>C64</td><td class="shape">[1, 1]</td><td class="r"></td><td class="r"></td><td class="r"></td><td class="r"></td><td>values not decoded</td><td class="picture"></td>`,
	} {
		require.Contains(t, page, want)
	}
	require.Equal(t, 2, strings.Count(page, "<svg "), "a constant needs none")
	require.NotContains(t, page, "have no histogram")
	require.NotContains(t, page, "marked as part")
	require.Equal(t, strings.Count(page, "<td"), strings.Count(page, "</td>"))
}

func TestInspectionPageShowsHostileTextAsText(t *testing.T) {
	const text = "<script>alert(1)</script>\u202e\x1b[31m\"'&amp;"
	set := &madeSet{metadata: map[string]string{text: text + strings.Repeat("x", 1<<16)}, warnings: []string{text}}
	set.add(t, text, 1, 2)
	page := inspectionOf(t, text, set, func(string) (string, bool) { return text, false })
	require.Equal(t, 7, strings.Count(page, `&lt;script&gt;alert(1)&lt;/script&gt;\u202e\x1b[31m`), "title, path, key, value, warning, name, note")
	require.Less(t, len(page), 20_000)
	empty := inspectionOf(t, "empty", &madeSet{}, nil)
	require.Contains(t, empty, "No tensors.")
	require.NotContains(t, empty, "Metadata")
}

func TestInspectionPageSaysWhatItDoesNotDraw(t *testing.T) {
	set := &madeSet{}
	for i := range 510 {
		set.add(t, fmt.Sprintf("layers.%d.attention.query_key_value.weight", i), normals32(2000)...)
	}
	page := inspectionOf(t, "many", set, nil)
	require.Equal(t, maxPictured, strings.Count(page, "<svg "))
	require.Contains(t, page, "10 more tensors have no histogram.")
	require.Less(t, len(page), 1<<20)

	// The values after the first 2^20 are not drawn: a histogram of zeros alone
	// has one class.
	long := &madeSet{}
	values := make([]float32, maxPicturedValues+2)
	values[maxPicturedValues], values[maxPicturedValues+1] = -1, 1
	long.add(t, "long", values...)
	page = inspectionOf(t, "long", long, nil)
	require.Contains(t, page, "the first 1 048 576 are drawn, marked as part")
	require.Contains(t, page, `<span class="note">part</span>`)
	require.Contains(t, page, "V28H75V1H78V28H81")
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestInspectionPageThatCannotBeWritten(t *testing.T) {
	set := &madeSet{}
	set.add(t, "a", 1, 2)
	s, err := summarise(t.Context(), set.tensors[0])
	require.NoError(t, err)
	err = writeInspection(t.Context(), brokenWriter{}, "x", set, []tensorSummary{s}, nil)
	require.ErrorIs(t, err, errBroken)
	require.True(t, fault.IsCannotRun(err))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, writeInspection(ctx, &bytes.Buffer{}, "x", set, []tensorSummary{s}, nil), context.Canceled)
}
