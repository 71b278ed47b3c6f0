package native

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/hostile/configs"
)

func FuzzConfigJSON(f *testing.F) {
	seedConfigs(f, ".json")
	f.Fuzz(func(t *testing.T, data []byte) { checkConfig(t, "c.json", data) })
}

func FuzzConfigYAML(f *testing.F) {
	seedConfigs(f, ".yaml")
	// JSON is YAML, too, and much of it is seldom seen there.
	for _, c := range configs.Cases() {
		if c.Bytes != nil && filepath.Ext(c.File) == ".json" {
			if data := c.Bytes(); len(data) < 1<<12 {
				f.Add(data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkConfig(t, "c.yaml", data) })
}

func seedConfigs(f *testing.F, extension string) {
	for _, c := range configs.Cases() {
		if c.Bytes == nil || filepath.Ext(c.File) != extension {
			continue
		}
		// Longer ones add nothing: their faults show at a length below.
		if data := c.Bytes(); len(data) < 1<<14 {
			f.Add(data)
		}
	}
}

// checkConfig reads any text as a config. It must not panic, and within the
// limits of memory and time either refuse the text in one good line, or give a
// config whose layout is sound and whose canonical text gives it back.
func checkConfig(t *testing.T, name string, data []byte) {
	var c *Config
	var warnings []string
	var err error
	bytes, took := allocated(func() { c, warnings, err = Parse(name, data, AnySyntax) })
	if len(data) < 1<<20 {
		require.Less(t, bytes, uint64(64<<20), "allocated")
		for range 2 {
			if took < time.Second {
				break
			}
			// Perhaps the machine was busy.
			_, again := allocated(func() { _, _, _ = Parse(name, data, AnySyntax) })
			took = min(took, again)
		}
		require.Less(t, took, time.Second)
	}
	if err != nil {
		var fieldFault *Error
		require.True(t, errors.As(err, &fieldFault))
		require.False(t, fault.IsCannotRun(err))
		requireRefusal(t, name, err)
		return
	}
	for _, w := range warnings {
		requireLine(t, name, w)
	}
	requireCanonical(t, c)
	for _, version := range []int{V1, V2} {
		if c.NLayers > 1000 {
			break // sound, and slow to write out again and again
		}
		l, err := c.Layout(version)
		if err != nil {
			requireRefusal(t, name, err)
			require.True(t, version == V1 && strings.HasPrefix(c.ActFn, "solu"), "only solu is refused by one version: %v", err)
			continue
		}
		require.NoError(t, l.Check())
		require.Equal(t, c.NLayers, l.Model.Layers)
	}
}
