package plugins

import "os"

const (
	shortTemp  = ""
	shortPaths = false // addresses are ports
)

// lockRunDir: folders have no locks here.
func lockRunDir(string) (*os.File, error) { return nil, nil }

// takeStale is never sure, so nothing is swept.
func takeStale(string) (*os.File, bool) { return nil, false }
