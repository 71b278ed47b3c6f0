package plugins

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/weightinit/weightinit/internal/shown"
)

// LogLine is one line that a plugin wrote on stderr. Its texts are escaped,
// and the middle of a long one is left out: they are safe to print.
type LogLine struct {
	// Plugin is the plugin's path or name, as messages show it.
	Plugin string
	// Level is one of "trace", "debug", "info", "warn", "error"; "info" for
	// free text.
	Level string
	Text  string
}

// stderrLog reads a plugin's stderr line by line, passes on as many lines as
// the limits allow, and keeps the last ones for error messages. It never stops
// reading, so that a plugin never blocks in a write.
type stderrLog struct {
	plugin string
	log    func(LogLine)
	now    func() time.Time

	mu       sync.Mutex
	kept     []string // the last lines that are no chatter, raw, at most keptStderr
	crash    string   // the first line of a Go panic, which a long trace follows
	dropped  int      // lines not passed on, since the last one that was
	windowAt time.Time
	inWindow int
}

func newStderrLog(plugin string, log func(LogLine)) *stderrLog {
	return &stderrLog{plugin: plugin, log: log, now: time.Now}
}

// readAll reads until the end, or until the reader is closed.
func (s *stderrLog) readAll(r io.Reader) {
	w := s.writer()
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		_, _ = w.Write(buf[:n])
		if err != nil {
			w.endLine()
			return
		}
	}
}

// lineWriter cuts one source of text into lines.
type lineWriter struct {
	log   *stderrLog
	line  []byte // the line so far, at most maxStderrLine
	began bool   // something of the line was read
}

// writer returns a writer for a further source of lines.
func (s *stderrLog) writer() *lineWriter { return &lineWriter{log: s} }

// Write takes a part of the text; it never fails.
func (w *lineWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		part, after, ended := bytes.Cut(rest, []byte{'\n'})
		w.began = true
		room := maxStderrLine - len(w.line)
		w.line = append(w.line, part[:min(room, len(part))]...)
		if ended {
			w.endLine()
		}
		rest = after
	}
	return len(p), nil
}

// endLine passes on the line that was collected.
func (w *lineWriter) endLine() {
	if !w.began {
		return
	}
	w.log.take(strings.TrimRight(string(w.line), "\r"))
	w.line, w.began = w.line[:0], false
}

// take takes one line.
func (s *stderrLog) take(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.TrimSpace(line) == "" {
		return
	}
	level, text := parseLogLine(line)
	// Chatter explains no failure.
	if level != "trace" && level != "debug" {
		if len(s.kept) == keptStderr {
			s.kept = append(s.kept[:0], s.kept[1:]...)
		}
		s.kept = append(s.kept, text)
	}
	if s.crash == "" && slices.ContainsFunc(crashes, func(begin string) bool { return strings.HasPrefix(text, begin) }) {
		s.crash = text
	}
	if now := s.now(); now.Sub(s.windowAt) >= time.Second {
		s.windowAt, s.inWindow = now, 0
	}
	if s.inWindow++; s.inWindow > maxStderrRate {
		s.dropped++
		return
	}
	if s.log != nil {
		s.log(LogLine{Plugin: s.plugin, Level: level, Text: shown.Cut(text, maxStderrShown)})
	}
}

// crashes are how the first line of a crash begins that a long trace follows.
var crashes = []string{"panic: ", "fatal error: ", "SIGSEGV: ", "SIGABRT: ", "SIGBUS: ", "Fatal Python error: "}

// last returns the line that says most about an end: that of a panic, else the
// last one, or "".
func (s *stderrLog) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.crash != "" {
		return s.crash
	}
	if len(s.kept) == 0 {
		return ""
	}
	return s.kept[len(s.kept)-1]
}

// lines returns the last lines, oldest first, escaped.
func (s *stderrLog) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]string, len(s.kept))
	for i, line := range s.kept {
		out[i] = shown.Cut(line, maxStderrShown)
	}
	return out
}

// droppedLines returns how many lines were not passed on.
func (s *stderrLog) droppedLines() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}

var levels = map[string]bool{"trace": true, "debug": true, "info": true, "warn": true, "error": true}

// parseLogLine takes a JSON object in the manner of hclog apart; anything else
// is free text.
func parseLogLine(line string) (level, text string) {
	if !strings.HasPrefix(line, "{") {
		return "info", line
	}
	var object map[string]any
	if json.Unmarshal([]byte(line), &object) != nil {
		return "info", line
	}
	message, ok := object["@message"].(string)
	if !ok {
		return "info", line
	}
	level, _ = object["@level"].(string)
	if level = strings.ToLower(level); !levels[level] {
		level = "info"
	}
	return level, message
}
