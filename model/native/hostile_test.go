package native

import (
	"errors"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/hostile/configs"
	"github.com/weightinit/weightinit/internal/needs"
	"github.com/weightinit/weightinit/internal/shown"
)

// allocated returns what f allocates in all, in bytes, and how long it takes.
func allocated(f func()) (bytes uint64, took time.Duration) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	f()
	took = time.Since(start)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, took
}

func TestEveryHostileConfig(t *testing.T) {
	for _, c := range configs.Cases() {
		t.Run(c.ID, func(t *testing.T) {
			path, err := c.Put(t.TempDir())
			if errors.Is(err, configs.ErrNoSuchFile) {
				needs.Skip(t, "needs a kind of file that this system does not have: %v", err)
			}
			require.NoError(t, err)

			var config *Config
			var warnings []string
			bytes, took := allocated(func() {
				config, warnings, err = Load(path)
				if err == nil {
					_, err = config.Layout(V1)
				}
			})
			require.Less(t, took, 10*time.Second)
			require.Less(t, bytes, uint64(64<<20), "allocated")
			switch {
			case c.HuggingFace:
				requireRefusal(t, path, err)
				requireNames(t, err.Error(), []string{"model_type", "Hugging Face"})
			case c.Verdict == configs.Refuse && !c.ByMode:
				requireRefusal(t, path, err)
				requireNames(t, err.Error(), c.MustName)
			case c.Verdict == configs.Warn:
				require.NoError(t, err)
				require.Len(t, warnings, 1)
				requireLine(t, path, warnings[0])
				requireNames(t, "warning: "+warnings[0], c.MustName)
			default:
				require.NoError(t, err)
				require.Empty(t, warnings)
			}
		})
	}
}

// requireRefusal checks what holds for every refusal of bad input.
func requireRefusal(t *testing.T, path string, err error) {
	t.Helper()
	require.Error(t, err)
	require.False(t, fault.IsCannotRun(err), "exit code 2, not 3: %v", err)
	requireLine(t, path, err.Error())
}

// requireLine checks that a message is one line, of sensible length, without
// control characters, and names the path.
func requireLine(t *testing.T, path, line string) {
	t.Helper()
	require.NotEmpty(t, path)
	require.Contains(t, line, shown.Path(path))
	require.GreaterOrEqual(t, len(line), 20)
	require.LessOrEqual(t, len(line), 2000)
	require.Equal(t, -1, strings.IndexFunc(line, unicode.IsControl), "%q", line)
}

func requireNames(t *testing.T, line string, words []string) {
	t.Helper()
	for _, w := range words {
		require.Contains(t, strings.ToLower(line), strings.ToLower(w))
	}
}

func TestRefusalsAreMatchedByType(t *testing.T) {
	cases := map[string]Error{
		"C04": {Field: "d_model", Offset: 11, Value: `"64"`},
		"C12": {Field: "d_model", Offset: 11, Value: "-64"},
		"C21": {Field: "d_model", Offset: 11, Value: "9223372036854775808"},
		"C24": {Field: "d_vocab", Offset: 80, Value: "4294967296"},
		"C27": {Field: "n_layers", Offset: 37, Value: "1000000000"},
		"C41": {Field: "d_model", Offset: 14},
		"C42": {Field: "d_model", Offset: -1, Line: 2, Column: 1},
		"C55": {Field: "seed", Offset: 99, Value: "18446744073709551616"},
		"C94": {Field: "d_model", Offset: 12},
		"C95": {Field: "d_model", Offset: -1, Line: 1, Column: 10, Value: "0100"},
		"C99": {Field: "d_m\x1b[31m\nodel", Offset: 1},
	}
	found := 0
	for _, c := range configs.Cases() {
		want, ok := cases[c.ID]
		if !ok {
			continue
		}
		found++
		_, _, err := Parse(c.File, c.Bytes(), AnySyntax)
		var got *Error
		require.ErrorAs(t, err, &got, c.ID)
		require.Equal(t, c.File, got.File, c.ID)
		want.File, want.Problem, want.Err, want.Others = got.File, got.Problem, got.Err, got.Others
		require.Equal(t, want, *got, c.ID)
	}
	require.Len(t, cases, found)
}

func TestConfigsForModesKeepWhatTheModeJudges(t *testing.T) {
	want := map[string]string{"C18": "gpt2", "C61": "gpt3", "C63": " gpt2"}
	for _, c := range configs.Cases() {
		if !c.ByMode {
			continue
		}
		config, _, err := Parse(c.File, c.Bytes(), AnySyntax)
		require.NoError(t, err, c.ID)
		require.Equal(t, want[c.ID], config.InitMode, c.ID)
		delete(want, c.ID)
	}
	require.Empty(t, want)
}

// A file without an extension that says its syntax is told by its first
// character.
func TestEveryHostileConfigWithoutExtension(t *testing.T) {
	for _, c := range configs.Cases() {
		if c.Bytes == nil {
			continue
		}
		data := c.Bytes()
		if len(data) > 1<<17 {
			continue // slow, and not about the syntax
		}
		text := strings.TrimLeft(strings.TrimPrefix(string(data), "\xef\xbb\xbf"), " \t\r\n")
		if filepath.Ext(c.File) == ".json" && !strings.HasPrefix(text, "{") {
			continue
		}
		_, _, want := Parse(c.File, data, AnySyntax)
		_, _, got := Parse("config", data, AnySyntax)
		require.Equal(t, want == nil, got == nil, "%s: %v", c.ID, got)
		if want != nil {
			require.Equal(t, strings.Replace(want.Error(), c.File, "config", 1), got.Error(), c.ID)
		}
	}
}
