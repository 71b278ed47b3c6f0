package plugins

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/fault"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/registry"
)

// HostOptions say how a [Host] runs its plugins.
type HostOptions struct {
	Options
	// Store is the folder of the private copies; empty means [StoreDir].
	Store string
	// DType is the type in which the run stores its parameters; 0 means F32.
	DType dtype.Type
	// Note is called with a line that the user should see, such as that a
	// plugin of the lock file gives way; nil drops them.
	Note func(line string)
}

// Host holds the plugins of one run of a program: which there are, and the
// processes of those that were needed. It is safe for several goroutines.
type Host struct {
	opt HostOptions

	mu      sync.Mutex
	plugins []*external
	closed  bool
	taken   func(name string) bool
}

// external is one plugin of a host.
type external struct {
	host  *Host
	entry *Entry // of the lock file; nil for a path

	mu      sync.Mutex // held while it starts
	cand    Candidate
	process *Process
	about   *Description
	h1      string // of a plugin given by path, before it was started
	failed  error  // why it cannot be started; kept so that it is not tried again
}

// NewHost returns a host without plugins. The caller must call [Host.Close].
func NewHost(opt HostOptions) *Host {
	if opt.DType == 0 {
		opt.DType = dtype.F32
	}
	return &Host{opt: opt}
}

func (h *Host) note(format string, args ...any) {
	if h.opt.Note != nil {
		h.opt.Note(fmt.Sprintf(format, args...))
	}
}

// AddPath adds the plugin at a path for this run: the call is the consent. It
// looks at the path and starts nothing.
func (h *Host) AddPath(path string) error {
	c, err := Discover(path)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, have := range h.plugins {
		if have.entry == nil && have.cand.Path == c.Path {
			return c.wrap("", fault.BadInput(&failure{"is given twice: give it once", []error{ErrNotPlugin}}))
		}
	}
	if err := h.nameIsFree(c.Name, c); err != nil {
		return err
	}
	h.plugins = append(h.plugins, &external{host: h, cand: c})
	return nil
}

// nameIsFree refuses a second plugin of a name among the paths. h.mu is held.
func (h *Host) nameIsFree(name string, c Candidate) error {
	for _, have := range h.plugins {
		if name != "" && have.entry == nil && have.cand.Name == name && have.cand.Path != c.Path {
			return c.wrap("", fault.BadInput(&failure{
				fmt.Sprintf("its name is %q, and so is that of the plugin %s: give one of them", name, shown.Path(have.cand.Given)),
				[]error{ErrNotPlugin},
			}))
		}
	}
	return nil
}

// AddLock adds the plugins of a lock file that are for this platform. It
// starts nothing and does not look at their copies. A file that does not exist
// has none.
func (h *Host) AddLock(lockFile string) error {
	entries, err := ReadLock(lockFile)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range chosen(entries) {
		for _, have := range h.plugins {
			if have.entry != nil && have.entry.Name == e.Name {
				return &Error{Plugin: e.Name, Err: fault.BadInput(&failure{"is in two lock files: give one of them", []error{ErrLock}})}
			}
		}
		h.plugins = append(h.plugins, &external{host: h, entry: &e, cand: Candidate{Name: e.Name, locked: &e}})
	}
	return nil
}

// Register adds the modes of the plugins to r.
//
// With names, those of the modes that a run needs (as a user writes them, such
// as "corp.wide@2" or "gpt2"), only the plugins that they name are started,
// and only these plugins' modes are complete: their options, aliases and
// default versions are known. A name without a plugin starts none. Plugins
// that were given by path and do not say their name on disk are started when
// any name has a plugin.
//
// Without names, for listings, plugins of the lock file are not started: their
// modes have a name and a version only. Plugins given by path are started.
//
// A plugin given by path whose name is in the lock file takes its place.
func (h *Host) Register(ctx context.Context, r *registry.Registry, names ...string) error {
	h.mu.Lock()
	all := slices.Clone(h.plugins)
	if h.taken == nil {
		have := registeredNames(r)
		h.taken = func(name string) bool { return have[name] }
	}
	h.mu.Unlock()
	needed := map[string]bool{}
	for _, name := range names {
		if plugin, _, ok := strings.Cut(name, "."); ok {
			needed[strings.ToLower(plugin)] = true
		}
	}
	byPath := map[string]bool{}
	for _, x := range all {
		if x.entry != nil || !x.wanted(len(names) > 0, needed) {
			continue
		}
		if _, err := x.start(ctx); err != nil {
			return err
		}
		h.mu.Lock()
		err := h.nameIsFree(x.about.Name, x.cand)
		h.mu.Unlock()
		if err != nil {
			return err
		}
		byPath[x.about.Name] = true
		if err := x.register(r); err != nil {
			return err
		}
	}
	for _, x := range all {
		if x.entry == nil {
			continue
		}
		if byPath[x.entry.Name] {
			h.note("plugin %q of %s gives way to the one given by its path", x.entry.Name, LockName)
			continue
		}
		if needed[x.entry.Name] {
			if _, err := x.start(ctx); err != nil {
				return err
			}
		}
		if err := x.register(r); err != nil {
			return err
		}
	}
	return nil
}

// wanted reports whether a plugin that was given by path must be started.
func (x *external) wanted(named bool, needed map[string]bool) bool {
	if !named {
		return true
	}
	if x.cand.Name != "" {
		return needed[x.cand.Name]
	}
	return len(needed) > 0
}

// registeredNames are the names that plugins cannot have.
func registeredNames(r *registry.Registry) map[string]bool {
	out := map[string]bool{}
	for _, info := range r.List() {
		if info.ID.Plugin != "" {
			continue
		}
		out[info.ID.Name] = true
		for _, alias := range info.Aliases {
			out[alias] = true
		}
	}
	return out
}

// start returns the plugin's process, started and described at the first call.
func (x *external) start(ctx context.Context) (*Process, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case x.process != nil:
		return x.process, nil
	case x.failed != nil:
		return nil, x.failed
	}
	p, err := x.launch(ctx)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			x.failed = err
		}
		return nil, err
	}
	x.process = p
	return p, nil
}

func (x *external) launch(ctx context.Context) (*Process, error) {
	h := x.host
	h.mu.Lock()
	closed := h.closed
	h.mu.Unlock()
	if closed {
		return nil, x.cand.wrap("", fail(ErrGone, "the run is over"))
	}
	if x.entry != nil {
		store, err := orStoreDir(h.opt.Store)
		if err != nil {
			return nil, err
		}
		c, err := lockedCandidate(store, *x.entry)
		if err != nil {
			return nil, err
		}
		x.cand = c
	} else {
		h1, err := x.cand.Hash()
		if err != nil {
			return nil, err
		}
		x.h1 = h1
	}
	p, err := Launch(ctx, x.cand, h.opt.Options)
	if err != nil {
		return nil, err
	}
	d, err := p.Describe(ctx, h.taken)
	if err != nil {
		p.Stop()
		return nil, err
	}
	x.about, x.cand.Name = d, d.Name
	return p, nil
}

// register adds the plugin's modes to r: complete ones when it was described,
// else what the lock says.
func (x *external) register(r *registry.Registry) error {
	x.mu.Lock()
	about := x.about
	x.mu.Unlock()
	var infos []registry.Info
	if about != nil {
		for _, m := range about.Modes {
			infos = append(infos, x.info(about, m))
		}
	} else {
		for _, m := range x.entry.Modes {
			infos = append(infos, x.lockedInfo(m))
		}
	}
	for _, info := range infos {
		if err := r.Add(info); err != nil {
			return x.cand.wrap("", fail(ErrBadReply, err.Error(), err))
		}
	}
	return nil
}

// Plugin is one plugin that a run has started, for its records.
type Plugin struct {
	Name, Version string
	// Given is the path as it was given; empty for a plugin of the lock file.
	Given string
	// H1 is the hash of the private copy, or for a plugin given by path the
	// one that a copy would have had when it was started.
	H1              string
	SDK, SDKVersion string
	PID             int
}

// Started lists the plugins that were started, in the order in which they were
// added.
func (h *Host) Started() []Plugin {
	h.mu.Lock()
	all := slices.Clone(h.plugins)
	h.mu.Unlock()
	var out []Plugin
	for _, x := range all {
		x.mu.Lock()
		if x.process != nil {
			p := Plugin{
				Name: x.about.Name, Version: x.about.Version, Given: x.cand.Given,
				SDK: shown.Text(x.about.SDK), SDKVersion: shown.Text(x.about.SDKVersion), PID: x.process.PID(),
			}
			p.H1 = x.hash()
			out = append(out, p)
		}
		x.mu.Unlock()
	}
	return out
}

// hash is that of the plugin's files; empty before a plugin that was given by
// path is started.
func (x *external) hash() string {
	if x.entry != nil {
		return x.entry.H1
	}
	return x.h1
}

// Close stops every process. Modes of the host fail from then on. It may be
// called again.
func (h *Host) Close() {
	h.mu.Lock()
	h.closed = true
	all := slices.Clone(h.plugins)
	h.mu.Unlock()
	var stops sync.WaitGroup
	for _, x := range all {
		stops.Go(func() {
			x.mu.Lock()
			p := x.process
			x.mu.Unlock()
			if p != nil {
				p.Stop()
			}
		})
	}
	stops.Wait()
}
