//go:build unix

package plugins

import "io/fs"

// executable reports whether anybody may execute the file; whether this user
// may, the start tells.
func executable(info fs.FileInfo) bool { return info.Mode().Perm()&0o111 != 0 }
