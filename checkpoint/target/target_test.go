package target_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/checkpoint/target"
	"github.com/weightinit/weightinit/dtype"
)

var three = []target.Entry{
	{Name: "a", Shape: []int64{4}, DType: dtype.F32},
	{Name: "b", Shape: []int64{}, DType: dtype.F64},
	{Name: "c", Shape: []int64{3, 2}, DType: dtype.BF16},
}

// requireSound demands that heads and values fill every file, without overlap.
func requireSound(t *testing.T, out *target.Target) {
	t.Helper()
	filled := make([]int64, len(out.Files))
	for i, f := range out.Files {
		filled[i] = int64(len(f.Head))
	}
	for i, at := range out.Values {
		require.Equal(t, filled[at.File], at.Offset, "entry %d begins where the one before it ends", i)
		n := int64(1)
		for _, d := range out.Entries[i].Shape {
			n *= d
		}
		filled[at.File] += n * out.Entries[i].DType.Size()
	}
	for i, f := range out.Files {
		require.Equal(t, f.Size, filled[i], f.Name)
	}
}

func TestEveryOutputIsItsHeadsAndValues(t *testing.T) {
	one, err := target.Safetensors(three, map[string]string{"format": "pt"})
	require.NoError(t, err)
	requireSound(t, one)
	require.False(t, one.Folder())
	require.Len(t, one.Files, 1)

	folder, err := target.NPY(three, nil)
	require.NoError(t, err)
	requireSound(t, folder)
	require.True(t, folder.Folder())
	require.Equal(t, []string{"a.npy", "b.npy", "c.npy", "manifest.json"}, names(folder))
	require.Greater(t, folder.Files[3].Order, folder.Files[0].Order, "the manifest comes last")

	file, err := target.NPYFile(three[2])
	require.NoError(t, err)
	requireSound(t, file)
	require.False(t, file.Folder())

	face, err := target.HuggingFace(three, nil, target.Folder{Config: []byte(`{"b":1}`)})
	require.NoError(t, err)
	requireSound(t, face)
	require.Equal(t, []string{"model.safetensors", "config.json"}, names(face))
}

func names(t *target.Target) []string {
	var out []string
	for _, f := range t.Files {
		out = append(out, f.Name)
	}
	return out
}

func TestShardsAreSplitByTheRuleOfHuggingFace(t *testing.T) {
	entries := func(sizes ...int64) []target.Entry {
		var out []target.Entry
		for i, n := range sizes {
			out = append(out, target.Entry{Name: fmt.Sprint(i), Shape: []int64{n}, DType: dtype.F32})
		}
		return out
	}
	for name, c := range map[string]struct {
		sizes []int64
		want  [][]int
	}{
		"none":                       {nil, [][]int{nil}},
		"all fit":                    {[]int64{3, 3, 4}, [][]int{{0, 1, 2}}},
		"one too many":               {[]int64{3, 3, 5}, [][]int{{0, 1}, {2}}},
		"a large one comes first":    {[]int64{3, 11, 3}, [][]int{{1}, {0, 2}}},
		"as large as a file":         {[]int64{10, 10}, [][]int{{0}, {1}}},
		"empty tensors take no room": {[]int64{10, 0, 1}, [][]int{{0, 1}, {2}}},
	} {
		got, total, err := target.Split(entries(c.sizes...), 40)
		require.NoError(t, err, name)
		require.Equal(t, c.want, got, name)
		sum := int64(0)
		for _, n := range c.sizes {
			sum += 4 * n
		}
		require.Equal(t, sum, total, name)
	}
	out, err := target.HuggingFace(entries(5, 6, 11), nil, target.Folder{Config: []byte("{}"), MaxShard: 40})
	require.NoError(t, err)
	requireShards(t, out)
}

func requireShards(t *testing.T, out *target.Target) {
	t.Helper()
	require.Equal(t, []string{
		"model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors",
		"config.json", "model.safetensors.index.json",
	}, names(out))
	var index struct {
		Metadata  map[string]int64  `json:"metadata"`
		WeightMap map[string]string `json:"weight_map"`
	}
	require.NoError(t, json.Unmarshal(out.Files[4].Head, &index))
	require.Equal(t, map[string]int64{"total_size": 88}, index.Metadata)
	for i, e := range out.Entries {
		require.Equal(t, out.Files[out.Values[i].File].Name, index.WeightMap[e.Name])
	}
	require.Greater(t, out.Files[4].Order, out.Files[3].Order, "the index comes last")
}

func TestWhatCannotBeWrittenIsRefused(t *testing.T) {
	twice := []target.Entry{three[0], three[0]}
	_, err := target.Safetensors(twice, nil)
	require.ErrorContains(t, err, `"a"`)
	_, err = target.NPY(twice, nil)
	require.ErrorContains(t, err, `"a"`)
	_, err = target.NPY([]target.Entry{{Name: "../x", Shape: []int64{1}, DType: dtype.F32}}, nil)
	require.ErrorContains(t, err, "../x")
	_, err = target.NPYFile(target.Entry{Name: "x", Shape: []int64{-1}, DType: dtype.F32})
	require.ErrorContains(t, err, "x")
	_, err = target.HuggingFace(three, nil, target.Folder{Config: []byte("{")})
	require.ErrorContains(t, err, "config")
	_, _, err = target.Split([]target.Entry{{Name: "x", Shape: []int64{1 << 62, 4}, DType: dtype.F32}}, 1)
	require.ErrorContains(t, err, "x")
}
