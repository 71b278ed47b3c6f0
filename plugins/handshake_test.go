//go:build linux

package plugins

import (
	"bytes"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
)

// soundLine is a handshake of a plugin in dir, which has its socket.
func soundLine(t testing.TB, dir string) string {
	t.Helper()
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	return "1|1|unix|" + filepath.Join(dir, "s") + "|grpc|" + certText(ownCert(time.Hour, "localhost"))
}

func TestASoundHandshakeIsPassedOnWithoutTheRest(t *testing.T) {
	dir := t.TempDir()
	line := soundLine(t, dir)
	for _, given := range []string{line, line + "\r", line + "|true", line + "|x|y"} {
		h, err := parseHandshake(given, dir, time.Now())
		require.NoError(t, err, given)
		require.Equal(t, handshake{"unix", filepath.Join(dir, "s"), line}, h)
	}
	for _, cert := range []struct {
		valid time.Duration
		ok    bool
	}{{time.Minute, true}, {-time.Second, false}} {
		require.Equal(t, cert.ok, checkCertificate(certText(ownCert(cert.valid, "localhost")), time.Now()) == "")
	}
}

func FuzzHandshake(f *testing.F) {
	dir := f.TempDir()
	f.Add(soundLine(f, dir))
	f.Add("1|1|unix|/tmp/x|grpc|")
	f.Add("Welcome")
	f.Fuzz(func(t *testing.T, line string) {
		h, err := parseHandshake(line, dir, time.Now())
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x1b") || !errors.Is(err, ErrHandshake) || len(err.Error()) > 2000 {
				t.Fatal(err)
			}
			return
		}
		if filepath.Dir(h.address) != dir || h.network != "unix" || strings.ContainsAny(h.line, "\r\n") {
			t.Fatalf("%+v", h)
		}
	})
}

func TestTheFirstLineIsReadInAnyPieces(t *testing.T) {
	long := strings.Repeat("x", maxHandshake)
	for name, c := range map[string]struct {
		in   string
		want firstLine
	}{
		"one line":     {"hello\nmore\n", firstLine{text: "hello", whole: true}},
		"no newline":   {"hello", firstLine{text: "hello"}},
		"nothing":      {"", firstLine{}},
		"empty line":   {"\n", firstLine{whole: true}},
		"at the limit": {long + "\n", firstLine{text: long, whole: true}},
		"beyond":       {long + "x\n", firstLine{text: long + "x", long: true}},
	} {
		for way, r := range map[string]io.Reader{
			"whole": strings.NewReader(c.in), "bytes": iotest.OneByteReader(strings.NewReader(c.in)), "with the end": iotest.DataErrReader(strings.NewReader(c.in)),
		} {
			line := make(chan firstLine, 1)
			readStdout(r, line)
			require.Equal(t, c.want, <-line, name+", "+way)
			n, err := r.Read(make([]byte, 1))
			require.Zero(t, n, "everything is read")
			require.Equal(t, io.EOF, err)
		}
	}
}

func TestStderrLinesAreParsedBoundedAndKept(t *testing.T) {
	var got []LogLine
	s := newStderrLog("p", func(l LogLine) { got = append(got, l) })
	text := "plain\r\n\n  \n" +
		`{"@level":"warn","@message":"careful","@timestamp":"x"}` + "\n" +
		`{"@level":"trace","@message":"chatter"}` + "\n" +
		`{"@level":7,"@message":"odd"}` + "\n" + `{"@message":1}` + "\n" + `{"broken` + "\n" +
		strings.Repeat("y", 10_000) + "\n" + "esc \x1b[2J\nlast without an end"
	s.readAll(iotest.HalfReader(strings.NewReader(text)))
	require.Equal(t, []LogLine{
		{"p", "info", "plain"}, {"p", "warn", "careful"}, {"p", "trace", "chatter"}, {"p", "info", "odd"},
		{"p", "info", `{"@message":1}`}, {"p", "info", `{"broken`}, {"p", "info", strings.Repeat("y", maxStderrShown-maxStderrShown/3) + "…" + strings.Repeat("y", maxStderrShown/3)},
		{"p", "info", `esc \x1b[2J`}, {"p", "info", "last without an end"},
	}, got)
	require.Equal(t, "last without an end", s.last())
	require.NotContains(t, s.lines(), "chatter")
}

func TestTwoSourcesOfLinesDoNotMix(t *testing.T) {
	s := newStderrLog("p", nil)
	one, two := s.writer(), s.writer()
	for _, part := range []string{"a", "b", "c\n"} {
		_, _ = one.Write([]byte(part))
		_, _ = two.Write([]byte(part))
	}
	require.Equal(t, []string{"abc", "abc"}, s.lines())
}

func TestStderrPassesOnABoundedNumberOfLines(t *testing.T) {
	passed := 0
	s := newStderrLog("p", func(LogLine) { passed++ })
	now := time.Now()
	s.now = func() time.Time { return now }
	for second := range 3 {
		now = now.Add(time.Second)
		_, _ = s.writer().Write(bytes.Repeat([]byte("x\n"), 1000))
		require.Equal(t, (second+1)*maxStderrRate, passed)
	}
	require.Equal(t, 3*(1000-maxStderrRate), s.droppedLines())
	require.Len(t, s.lines(), keptStderr)
	_, _ = s.writer().Write([]byte("panic: oh\n" + strings.Repeat("\tmain.go:1\n", 50)))
	require.Equal(t, "panic: oh", s.last())
}

func FuzzStderr(f *testing.F) {
	f.Add([]byte("plain\n{\"@message\":1}\n{\"@message\":\"m\",\"@level\":\"error\"}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := newStderrLog("p", func(l LogLine) {
			if strings.ContainsAny(l.Text, "\n\x1b") || len(l.Text) > maxStderrShown+8 || !levels[l.Level] {
				t.Fatalf("%+v", l)
			}
		})
		s.readAll(bytes.NewReader(text))
		if len(s.kept) > keptStderr {
			t.Fatal("too much kept")
		}
	})
}
