// Package python carries the Python package weightinit_plugin as files, for
// programs that write Python plugins ("weightinit plugins new"): a plugin
// folder with its own copy needs an interpreter with grpcio and protobuf only.
//
// There is no Go code for plugins here; package sdk, one folder up, has it.
package python

import (
	"embed"
	"io/fs"
)

//go:embed weightinit_plugin/*.py weightinit_plugin/mode1.binpb weightinit_plugin/py.typed
var files embed.FS

// Files returns a file system with the one folder weightinit_plugin. Copied
// into a plugin's folder (os.CopyFS), it is found before an installed one.
func Files() fs.FS { return files }
