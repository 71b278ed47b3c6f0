package fromproto

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

// Description is a checked reply to Describe.
type Description struct {
	Name, Version string
	// SDK and SDKVersion are shown, never compared.
	SDK, SDKVersion string
	Features        []string
	Modes           []Mode
}

// Has reports whether the plugin lists a feature.
func (d *Description) Has(feature string) bool { return slices.Contains(d.Features, feature) }

// Mode is one version of one mode of a plugin.
type Mode struct {
	ID          string
	Version     int
	Default     bool
	Summary     string
	Description string
	Citation    string
	Aliases     []string
	// Fills tells that Assign may leave parameters to the plugin.
	Fills bool
	// Fixed tells that what it fills depends on no seed.
	Fixed bool
	// Options describes the options; never nil.
	Options *Schema
	// SchemaText is the schema as the plugin sent it.
	SchemaText string
}

// Describe checks a reply to Describe. taken tells whether a plugin may not
// have a name because a mode of this process has it; it may be nil.
func Describe(reply *modev1.DescribeReply, taken func(name string) bool) (*Description, error) {
	if err := checkIdentity(reply, taken); err != nil {
		return nil, err
	}
	if err := checkFeatures(reply.Features); err != nil {
		return nil, err
	}
	if n := len(reply.Modes); n < 1 || n > wire.MaxModes {
		return nil, bad("modes", "", "must have 1 to %d entries, has %d", wire.MaxModes, n)
	}
	d := &Description{
		Name: reply.Name, Version: reply.Version, SDK: reply.Sdk, SDKVersion: reply.SdkVersion,
		Features: slices.Clone(reply.Features), Modes: make([]Mode, len(reply.Modes)),
	}
	var err error
	for i, info := range reply.Modes {
		field := index("modes", i)
		if d.Modes[i], err = ModeInfo(field, info); err != nil {
			return nil, err
		}
		if info.GetFills() && !d.Has(wire.FeatureFill) {
			return nil, bad(field+".fills", "true", "needs the feature %q", wire.FeatureFill)
		}
		if info.GetFixed() && !info.Fills {
			return nil, bad(field+".fixed", "true", "says something of the values that Fill makes: needs fills")
		}
	}
	if err := checkNames(d.Modes); err != nil {
		return nil, err
	}
	return d, nil
}

func checkIdentity(reply *modev1.DescribeReply, taken func(string) bool) error {
	switch {
	case !wire.PluginRule.MatchString(reply.GetName()):
		return bad("name", reply.GetName(), "must match %s", wire.PluginRule)
	case wire.Reserved(reply.Name):
		return bad("name", reply.Name, "is reserved")
	case taken != nil && taken(reply.Name):
		return bad("name", reply.Name, "is the name of a built-in mode")
	case len(reply.Version) > wire.MaxVersion || !isSemver(reply.Version):
		return bad("version", reply.Version, "must be a semantic version like 1.4.0, of at most %d bytes", wire.MaxVersion)
	}
	if err := text("sdk", reply.Sdk, 0, wire.MaxSDK, false); err != nil {
		return err
	}
	return text("sdk_version", reply.SdkVersion, 0, wire.MaxVersion, false)
}

// isSemver accepts all three numbers with nothing before them, where package
// semver wants a "v" and takes fewer numbers.
func isSemver(s string) bool {
	v := "v" + s
	return semver.IsValid(v) && semver.Canonical(v)+semver.Build(v) == v
}

func checkFeatures(features []string) error {
	if len(features) > wire.MaxFeatures {
		return tooMany("features", len(features), wire.MaxFeatures)
	}
	for i, f := range features {
		if !wire.FeatureRule.MatchString(f) {
			return bad(index("features", i), f, "must match %s", wire.FeatureRule)
		}
	}
	return nil
}

// ModeInfo checks one mode; field is its place in the reply.
func ModeInfo(field string, info *modev1.ModeInfo) (Mode, error) {
	fail := func(err error) (Mode, error) { return Mode{}, err }
	if !wire.ModeRule.MatchString(info.GetId()) {
		return fail(bad(field+".id", info.GetId(), "must match %s", wire.ModeRule))
	}
	if info.Version < 1 || info.Version > 1<<31-1 {
		return fail(bad(field+".version", fmt.Sprint(info.Version), "must be from 1 to %d", 1<<31-1))
	}
	if err := text(field+".summary", info.Summary, 1, wire.MaxSummary, false); err != nil {
		return fail(err)
	}
	if err := text(field+".description", info.Description, 0, wire.MaxDescription, true); err != nil {
		return fail(err)
	}
	if err := text(field+".citation", info.Citation, 0, wire.MaxCitation, false); err != nil {
		return fail(err)
	}
	if len(info.Aliases) > wire.MaxAliases {
		return fail(tooMany(field+".aliases", len(info.Aliases), wire.MaxAliases))
	}
	for i, alias := range info.Aliases {
		if !wire.ModeRule.MatchString(alias) {
			return fail(bad(index(field+".aliases", i), alias, "must match %s", wire.ModeRule))
		}
	}
	options, err := ParseSchema(info.OptionsSchema)
	if err != nil {
		return fail(within(field+".options_schema", err))
	}
	return Mode{
		ID: info.Id, Version: int(info.Version), Default: info.Default, Summary: info.Summary,
		Description: info.Description, Citation: info.Citation, Aliases: slices.Clone(info.Aliases),
		Fills: info.Fills, Fixed: info.Fixed, Options: options, SchemaText: info.OptionsSchema,
	}, nil
}

// within puts the path of an error inside another field.
func within(field string, err error) error {
	if e, ok := err.(*FieldError); ok {
		path := field
		if e.Field != "" && !strings.HasPrefix(e.Field, "[") {
			path += "."
		}
		return &FieldError{Param: e.Param, Field: path + e.Field, Value: e.Value, Problem: e.Problem}
	}
	return bad(field, "", "%s", err)
}

// checkNames finds ids, versions, defaults and aliases that contradict each
// other.
func checkNames(modes []Mode) error {
	type key struct {
		id      string
		version int
	}
	ids, defaults := map[key]bool{}, map[string]bool{}
	owner := make(map[string]string, len(modes))
	for i, m := range modes {
		if k := (key{m.ID, m.Version}); ids[k] {
			return bad(index("modes", i), fmt.Sprintf("%s@%d", m.ID, m.Version), "is listed twice")
		} else {
			ids[k] = true
		}
		if m.Default && defaults[m.ID] {
			return bad(index("modes", i)+".default", m.ID, "marks a second version of the mode as default")
		}
		defaults[m.ID] = defaults[m.ID] || m.Default
		owner[m.ID] = m.ID
	}
	for i, m := range modes {
		for j, alias := range m.Aliases {
			if have, taken := owner[alias]; taken && have != m.ID {
				return bad(index(index("modes", i)+".aliases", j), alias, "already means the mode %q", have)
			}
			owner[alias] = m.ID
		}
	}
	return nil
}
