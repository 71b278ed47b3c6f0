//go:build !unix

package plugins

import "io/fs"

// executable is true: without permission bits only the start can tell.
func executable(fs.FileInfo) bool { return true }
