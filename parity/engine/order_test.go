package engine_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/parity/engine"
)

// arrayIn writes values of shape (2, 3) in one order of elements and bytes.
func arrayIn(t *testing.T, fortran bool, order binary.ByteOrder, values [6]float32) checkpoint.Set {
	descr, word := "<f4", "False"
	if order == binary.BigEndian {
		descr = ">f4"
	}
	if fortran {
		word = "True"
		values = [6]float32{values[0], values[3], values[1], values[4], values[2], values[5]}
	}
	header := fmt.Sprintf("%-117s\n", fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': (2, 3), }", descr, word))
	b := bytes.NewBufferString("\x93NUMPY\x01\x00\x76\x00" + header)
	require.NoError(t, binary.Write(b, order, values[:]))
	path := filepath.Join(t.TempDir(), "w.npy")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	set, err := checkpoint.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, set.Close()) })
	return set
}

// What is said of two files does not depend on the order of their elements or
// bytes, nor on whether both have the same.
func TestTheOrderInTheFileChangesNothing(t *testing.T) {
	nan := float32(math.NaN())
	base := [6]float32{1, 2, 3, 4, 5, 6}
	type stored struct {
		fortran bool
		order   binary.ByteOrder
	}
	orders := []stored{{false, binary.LittleEndian}, {true, binary.LittleEndian}, {true, binary.BigEndian}, {false, binary.BigEndian}}
	for name, c := range map[string]struct{ reference, candidate [6]float32 }{
		"equal":          {base, base},
		"the last":       {base, [6]float32{1, 2, 3, 4, 5, 7}},
		"two":            {base, [6]float32{1, 2, 3.5, 4.5, 5, 6}},
		"NaN":            {[6]float32{1, 2, 3, nan, 5, 6}, [6]float32{1, 2, 3, nan, 5, 6}},
		"the two zeros":  {[6]float32{0, 2, 3, 4, 5, 6}, [6]float32{float32(math.Copysign(0, -1)), 2, 3, 4, 5, 6}},
		"near but not =": {base, [6]float32{1, 2, 3, 4, 5, 6.000001}},
	} {
		t.Run(name, func(t *testing.T) {
			var wantBits *engine.Report
			want := map[bool]*engine.CloseReport{}
			for _, a := range orders {
				for _, b := range orders {
					reference, candidate := arrayIn(t, a.fortran, a.order, c.reference), arrayIn(t, b.fortran, b.order, c.candidate)
					seen := int64(0)
					bits, err := engine.Bits(t.Context(), reference, candidate, engine.Options{Workers: 1, Progress: func(n int64) { seen += n }})
					require.NoError(t, err)
					require.EqualValues(t, 6, seen)
					if wantBits == nil {
						wantBits = bits
					}
					// NaN is not equal to itself, so the texts are compared.
					require.Equal(t, fmt.Sprintf("%+v", wantBits.Findings()), fmt.Sprintf("%+v", bits.Findings()))
					require.Equal(t, wantBits.Passed(), bits.Passed())
					for _, equalNaN := range []bool{false, true} {
						report, err := engine.Close(t.Context(), reference, candidate, engine.CloseOptions{EqualNaN: equalNaN})
						require.NoError(t, err)
						if want[equalNaN] == nil {
							want[equalNaN] = report
						}
						require.Equal(t, fmt.Sprintf("%+v", want[equalNaN].Findings()), fmt.Sprintf("%+v", report.Findings()))
						require.Equal(t, int64(6), report.Tensors[0].Values)
					}
				}
			}
			require.Equal(t, name == "equal" || name == "NaN", wantBits.Passed())
			require.Equal(t, name != "the last" && name != "two" && name != "NaN", want[false].Passed())
		})
	}
}
