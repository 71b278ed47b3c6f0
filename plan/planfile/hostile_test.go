package planfile_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/hostile"
	"github.com/weightinit/weightinit/internal/hostile/planfiles"
	plans "github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/plan/planfile"
)

// load parses and lowers.
func load(data []byte) (*plans.Plan, error) {
	d, err := planfile.Parse(data)
	if err != nil {
		return nil, err
	}
	return plans.FromProgram(d.Layout, plans.Options{})
}

func TestTheTableOfHostilePlanFiles(t *testing.T) {
	cases := planfiles.Cases()
	require.Greater(t, len(cases), 200)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			if c.Large && testing.Short() {
				return // takes seconds
			}
			p, err := load(c.Bytes())
			if c.Sound {
				require.NoError(t, err, c.Name)
				require.NotEmpty(t, p.Digest())
				return
			}
			require.Error(t, err, c.Name)
			require.NoError(t, hostile.Case{MustName: c.MustName}.CheckLine("file: "+err.Error()), c.Name)
		})
	}
}

// FuzzPlanFile: nothing panics or takes long, what is read is lowered or
// refused in one line, and what is lowered is written as the same program.
func FuzzPlanFile(f *testing.F) {
	for _, c := range planfiles.Cases() {
		if data := c.Bytes; !c.Large {
			if text := data(); len(text) < 1<<16 {
				f.Add(text)
			}
		}
	}
	for _, text := range programs {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := load(data)
		if err != nil {
			if line := err.Error(); strings.ContainsAny(line, "\n\r\x1b") || !utf8.ValidString(line) || len(line) > 3000 {
				t.Fatalf("%q", line)
			}
			return
		}
		var b bytes.Buffer
		if err := planfile.Write(&b, p, nil); err != nil {
			var rounded *planfile.RoundedError
			if errors.As(err, &rounded) {
				t.Fatal(err)
			}
			return
		}
		q, err := load(b.Bytes())
		if err != nil {
			t.Fatalf("%v in\n%s", err, b.Bytes())
		}
		if p.Tensors().Len() != q.Tensors().Len() {
			t.Fatal("other tensors")
		}
	})
}
