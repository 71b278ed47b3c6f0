package checkpoint

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weightinit/weightinit/internal/hostile"
	"github.com/weightinit/weightinit/internal/strictjson"
)

// within calls f and fails when it takes more memory or time than a small input
// may.
func within(t *testing.T, f func()) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := hostile.CPU()
	f()
	if took := hostile.CPU() - start; took > time.Second && !hostile.Race {
		t.Fatalf("took %v", took)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
		t.Fatalf("%d bytes allocated", n)
	}
}

// FuzzIndex gives texts to the reader of model.safetensors.index.json. What it
// accepts, encoding/json reads as the same map, and no name leaves the folder.
func FuzzIndex(f *testing.F) {
	for _, text := range []string{
		`{"metadata":{"total_size":32},"weight_map":{"alpha":"model-00001-of-00002.safetensors","beta":"model-00002-of-00002.safetensors"}}`,
		`{"weight_map":{"a":"../x.safetensors"}}`, `{"weight_map":{"a":"x.safetensors","\u0061":"x.safetensors"}}`, `{"weight_map":["alpha"]}`,
		`{"weight_map":{"alpha":1}}`, `{"weight_map":`, `{"metadata":{"total_size":1e9},"weight_map":{"a":"x.safetensors"},"extra":[{}]}`,
		`{"metadata":null,"weight_map":{"":"x.safetensors"}}`, `{"weight_map":{}}`, `[]`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		ix := index{path: "fuzz/index.json", fileOf: map[string]string{}}
		var err error
		within(t, func() { err = ix.parse(text) })
		if err != nil {
			if lineErr := (hostile.Case{MustName: []string{"fuzz/index.json"}}).CheckLine(err.Error()); lineErr != nil {
				t.Fatal(lineErr)
			}
			return
		}
		var members map[string]json.RawMessage
		var want map[string]string
		if err := json.Unmarshal(text, &members); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(members["weight_map"], &want); err != nil || !maps.Equal(want, ix.fileOf) {
			t.Fatalf("%q against %q (%v)", ix.fileOf, want, err)
		}
		b := []byte(`{"weight_map":{`)
		for i, tensor := range slices.Sorted(maps.Keys(ix.fileOf)) {
			file := ix.fileOf[tensor]
			if filepath.Base(file) != file || !filepath.IsLocal(file) || !strings.HasSuffix(file, ".safetensors") || strings.ContainsAny(file, "/\\\x00\n") {
				t.Fatalf("%q leaves the folder", file)
			}
			if i > 0 {
				b = append(b, ',')
			}
			b = append(strictjson.AppendString(b, tensor), ':')
			b = strictjson.AppendString(b, file)
		}
		again := index{path: "again", fileOf: map[string]string{}}
		if err := again.parse(append(b, "}}"...)); err != nil || !maps.Equal(again.fileOf, ix.fileOf) {
			t.Fatalf("%q became %q (%v)", ix.fileOf, again.fileOf, err)
		}
	})
}

// FuzzArchive gives whole files to the reader of .npz. What it accepts can be
// read to the end.
func FuzzArchive(f *testing.F) {
	f.Add(hostile.Archive())
	for _, c := range hostile.Directories() {
		if strings.HasPrefix(c.ID, "X14") || c.ID == "X19" || c.ID == "X20" || c.ID == "X21" {
			if b := c.Bytes(); len(b) < 1<<16 {
				f.Add(b)
			}
		}
	}
	path := filepath.Join(f.TempDir(), "fuzz.npz")
	f.Fuzz(func(t *testing.T, file []byte) {
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		var set Set
		var err error
		within(t, func() { set, err = Open(path) })
		if err != nil {
			if lineErr := (hostile.Case{MustName: []string{"fuzz.npz"}}).CheckLine(err.Error()); lineErr != nil {
				t.Fatal(lineErr)
			}
			return
		}
		defer set.Close()
		for _, tensor := range set.Tensors() {
			if !Decodable(tensor.DType) {
				continue
			}
			n := int64(0)
			if err := tensor.Each(context.Background(), func(v []float64) error { n += int64(len(v)); return nil }); err != nil || n != tensor.Elements() {
				t.Fatalf("%d values of %d: %v", n, tensor.Elements(), err)
			}
		}
	})
}
