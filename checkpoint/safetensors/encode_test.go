package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/layout"
)

func TestHeaderIsTheExpectedText(t *testing.T) {
	header, offsets, total, err := Header([]Entry{
		{Name: "w", DType: layout.F32, Shape: []int64{2, 3}},
		{Name: "größe\"\\\u2028\x01\n", DType: layout.BF16, Shape: []int64{0, 7}},
		{Name: "b", DType: layout.F64, Shape: nil},
	}, map[string]string{"z": "last", "format": "pt"})
	require.NoError(t, err)
	want := `{"__metadata__":{"format":"pt","z":"last"},` +
		`"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},` +
		`"größe\"\\\u2028\u0001\n":{"dtype":"BF16","shape":[0,7],"data_offsets":[24,24]},` +
		`"b":{"dtype":"F64","shape":[],"data_offsets":[24,32]}}`
	require.Equal(t, want, strings.TrimRight(string(header[8:]), " "))
	require.Zero(t, len(header)%Alignment)
	require.Less(t, len(header), 8+len(want)+Alignment)
	require.Equal(t, uint64(len(header)-8), binary.LittleEndian.Uint64(header))
	data := int64(len(header))
	require.Equal(t, []int64{data, data + 24, data + 24}, offsets)
	require.Equal(t, data+32, total)
}

func TestHeaderOfNothing(t *testing.T) {
	header, offsets, total, err := Header(nil, nil)
	require.NoError(t, err)
	require.Empty(t, offsets)
	require.Equal(t, int64(Alignment), total)
	require.Equal(t, "{}"+strings.Repeat(" ", Alignment-10), string(header[8:]))
}

func TestHeaderRefusesWhatTheReaderRefuses(t *testing.T) {
	one := func(name string, shape ...int64) []Entry {
		return []Entry{{Name: name, DType: layout.F32, Shape: shape}}
	}
	for name, c := range map[string]struct {
		entries  []Entry
		metadata map[string]string
		want     string
	}{
		"duplicate":    {append(one("a"), one("a")...), nil, "duplicate"},
		"reserved":     {one("__metadata__"), nil, "reserved"},
		"UTF-8":        {one("\xff"), nil, "UTF-8"},
		"negative":     {one("a", 2, -1), nil, "negative"},
		"elements":     {one("a", 1<<32, 1<<32), nil, "limit"},
		"bytes":        {one("a", 1<<61), nil, "limit"},
		"hidden":       {one("a", 0, 1<<62), nil, "limit"},
		"file":         {append(one("a", 1<<60), one("b", 1<<60)...), nil, "limit"},
		"dimensions":   {one("a", make([]int64, 65)...), nil, "64"},
		"dtype":        {[]Entry{{Name: "a"}}, nil, "dtype"},
		"metadata key": {nil, map[string]string{"\xff": ""}, "UTF-8"},
		"metadata":     {nil, map[string]string{"a": "\xff"}, "UTF-8"},
		"too many":     {make([]Entry, limits.Tensors+1), nil, "dtype"},
	} {
		_, _, _, err := Header(c.entries, c.metadata)
		require.ErrorContains(t, err, c.want, name)
		require.Less(t, len(err.Error()), 2000, name)
		require.NotContains(t, err.Error(), "\n", name)
	}
	_, _, _, err := encode(make([]rawEntry, limits.Tensors+1), nil, 1)
	require.ErrorContains(t, err, "limit")
}

// The largest header, padding included, is written; one byte more is refused.
func TestHeaderLimit(t *testing.T) {
	const limit = 4*Alignment - lengthBytes
	around := len(`{"":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}`)
	named := func(n int) []rawEntry {
		return []rawEntry{{name: strings.Repeat("x", n), dtype: "F32"}}
	}
	header, _, _, err := encode(named(limit-around), nil, limit)
	require.NoError(t, err)
	require.Len(t, header, limit+lengthBytes)
	_, _, _, err = encode(named(limit-around+1), nil, limit)
	require.ErrorContains(t, err, "limit")
	_, _, _, err = encode(append(named(limit), named(2)...), nil, limit)
	require.ErrorContains(t, err, "limit")
}

func genText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringN(0, 20, 40),
		rapid.SampledFrom([]string{"", ".", "..", "a/b", "\x00", "\u2028\u2029", "\u009b\u001b", `"\`, "\U0001F600", "\ufeff", "\u202e"}),
	)
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var entries []rawEntry
		for i, name := range rapid.SliceOfNDistinct(genText(), 0, 6, rapid.ID[string]).Draw(t, "names") {
			if name == metadataKey {
				continue
			}
			entries = append(entries, rawEntry{
				name:  name,
				dtype: rapid.SampledFrom(DTypes()).Draw(t, fmt.Sprint("dtype", i)),
				shape: append(rapid.SliceOfN(rapid.Int64Range(0, 5), 0, 3).Draw(t, fmt.Sprint("shape", i)), 8),
			})
		}
		metadata := rapid.MapOfN(genText(), genText(), 0, 4).Draw(t, "metadata")
		header, offsets, total, err := encode(entries, metadata, limits.SafetensorsHeader)
		require.NoError(t, err)
		file := append(header, make([]byte, total-int64(len(header)))...)
		f, err := NewFile(bytes.NewReader(file), total, "x")
		require.NoError(t, err)
		require.Equal(t, int64(len(header)), f.DataOffset())
		require.Len(t, f.Tensors(), len(entries))
		for i, tensor := range f.Tensors() {
			require.Equal(t, entries[i], rawEntry{tensor.Name, tensor.DType, tensor.Shape})
			require.Equal(t, offsets[i], f.DataOffset()+tensor.Begin)
		}
		if len(metadata) == 0 {
			require.Empty(t, f.Metadata())
		} else {
			require.Equal(t, metadata, f.Metadata())
		}
		again, _, _, err := encode(entries, metadata, limits.SafetensorsHeader)
		require.NoError(t, err)
		require.Equal(t, header, again)
	})
}

func TestBitsOfUnknownNames(t *testing.T) {
	for _, name := range []string{"", "f32", "F33", "C128"} {
		_, ok := Bits(name)
		require.False(t, ok, name)
	}
}
