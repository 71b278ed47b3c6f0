package npy

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/big"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/weightinit/weightinit/internal/hostile"
)

// FuzzNPY gives whole files to the reader. What it accepts must hold by a second
// computation and must come back the same when it is written again.
func FuzzNPY(f *testing.F) {
	for _, c := range hostile.NPY() {
		f.Add(c.Bytes())
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := hostile.CPU()
		got, err := NewFile(bytes.NewReader(file), int64(len(file)), "fuzz.npy")
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
			if lineErr := (hostile.Case{MustName: []string{"fuzz.npy"}}).CheckLine(err.Error()); lineErr != nil {
				t.Fatal(lineErr)
			}
			return
		}
		if err := slowCheck(file, got); err != nil {
			t.Fatal(err)
		}
		if err := rewrite(got); err != nil {
			t.Fatal(err)
		}
	})
}

var (
	descrPattern   = regexp.MustCompile(`^\|[biu]1$|^[<>]([iuf][248]|c8|c16)$`)
	byteInts       = regexp.MustCompile(`1$`)
	headerPattern  = regexp.MustCompile(`(?s)^[ \t\f]*\{.*\}[ \t\n\r\f]*\n$`)
	shapePattern   = regexp.MustCompile(`['"]shape['"]\s*:\s*\(([^)]*)\)`)
	numberPattern  = regexp.MustCompile(`[0-9]+`)
	fortranPattern = regexp.MustCompile(`['"]fortran_order['"]\s*:\s*True`)
)

// slowCheck looks at the header with regular expressions and computes with big
// integers.
func slowCheck(file []byte, f *File) error {
	text := file[10:f.DataOffset()]
	if file[6] > 1 {
		text = file[12:f.DataOffset()]
	}
	d := f.DType()
	if !headerPattern.Match(text) || !descrPattern.MatchString(d.Descr) || byteInts.MatchString(d.Descr) != (d.Size == 1) {
		return fmt.Errorf("accepted %q", text)
	}
	m := shapePattern.FindSubmatch(text)
	if m == nil || fortranPattern.Match(text) != f.Fortran() {
		return fmt.Errorf("no shape, or another order, in %q", text)
	}
	sizes := numberPattern.FindAllString(string(m[1]), -1)
	if len(sizes) != len(f.Shape()) || len(sizes) > 64 {
		return fmt.Errorf("%d sizes are %d in %q", len(f.Shape()), len(sizes), text)
	}
	n, whole := big.NewInt(int64(d.Size)), big.NewInt(int64(d.Size))
	for i, s := range sizes {
		v, _ := new(big.Int).SetString(s, 10)
		if !v.IsInt64() || v.Int64() != f.Shape()[i] {
			return fmt.Errorf("size %s is %d", s, f.Shape()[i])
		}
		n.Mul(n, v)
		if v.Sign() != 0 {
			whole.Mul(whole, v)
		}
	}
	if !whole.IsInt64() || n.Cmp(big.NewInt(int64(len(file))-f.DataOffset())) != 0 || n.Int64() != f.Bytes() {
		return fmt.Errorf("the shape does not fit %d bytes of data", int64(len(file))-f.DataOffset())
	}
	return nil
}

// rewrite writes the values in plain form and reads them again.
func rewrite(f *File) error {
	values := make([]byte, f.Bytes())
	if len(values) > 1<<20 {
		return nil
	}
	if _, err := f.ReadAt(values, 0); err != nil {
		return err
	}
	d := f.DType()
	if d.BigEndian {
		d, _ = parseDescr("<" + d.Descr[1:])
	}
	file := append(headerBytes(d.Descr, f.Shape()), values...)
	again, err := NewFile(bytes.NewReader(file), int64(len(file)), "again.npy")
	if err != nil {
		return err
	}
	if again.DType() != d || fmt.Sprint(again.Shape()) != fmt.Sprint(f.Shape()) || !again.Plain() {
		return fmt.Errorf("%v %v became %v %v", d, f.Shape(), again.DType(), again.Shape())
	}
	second := make([]byte, len(values))
	if _, err := again.ReadAt(second, 0); err != nil {
		return err
	}
	if !bytes.Equal(values, second) {
		return fmt.Errorf("the values changed")
	}
	for _, same := range []*File{f, again} {
		decoded, err := same.Values()
		if err != nil {
			return err
		}
		if third, err := binary.Append(nil, binary.LittleEndian, decoded); err != nil || !bytes.Equal(values, third) {
			return fmt.Errorf("the second decoder reads other values of %s: %v", same.DType().Descr, err)
		}
	}
	return nil
}
