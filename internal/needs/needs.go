// Package needs lets a test say what it lacks on this machine, and one switch
// forbids it: with WEIGHTINIT_NO_SKIP=1, as the gate sets it, a skip is a
// failure. Tests skip in no other way, but for package sdktest, which shows a
// check of the conformance kit that skips as a subtest that skips.
package needs

import (
	"os"
	"path/filepath"
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

// Python returns an interpreter with grpcio and protobuf: the one that
// WEIGHTINIT_TEST_PYTHON names, else the one that scripts/plugin-python made.
// Without either the test is skipped.
func Python(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("WEIGHTINIT_TEST_PYTHON"); path != "" {
		return path
	}
	cache := os.Getenv("XDG_CACHE_HOME")
	if home, err := os.UserHomeDir(); cache == "" && err == nil {
		cache = filepath.Join(home, ".cache")
	}
	path := filepath.Join(cache, "weightinit", "plugin-python", "bin", "python")
	if _, err := os.Stat(path); err != nil {
		Skip(t, "needs Python with grpcio and protobuf: run scripts/plugin-python, or name an interpreter in WEIGHTINIT_TEST_PYTHON")
	}
	return path
}
