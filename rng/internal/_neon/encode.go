package main

import (
	"fmt"
	"strings"
)

// form is an instruction that the Go assembler lacks: its bits with all
// registers 0, and how the manual writes it, with a verb for each register.
// Registers are at bits 0, 5 and 16, the destination first.
type form struct {
	code uint32
	text string
}

// The forms are of the Arm Architecture Reference Manual, chapter C7.
var (
	fadd   = form{0x4e20d400, "FADD V%d.4S, V%d.4S, V%d.4S"}
	fmul   = form{0x6e20dc00, "FMUL V%d.4S, V%d.4S, V%d.4S"}
	fcmeq  = form{0x4e20e400, "FCMEQ V%d.4S, V%d.4S, V%d.4S"}
	fneg   = form{0x6ea0f800, "FNEG V%d.4S, V%d.4S"}
	fsqrt  = form{0x6ea1f800, "FSQRT V%d.4S, V%d.4S"}
	scvtf  = form{0x4e21d800, "SCVTF V%d.4S, V%d.4S"}
	fcvtn  = form{0x0e216800, "FCVTN V%d.4H, V%d.4S"}
	fcvtn2 = form{0x4e216800, "FCVTN2 V%d.8H, V%d.4S"}
)

// signedShift is the arithmetic right shift by n, 1 to 32.
func signedShift(n int) form {
	return form{0x4f000400 | uint32(64-n)<<16, fmt.Sprintf("SSHR V%%d.4S, V%%d.4S, #%d", n)}
}

// The products of a vector and one number of another vector, the last operand.
func fmulLane(lane int) form { return byLane("FMUL", 0x4f809000, lane) }
func fmlaLane(lane int) form { return byLane("FMLA", 0x4f801000, lane) }
func fmlsLane(lane int) form { return byLane("FMLS", 0x4f805000, lane) }

func byLane(name string, code uint32, lane int) form {
	low, high := uint32(lane)&1, uint32(lane)>>1
	return form{code | low<<21 | high<<11, fmt.Sprintf("%s V%%d.4S, V%%d.4S, V%%d.S[%d]", name, lane)}
}

// word writes the instruction with the registers in the order of the manual.
func (f form) word(registers ...int) string {
	code := f.code
	var args []any
	for i, r := range registers {
		code |= uint32(r) << [...]int{0, 5, 16}[i]
		args = append(args, r)
	}
	if strings.Count(f.text, "%d") != len(registers) {
		panic(fmt.Sprintf("%q with %d registers", f.text, len(registers)))
	}
	return fmt.Sprintf("WORD $0x%08x // "+f.text, append([]any{code}, args...)...)
}
