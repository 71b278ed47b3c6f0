package fault_test

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/fault"
)

func TestWhoseFaultAnErrorIs(t *testing.T) {
	plain := errors.New("plain")
	path := func(err error) error { return &fs.PathError{Op: "open", Path: "x", Err: err} }
	for name, c := range map[string]struct {
		err    error
		system bool
	}{
		"none":                     {nil, false},
		"plain":                    {plain, false},
		"marked":                   {fault.CannotRun(plain), true},
		"marked within":            {fmt.Errorf("a: %w", fault.CannotRun(plain)), true},
		"marked as input":          {fault.BadInput(path(syscall.EIO)), false},
		"outer input":              {fault.BadInput(fault.CannotRun(plain)), false},
		"outer system":             {fault.CannotRun(fault.BadInput(plain)), true},
		"one of several":           {errors.Join(plain, fault.CannotRun(plain)), true},
		"disk full":                {path(syscall.ENOSPC), true},
		"not allowed":              {path(syscall.EACCES), true},
		"bare number":              {fmt.Errorf("a: %w", syscall.EPIPE), true},
		"does not exist":           {path(syscall.ENOENT), false},
		"no folder":                {path(syscall.ENOTDIR), false},
		"a folder":                 {path(syscall.EISDIR), false},
		"a loop of links":          {path(syscall.ELOOP), false},
		"a name too long":          {path(syscall.ENAMETOOLONG), false},
		"an argument":              {path(syscall.EINVAL), false},
		"closed":                   {path(fs.ErrClosed), true},
		"path that does not exist": {path(fs.ErrNotExist), false},
	} {
		require.Equal(t, c.system, fault.IsCannotRun(c.err), name)
	}
	require.NoError(t, fault.CannotRun(nil))
	require.NoError(t, fault.BadInput(nil))
	require.EqualError(t, fault.CannotRun(plain), "plain")
	require.ErrorIs(t, fault.BadInput(plain), plain)
}
