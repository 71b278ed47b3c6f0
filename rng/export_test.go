package rng

import "github.com/weightinit/weightinit/dist"

// BeginTruncatedUnits is [BeginTruncated] with other units and another number of
// passes whose places are kept.
func BeginTruncatedUnits[T float32 | float64](s *Stream, d dist.TruncNormal, n, unitSize, maxKept int64) *Truncated[T] {
	return beginTruncated[T](s, d, n, 0, n, computeType[T](), unitSize, maxKept)
}

// TruncatedUnit is the unit that [BeginTruncated] takes.
const TruncatedUnit = truncatedUnit
