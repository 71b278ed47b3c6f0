package safetensors

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"runtime"
	"sort"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/weightinit/weightinit/internal/hostile"
	"github.com/weightinit/weightinit/internal/limits"
)

// FuzzSafetensors gives whole files to the reader. What it accepts must hold by
// a second computation, with other means than the reader's own, and must come
// back the same when it is written again.
func FuzzSafetensors(f *testing.F) {
	for _, c := range hostile.Safetensors() {
		if !c.Large {
			if b := c.Bytes(); len(b) < 1<<16 {
				f.Add(b)
			}
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := hostile.CPU()
		got, err := NewFile(bytes.NewReader(file), int64(len(file)), "fuzz.safetensors")
		took := hostile.CPU() - start
		runtime.ReadMemStats(&after)
		if len(file) < 1<<20 {
			if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
				t.Fatalf("%d bytes allocated for %d", n, len(file))
			}
			if took > time.Second && !hostile.Race {
				t.Fatalf("took %v for %d bytes", took, len(file))
			}
		}
		if err != nil {
			if lineErr := (hostile.Case{MustName: []string{"fuzz.safetensors"}}).CheckLine(err.Error()); lineErr != nil {
				t.Fatal(lineErr)
			}
			return
		}
		for _, w := range got.Warnings() {
			if lineErr := (hostile.Case{}).CheckLine(w); lineErr != nil {
				t.Fatal(lineErr)
			}
		}
		if err := slowCheck(file, got); err != nil {
			t.Fatal(err)
		}
		if err := rewrite(file, got); err != nil {
			t.Fatal(err)
		}
	})
}

// slowCheck computes with big integers and encoding/json what a sound file must
// fulfil.
func slowCheck(file []byte, f *File) error {
	n := new(big.Int).SetBytes([]byte{file[7], file[6], file[5], file[4], file[3], file[2], file[1], file[0]})
	text := file[8 : 8+n.Int64()]
	if !utf8.Valid(text) || text[0] != '{' || !json.Valid(text) {
		return fmt.Errorf("the header is not strict JSON")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	tensors := f.Tensors()
	count := len(members)
	if _, ok := members[metadataKey]; ok {
		count--
	}
	if count != len(tensors) {
		return fmt.Errorf("%d tensors, the header has %d names", len(tensors), count)
	}
	sum := new(big.Int)
	for i, t := range tensors {
		var entry struct {
			DType   string        `json:"dtype"`
			Shape   []json.Number `json:"shape"`
			Offsets []json.Number `json:"data_offsets"`
		}
		if err := json.Unmarshal(members[t.Name], &entry); err != nil {
			return fmt.Errorf("tensor %d: %w", i, err)
		}
		if entry.DType != t.DType || len(entry.Shape) != len(t.Shape) || len(t.Shape) > 64 ||
			entry.Offsets[0].String() != fmt.Sprint(t.Begin) || entry.Offsets[1].String() != fmt.Sprint(t.End) {
			return fmt.Errorf("tensor %d is not as in the header", i)
		}
		bits := big.NewInt(int64(t.Bits))
		elements := big.NewInt(1)
		whole := big.NewInt(1) // without the sizes that are 0
		for j, d := range t.Shape {
			if entry.Shape[j].String() != fmt.Sprint(d) {
				return fmt.Errorf("tensor %d: shape is not as in the header", i)
			}
			elements.Mul(elements, big.NewInt(d))
			if d != 0 {
				whole.Mul(whole, big.NewInt(d))
			}
		}
		bits.Mul(bits, elements)
		size, rest := new(big.Int).DivMod(bits, big.NewInt(8), new(big.Int))
		if rest.Sign() != 0 || size.Cmp(big.NewInt(t.End-t.Begin)) != 0 || elements.Cmp(big.NewInt(t.Elements)) != 0 || !whole.IsInt64() {
			return fmt.Errorf("tensor %d: sizes do not fit", i)
		}
		sum.Add(sum, size)
	}
	if sum.Add(sum, n).Add(sum, big.NewInt(8)).Cmp(big.NewInt(int64(len(file)))) != 0 {
		return fmt.Errorf("the bytes of the tensors do not add up to the file")
	}
	order := append([]Tensor(nil), tensors...)
	sort.SliceStable(order, func(a, b int) bool {
		return order[a].Begin < order[b].Begin || order[a].Begin == order[b].Begin && order[a].End < order[b].End
	})
	for i := range order {
		if i > 0 && order[i].Begin != order[i-1].End || i == 0 && order[i].Begin != 0 {
			return fmt.Errorf("tensor %d does not begin where the one before ends", i)
		}
		if order[i].Name != tensors[i].Name {
			return fmt.Errorf("the tensors are not in the order of their bytes")
		}
	}
	return nil
}

// rewrite encodes what was read and reads it again.
func rewrite(file []byte, f *File) error {
	var entries []rawEntry
	for _, t := range f.Tensors() {
		entries = append(entries, rawEntry{t.Name, t.DType, t.Shape})
	}
	header, offsets, total, err := encode(entries, f.Metadata(), limits.SafetensorsHeader)
	if err != nil {
		return err
	}
	data := file[f.DataOffset():]
	if total-int64(len(header)) != int64(len(data)) {
		return fmt.Errorf("%d bytes of data became %d", len(data), total-int64(len(header)))
	}
	again, err := NewFile(bytes.NewReader(append(header, data...)), total, "again.safetensors")
	if err != nil {
		return err
	}
	for i, t := range again.Tensors() {
		old := f.Tensors()[i]
		t.at, old.at = 0, 0
		if fmt.Sprint(t) != fmt.Sprint(old) || again.DataOffset()+t.Begin != offsets[i] {
			return fmt.Errorf("%v became %v", old, t)
		}
	}
	if fmt.Sprint(again.Metadata()) != fmt.Sprint(f.Metadata()) && len(f.Metadata()) > 0 {
		return fmt.Errorf("metadata became %q", strings.TrimSpace(fmt.Sprint(again.Metadata())))
	}
	return nil
}
