package rng

import (
	"github.com/weightinit/weightinit/rng/internal/isa"
	"github.com/weightinit/weightinit/rng/internal/jump"
)

// ISA returns the name of the instruction set that draws: generic, avx2, avx512
// or neon. At the start of the program it is the best of this processor, or the
// one that the environment variable WEIGHTINIT_ISA names. The error says what
// is wrong with that name, if it is none or the processor lacks it; then the
// variable counts as not set. It never changes what is drawn.
func ISA() (name string, err error) { return isa.Active().String(), isa.Environment() }

// SetISA chooses the instruction set that draws from now on, in all streams:
// one of [ISAs], or auto for the best. An error says that the name is none, or
// what the processor lacks; then nothing changes.
func SetISA(name string) error {
	i, err := isa.Parse(name)
	if err != nil {
		return err
	}
	isa.Set(i)
	allowJumps()
	return nil
}

// allowJumps lets jumps use assembly unless plain Go was asked for.
func allowJumps() { jump.AllowAssembly(isa.Active() != isa.Generic) }

func init() { allowJumps() }

// ISAs returns the names of the instruction sets that can be chosen here, the
// slowest first.
func ISAs() []string {
	var names []string
	for _, i := range isa.Supported() {
		names = append(names, i.String())
	}
	return names
}
