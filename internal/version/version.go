// Package version names the release of this program.
package version

import "runtime/debug"

// Number is the semantic version of the release that this tree becomes.
const Number = "0.1.0"

// Revision returns the commit that the program was built from, with "+dirty"
// for a changed tree, or "" when the build did not record it.
func Revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	revision, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+dirty"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + dirty
}
