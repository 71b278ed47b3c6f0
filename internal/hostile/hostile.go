// Package hostile holds the tables of bad, odd and sound input files that every
// reader must treat as the project's specification says. The files are built by
// code from their description, one case a row, under the numbers of the
// specification's tables (S, VS: safetensors; N, VN: .npy; X, VX: directories
// and archives).
//
// It is for tests: of the readers, of the command line, and of the comparison
// with the formats' own readers. It reads nothing and judges nothing.
package hostile

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// Verdict is what a reader must say of a file.
type Verdict string

// The verdicts. Refuse: exit code 2 and one line on standard error. Warn: exit
// code 0 and one line a finding, beginning "warning:". Accept: exit code 0 and
// no warning.
const (
	Refuse Verdict = "refuse"
	Warn   Verdict = "warn"
	Accept Verdict = "accept"
)

// Case is one row of a table.
type Case struct {
	// ID is the row's number, such as "S09".
	ID string
	// Name says in a few words what the file is.
	Name    string
	Verdict Verdict
	// MustName lists words that the line of a refusal (or the warnings) must
	// contain, in any letter case, beside the path. The word "warning" of the
	// table is not in it: the command line puts it in front.
	MustName []string
	// Reference is what the format's own reader does: "A", "R", or empty where
	// nobody measured it.
	Reference string
	// Large says that the file has up to 100 MB, or very many tensors: tests skip
	// it where memory or time is short.
	Large bool
	// Bytes makes the file; nil for a case that is a directory or no file at
	// all, which only Write makes.
	Bytes func() []byte

	ext   string
	write func(dir string) (string, error)
}

// Write puts the case into an existing directory, which must hold nothing else
// of the same number, and returns the path to read.
func (c Case) Write(dir string) (path string, err error) {
	if c.write != nil {
		return c.write(dir)
	}
	path = filepath.Join(dir, c.ID+c.ext)
	return path, os.WriteFile(path, c.Bytes(), 0o666)
}

// words splits the column "must name" at its commas.
func words(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ", ")
}

// floats returns the numbers 1, 2, 3, 4, 1, … as float32, little-endian, cut
// after n bytes.
func floats(n, cycle int) []byte {
	var b []byte
	for i := 0; len(b) < n; i++ {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(i%cycle+1)))
	}
	return b[:n]
}

// special is the data of S78 and N57: NaN, Inf, -Inf, -0, the smallest
// denormal, 1.
func special() []byte {
	var b []byte
	for _, bits := range []uint32{0x7fc00000, 0x7f800000, 0xff800000, 0x80000000, 1, 0x3f800000} {
		b = binary.LittleEndian.AppendUint32(b, bits)
	}
	return b
}

// emptyZip is a complete archive with no member.
func emptyZip() []byte { return append([]byte("PK\x05\x06"), make([]byte, 18)...) }

// fromHex decodes hexadecimal digits with spaces.
func fromHex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic("hostile: " + err.Error())
	}
	return b
}
