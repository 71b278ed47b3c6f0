package cli

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/atomicfile"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/plugins"
	"github.com/weightinit/weightinit/registry"
)

func TestErrorsOfOtherPackagesGetTheirFlags(t *testing.T) {
	for want, err := range map[string]error{
		`atomicfile: output "x" exists: replace it by force, or write elsewhere (--force, -o)`:                                                         fault.BadInput(&atomicfile.ExistsError{Path: "x"}),
		`a: atomicfile: output "x" is a pipe, not a file: nothing is replaced there, by force neither; write elsewhere (-o)`:                           fmt.Errorf("a: %w", &atomicfile.KindError{Path: "x", Kind: "a pipe", Want: "a file"}),
		`atomicfile: output "x" names a folder: give a file name (-o)`:                                                                                 &atomicfile.PathError{Path: "x", Why: "names a folder: give a file name"},
		`atomicfile: cannot write "x": no space left on device (needs 3 bytes, 1 free); nothing was changed: free some space, or write elsewhere (-o)`: &atomicfile.WriteError{Op: "write", Path: "x", Needed: 3, Free: 1, Err: syscall.ENOSPC},
		`atomicfile: cannot write "x": too many open files (needs 3 bytes); nothing was changed: raise the limit on open files (ulimit -n)`:            &atomicfile.WriteError{Op: "write", Path: "x", Needed: 3, Free: -1, Err: syscall.EMFILE},
		`option "std": mode "m" requires it; give it a value (--set std=VALUE)`:                                                                        &registry.OptionError{Option: "std", Missing: true, Problem: `mode "m" requires it; give it a value`},
		`option "std": value "x": no number`:      &registry.OptionError{Option: "std", Value: "x", Problem: "no number"},
		"start too slow (--plugin-start-timeout)": plugins.ErrStartTimeout,
		"other": errors.New("other"),
	} {
		require.Equal(t, want, advised(err))
	}
}
