package rng_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/rng"
)

// Elsewhere there is one instruction set and nothing to choose.

// TestISAOfTheEnvironment prints what [TestEnvironment] asks for in a process
// of its own.
func TestISAOfTheEnvironment(t *testing.T) {
	name, err := rng.ISA()
	if os.Getenv("WEIGHTINIT_TEST_PRINT_ISA") != "" {
		t.Logf("isa=%s err=%v all=%s", name, err, strings.Join(rng.ISAs(), ","))
		return
	}
	require.NoError(t, err)
}

func TestEnvironment(t *testing.T) {
	exe, err := os.Executable()
	require.NoError(t, err)
	only, vectors := "TestISAOfTheEnvironment", "TestISAOfTheEnvironment|TestVectorsOfTorch"
	run := func(tests string, variables ...string) string {
		cmd := exec.Command(exe, "-test.run=^("+tests+")$", "-test.v")
		cmd.Env = append(os.Environ(), append(variables, "WEIGHTINIT_TEST_PRINT_ISA=1")...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", variables, out)
		_, rest, found := strings.Cut(string(out), "isa=")
		require.True(t, found, "%s", out)
		line, _, _ := strings.Cut(rest, "\n")
		return line
	}
	all := rng.ISAs()
	best := all[len(all)-1]
	for _, name := range all {
		require.Contains(t, run(only, "WEIGHTINIT_ISA="+name), name+" err=<nil>")
	}
	require.Contains(t, run(only, "WEIGHTINIT_ISA=auto"), best+" err=<nil>")
	require.Contains(t, run(only, "WEIGHTINIT_ISA="), best+" err=<nil>")
	require.Contains(t, run(only, "WEIGHTINIT_ISA=mmx"), best+` err=WEIGHTINIT_ISA: instruction set "mmx" is not one of`)

	// A missing flag takes away every set that needs it.
	for _, flag := range []string{"avx2", "fma", "avx512f", "avx512vl", "avx512dq", "avx512bw"} {
		left := run(only, "WEIGHTINIT_ISA=", "GODEBUG=cpu."+flag+"=off")
		require.NotContains(t, left, "avx512", flag)
		if !strings.HasPrefix(flag, "avx512") {
			require.Contains(t, left, "generic err=<nil> all=generic", flag)
		}
	}
	require.Contains(t, run(vectors, "WEIGHTINIT_ISA=", "GODEBUG=cpu.all=off"), "generic err=<nil>")
}
