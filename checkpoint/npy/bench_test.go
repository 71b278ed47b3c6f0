package npy

import (
	"fmt"
	"io"
	"os"
	"testing"
)

// BenchmarkFortranOrder reads 64 MiB of float32 in pieces of 1 MiB, from files
// of several shapes in both orders.
func BenchmarkFortranOrder(b *testing.B) {
	for _, shape := range [][]int64{{4096, 4096}, {768, 21845}, {21845, 768}, {16, 1 << 20}, {1 << 20, 16}, {3, 3, 1024, 1820}, {64, 64, 64, 64}} {
		for _, descr := range []string{"<f4", ">f4"} {
			for _, order := range []string{"False", "True"} {
				b.Run(fmt.Sprint(shape, descr, order), func(b *testing.B) {
					n := int64(4)
					for _, d := range shape {
						n *= d
					}
					path := b.TempDir() + "/x.npy"
					text := headerOf(descr, order, shape)
					w, err := os.Create(path)
					if err != nil {
						b.Fatal(err)
					}
					w.Write(text)
					w.Write(make([]byte, n))
					w.Close()
					b.SetBytes(n)
					piece := make([]byte, 1<<20)
					for b.Loop() {
						f, err := Open(path)
						if err != nil {
							b.Fatal(err)
						}
						for off := int64(0); off < n; off += int64(len(piece)) {
							if _, err := f.ReadAt(piece, off); err != nil && err != io.EOF {
								b.Fatal(err)
							}
						}
						f.Close()
					}
				})
			}
		}
	}
}

func headerOf(descr, order string, shape []int64) []byte {
	s := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr, order, shapeText(shape))
	for (10+len(s)+1)%64 != 0 {
		s += " "
	}
	s += "\n"
	return append([]byte("\x93NUMPY\x01\x00"+string([]byte{byte(len(s)), byte(len(s) >> 8)})), s...)
}
