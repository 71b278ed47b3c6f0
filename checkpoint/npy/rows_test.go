package npy_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/checkpoint/npy"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/hostile"
)

// refusal is what a refusal must be by its type; the offset is -1 where the row
// does not fix it.
type refusal struct {
	reason npy.Reason
	field  string
	offset int64
}

// Offsets in the base file: the header text begins at byte 10, the value of
// shape at byte 61, the data at byte 128.
var refusals = map[string]refusal{
	"N01": {npy.BadMagic, "", 0},
	"N02": {npy.BadVersion, "", 6},
	"N03": {npy.BadMagic, "", 0},
	"N04": {npy.BadVersion, "", 6},
	"N05": {npy.BadVersion, "", 6},
	"N06": {npy.HeaderLength, "", 8},
	"N07": {npy.HeaderLength, "", 8},
	"N08": {npy.HeaderText, "", 127},
	"N09": {npy.HeaderLength, "", 8},
	"N10": {npy.HeaderText, "", 10},
	"N11": {npy.MissingKey, "shape", -1},
	"N12": {npy.BadShape, "shape", 61},
	"N13": {npy.BadShape, "shape", 61},
	"N14": {npy.ShortData, "", -1},
	"N15": {npy.BadShape, "shape", -1},
	"N16": {npy.BadShape, "shape", -1},
	"N17": {npy.BadShape, "shape", 61},
	"N18": {npy.BadShape, "shape", 61},
	"N19": {npy.BadShape, "shape", 60},
	"N20": {npy.BadShape, "shape", 60},
	"N21": {npy.BadDescr, "descr", 20},
	"N22": {npy.BadDescr, "descr", 20},
	"N23": {npy.BadDescr, "descr", 20},
	"N24": {npy.BadDescr, "descr", 20},
	"N25": {npy.BadDescr, "descr", 20},
	"N26": {npy.ShortData, "", -1},
	"N27": {npy.ShortData, "", -1},
	"N28": {npy.ShortData, "", -1},
	"N29": {npy.TrailingData, "", 152},
	"N30": {npy.BadOrder, "fortran_order", 44},
	"N31": {npy.BadOrder, "fortran_order", 44},
	"N32": {npy.DuplicateKey, "shape", 68},
	"N33": {npy.UnknownKey, "extra", 68},
	"N34": {npy.BadShape, "shape", 61},
	"N35": {npy.BadShape, "shape", 61},
	"N36": {npy.HeaderLength, "", 8},
	"N37": {npy.HeaderText, "", -1},
	"N38": {npy.BadShape, "shape", 60},
	"N39": {npy.BadShape, "shape", 61},
	"N40": {npy.HeaderLength, "", 8},
	"N41": {npy.HeaderText, "", 51},
	"N42": {npy.BadShape, "shape", -1},
	"N43": {npy.BadShape, "shape", 61},
	"N44": {npy.BadShape, "shape", 61},
	"N45": {npy.BadShape, "shape", 61},
	"N46": {npy.BadShape, "shape", 61},
	"N47": {npy.BadMagic, "", 0},
	"N48": {npy.BadDescr, "descr", 20},
	"N49": {npy.BadDescr, "descr", 20},
	"N50": {npy.BadDescr, "descr", 20},
	"N51": {npy.BadDescr, "descr", 20},
	"N52": {npy.BadShape, "shape", 61},
	"N53": {npy.BadShape, "shape", 60},
	"N54": {npy.BadVersion, "", 6},
	"N55": {npy.HeaderText, "", -1},
	"N58": {npy.BadDescr, "descr", 20},
	"N59": {npy.BadShape, "shape", 61},
	"N60": {npy.BadDescr, "descr", 20},
	"N61": {npy.BadDescr, "descr", 20},
	"N62": {npy.BadDescr, "descr", 20},
}

func TestRows(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range hostile.NPY() {
		require.False(t, seen[c.ID], c.ID)
		seen[c.ID] = true
		t.Run(c.ID, func(t *testing.T) {
			path, err := c.Write(t.TempDir())
			require.NoError(t, err)
			start := hostile.CPU()
			f, err := npy.Open(path)
			require.True(t, hostile.Race || hostile.CPU()-start < 10*time.Second)
			if c.Verdict == hostile.Accept {
				require.NoError(t, err)
				require.NoError(t, f.Close())
				return
			}
			require.Error(t, err)
			require.NoError(t, c.CheckLine(err.Error()))
			require.Contains(t, err.Error(), path)
			require.False(t, fault.IsCannotRun(err), "bad input is not a fault of the system")
			var e *npy.Error
			require.ErrorAs(t, err, &e)
			want, ok := refusals[c.ID]
			require.True(t, ok, "no expectation for %s: %v", c.ID, err)
			require.ErrorIs(t, err, want.reason, "%v", err)
			require.Equal(t, path, e.Path)
			require.Equal(t, want.field, e.Field)
			if want.offset >= 0 {
				require.Equal(t, want.offset, e.Offset, "%v", err)
			}
		})
	}
	require.Len(t, seen, 62+34)
}

func open(t *testing.T, id string) *npy.File {
	t.Helper()
	for _, c := range hostile.NPY() {
		if c.ID == id {
			b := c.Bytes()
			f, err := npy.NewFile(bytes.NewReader(b), int64(len(b)), id)
			require.NoError(t, err)
			return f
		}
	}
	t.Fatal(id)
	return nil
}

// read returns all values by Values, which must agree with the bytes of ReadAt.
func read(t *testing.T, f *npy.File) (all []float64) {
	t.Helper()
	values, err := f.Values()
	require.NoError(t, err)
	raw := make([]byte, f.Bytes())
	_, err = f.ReadAt(raw, 0)
	require.True(t, err == nil || len(raw) == 0)
	again, err := binary.Append([]byte{}, binary.LittleEndian, values)
	require.NoError(t, err)
	require.Equal(t, raw, again)
	v := reflect.ValueOf(values)
	for i := range v.Len() {
		all = append(all, v.Index(i).Convert(reflect.TypeFor[float64]()).Float())
	}
	return all
}

func TestAcceptedRowsHoldWhatTheySay(t *testing.T) {
	six := []float64{1, 2, 3, 4, 5, 6}
	for _, id := range []string{"VN01", "VN02", "VN03", "VN06", "VN08", "VN09", "VN10", "VN11", "VN12", "VN27", "VN33", "VN34"} {
		f := open(t, id)
		require.Equal(t, six, read(t, f), id)
		if id == "VN12" {
			require.Equal(t, []int64{6}, f.Shape())
		} else {
			require.Equal(t, []int64{2, 3}, f.Shape(), id)
		}
		require.Equal(t, "F32", f.DType().Name, id)
	}
	require.Equal(t, []float64{1, 3, 5, 2, 4, 6}, read(t, open(t, "VN07")))
	require.Equal(t, []float64{1}, read(t, open(t, "VN04")))
	require.Empty(t, read(t, open(t, "VN05")))
	require.Equal(t, []float64{0, 1, 2, 255}, read(t, open(t, "N56")))
	special := read(t, open(t, "N57"))
	require.True(t, math.IsNaN(special[0]))
	require.True(t, math.Signbit(special[3]))
	special[0] = 0
	require.Equal(t, []float64{0, math.Inf(1), math.Inf(-1), 0, math.Float64frombits(0x36a0000000000000), 1}, special)
	for _, id := range []string{"VN25", "VN26"} {
		f := open(t, id)
		require.True(t, strings.HasPrefix(f.DType().Name, "C"))
		values, err := f.Values()
		require.NoError(t, err)
		require.Contains(t, fmt.Sprintf("%T", values), "[]complex")
		raw := make([]byte, f.Bytes())
		_, err = f.ReadAt(raw, 0)
		require.NoError(t, err)
	}
}

func TestBigEndianBytesComeOutLittleEndian(t *testing.T) {
	f := open(t, "VN06")
	require.False(t, f.Plain())
	raw := make([]byte, 4)
	_, err := f.ReadAt(raw, 8)
	require.NoError(t, err)
	require.Equal(t, float32(3), math.Float32frombits(binary.LittleEndian.Uint32(raw)))
}
