package rules_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/inputfile"
	"github.com/weightinit/weightinit/parity/rules"
)

// The memory of a process is a regular file whose first page nobody can read.
func TestLoadCallsAFileThatTheSystemCannotReadTheSystemsFault(t *testing.T) {
	const path = "/proc/self/mem"
	_, err := rules.Load(path)
	var wrong *inputfile.Error
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, path, wrong.Path)
	require.ErrorIs(t, err, syscall.EIO)
	require.True(t, fault.IsCannotRun(err))
}
