package plugins

import (
	"context"
	"encoding/json"
	"maps"
	"strings"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/registry"
)

// Mode is a mode of a plugin. Nothing but this package needs to know that it
// is one: it is a [registry.Dynamic].
type Mode struct {
	plugin *external
	id     registry.ID
	// about is nil for a mode that only the lock is known of.
	about  *ModeInfo
	values map[string]any
}

// ID is the mode's full id.
func (m *Mode) ID() registry.ID { return m.id }

// Options returns the options in the order of the plugin's schema; none for a
// plugin that was not started, which [Host.Register] does for the names that
// it is given.
func (m *Mode) Options() []registry.Option {
	if m.about == nil {
		return nil
	}
	return m.about.Options.Options()
}

// SetOption sets an option, checked against everything that the schema says.
func (m *Mode) SetOption(name string, value any) error {
	if m.about == nil {
		return &registry.OptionError{Option: name, Problem: "the options of mode " + shown.Quote(m.id.FullName()) + " are known only when its plugin runs"}
	}
	if err := m.about.Options.Check(name, value); err != nil {
		return err
	}
	m.values[name] = value
	return nil
}

// OptionValues returns the values of the options that are set.
func (m *Mode) OptionValues() map[string]any { return maps.Clone(m.values) }

// Assign asks the plugin, which is started if it does not run yet.
func (m *Mode) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	p, about, options, err := m.ready(ctx)
	if err != nil {
		return nil, err
	}
	return p.Assign(ctx, about, options, l, m.plugin.host.opt.DType)
}

// Plugin names the plugin of the mode, its version and its hash; the latter two
// are empty before it was started.
func (m *Mode) Plugin() registry.Plugin {
	x := m.plugin
	x.mu.Lock()
	defer x.mu.Unlock()
	out := registry.Plugin{Name: m.id.Plugin, H1: x.hash()}
	if x.about != nil {
		out.Version = x.about.Version
	}
	return out
}

// ready returns the running plugin, what it says of the mode, and all options
// that have a value as a JSON object with sorted keys.
func (m *Mode) ready(ctx context.Context) (*Process, ModeInfo, []byte, error) {
	p, err := m.plugin.start(ctx)
	if err != nil {
		return nil, ModeInfo{}, nil, err
	}
	about, err := m.described(ctx, p)
	if err != nil {
		return nil, ModeInfo{}, nil, err
	}
	values := map[string]any{}
	for _, o := range about.Options.Options() {
		if o.Default != nil {
			values[o.Name] = o.Default
		}
	}
	maps.Copy(values, m.values)
	text, err := json.Marshal(values)
	return p, about, text, err
}

// described returns what the running plugin says of the mode.
func (m *Mode) described(ctx context.Context, p *Process) (ModeInfo, error) {
	if m.about != nil {
		return *m.about, nil
	}
	d, err := p.Describe(ctx, nil)
	if err != nil {
		return ModeInfo{}, err
	}
	for _, mode := range d.Modes {
		if mode.ID == m.id.Name && mode.Version == m.id.Version {
			return mode, nil
		}
	}
	return ModeInfo{}, p.cand.wrap("", fail(ErrUnknownMode, "has no mode "+shown.Quote(m.id.String())))
}

// info is the registry's view of a described mode.
func (x *external) info(d *Description, about ModeInfo) registry.Info {
	id := registry.ID{Plugin: d.Name, Name: about.ID, Version: about.Version}
	info := registry.Info{
		ID: id, Default: about.Default, Aliases: about.Aliases, Summary: shown.Text(about.Summary),
		Source: shown.Text(about.Citation), Origin: x.origin(d),
	}
	for line := range strings.SplitSeq(about.Description, "\n") {
		if line != "" {
			info.Notes = append(info.Notes, shown.Text(line))
		}
	}
	info.New = func() registry.Mode {
		m := &Mode{plugin: x, id: id, about: &about, values: map[string]any{}}
		for _, o := range about.Options.Options() {
			if o.Default != nil {
				m.values[o.Name] = o.Default
			}
		}
		return m
	}
	return info
}

// lockedInfo is the registry's view of a mode that only the lock is known of.
func (x *external) lockedInfo(locked LockedMode) registry.Info {
	id := registry.ID{Plugin: x.entry.Name, Name: locked.ID, Version: locked.Version}
	return registry.Info{
		ID: id, Summary: "of plugin " + x.entry.Name + " " + shown.Text(x.entry.Version) + ", which was not started",
		Origin: "plugin " + x.entry.Name + " " + shown.Text(x.entry.Version) + ", locked with " + x.entry.H1,
		New: func() registry.Mode {
			return &Mode{plugin: x, id: id, values: map[string]any{}}
		},
	}
}

// origin says where a mode comes from, for people.
func (x *external) origin(d *Description) string {
	text := "plugin " + d.Name + " " + shown.Text(d.Version)
	if x.entry != nil {
		return text + ", locked with " + x.entry.H1
	}
	return text + ", not locked, at " + shown.Path(x.cand.Given)
}
