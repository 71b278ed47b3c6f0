package plugins

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/shown"
)

// Kind is what a plugin is on disk.
type Kind uint8

// The kinds of plugins.
const (
	// Executable is one executable file.
	Executable Kind = iota + 1
	// Manifest is a folder with a plugin.json that names its program.
	Manifest
	// Python is a folder with __main__.py, started by a Python interpreter.
	Python
)

const (
	manifestName = "plugin.json"
	pythonMain   = "__main__.py"
)

// Candidate is a plugin that was found on disk and not started.
type Candidate struct {
	// Given is the path as it was given, for messages; empty for a plugin of a
	// lock file.
	Given string
	// Path is absolute: the file, or the folder.
	Path string
	Kind Kind
	// Name is the plugin's name when its manifest or its lock entry says it;
	// otherwise only the running plugin can tell.
	Name string
	// Run is the program, relative to the folder, and its arguments; for
	// [Manifest] only.
	Run []string
	// RequiresPython is the manifest's wish, such as ">=3.10"; for messages.
	RequiresPython string

	// locked is the lock's entry that this start must agree with.
	locked *Entry
	// store is the folder that holds Path when it is a private copy.
	store string
}

// shown is the candidate in errors: by path, or by name when it is locked.
func (c Candidate) wrap(op string, err error) error {
	var have *Error
	if err == nil || errors.As(err, &have) {
		return err
	}
	return &Error{Plugin: c.Name, Path: c.Given, Op: op, Err: err}
}

// Discover looks at a path and says which kind of plugin it is. It starts
// nothing, follows no link and opens nothing but plugin.json.
func Discover(path string) (Candidate, error) {
	c := Candidate{Given: path}
	refuse := func(format string, args ...any) (Candidate, error) {
		return Candidate{}, c.wrap("", fail(ErrNotPlugin, fmt.Sprintf(format, args...)))
	}
	if path == "" {
		return refuse("the path is empty: give a program or a folder")
	}
	var err error
	if c.Path, err = filepath.Abs(path); err != nil {
		return Candidate{}, c.wrap("", fault.CannotRun(err))
	}
	info, err := os.Lstat(c.Path)
	if err != nil {
		return refuseLook(c, err)
	}
	switch {
	case info.Mode().IsRegular():
		if !executable(info) {
			return refuse("the file is not executable: chmod +x it, or give a folder")
		}
		c.Kind = Executable
		return c, nil
	case !info.IsDir():
		return refuse("this is %s: give a program or a folder%s", kindOf(info.Mode()), linkHint(info.Mode()))
	}
	if c, err = folder(c); err != nil {
		return Candidate{}, c.wrap("", err)
	}
	return c, nil
}

func refuseLook(c Candidate, err error) (Candidate, error) {
	if errors.Is(err, fs.ErrNotExist) {
		return Candidate{}, c.wrap("", fail(ErrNotPlugin, "no such file or folder: check the path", err))
	}
	if !fault.IsCannotRun(err) {
		return Candidate{}, c.wrap("", fail(ErrNotPlugin, reasonOf(err)+": check the path", err))
	}
	return Candidate{}, c.wrap("", fault.CannotRun(&failure{"cannot look at it: " + reasonOf(err), []error{ErrNotPlugin, err}}))
}

// reasonOf is the text of an error of the system without the path, which the
// message has already.
func reasonOf(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	var link *os.LinkError
	if errors.As(err, &link) {
		err = link.Err
	}
	return err.Error()
}

// kindOf names what a path is that is neither file nor folder.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	default:
		return "not a regular file"
	}
}

func linkHint(mode fs.FileMode) string {
	if mode&fs.ModeSymlink != 0 {
		return ", the one that the link points to"
	}
	return ""
}

// folder finds out what to run in the folder c.Path.
func folder(c Candidate) (Candidate, error) {
	text, err := readSmall(filepath.Join(c.Path, manifestName), maxManifest)
	switch {
	case err == nil:
		return withManifest(c, text)
	case !errors.Is(err, fs.ErrNotExist):
		return c, err
	}
	info, err := os.Lstat(filepath.Join(c.Path, pythonMain))
	switch {
	case err == nil && info.Mode().IsRegular():
		c.Kind = Python
		return c, nil
	case err == nil:
		return c, fail(ErrNotPlugin, fmt.Sprintf("%s in the folder is %s: it must be a regular file", pythonMain, kindOrFolder(info.Mode())))
	}
	return c, fail(ErrNotPlugin, fmt.Sprintf("the folder holds neither %s nor %s: is this the right folder?", manifestName, pythonMain))
}

func kindOrFolder(mode fs.FileMode) string {
	if mode.IsDir() {
		return "a folder"
	}
	return kindOf(mode)
}

// readSmall reads a regular file that is no link, of at most limit bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	base := filepath.Base(path)
	info, err := os.Lstat(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return nil, fail(ErrNotPlugin, fmt.Sprintf("%s: %s", base, reasonOf(err)), err)
	}
	if !info.Mode().IsRegular() {
		return nil, fail(ErrNotPlugin, fmt.Sprintf("%s in the folder is %s: it must be a regular file", base, kindOrFolder(info.Mode())))
	}
	if info.Size() > limit {
		return nil, fail(ErrNotPlugin, fmt.Sprintf("%s has %d bytes, the limit is %d", base, info.Size(), limit))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.CannotRun(&failure{fmt.Sprintf("cannot read %s: %s", base, reasonOf(err)), []error{ErrNotPlugin, err}})
	}
	return text, nil
}

// command returns the program and its arguments.
func (c Candidate) command(python string) ([]string, error) {
	switch c.Kind {
	case Executable:
		return []string{c.Path}, nil
	case Manifest:
		return append([]string{filepath.Join(c.Path, filepath.FromSlash(c.Run[0]))}, c.Run[1:]...), nil
	}
	interpreter, err := findPython(python)
	if err != nil {
		return nil, err
	}
	// -I leaves the user's own packages out, -B keeps the folder unchanged.
	return []string{interpreter, "-I", "-B", c.Path}, nil
}

// pythonHint says which interpreter runs a Python plugin, for the message about
// one that ends early; empty for others.
func (c Candidate) pythonHint(argv []string) string {
	if c.Kind != Python {
		return ""
	}
	hint := "; it was run by " + shown.Path(argv[0])
	if c.RequiresPython != "" {
		hint += " and asks for Python " + c.RequiresPython
	}
	return hint
}

// findPython returns the interpreter's absolute path. Links stay as they are:
// the interpreter of a virtual environment is one.
func findPython(given string) (string, error) {
	name, from := given, "the options"
	if name == "" {
		name, from = os.Getenv("WEIGHTINIT_PYTHON"), "WEIGHTINIT_PYTHON"
	}
	if name == "" {
		name, from = "python3", ""
	}
	path, err := exec.LookPath(name)
	if err == nil || errors.Is(err, exec.ErrDot) {
		if path, err = filepath.Abs(path); err == nil {
			return path, nil
		}
	}
	text := "the Python interpreter " + shown.Quote(name)
	if from != "" {
		text += " of " + from
	}
	return "", fail(ErrStart, text+" was not found: install Python 3.10 or later, or name an interpreter", ErrPython, err)
}
