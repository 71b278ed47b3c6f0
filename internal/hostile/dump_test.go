package hostile_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/checkpoint/npy"
	"github.com/weightinit/weightinit/checkpoint/safetensors"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/hostile"
)

// dumped is one line for scripts/reference/hostile: a file and what our reader
// says of it.
type dumped struct {
	ID     string `json:"id"`
	Format string `json:"format"` // "safetensors" or "npy"
	// Data is the whole file (base64); File is a path in its place where the
	// file is large.
	Data []byte `json:"data,omitempty"`
	File string `json:"file,omitempty"`
	// Row says that this is a row of a table, so that Reference counts.
	Row       bool   `json:"row"`
	Reference string `json:"reference,omitempty"`
	// Accepted says what our reader does, Reason why it refuses.
	Accepted bool     `json:"accepted"`
	Reason   string   `json:"reason,omitempty"`
	Line     string   `json:"line,omitempty"`
	Tensors  []values `json:"tensors,omitempty"`
}

// values is a tensor as our reader gives it.
type values struct {
	Name   string  `json:"name"`
	DType  string  `json:"dtype"`
	Shape  []int64 `json:"shape"`
	SHA256 string  `json:"sha256"` // of the bytes in C order, little-endian
}

// TestDumpCases judges all rows, files made of them by random changes, and
// headers that we write. scripts/reference/hostile calls it with a folder and
// compares what it writes there with the formats' own readers; without a folder
// it still says whether our readers are at peace with our tables.
func TestDumpCases(t *testing.T) {
	dir, changes := os.Getenv("WEIGHTINIT_DUMP_CASES"), 5
	if n, err := strconv.Atoi(os.Getenv("WEIGHTINIT_DUMP_CHANGES")); err == nil {
		changes = n
	}
	large := dir != ""
	if !large {
		dir = t.TempDir()
	}
	require.NoError(t, os.MkdirAll(dir, 0o777))
	f, err := os.Create(filepath.Join(dir, "cases.jsonl"))
	require.NoError(t, err)
	w := bufio.NewWriter(f)
	out := json.NewEncoder(w)
	random := rand.New(rand.NewPCG(1, 2))
	for _, format := range []string{"safetensors", "npy"} {
		cases := hostile.Safetensors()
		if format == "npy" {
			cases = hostile.NPY()
		}
		for _, c := range cases {
			if c.Large && !large {
				continue
			}
			data := c.Bytes()
			d := judge(t, format, data)
			d.ID, d.Row, d.Reference = c.ID, true, c.Reference
			require.Equal(t, c.Verdict != hostile.Refuse, d.Accepted, "%s: %s", c.ID, d.Line)
			require.False(t, d.Accepted && c.Reference == "R", "%s: only we accept it", c.ID)
			if len(data) > 1<<20 {
				d.File, err = c.Write(dir)
				require.NoError(t, err)
				d.Data = nil
			}
			require.NoError(t, out.Encode(d))
			if len(data) > 1000 {
				continue
			}
			for i := range changes {
				d := judge(t, format, change(random, format, data))
				d.ID = fmt.Sprintf("%s/%d", c.ID, i)
				require.NoError(t, out.Encode(d))
			}
		}
	}
	for i, file := range written(t, random) {
		format := []string{"safetensors", "npy"}[i%2]
		d := judge(t, format, file)
		require.True(t, d.Accepted, d.Line)
		d.ID, d.Row, d.Reference = fmt.Sprintf("written/%s/%d", format, i/2), true, "A"
		require.NoError(t, out.Encode(d))
	}
	require.NoError(t, w.Flush())
	require.NoError(t, f.Close())
}

// judge reads a file with our reader.
func judge(t *testing.T, format string, data []byte) dumped {
	d := dumped{Format: format, Data: data}
	digest := func(size int64, read func(p []byte) (int, error)) string {
		p := make([]byte, size)
		n, err := read(p)
		require.True(t, err == nil || err == io.EOF && int64(n) == size, "%v", err)
		sum := sha256.Sum256(p)
		return hex.EncodeToString(sum[:])
	}
	r := bytes.NewReader(data)
	if format == "npy" {
		f, err := npy.NewFile(r, int64(len(data)), "case.npy")
		if err != nil {
			d.Line = err.Error()
			d.Reason = err.(*npy.Error).Reason.Error()
			return d
		}
		d.Accepted = true
		d.Tensors = []values{{"", f.DType().Name, f.Shape(), digest(f.Bytes(), func(p []byte) (int, error) { return f.ReadAt(p, 0) })}}
		return d
	}
	f, err := safetensors.NewFile(r, int64(len(data)), "case.safetensors")
	if err != nil {
		d.Line = err.Error()
		d.Reason = err.(*safetensors.Error).Reason.Error()
		return d
	}
	d.Accepted = true
	for i, x := range f.Tensors() {
		if i == 1000 {
			break
		}
		d.Tensors = append(d.Tensors, values{x.Name, x.DType, x.Shape, digest(x.End-x.Begin, func(p []byte) (int, error) { return f.ReadAt(p, i, 0) })})
	}
	return d
}

// words that a change puts into a header, or takes from it.
var jsonWords = []string{
	"0", "1", "2", "4", "16", "00", "-1", "-0", "1e0", "1.0", "9223372036854775807", "9223372036854775808", "18446744073709551615",
	"null", "true", "[]", "{}", "[0]", `""`, `"x"`, `"F32"`, `"I8"`, `"F4"`, `"dtype"`, `"shape"`, `"data_offsets"`, `"__metadata__"`, `"alpha"`, `"al\u0070ha"`,
	"[", "]", "{", "}", ",", ":", " ", "\n", "\t", "\r", "\f", "\x00", "\\", `\u0000`, `\ud800`, `\ud83d\ude00`, "\xff", "\xc3\xa9", "\u2028", "\"",
	`"__metadata__":{"a":"b"},`, `,"__metadata__":null`, `"dtype":"F32",`, `"x":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},`,
}

var pythonWords = []string{
	"0", "1", "2", "3", "6", "00", "01", "-1", "+1", "1_0", "0x2", "0b1", "1.0", "1e0", "1L", "True", "False", "None", "9223372036854775807", "9223372036854775808",
	"'<f4'", "'>f4'", "'|b1'", "'<b1'", "'|f4'", "'f4'", "'<f'", "'<i1'", "'>u1'", "'|i1'", "'<f8'", "'<f2'", "'<c8'", "'<c16'", "'<f16'", "'<i16'", "'<c4'", "'>c8'", "'|u2'", "'float32'",
	"'descr'", "'shape'", "'fortran_order'", "'", "\"", "(", ")", "[", "]", "{", "}", ",", ":", " ", "\n", "\t", "\r", "\f", "\v", "\x00", "\\", "\\n", "#", "#x\n", "u", "b", "r", "()", "(6,)", "(2,3)", "(3,2,)",
	"\xff", "\xc3\xa9", "\u00a0", "'descr': '<f4',", "*", "+", "-", "not ", "~", ";", "\\\n",
}

// change makes a few random changes in the header of a file and, mostly, sets
// the length field right.
func change(random *rand.Rand, format string, data []byte) []byte {
	start, vocabulary := 8, jsonWords
	if format == "npy" {
		start, vocabulary = 10, pythonWords
		if len(data) > 6 && data[6] > 1 {
			start = 12
		}
	}
	if len(data) <= start {
		return append(bytes.Clone(data), byte(random.IntN(256)))
	}
	end := start + headerLength(format, data)
	if end > len(data) || end < start {
		end = len(data)
	}
	header, rest := string(data[start:end]), data[end:]
	for range 1 + random.IntN(3) {
		i := random.IntN(len(header) + 1)
		j := min(len(header), i+random.IntN(4))
		word := vocabulary[random.IntN(len(vocabulary))]
		switch random.IntN(5) {
		case 0: // put in
			header = header[:i] + word + header[i:]
		case 1: // cut out
			header = header[:i] + header[j:]
		case 2, 3: // a word for another
			if at := token(random, header); at[1] > at[0] {
				header = header[:at[0]] + word + header[at[1]:]
			}
		case 4: // a byte for another
			if i < len(header) {
				header = header[:i] + string([]byte{byte(random.IntN(256))}) + header[i+1:]
			}
		}
	}
	if random.IntN(10) == 0 {
		rest = rest[:random.IntN(len(rest)+1)]
	}
	out := append(bytes.Clone(data[:start]), header...)
	if random.IntN(20) != 0 {
		setHeaderLength(format, out, len(header))
	}
	return append(out, rest...)
}

// token is a run of digits, letters or quotes around a random place.
func token(random *rand.Rand, s string) [2]int {
	if s == "" {
		return [2]int{}
	}
	word := func(c byte) bool {
		return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '"' || c == '\'' || c == '_' || c == '<' || c == '>' || c == '|' || c == '-'
	}
	i := random.IntN(len(s))
	for n := 0; n < len(s) && !word(s[i]); n++ {
		i = (i + 1) % len(s)
	}
	j := i
	for i > 0 && word(s[i-1]) {
		i--
	}
	for j < len(s) && word(s[j]) {
		j++
	}
	return [2]int{i, j}
}

func headerLength(format string, data []byte) int {
	if format == "safetensors" || data[6] > 1 {
		at := 0
		if format == "npy" {
			at = 8
		}
		return int(data[at]) | int(data[at+1])<<8 | int(data[at+2])<<16
	}
	return int(data[8]) | int(data[9])<<8
}

func setHeaderLength(format string, data []byte, n int) {
	at := 0
	if format == "npy" {
		at = 8
	}
	data[at], data[at+1] = byte(n), byte(n>>8)
}

// written are files with headers that we write, by turns in both formats.
func written(t *testing.T, random *rand.Rand) [][]byte {
	dtypes := dtype.All()
	var files [][]byte
	for i := range 200 {
		stored := dtypes[i%len(dtypes)]
		var entries []safetensors.Entry
		for j := range random.IntN(4) {
			entries = append(entries, safetensors.Entry{
				Name:  fmt.Sprintf("t%d.\u00e9\u2028\"\\\n\U0001F600", j),
				DType: stored, Shape: []int64{random.Int64N(3), random.Int64N(5)},
			})
		}
		var metadata map[string]string
		if i%3 > 0 {
			metadata = map[string]string{"format": "pt", "key\x01": "value\u2029\t"}
		}
		header, _, total, err := safetensors.Header(entries, metadata)
		require.NoError(t, err)
		file := append(header, make([]byte, total-int64(len(header)))...)
		for k := len(header); k < len(file); k++ {
			file[k] = byte(k)
		}
		shape := []int64{}
		elements := int64(1)
		for range random.IntN(24) {
			d := int64(1)
			if elements < 1000 {
				d = 1 + random.Int64N(12)
			}
			shape = append(shape, d)
			elements *= d
		}
		array, err := npy.Header(stored, shape)
		require.NoError(t, err)
		files = append(files, file, append(array, make([]byte, elements*stored.Size())...))
	}
	return files
}
