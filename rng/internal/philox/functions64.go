package philox

import "github.com/weightinit/weightinit/rng/internal/kernel"

// The float64 functions are those of package kernel, glibc's. It exports the
// logarithm only, so sine and cosine are here a second time.

func log64(x float64) float64 { return kernel.Log(x) }
