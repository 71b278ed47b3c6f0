//go:build !unix

package hostile

import "time"

var start = time.Now()

// CPU returns the time since the process began; here nothing portable tells the
// processor time.
func CPU() time.Duration { return time.Since(start) }
