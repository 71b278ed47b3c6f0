package plugins

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/strictjson"
	"github.com/weightinit/weightinit/plugins/internal/wire"
)

var pythonRule = regexp.MustCompile(`^>=3\.[0-9]{1,3}$`)

// checkPluginName says why name cannot be a plugin's, or "".
func checkPluginName(name string) string {
	if !wire.PluginRule.MatchString(name) {
		return fmt.Sprintf("name %s must match %s", said(name), wire.PluginRule)
	}
	if wire.Reserved(name) {
		return fmt.Sprintf("the name %q is reserved", name)
	}
	return ""
}

const maxRunArguments = 64

// withManifest reads a plugin.json into c.
func withManifest(c Candidate, text []byte) (Candidate, error) {
	p := strictjson.New(text, 4)
	var version, python string
	err := p.Object(func(key string, offset int64) (err error) {
		switch key {
		case "manifest":
			version, err = p.Number()
		case "name":
			c.Name, err = p.String()
		case "run":
			err = p.Array(func(i int) error {
				if i == maxRunArguments {
					return fmt.Errorf("\"run\" has more than %d texts", maxRunArguments)
				}
				s, err := p.String()
				c.Run = append(c.Run, s)
				return err
			})
		case "python":
			python, err = p.String()
		default:
			err = fmt.Errorf("unknown key %s: the keys are manifest, name, run and python", shown.Quote(key))
		}
		return err
	})
	if err == nil {
		err = p.End()
	}
	if err != nil {
		return c, badManifest(whereIs(text, err))
	}
	switch {
	case version == "":
		return c, badManifest(`"manifest" is missing: write "manifest": 1`)
	case version != "1":
		return c, badManifest(fmt.Sprintf("manifest version %s is not known, this weightinit reads 1: take a newer weightinit", shown.Quote(version)))
	case checkPluginName(c.Name) != "":
		return c, badManifest(checkPluginName(c.Name))
	case (len(c.Run) == 0) == (python == ""):
		return c, badManifest(`give exactly one of "run" and "python"`)
	case python != "":
		return pythonFolder(c, python)
	}
	return programFolder(c)
}

func badManifest(text string) error { return fail(ErrNotPlugin, manifestName+": "+text) }

// whereIs describes an error of a JSON text by line and column.
func whereIs(text []byte, err error) string {
	var at *strictjson.Error
	if !errors.As(err, &at) {
		return err.Error()
	}
	line, column := position(text, at.Offset)
	return fmt.Sprintf("line %d, column %d: %s", line, column, at.Detail())
}

// position counts from 1; a column is a byte.
func position(text []byte, offset int64) (line, column int) {
	before := string(text[:min(int(offset), len(text))])
	return strings.Count(before, "\n") + 1, len(before) - strings.LastIndexByte(before, '\n')
}

func pythonFolder(c Candidate, python string) (Candidate, error) {
	if !pythonRule.MatchString(python) {
		return c, badManifest(fmt.Sprintf(`"python" is %s, must be like ">=3.10"`, shown.Quote(python)))
	}
	info, err := os.Lstat(filepath.Join(c.Path, pythonMain))
	if err != nil || !info.Mode().IsRegular() {
		return c, fail(ErrNotPlugin, "the folder has no regular file "+pythonMain+", which its manifest needs")
	}
	c.Kind, c.RequiresPython = Python, python
	return c, nil
}

// programFolder checks that the program is a regular file of the folder, and
// that no link leads to it.
func programFolder(c Candidate) (Candidate, error) {
	run := c.Run[0]
	if run == "" || run == "." || path.IsAbs(run) || path.Clean(run) != run || !filepath.IsLocal(filepath.FromSlash(run)) || strings.ContainsAny(run, "\\\x00") {
		return c, badManifest(fmt.Sprintf(`"run" names %s: it must be a path inside the folder, with slashes`, shown.Quote(run)))
	}
	for _, argument := range c.Run[1:] {
		if strings.ContainsRune(argument, 0) {
			return c, badManifest(`"run" holds a NUL character`)
		}
	}
	at := c.Path
	parts := strings.Split(run, "/")
	for i, part := range parts {
		at = filepath.Join(at, part)
		info, err := os.Lstat(at)
		switch {
		case err != nil:
			return c, fail(ErrNotPlugin, fmt.Sprintf("the program %s of its manifest: %s", shown.Quote(run), reasonOf(err)), err)
		case i < len(parts)-1 && !info.IsDir():
			return c, fail(ErrNotPlugin, fmt.Sprintf("the program %s of its manifest lies below %s, which is no folder", shown.Quote(run), shown.Quote(part)))
		case i == len(parts)-1 && !info.Mode().IsRegular():
			return c, fail(ErrNotPlugin, fmt.Sprintf("the program %s of its manifest is %s: it must be a regular file", shown.Quote(run), kindOrFolder(info.Mode())))
		case i == len(parts)-1 && !executable(info):
			return c, fail(ErrNotPlugin, fmt.Sprintf("the program %s of its manifest is not executable: chmod +x it", shown.Quote(run)))
		}
	}
	c.Kind = Manifest
	return c, nil
}
