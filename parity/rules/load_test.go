package rules_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/hostile/configs"
	"github.com/weightinit/weightinit/internal/inputfile"
	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/parity/rules"
)

func TestLoadReadsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "parity.yaml")
	require.NoError(t, os.WriteFile(path, []byte(example), 0o600))
	got, err := rules.Load(path)
	require.NoError(t, err)
	want, err := rules.Parse([]byte(example), path)
	require.NoError(t, err)
	require.Equal(t, want, got)

	require.NoError(t, os.WriteFile(path, []byte("rules:\n- tensor: a\n"), 0o600))
	_, err = rules.Load(path)
	var wrong *rules.Error
	require.ErrorAs(t, err, &wrong)
	require.Equal(t, rules.Error{Path: path, Line: 2, Column: 3, What: wrong.What}, *wrong)
	require.False(t, fault.IsCannotRun(err))
}

func TestLoadRefusesWrongPathsAndHugeFilesAsBadInput(t *testing.T) {
	dir := t.TempDir()
	huge := filepath.Join(dir, "huge.yaml")
	require.NoError(t, os.WriteFile(huge, nil, 0o600))
	require.NoError(t, os.Truncate(huge, limits.RulesYAML+1))
	for path, reason := range map[string]error{dir: inputfile.ErrKind, filepath.Join(dir, "none"): os.ErrNotExist, huge: inputfile.ErrLimit} {
		_, err := rules.Load(path)
		var wrong *inputfile.Error
		require.ErrorAs(t, err, &wrong)
		require.Equal(t, path, wrong.Path)
		require.ErrorIs(t, err, reason)
		require.False(t, fault.IsCannotRun(err))
	}
}

// Every kind of file: pipes, devices, links.
func TestLoadReadsEveryHostileFileWithinTheBounds(t *testing.T) {
	for _, c := range configs.Cases() {
		if c.Bytes != nil {
			continue
		}
		path, err := c.Put(t.TempDir())
		if err != nil {
			continue // this system has no such kind of file
		}
		_, err = rules.Load(path)
		require.Error(t, err, c.ID)
		require.False(t, fault.IsCannotRun(err), c.ID)
	}
}
