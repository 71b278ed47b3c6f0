package kernel

import (
	"github.com/weightinit/weightinit/rng/internal/isa"
	"github.com/weightinit/weightinit/rng/internal/normal64"
)

var tables64 = normal64.Tables{Log: &log64Table[0].inverse, SinCos: &sincosTable[0].sin}

// normalF64 takes the form for AVX2, which AVX-512 machines have too, and
// leaves the blocks that it stops at to the generic code. NaN and infinities
// of mean and std are the generic code's as well.
func normalF64(dst []float64, words []uint32, mean, std float64) {
	if isa.Active() == isa.Generic || mean-mean != 0 || std-std != 0 {
		normalF64Generic(dst, words, mean, std)
		return
	}
	for {
		made := normal64.Blocks(dst, words, mean, std, &tables64)
		dst, words = dst[made*Block:], words[made*2*Block:]
		if len(dst) < Block || len(words) < 2*Block {
			return
		}
		normalF64Generic(dst[:Block], words, mean, std)
		dst, words = dst[Block:], words[2*Block:]
	}
}

// uniformF64 is as normalF64.
func uniformF64(dst []float64, words []uint32, low, high float64) {
	made := 0
	if width := high - low; isa.Active() != isa.Generic && width-width == 0 && low-low == 0 {
		made = normal64.Uniform(dst, words, low, width, high)
	}
	uniformF64Generic(dst[made:], words[2*made:], low, high)
}
