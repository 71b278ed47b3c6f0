package registry

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
)

// Mode decides the distribution of every parameter.
type Mode interface {
	// Assign returns exactly one distribution for each parameter of l, in
	// the same order. It must be a pure function of the receiver's options
	// and of l, which it must not change. A parameter for which the mode has
	// no rule is a [*NoRuleError], never a silent default.
	Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error)
}

// Level says how much a note matters.
type Level uint8

// The levels of notes.
const (
	// Remark is worth knowing.
	Remark Level = iota
	// Warning says that the weights may not be what the user wants.
	Warning
)

// Note is what a user should know of a plan.
type Note struct {
	Level Level
	// Text is one line, without a word for the level in front.
	Text string
}

// Noter is a mode that has something to say about a certain layout: what a
// user should know before the weights are made, such as that nothing is drawn.
type Noter interface {
	// Notes is asked after a successful Assign.
	Notes(l *layout.Layout) []Note
}

// Replayer is a mode that can draw what the framework itself draws for a model
// instead of one parameter after the other.
type Replayer interface {
	// Replays tells whether the model is drawn by l.Replay. Assign then says
	// what the parameters are filled with all the same.
	Replays(l *layout.Layout) bool
}

// External is a mode that a plugin assigns.
type External interface {
	// Plugin names the plugin; it is asked after a successful Assign.
	Plugin() Plugin
}

// Plugin names the plugin that a mode comes from.
type Plugin struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// H1 is the hash of the plugin's files, "h1:" and base64.
	H1 string `json:"h1"`
}

// ID names one version of one mode.
type ID struct {
	// Plugin is the name of the plugin that the mode comes from; empty for
	// modes of this process.
	Plugin string
	// Name is the mode's own name, such as "gpt2".
	Name string
	// Version counts from 1.
	Version int
}

// FullName is the name without the version: "gpt2", or "corp.wide" for a mode
// of the plugin corp.
func (id ID) FullName() string {
	if id.Plugin == "" {
		return id.Name
	}
	return id.Plugin + "." + id.Name
}

// String is the full id, such as "gpt2@1".
func (id ID) String() string { return id.FullName() + "@" + strconv.Itoa(id.Version) }

// Rule is one line of a mode's declared formula, for people.
type Rule struct {
	// Roles are the roles of the parameters that the rule is for.
	Roles []layout.Role
	// Formula is what they are filled with, such as "normal(0, std)".
	Formula string
}

// Info describes one version of a mode and makes instances of it.
type Info struct {
	ID ID
	// Default marks the version that the bare name means. Without a mark it
	// is the lowest.
	Default bool
	// Aliases are further names. One that several versions of the mode list
	// stands for the bare name; one that a single version lists, for that
	// version.
	Aliases []string
	// Summary is one line.
	Summary string
	// Source says whose formula this is: project, version, file or paper.
	Source string
	// Rules is the declared formula by role.
	Rules []Rule
	// Notes are traps and things that the mode relies on outside the weights.
	Notes []string
	// ModelVersion is the version of the model that the mode was defined on
	// (package model), for models that exist in several; 0 means the first.
	ModelVersion int
	// Origin describes where an external mode comes from; empty for modes of
	// this process.
	Origin string
	// New returns a fresh instance with default options. Its exported fields
	// are the options: see [Options].
	New func() Mode
}

var nameRule = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// reserved names cannot be registered: they mean something else on the
// command line or in records.
var reserved = []string{"all", "default", "none", "std", "torch", "weightinit"}

func (info Info) check() error {
	names := append([]string{info.ID.Name}, info.Aliases...)
	if info.ID.Plugin != "" {
		names = append(names, info.ID.Plugin)
	}
	for _, name := range names {
		if !nameRule.MatchString(name) {
			return fmt.Errorf("registry: mode %q: name %q must match %s", info.ID, name, nameRule)
		}
		if info.ID.Plugin == "" && slices.Contains(reserved, name) {
			return fmt.Errorf("registry: mode %q: the name %q is reserved", info.ID, name)
		}
	}
	if info.ID.Version < 1 {
		return fmt.Errorf("registry: mode %q: the version must be at least 1", info.ID)
	}
	if info.New == nil {
		return fmt.Errorf("registry: mode %q has no New", info.ID)
	}
	mode := info.New()
	if mode == nil {
		return fmt.Errorf("registry: mode %q: New returned nil", info.ID)
	}
	if _, err := Options(mode); err != nil {
		return fmt.Errorf("registry: mode %q: %w", info.ID, err)
	}
	return nil
}

// Registry holds modes by name. The zero value is not usable; see [New]. It
// is safe for use by several goroutines.
type Registry struct {
	mu    sync.RWMutex
	infos []Info
	// names maps every name and alias, with its plugin's prefix, to the full
	// name of the mode.
	names map[string]string
}

// New returns an empty registry.
func New() *Registry { return &Registry{names: map[string]string{}} }

// Add registers a mode. It is an error, and nothing is registered, when the
// info is incomplete, a name is reserved, the id exists, or a name or alias
// already means another mode ([*DuplicateError]).
func (r *Registry) Add(info Info) error {
	if err := info.check(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	full := info.ID.FullName()
	for _, have := range r.infos {
		if have.ID == info.ID {
			return &DuplicateError{Name: info.ID.String(), Have: have.ID, New: info.ID}
		}
		if have.ID.FullName() == full && have.Default && info.Default {
			return fmt.Errorf("registry: modes %q and %q are both marked as default", have.ID, info.ID)
		}
	}
	keys := []string{full}
	for _, alias := range info.Aliases {
		keys = append(keys, ID{Plugin: info.ID.Plugin, Name: alias}.FullName())
	}
	for _, key := range keys {
		if owner, taken := r.names[key]; taken && owner != full {
			return &DuplicateError{Name: key, Have: r.owner(key), New: info.ID}
		}
	}
	for _, key := range keys {
		r.names[key] = full
	}
	info.Aliases = slices.Clone(info.Aliases)
	r.infos = append(r.infos, info)
	slices.SortFunc(r.infos, func(a, b Info) int {
		return cmp.Or(cmp.Compare(a.ID.FullName(), b.ID.FullName()), cmp.Compare(a.ID.Version, b.ID.Version))
	})
	return nil
}

// owner returns the id of the first mode that has the name key.
func (r *Registry) owner(key string) ID {
	for _, info := range r.infos {
		if r.names[key] == info.ID.FullName() {
			return info.ID
		}
	}
	return ID{}
}

// List returns all modes, sorted by name and version.
func (r *Registry) List() []Info {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Clone(r.infos)
}

// Names returns the full names of all modes, sorted, each once.
func (r *Registry) Names() []string {
	var names []string
	for _, info := range r.List() {
		names = append(names, info.ID.FullName())
	}
	return slices.Compact(names)
}

// Clone returns a registry with the same modes, to which more can be added
// without a change to r.
func (r *Registry) Clone() *Registry {
	c := New()
	for _, info := range r.List() {
		if err := c.Add(info); err != nil {
			panic("registry: a registered mode cannot be added to an empty registry: " + err.Error())
		}
	}
	return c
}

// Lookup finds a mode by name or alias, in any letter case, with or without
// "@VERSION". The error of an unknown name is an [*UnknownError] that lists
// the supported ones.
func (r *Registry) Lookup(name string) (Info, error) {
	bare, _, versioned := strings.Cut(name, "@")
	key := strings.ToLower(bare)
	versions := r.find(key)
	if versions == nil {
		return Info{}, newUnknown("mode", bare, r.Names())
	}
	if !versioned {
		return defaultOf(versions), nil
	}
	return pick(versions, name)
}

// find returns the versions of the mode that a name or alias stands for,
// sorted; nil for an unknown one.
func (r *Registry) find(key string) []Info {
	r.mu.RLock()
	defer r.mu.RUnlock()
	full, known := r.names[key]
	if !known {
		return nil
	}
	var versions []Info
	for _, info := range r.infos {
		if info.ID.FullName() == full && (key == full || info.hasAlias(key)) {
			versions = append(versions, info)
		}
	}
	return versions
}

// pick returns the version that name asks for behind its "@".
func pick(versions []Info, name string) (Info, error) {
	bare, number, _ := strings.Cut(name, "@")
	var known []string
	for _, info := range versions {
		text := strconv.Itoa(info.ID.Version)
		if text == number {
			return info, nil
		}
		known = append(known, strings.ToLower(bare)+"@"+text)
	}
	return Info{}, newUnknown("mode", name, known)
}

// hasAlias tells whether the version lists the alias, which has the plugin's
// prefix.
func (info Info) hasAlias(key string) bool {
	return slices.ContainsFunc(info.Aliases, func(alias string) bool {
		return ID{Plugin: info.ID.Plugin, Name: alias}.FullName() == key
	})
}

// defaultOf returns the version marked as default, else the lowest. Versions
// are sorted and there is at least one.
func defaultOf(versions []Info) Info {
	for _, info := range versions {
		if info.Default {
			return info
		}
	}
	return versions[0]
}

var defaultRegistry = New()

// Default is the registry of the modes that are registered when a program
// starts.
func Default() *Registry { return defaultRegistry }

// Register adds a mode to [Default]; it is meant for init functions. It panics
// when [Registry.Add] returns an error, which is a mistake in the program.
func Register(info Info) {
	if err := defaultRegistry.Add(info); err != nil {
		panic(err)
	}
}
