package faultfs_test

import (
	"io/fs"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/atomicfile"
	"github.com/weightinit/weightinit/internal/faultfs"
)

func write(t *testing.T, m *faultfs.Mem, name, text string, sync bool) {
	t.Helper()
	h, err := m.Create(name)
	require.NoError(t, err)
	_, err = h.WriteAt([]byte(text), 0)
	require.NoError(t, err)
	if sync {
		require.NoError(t, h.Sync())
	}
	require.NoError(t, h.Close())
}

func left(m *faultfs.Mem, keep faultfs.Keep) map[string]string {
	files := map[string]string{}
	for name, data := range m.Crash(keep).Files() {
		files[name] = string(data)
	}
	return files
}

func TestAPowerCutKeepsOnlyWhatWasSynced(t *testing.T) {
	for _, tc := range []struct {
		name               string
		syncFile, syncName bool
		forget, keepNames  map[string]string
	}{
		{"nothing synced", false, false, map[string]string{}, map[string]string{"a": ""}},
		{"data synced", true, false, map[string]string{}, map[string]string{"a": "text"}},
		{"name synced", false, true, map[string]string{"a": ""}, map[string]string{"a": ""}},
		{"both synced", true, true, map[string]string{"a": "text"}, map[string]string{"a": "text"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := faultfs.NewMem()
			write(t, m, "a", "text", tc.syncFile)
			if tc.syncName {
				require.NoError(t, m.SyncDir("."))
			}
			require.Equal(t, tc.forget, left(m, faultfs.Forget))
			require.Equal(t, tc.keepNames, left(m, faultfs.KeepNames))
			require.Equal(t, map[string]string{"a": "text"}, left(m, faultfs.KeepAll))
		})
	}
}

func TestARenameIsWholeOrNotThere(t *testing.T) {
	m := faultfs.NewMem()
	m.Put("w/final", []byte("old"))
	write(t, m, "w/temp", "new", true)
	require.NoError(t, m.SyncDir("w"))
	require.ErrorIs(t, m.RenameNew("w/temp", "w/final"), fs.ErrExist)
	require.ErrorIs(t, m.Link("w/temp", "w/final"), fs.ErrExist)
	require.NoError(t, m.Rename("w/temp", "w/final"))
	require.Equal(t, map[string]string{"w/": "", "w/final": "old", "w/temp": "new"}, left(m, faultfs.Forget))
	require.Equal(t, map[string]string{"w/": "", "w/final": "new"}, left(m, faultfs.KeepNames))
	require.NoError(t, m.SyncDir("w"))
	require.Equal(t, map[string]string{"w/": "", "w/final": "new"}, left(m, faultfs.Forget))
}

func TestWritesAfterTheSyncAreLost(t *testing.T) {
	m := faultfs.NewMem()
	h, err := m.Create("a")
	require.NoError(t, err)
	require.NoError(t, m.SyncDir("."))
	require.NoError(t, h.Reserve(4))
	_, err = h.WriteAt([]byte("ab"), 0)
	require.NoError(t, err)
	require.NoError(t, h.Sync())
	_, err = h.WriteAt([]byte("cd"), 2)
	require.NoError(t, err)
	require.NoError(t, h.Truncate(1))
	require.Equal(t, map[string]string{"a": "ab\x00\x00"}, left(m, faultfs.Forget))
	require.Equal(t, map[string]string{"a": "a"}, left(m, faultfs.KeepAll))
}

func TestALockBelongsToAnOpening(t *testing.T) {
	m := faultfs.NewMem()
	first, err := m.Create("a")
	require.NoError(t, err)
	second, err := m.Open("a", false)
	require.NoError(t, err)
	require.NoError(t, first.TryLock())
	require.NoError(t, first.TryLock())
	require.ErrorIs(t, second.TryLock(), atomicfile.ErrLocked)
	kept, err := first.KeepLock()
	require.NoError(t, err)
	require.NoError(t, first.Close())
	require.ErrorIs(t, second.TryLock(), atomicfile.ErrLocked)
	require.NoError(t, kept.Close())
	require.NoError(t, second.TryLock())
	require.ErrorIs(t, first.Sync(), fs.ErrClosed)

	same, err := second.Is("a")
	require.NoError(t, err)
	require.True(t, same)
	require.NoError(t, m.Remove("a"))
	_, err = second.Is("a")
	require.ErrorIs(t, err, fs.ErrNotExist)
	write(t, m, "a", "another", false)
	same, err = second.Is("a")
	require.NoError(t, err)
	require.False(t, same)
}

func TestHooksMeetEveryCall(t *testing.T) {
	var calls []faultfs.Call
	m := faultfs.NewMem()
	require.NoError(t, atomicfile.WriteFile(faultfs.Wrap(m, faultfs.Record(&calls)), "x", []byte("data"), atomicfile.Options{}))
	ops := map[string]bool{}
	for i, c := range calls {
		require.Equal(t, i+1, c.N)
		require.Contains(t, c.String(), c.Op)
		ops[c.Op] = true
	}
	for _, op := range []string{"stat", "lstat", "list", "space", "create", "trylock", "is", "reserve", "writeat", "sync", "keeplock", "close", "renamenew", "unlock", "syncdir"} {
		require.True(t, ops[op], op)
	}
	for n := range calls {
		fsys := faultfs.Wrap(faultfs.NewMem(), faultfs.StopAt(n+1))
		err := atomicfile.WriteFile(fsys, "x", []byte("data"), atomicfile.Options{})
		if c := calls[n]; c.Op != "unlock" {
			require.ErrorIs(t, err, syscall.EIO, c.String())
		}
	}
}
