package safetensors

import (
	"fmt"
	"strings"

	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
)

// findings collects the warnings of a file, of which a file of a million names
// must not make a million.
type findings struct {
	lines []string
	more  int
}

func (f *findings) add(line string) {
	if len(f.lines) >= limits.Warnings {
		f.more++
		return
	}
	f.lines = append(f.lines, line)
}

// done says how many warnings were left out.
func (f *findings) done(path string) {
	if f.more > 0 {
		f.lines = append(f.lines, fmt.Sprintf("safetensors: %s: %d more warnings of this kind", shown.Path(path), f.more))
	}
}

// checkName warns of a name that the format allows and that no program should
// make a path of.
func (h *header) checkName(name string, at int64) {
	problem := ""
	switch {
	case name == "":
		problem = "the name is empty"
	case strings.ContainsRune(name, 0):
		problem = "the name has a NUL byte"
	case leavesFolder(name):
		problem = "the name would leave its folder as a path"
	default:
		return
	}
	h.findings.add(fmt.Sprintf("safetensors: %s: header byte %d: tensor %s: %s: it is never used as a file name", shown.Path(h.path), at, shown.Quote(name), problem))
}

// leavesFolder reports whether name, taken as a path on any system, is absolute
// or goes up.
func leavesFolder(name string) bool {
	if name[0] == '/' || name[0] == '\\' {
		return true
	}
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == ".." {
			return true
		}
	}
	return false
}
