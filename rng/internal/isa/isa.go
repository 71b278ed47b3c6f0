// Package isa says which instruction set the kernels of package rng use: the
// best that this processor and the operating system have, or the one that
// WEIGHTINIT_ISA names. The choice never changes a bit of what is drawn.
//
// It holds no kernels: see package kernel.
package isa

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
)

// ISA is an instruction set for which there are kernels.
type ISA uint32

// The instruction sets, each with all it needs.
const (
	// Generic is plain Go.
	Generic ISA = iota
	// AVX2 stands for AVX2, FMA and F16C.
	AVX2
	// AVX512 stands for AVX-512 F, VL, DQ and BW, and all of AVX2's.
	AVX512
	// NEON stands for the Advanced SIMD of arm64. It has no order with the
	// instruction sets of amd64: none of them can be chosen where it can.
	NEON
)

var names = [...]string{Generic: "generic", AVX2: "avx2", AVX512: "avx512", NEON: "neon"}

// String returns the name that [Parse] reads.
func (i ISA) String() string {
	if int(i) < len(names) {
		return names[i]
	}
	return fmt.Sprintf("ISA(%d)", uint32(i))
}

// Variable is the environment variable that names the instruction set.
const Variable = "WEIGHTINIT_ISA"

var (
	active      atomic.Uint32
	environment error
)

func init() {
	active.Store(uint32(best()))
	if name := os.Getenv(Variable); name != "" {
		i, err := Parse(name)
		if err != nil {
			environment = fmt.Errorf("%s: %w", Variable, err)
			return
		}
		active.Store(uint32(i))
	}
}

// Active returns the instruction set in use.
func Active() ISA { return ISA(active.Load()) }

// Set chooses an instruction set from now on; it must be one that
// [Supported] has. It may be called at any time, from any goroutine.
func Set(i ISA) { active.Store(uint32(i)) }

// Environment returns what is wrong with the environment's choice, nil if
// nothing is. A wrong choice counts as none.
func Environment() error { return environment }

// Parse reads a name, "auto" being the best there is. An error says that it is
// no name of an instruction set, or that the processor or this build lacks it.
func Parse(name string) (ISA, error) {
	if name == "auto" {
		return best(), nil
	}
	for i, n := range names {
		if n != name {
			continue
		}
		if missing := lacking(ISA(i)); missing != "" {
			return Generic, fmt.Errorf("instruction set %q: %s; use \"auto\"", name, missing)
		}
		return ISA(i), nil
	}
	return Generic, fmt.Errorf("instruction set %.40q is not one of auto, %s", name, strings.Join(names[:], ", "))
}

// Supported returns the instruction sets that can be used, Generic first.
func Supported() []ISA {
	out := []ISA{Generic}
	for i := AVX2; i <= NEON; i++ {
		if lacking(i) == "" {
			out = append(out, i)
		}
	}
	return out
}

func best() ISA {
	all := Supported()
	return all[len(all)-1]
}
