package cli

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/internal/strictjson"
)

func TestParseWant(t *testing.T) {
	got, err := parseWant([]byte(` {"tensors": [{"name":"a"}, {"as":"é","sizes":[3,0],"offsets":[0,9223372036854775807],"name":"b"}, {"name":"s","offsets":[],"sizes":[]}]} `))
	require.NoError(t, err)
	require.Equal(t, []weightinit.Region{
		{Name: "a"}, {Name: "b", As: "é", Offsets: []int64{0, 1<<63 - 1}, Sizes: []int64{3, 0}}, {Name: "s", Offsets: []int64{}, Sizes: []int64{}},
	}, got)
	got, err = parseWant([]byte(`{"tensors":[]}`))
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestParseWantRefuses(t *testing.T) {
	many := "[" + strings.Repeat("0,", 64) + "0]"
	for text, want := range map[string]string{
		"":                            "the text ends",
		"[]":                          "want an object, found an array",
		"{}":                          `no "tensors"`,
		`{"tensors":{}}`:              "want an array",
		`{"tensor":[]}`:               `unknown key "tensor": use tensors`,
		`{"tensors":[]} x`:            "nothing may follow",
		`{"tensors":[],"tensors":[]}`: `duplicate name "tensors"`,
		`{"tensors":["w"]}`:           "tensors[0]: byte 12: want an object, found a string",
		`{"tensors":[{}]}`:            `tensors[0]: no "name"`,
		`{"tensors":[{"name":3}]}`:    "want a string, found a number",
		`{"tensors":[{"name":"w"},{"name":"v","as":""}]}`:            `tensors[1] "v": as is empty`,
		`{"tensors":[{"name":"w","as":null}]}`:                       "want a string, found null",
		`{"tensors":[{"name":"w","name":"v"}]}`:                      `tensors[0] "w": byte 24: duplicate name "name"`,
		`{"tensors":[{"name":"w","size":[1]}]}`:                      `tensors[0] "w": unknown key "size": use name, offsets, sizes or as`,
		`{"tensors":[{"name":"w","sizes":[1,"2"]}]}`:                 "want a number, found a string",
		`{"tensors":[{"name":"w","sizes":[1,-2]}]}`:                  `tensors[0] "w": sizes[1] is -2: must be a whole number`,
		`{"tensors":[{"name":"w","sizes":[-0]}]}`:                    "sizes[0] is -0",
		`{"tensors":[{"name":"w","offsets":[1e3]}]}`:                 "offsets[0] is 1e3",
		`{"tensors":[{"name":"w","offsets":[9223372036854775808]}]}`: "offsets[0] is 9223372036854775808",
		`{"tensors":[{"name":"w","offsets":` + many + `}]}`:          "offsets: more than 64 numbers, the limit",
		`{"tensors":[{"name":"w"}`:                                   "the text ends",
		"{\"tensors\":[{\"name\":\"\xff\"}]}":                        "UTF-8",
		strings.Repeat("[", 100):                                     "want an object",
	} {
		_, err := parseWant([]byte(text))
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "\n")
		require.Less(t, len(err.Error()), 600)
	}
	_, err := parseWant([]byte(`{"tensors":[{"name":"w","name":"v"}]}`))
	require.True(t, errors.Is(err, strictjson.Duplicate))
}

// FuzzWant reads a list, and what was read written anew.
func FuzzWant(f *testing.F) {
	for _, text := range []string{
		`{"tensors":[{"name":"a"},{"name":"b","offsets":[1,2],"sizes":[3,4],"as":"c"},{"name":"s","offsets":[],"sizes":[]}]}`,
		`{"tensors":[]}`, `{"tensors":[{"name":"a","name":"b"}]}`, `{"tensors":[{"name":"a","sizes":[1e3,-0,0.5]}]}`, `{"x":1}`, `[`, "\xff",
		`{"tensors":[{"name":"\ud83d\ude00\n","sizes":[9223372036854775807]}]}`,
	} {
		f.Add([]byte(text))
	}
	type entry struct {
		Name    string  `json:"name"`
		Offsets []int64 `json:"offsets,omitzero"`
		Sizes   []int64 `json:"sizes,omitzero"`
		As      string  `json:"as,omitempty"`
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		regions, err := parseWant(text)
		if err != nil {
			if line := err.Error(); strings.ContainsAny(line, "\n\r\x1b") || len(line) > 2000 {
				t.Fatalf("%q: %q", text, line)
			}
			return
		}
		list := struct {
			Tensors []entry `json:"tensors"`
		}{Tensors: []entry{}}
		for _, r := range regions {
			list.Tensors = append(list.Tensors, entry(r))
		}
		again, err := json.Marshal(list)
		require.NoError(t, err)
		got, err := parseWant(again)
		require.NoError(t, err)
		require.Equal(t, regions, got)
		// encoding/json, which is laxer, reads the same.
		list.Tensors = nil
		require.NoError(t, json.Unmarshal(text, &list))
		require.Len(t, list.Tensors, len(regions))
		for i, e := range list.Tensors {
			require.Equal(t, regions[i], weightinit.Region(e))
		}
	})
}
