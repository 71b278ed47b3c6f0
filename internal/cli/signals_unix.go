//go:build unix

package cli

import (
	"os"
	"os/signal"
	"syscall"
)

// survivePipes makes writing to a pipe that nobody reads any more an error
// like others, not the end of the process: a closed stdout must not stop a
// write half-way.
func survivePipes() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }
