package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/arch/arm64/arm64asm"
)

// decode says in the manual's words what an instruction does.
func decode(t *testing.T, code uint32) string {
	t.Helper()
	i, err := arm64asm.Decode(binary.LittleEndian.AppendUint32(nil, code))
	if err != nil {
		t.Fatalf("%08x: %v", code, err)
	}
	return i.String()
}

var encoded = regexp.MustCompile(`^WORD \$0x([0-9a-f]{8}) // (.+)$`)

// check decodes a line and compares it with its own comment.
func check(t *testing.T, line string) {
	t.Helper()
	m := encoded.FindStringSubmatch(strings.TrimSpace(line))
	if m == nil {
		t.Fatalf("%q is not an encoded instruction", line)
	}
	code, err := strconv.ParseUint(m[1], 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	if got := decode(t, uint32(code)); got != m[2] {
		t.Fatalf("%s is %s", line, got)
	}
}

func TestEveryFormSaysWhatItsCommentSays(t *testing.T) {
	forms := []form{fadd, fmul, fcmeq, fneg, fsqrt, scvtf, fcvtn, fcvtn2}
	for n := 1; n <= 32; n++ {
		forms = append(forms, signedShift(n))
	}
	for i := range lanes {
		forms = append(forms, fmulLane(i), fmlaLane(i), fmlsLane(i))
	}
	for _, f := range forms {
		for r := range registers {
			// Different registers in each place, all of them in every place.
			numbers := []int{r, (r + 11) % registers, (r*5 + 7) % registers}
			check(t, f.word(numbers[:strings.Count(f.text, "%d")]...))
		}
	}
}

func TestEveryEncodedLineSaysWhatItsCommentSays(t *testing.T) {
	text, err := kernels().assembly()
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "WORD") {
			check(t, line)
			count++
		}
	}
	if count < 100 {
		t.Fatalf("only %d encoded instructions", count)
	}
}

func TestTheFilesOfTheKernelAreThose(t *testing.T) {
	g := kernels()
	assembly, err := g.assembly()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{"neon_arm64.s": assembly, "neon_arm64.go": g.declarations()} {
		got, err := os.ReadFile(filepath.Join("..", "kernel", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is out of date: go run . in rng/internal/_neon", name)
		}
	}
}
