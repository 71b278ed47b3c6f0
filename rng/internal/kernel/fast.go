package kernel

import "math"

// uniformPlan is a range for which the faster forms of the float32 uniform
// hold.
type uniformPlan struct {
	step, low, high float32
	folds           bool // some word gives high, and so low
}

// planUniform tells what the faster forms need to know of a range. They
// compute k*step + low, with one rounding, for the 24 bits k of a word. That is
// the generic k*2^-24*width + low if step is exactly width*2^-24. Values grow
// with k, so the last one tells whether any reaches high.
func planUniform(low, high float32) (u uniformPlan, ok bool) {
	width := high - low
	step := width * 0x1p-24
	if !(width >= 0) || math.IsInf(float64(width), 0) || step*0x1p24 != width || isInf32(low) {
		return uniformPlan{}, false
	}
	return uniformPlan{step: step, low: low, high: high, folds: fma32(1<<24-1, step, low) >= high}, true
}

// plainNormal tells that the faster forms of the float32 normal hold. They
// compute with 4*std.
func plainNormal(mean, std float32) bool {
	const negativeZero = 1 << 31
	wide := float32(4 * std)
	finite := mean-mean == 0 && wide-wide == 0
	return finite && math.Float32bits(mean) != negativeZero
}
