package native

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/weightinit/weightinit/internal/shown"
)

// Seed is an integer from -2^63 to 2^64-1, the seeds that
// torch.Generator.manual_seed takes. It is kept exactly: -1 and 2^64-1 start
// the same stream and are two different seeds of a config.
type Seed struct {
	// Bits is the seed modulo 2^64: what the generator gets.
	Bits uint64
	// Negative says that the seed is Bits - 2^64; then the top bit of Bits is
	// set.
	Negative bool
}

// String returns the seed in decimal.
func (s Seed) String() string {
	if s.Negative {
		return strconv.FormatInt(int64(s.Bits), 10)
	}
	return strconv.FormatUint(s.Bits, 10)
}

// ParseSeed reads a decimal integer from -2^63 to 2^64-1, with an optional
// minus and nothing else around it, and returns it modulo 2^64. The error
// names the text and the range.
func ParseSeed(text string) (uint64, error) {
	s, problem := parseSeed(text)
	if problem != "" {
		return 0, fmt.Errorf("model: seed %s: %s", shown.Quote(text), problem)
	}
	return s.Bits, nil
}

const seedRange = "-9223372036854775808 to 18446744073709551615 (-2^63 to 2^64-1)"

// parseSeed returns the seed, or what is wrong with text and what to do.
func parseSeed(text string) (seed Seed, problem string) {
	if !isInteger(text) {
		return seed, "want a whole number in decimal digits, from " + seedRange
	}
	digits, negative := strings.CutPrefix(text, "-")
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || negative && n > 1<<63 {
		return seed, "out of range: use a whole number from " + seedRange
	}
	if negative {
		// -0 is 0.
		return Seed{Bits: -n, Negative: n != 0}, ""
	}
	return Seed{Bits: n}, ""
}

// isInteger reports whether text is an optional minus and decimal digits
// without a leading zero.
func isInteger(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || len(digits) > 1 && digits[0] == '0' {
		return false
	}
	for i := 0; i < len(digits); i++ {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}
