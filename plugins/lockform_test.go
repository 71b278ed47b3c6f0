//go:build linux

package plugins

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheRunningPlatformChoosesItsEntry(t *testing.T) {
	sum := func(c string) string { return "h1:" + strings.Repeat(c, 42) + "A=" }
	entry := func(platform, h1 string) Entry {
		return Entry{Name: "corp", Version: "1.0.0", Platform: platform, Path: storeName("corp", h1), H1: h1, Protocol: protocolName, Features: []string{}, Modes: []LockedMode{{"wide", 1}}}
	}
	all, here, other := entry("", sum("a")), entry(platform, sum("b")), entry("plan9/mips", sum("c"))
	require.Equal(t, []Entry{here}, chosen([]Entry{all, other, here}))
	require.Equal(t, []Entry{here}, chosen([]Entry{here, all, other}))
	require.Equal(t, []Entry{all}, chosen([]Entry{other, all}))
	require.Empty(t, chosen([]Entry{other}))
	text := encodeLock([]Entry{other, here, all})
	require.Contains(t, string(text), "\"version\": \"1.0.0\",\n      \"platform\": \"plan9/mips\",\n      \"path\"")
	read, err := parseLock(text)
	require.NoError(t, err)
	require.Equal(t, text, encodeLock(read))
	for _, twice := range [][]Entry{{here, here}, {all, all}, {all, {Name: "corp", Version: "2.0.0"}}} {
		require.Error(t, checkEntries(twice))
	}
	status := statusOf(t.TempDir(), other, "")
	require.Equal(t, StateElsewhere, status.State)
}

func TestACompiledPluginIsLockedForItsPlatform(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	native, err := isNative(Candidate{Kind: Executable, Path: self})
	require.NoError(t, err)
	require.True(t, native)
	native, err = isNative(script(t, "exit 0"))
	require.NoError(t, err)
	require.False(t, native)
}

func FuzzParseLock(f *testing.F) {
	h1 := "h1:" + strings.Repeat("A", 43) + "="
	e := Entry{Name: "corp", Version: "1.4.0", Path: storeName("corp", h1), H1: h1, Protocol: protocolName, Features: []string{"fill"}, Modes: []LockedMode{{"wide", 1}}}
	g := e
	g.Platform = "linux/arm64"
	f.Add(encodeLock(nil))
	f.Add(encodeLock([]Entry{e}))
	f.Add(encodeLock([]Entry{e, g}))
	f.Add([]byte(`{"version":1,"plugins":[{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, err := parseLock(text)
		if err != nil {
			return
		}
		again, err := parseLock(encodeLock(entries))
		if err != nil {
			t.Fatal(err)
		}
		if string(encodeLock(again)) != string(encodeLock(entries)) {
			t.Fatal("another text")
		}
		for _, e := range entries {
			if e.Path != filepath.Base(e.Path) || strings.HasPrefix(e.Path, ".") {
				t.Fatal(e.Path)
			}
		}
	})
}
