package rng

import "github.com/weightinit/weightinit/rng/internal/kernel"

// BF16 writes src rounded to bfloat16, nearest even, two little-endian bytes a
// value. NaN gives ffff. It converts as many values as src holds and dst has
// room for; dst and src must not overlap.
func BF16(dst []byte, src []float32) { kernel.BF16(dst, src) }

// F16 writes src rounded to IEEE binary16, nearest even, two little-endian
// bytes a value, with subnormals; values of 65520 and above give infinity.
// It converts as many values as src holds and dst has room for; dst and src
// must not overlap.
func F16(dst []byte, src []float32) { kernel.F16(dst, src) }
