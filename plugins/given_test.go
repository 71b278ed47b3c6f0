//go:build linux

package plugins

import (
	"context"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/weightinit/weightinit/internal/fault"
)

func TestH17H18H19H29WhatAPluginGets(t *testing.T) {
	t.Setenv("SECRET_TOKEN", "hunter2")
	t.Setenv("PASSED", "yes")
	// A descriptor that the host inherited, and would pass on.
	file, err := os.Create(filepath.Join(t.TempDir(), "secret"))
	require.NoError(t, err)
	defer file.Close()
	secret, err := unix.Dup(int(file.Fd()))
	require.NoError(t, err)
	defer unix.Close(secret)
	r := watch(t)
	o := r.options(patient())
	o.Env = []string{"PASSED", "NOT_THERE", "TMPDIR"}
	p, err := Launch(context.Background(), playing(t, "report"), o)
	require.NoError(t, err)
	defer p.Stop()
	got := r.ask(p, "env", "env2", "cwd", "stdin", "fds", "group", "pid", "passed", "tmp", "sockets", "ring")
	require.Equal(t, []string{
		"LC_ALL", "PASSED", "PATH", "PLUGIN_CLIENT_CERT", "PLUGIN_PROTOCOL_VERSIONS", "PLUGIN_UNIX_SOCKET_DIR",
		"PYTHONDONTWRITEBYTECODE", "TMPDIR", "TZ", "WEIGHTINIT_PLUGIN", "WEIGHTINIT_RUN_ID",
	}, strings.Fields(got["env"]+got["env2"]))
	require.Equal(t, "yes", got["passed"])
	require.Equal(t, p.RunDir(), got["cwd"])
	require.Equal(t, p.RunDir(), got["tmp"])
	require.Equal(t, p.RunDir(), got["sockets"])
	require.True(t, strings.HasPrefix(got["stdin"], "pipe:"), got["stdin"])
	require.Equal(t, got["pid"], got["group"], "a plugin leads its own group, so Ctrl-C does not reach it")
	require.NotEqual(t, strconv.Itoa(syscall.Getpgrp()), got["group"])
	require.Empty(t, got["ring"])
	require.NotContains(t, got["fds"], "secret")
	require.Equal(t, p.RunDir(), filepath.Dir(p.child.hello.address))
	info, err := os.Stat(p.RunDir())
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o700), info.Mode().Perm())
	entries, err := os.ReadDir(p.RunDir())
	require.NoError(t, err)
	require.Len(t, entries, 1, "the socket, and nothing of go-plugin's")
}

func TestH20ALongTemporaryDirectory(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	require.NoError(t, os.Mkdir(long, 0o700))
	t.Setenv("TMPDIR", long)
	t.Setenv("XDG_RUNTIME_DIR", "")
	r := watch(t)
	p := r.launch(playing(t, "good"))
	require.LessOrEqual(t, len(p.RunDir()), maxRunDirPath)
	r.ask(p, "a")
	p.Stop()
	left, err := os.ReadDir(long)
	require.NoError(t, err)
	require.Empty(t, left)
	r.nothingLeft()
}

func TestH20NoUsableDirectoryIsAnErrorThatSaysSo(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	require.NoError(t, os.Mkdir(long, 0o700))
	_, err := newRunDir([]string{long, "/no/such"}, newRunID())
	require.ErrorIs(t, err, ErrStart)
	require.True(t, fault.IsCannotRun(err))
	for _, words := range []string{"the limit is 50", `"/no/such/wi-`, "no such file", "TMPDIR"} {
		require.ErrorContains(t, err, words)
	}
	require.NotContains(t, err.Error(), "\n")
}

func TestH21TheRunDirectoryIsRemovedWithWhatIsInIt(t *testing.T) {
	r := watch(t)
	p := r.launch(playing(t, "H21"))
	require.NoError(t, syscall.Kill(p.PID(), syscall.SIGKILL))
	<-p.Done()
	_, err := p.Describe(context.Background(), nil)
	require.ErrorIs(t, err, ErrGone)
	require.ErrorContains(t, err, "signal: killed")
	p.Stop()
	r.nothingLeft()
}

func TestH22AddressesOutsideAreRefused(t *testing.T) {
	outside, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	require.NoError(t, err)
	defer outside.Close()
	dir := t.TempDir()
	require.NoError(t, os.Symlink(outside.Addr().String(), filepath.Join(dir, "link")))
	for _, address := range []string{outside.Addr().String(), filepath.Join(dir, "link"), "s", "@x", "", dir} {
		require.NotEmpty(t, checkAddress("unix", address, dir), address)
	}
	require.NotEmpty(t, checkAddress("tcp", "127.0.0.1:22", dir))
	inside, err := net.Listen("unix", filepath.Join(dir, "s"))
	require.NoError(t, err)
	defer inside.Close()
	require.Empty(t, checkAddress("unix", filepath.Join(dir, "s"), dir))
}
