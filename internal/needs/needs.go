// Package needs lets a test say what it lacks on this machine. It is the only
// way in which tests skip, so that one switch forbids it: with
// WEIGHTINIT_NO_SKIP=1, as the gate sets it, a skip is a failure.
package needs

import (
	"os"
	"testing"
)

// Skip ends the test because something is missing, and says what.
func Skip(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("WEIGHTINIT_NO_SKIP") != "" {
		t.Fatalf("WEIGHTINIT_NO_SKIP is set and this test "+format, args...)
	}
	t.Skipf("this test "+format, args...)
}
