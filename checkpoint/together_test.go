package checkpoint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/checkpoint/npy"
)

// numbered opens an array whose value at each place is its index in C order.
func numbered(t *testing.T, shape []int64, fortran bool, order binary.ByteOrder) Tensor {
	descr, word := "<u4", "False"
	if order == binary.BigEndian {
		descr = ">u4"
	}
	if fortran {
		word = "True"
	}
	values := make([]uint32, product(shape))
	strides := cStrides(shape)
	for i := range values {
		place, at := 0, i
		if fortran {
			for d, size := range shape {
				place, at = place+at%int(size)*int(strides[d]), at/int(size)
			}
		} else {
			place = i
		}
		values[i] = uint32(place)
	}
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr, word, npyShape(shape))
	b := bytes.NewBufferString("\x93NUMPY\x01\x00\x76\x00" + fmt.Sprintf("%-117s\n", text))
	require.NoError(t, binary.Write(b, order, values))
	path := filepath.Join(t.TempDir(), "w"+npy.Extension)
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	set, err := Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, set.Close()) })
	return set.Tensors()[0]
}

func npyShape(shape []int64) string {
	text := "("
	for _, n := range shape {
		text += fmt.Sprint(n, ",")
	}
	return text + ")"
}

// Every element comes once, from both files, with its index, and indices rise
// as far as is said.
func TestTogetherGivesEveryElementOnceWithItsIndex(t *testing.T) {
	for _, shape := range [][]int64{{2, 3}, {16, 7_000}, {7_000, 16}, {300, 301}, {3, 3, 64, 50}, {50, 1, 20, 70}, {2, 45_000}} {
		n := product(shape)
		for _, c := range []struct {
			aFortran, bFortran bool
			b                  binary.ByteOrder
		}{{true, true, binary.BigEndian}, {false, true, binary.BigEndian}, {true, false, binary.LittleEndian}} {
			a, b := numbered(t, shape, c.aFortran, binary.LittleEndian), numbered(t, shape, c.bFortran, c.b)
			check := func(walk func(f func(p *Piece) error) error) {
				seen, count := make([]bool, n), int64(0)
				var mu sync.Mutex
				err := walk(func(p *Piece) error {
					mu.Lock()
					defer mu.Unlock()
					for i := 0; i < p.Count; {
						before := int64(-1)
						for end := i + p.Rising(i); i < end; i++ {
							at := int64(binary.LittleEndian.Uint32(p.A[4*i:]))
							if at != p.Index(i) || at != int64(binary.LittleEndian.Uint32(p.B[4*i:])) || at <= before || seen[at] {
								return fmt.Errorf("element %d: %d after %d, index %d", i, at, before, p.Index(i))
							}
							seen[at], before = true, at
							count++
						}
					}
					return nil
				})
				require.NoError(t, err, "%v %+v", shape, c)
				require.Equal(t, n, count)
			}
			check(func(f func(p *Piece) error) error {
				ok, err := Together(t.Context(), a, b, 3, f)
				require.True(t, ok)
				return err
			})
			if c.aFortran != c.bFortran {
				for _, box := range []int64{16, 3000, 100_000} {
					check(func(f func(p *Piece) error) error { return inBoxes(t.Context(), a, b, 3, box, f) })
				}
			}
		}
		ok, err := Together(t.Context(), numbered(t, shape, false, binary.LittleEndian), numbered(t, shape, false, binary.BigEndian), 1, nil)
		require.NoError(t, err)
		require.False(t, ok, "both lie in C order")
	}
}

func TestBoxesHaveLongRunsInBothOrders(t *testing.T) {
	const most = boxBytes / 4
	for _, shape := range [][]int64{{768, 325_520}, {325_520, 768}, {16, 15_625_000}, {50_257, 4_974}, {3, 3, 512, 54_253}, {64, 64, 64, 1000}} {
		sizes := boxSizes(shape, most)
		n := product(sizes)
		require.LessOrEqual(t, n, int64(2*most), "%v", shape)
		run := func(first, step int) int64 { // of one order
			out := int64(1)
			for d := first; d >= 0 && d < len(shape); d += step {
				if out *= sizes[d]; sizes[d] < shape[d] {
					break
				}
			}
			return out
		}
		require.GreaterOrEqual(t, run(0, 1), int64(1024), "%v by %v", shape, sizes)
		require.GreaterOrEqual(t, run(len(shape)-1, -1), int64(1024), "%v by %v", shape, sizes)
	}
}
