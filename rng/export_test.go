package rng

import "github.com/weightinit/weightinit/dist"

// BeginTruncatedIn is [BeginTruncated] with other units and another number of
// passes whose places are kept.
func BeginTruncatedIn[T float32 | float64](s *Stream, d dist.TruncNormal, n, unitSize, maxKept int64) *Truncated[T] {
	return beginTruncated[T](s, d, n, 0, n, unitSize, maxKept)
}

// TruncatedUnit is the unit that [BeginTruncated] takes.
const TruncatedUnit = truncatedUnit
