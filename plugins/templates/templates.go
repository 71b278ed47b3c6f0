// Package templates writes new plugins: a folder with one mode that works,
// a test that runs the conformance kit, and what an author does next.
//
// It writes files and runs nothing. What is in the files is in the folders go
// and python, the Python package in package plugins/sdk/python.
package templates

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/version"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/sdk/python"
)

//go:embed all:go all:python
var files embed.FS

// Module is the Go module that has the SDK.
const Module = "github.com/weightinit/weightinit"

// goVersion is what the module needs.
const goVersion = "1.26.0"

// Languages lists what [New] can write.
func Languages() []string { return []string{"go", "python"} }

// Options are for plugins in Go.
type Options struct {
	// SDKVersion is the version of [Module] in go.mod; empty means that of
	// this program.
	SDKVersion string
	// Replace is a folder with the source of [Module] that go.mod points to,
	// for as long as the module is not published. The new plugin takes the
	// versions of all other modules from there, so it builds at once. Empty
	// means none: the author runs "go mod tidy".
	Replace string
	// Taken reports whether a mode of this program has a name; nil for no.
	Taken func(name string) bool
}

// New writes a plugin of the given name into dir, which must not exist yet or
// be empty. lang is one of [Languages].
func New(lang, name, dir string, opt Options) (err error) {
	switch {
	case !slices.Contains(Languages(), lang):
		return fmt.Errorf("templates: unknown language %s: use one of %s", shown.Quote(lang), strings.Join(Languages(), ", "))
	case !wire.PluginRule.MatchString(name):
		return fmt.Errorf("templates: plugin name %s must match %s", shown.Quote(name), wire.PluginRule)
	case wire.Reserved(name) || opt.Taken != nil && opt.Taken(name):
		return fmt.Errorf("templates: plugin name %q is taken: choose another", name)
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("templates: folder %s is not empty: give a new one", shown.Path(dir))
	}
	data, err := newData(name, opt)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fault.CannotRun(fmt.Errorf("templates: %w", err))
	}
	source, err := fs.Sub(files, lang)
	if err != nil {
		return fmt.Errorf("templates: %w", err)
	}
	if err := render(dir, source, data); err != nil {
		return fault.CannotRun(fmt.Errorf("templates: plugin in %s: %w", shown.Path(dir), err))
	}
	switch lang {
	case "python":
		err = os.CopyFS(dir, python.Files())
	case "go":
		err = goMod(dir, data)
	}
	if err != nil {
		return fault.CannotRun(fmt.Errorf("templates: plugin in %s: %w", shown.Path(dir), err))
	}
	return nil
}

// data is what the files can name.
type data struct {
	Name, SDK, SDKVersion, Go string
	// Replace is absolute, with slashes.
	Replace string
}

func newData(name string, opt Options) (data, error) {
	d := data{Name: name, SDK: Module, SDKVersion: opt.SDKVersion, Go: goVersion}
	if d.SDKVersion == "" {
		d.SDKVersion = "v" + version.Number
	}
	if opt.Replace == "" {
		return d, nil
	}
	dir, err := filepath.Abs(opt.Replace)
	if err != nil {
		return d, fault.CannotRun(fmt.Errorf("templates: %w", err))
	}
	d.Replace = filepath.ToSlash(dir)
	return d, nil
}

// render writes every file of source, with ".tmpl" taken off its name.
func render(dir string, source fs.FS, d data) error {
	return fs.WalkDir(source, ".", func(name string, entry fs.DirEntry, err error) error {
		target := filepath.Join(dir, filepath.FromSlash(strings.TrimSuffix(name, ".tmpl")))
		switch {
		case err != nil:
			return err
		case path.Base(name) == "__pycache__":
			return fs.SkipDir
		case entry.IsDir():
			return os.MkdirAll(target, 0o755)
		}
		text, err := fs.ReadFile(source, name)
		if err != nil {
			return err
		}
		t, err := template.New(name).Option("missingkey=error").Parse(string(text))
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if err := t.Execute(&out, d); err != nil {
			return err
		}
		return os.WriteFile(target, out.Bytes(), 0o644)
	})
}

// goMod writes go.mod and, with a replacement, go.sum. With one, every module
// that it requires is required here too, as the go command wants to see them.
func goMod(dir string, d data) error {
	mod := new(modfile.File)
	if err := mod.AddModuleStmt(d.Name); err != nil {
		return err
	}
	if err := mod.AddGoStmt(d.Go); err != nil {
		return err
	}
	requires := []*modfile.Require{{Mod: module.Version{Path: d.SDK, Version: d.SDKVersion}}}
	if d.Replace != "" {
		have, err := requiredBy(filepath.FromSlash(d.Replace))
		if err != nil {
			return err
		}
		requires = append(requires, have...)
	}
	mod.SetRequireSeparateIndirect(requires)
	if d.Replace != "" {
		if err := mod.AddReplace(d.SDK, "", d.Replace, ""); err != nil {
			return err
		}
		sums, err := os.ReadFile(filepath.Join(filepath.FromSlash(d.Replace), "go.sum"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o644); err != nil {
			return err
		}
	}
	text, err := mod.Format()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "go.mod"), text, 0o644)
}

// requiredBy reads what a module requires; to the new plugin all of it is
// indirect.
func requiredBy(dir string) ([]*modfile.Require, error) {
	name := filepath.Join(dir, "go.mod")
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	mod, err := modfile.Parse(name, text, nil)
	if err != nil {
		return nil, err
	}
	if mod.Module == nil || mod.Module.Mod.Path != Module {
		return nil, fmt.Errorf("%s is not the source of %s", shown.Path(dir), Module)
	}
	for _, r := range mod.Require {
		r.Indirect, r.Syntax = true, nil
	}
	return mod.Require, nil
}
