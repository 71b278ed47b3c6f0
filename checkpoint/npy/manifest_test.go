package npy

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weightinit/weightinit/internal/hostile"
	"github.com/weightinit/weightinit/internal/strictjson"
)

const digest = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func sample() Manifest {
	return Manifest{
		Metadata: map[string]string{"weightinit.seed": "7", "format": "pt"},
		Tensors: []ManifestTensor{
			{Name: "w", File: "w.npy", DType: "f32", Shape: []int64{2, 3}},
			{Name: "größe", File: "x.npy", DType: "bf16", Shape: []int64{}, SHA256: digest},
		},
	}
}

func TestManifestText(t *testing.T) {
	text, err := sample().Encode()
	require.NoError(t, err)
	require.Equal(t, `{
 "format": "weightinit-npy/1",
 "metadata": {
  "format": "pt",
  "weightinit.seed": "7"
 },
 "tensors": [
  {"name": "w", "file": "w.npy", "dtype": "f32", "shape": [2,3]},
  {"name": "größe", "file": "x.npy", "dtype": "bf16", "shape": [], "sha256": "`+digest+`"}
 ]
}
`, string(text))
	m, err := ParseManifest(text, "x")
	require.NoError(t, err)
	want := sample()
	want.Format = ManifestFormat
	require.Equal(t, want, *m)
}

func TestReferenceManifests(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/torch/*/*/manifest.json")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		m, err := ParseManifest(text, path)
		require.NoError(t, err)
		require.Equal(t, ReferenceFormat, m.Format)
		require.Contains(t, m.Metadata, "torch_version")
		require.Contains(t, m.Metadata, "seed")
		require.NotContains(t, m.Metadata, "config")
		require.NotEmpty(t, m.Tensors)
	}
}

func TestManifestRefusals(t *testing.T) {
	entry := `{"name":"w","file":"w.npy","dtype":"f32","shape":[2]}`
	whole := func(tensors string) string {
		return `{"format":"weightinit-npy/1","metadata":{},"tensors":[` + tensors + `]}`
	}
	change := func(old, new string) string { return whole(strings.Replace(entry, old, new, 1)) }
	require.NotContains(t, change(`"name"`, `"NAME"`), `"name"`)
	for name, c := range map[string]struct{ text, field, words string }{
		"not JSON":           {"{", "", "byte 1"},
		"a list":             {"[]", "", "object"},
		"trailing":           {whole(entry) + "x", "", "byte"},
		"no format":          {`{"metadata":{},"tensors":[]}`, "format", "format"},
		"unknown format":     {`{"format":"weightinit-npy/2","metadata":{},"tensors":[]}`, "format", "weightinit-npy/2"},
		"format not a text":  {`{"format":1}`, "format", "format"},
		"no metadata":        {`{"format":"weightinit-npy/1","tensors":[]}`, "metadata", "metadata"},
		"no tensors":         {`{"format":"weightinit-npy/1","metadata":{}}`, "tensors", "tensors"},
		"unknown key":        {`{"format":"weightinit-npy/1","metadata":{},"tensors":[],"extra":1}`, "extra", "extra"},
		"metadata reference": {`{"format":"weightinit-reference/1","metadata":{},"tensors":[]}`, "metadata", "metadata"},
		"metadata number":    {`{"format":"weightinit-npy/1","metadata":{"a":1},"tensors":[]}`, "metadata.a", "metadata.a"},
		"duplicate key":      {`{"format":"weightinit-npy/1","format":"weightinit-npy/1","metadata":{},"tensors":[]}`, "format", "duplicate, format"},
		"null entry":         {whole("null"), "", "tensors[0], object"},
		"no name":            {change(`"name":"w",`, ""), "name", "name"},
		"no file":            {change(`"file":"w.npy",`, ""), "file", "file, w"},
		"no dtype":           {change(`"dtype":"f32",`, ""), "dtype", "dtype, w"},
		"no shape":           {change(`,"shape":[2]`, ""), "shape", "shape, w"},
		"unknown field":      {change(`"name"`, `"NAME"`), "NAME", "NAME"},
		"field twice":        {change(`"name":"w"`, `"name":"w","name":"w"`), "name", "duplicate, name"},
		"dtype":              {change("f32", "F32"), "dtype", "F32, f32"},
		"dtype number":       {change(`"f32"`, "4"), "dtype", "dtype"},
		"shape negative":     {change("[2]", "[-2]"), "shape", "-2"},
		"shape float":        {change("[2]", "[2.0]"), "shape", "2.0"},
		"shape text":         {change("[2]", `["2"]`), "shape", "shape"},
		"shape large":        {change("[2]", "[4294967296,4294967296]"), "shape", "limit"},
		"shape 2^63":         {change("[2]", "[9223372036854775808]"), "shape", "9223372036854775808"},
		"shape dims":         {change("[2]", "["+strings.Repeat("1,", 64)+"1]"), "shape", "64"},
		"file leaves":        {change("w.npy", "../w.npy"), "file", "../w.npy"},
		"file absolute":      {change("w.npy", "/w.npy"), "file", "/w.npy"},
		"file below":         {change("w.npy", "a/w.npy"), "file", "a/w.npy"},
		"file ending":        {change("w.npy", "w.txt"), "file", "w.txt"},
		"file without name":  {change("w.npy", ".npy"), "file", ".npy"},
		"file NUL":           {change("w.npy", `w\u0000.npy`), "file", "file"},
		"names twice":        {whole(entry + "," + strings.Replace(entry, "w.npy", "v.npy", 1)), "name", "duplicate, w"},
		"files twice":        {whole(entry + "," + strings.Replace(entry, `"w"`, `"v"`, 1)), "file", "duplicate, w.npy, v"},
		"sha256 short":       {change("[2]", `[2],"sha256":"ab"`), "sha256", "sha256"},
		"sha256 empty":       {change("[2]", `[2],"sha256":""`), "sha256", "sha256"},
		"sha256 upper":       {change("[2]", `[2],"sha256":"`+strings.ToUpper(digest)+`"`), "sha256", "sha256"},
		"deep":               {`{"format":"weightinit-reference/1","tensors":[],"config":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + "}", "config", "nest, limit"},
		"not UTF-8":          {"{\"for\xff\":1}", "", "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseManifest([]byte(c.text), "dir/manifest.json")
			var e *Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, BadManifest, e.Reason)
			require.Equal(t, c.field, e.Field, "%v", err)
			require.NoError(t, hostile.Case{MustName: append(strings.Split(c.words, ", "), "dir/manifest.json")}.CheckLine(err.Error()))
		})
	}
}

func TestEncodeRefusesWhatParseRefuses(t *testing.T) {
	for name, spoil := range map[string]func(m *Manifest){
		"name":     func(m *Manifest) { m.Tensors[1].Name = "w" },
		"file":     func(m *Manifest) { m.Tensors[1].File = "w.npy" },
		"path":     func(m *Manifest) { m.Tensors[1].File = "../x.npy" },
		"dtype":    func(m *Manifest) { m.Tensors[1].DType = "F32" },
		"shape":    func(m *Manifest) { m.Tensors[1].Shape = []int64{-1} },
		"dims":     func(m *Manifest) { m.Tensors[1].Shape = make([]int64, 65) },
		"digest":   func(m *Manifest) { m.Tensors[1].SHA256 = "0" },
		"UTF-8":    func(m *Manifest) { m.Tensors[1].Name = "\xff" },
		"metadata": func(m *Manifest) { m.Metadata["a"] = "\xff" },
	} {
		m := sample()
		spoil(&m)
		_, err := m.Encode()
		require.Error(t, err, name)
	}
}

func TestManifestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Manifest{Format: ManifestFormat, Metadata: rapid.MapOfN(rapid.String(), rapid.String(), 0, 3).Draw(t, "metadata")}
		for i, name := range rapid.SliceOfNDistinct(rapid.String(), 0, 4, rapid.ID[string]).Draw(t, "names") {
			m.Tensors = append(m.Tensors, ManifestTensor{
				Name: name, File: fmt.Sprintf("%d.npy", i),
				DType: rapid.SampledFrom([]string{"f32", "f64", "bf16", "f16"}).Draw(t, "dtype"),
				Shape: rapid.SliceOfN(rapid.Int64Range(0, 1<<20), 0, 3).Draw(t, "shape"),
			})
		}
		text, err := m.Encode()
		require.NoError(t, err)
		again, err := ParseManifest(text, "x")
		require.NoError(t, err)
		require.Equal(t, m, *again)
	})
}

func FuzzManifest(f *testing.F) {
	text, err := sample().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	paths, _ := filepath.Glob("../../testdata/torch/*/attn-only-v2/manifest.json")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"tensors":[{"shape":[1,0],"sha256":"","dtype":"f16","file":"a.npy","name":""}],"metadata":{},"format":"weightinit-npy/1"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ParseManifest(text, "fuzz/manifest.json")
		if err != nil {
			if lineErr := (hostile.Case{}).CheckLine(err.Error()); lineErr != nil {
				t.Fatal(lineErr)
			}
			return
		}
		if err := strictjson.New(text, 64).Skip(); err != nil {
			t.Fatal(err)
		}
		again, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		m2, err := ParseManifest(again, "fuzz/manifest.json")
		if err != nil {
			t.Fatal(err)
		}
		m.Format = ManifestFormat
		if !reflect.DeepEqual(m2, m) {
			t.Fatalf("%+v became %+v", *m, *m2)
		}
	})
}
