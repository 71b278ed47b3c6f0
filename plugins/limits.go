package plugins

import (
	"time"

	"github.com/weightinit/weightinit/plugins/internal/wire"
)

// Limits of what passes between the host and a plugin.
const (
	// MaxMessage is the largest request and the largest reply, in bytes.
	MaxMessage = wire.MaxMessage
	// MaxParams is the most parameters of an Assign.
	MaxParams = wire.MaxParams

	maxHandshake   = wire.MaxHandshake
	maxSocketPath  = 107
	maxRunDirPath  = 50
	maxStderrLine  = 4 << 10
	maxStderrShown = 400 // of a line, in bytes
	maxStderrRate  = 200
	keptStderr     = 20
	maxHeaderBytes = 64 << 10

	maxTreeFiles = 10_000
	maxTreeBytes = 2 << 30
	maxLockBytes = 1 << 20
	maxLocked    = 1000
	maxManifest  = 64 << 10
)

// DefaultStartTimeout is how long a plugin may take from its start to its
// handshake line.
const DefaultStartTimeout = 10 * time.Second

// deadlines are the times that no option sets. They are a value so that tests
// can shorten them.
type deadlines struct {
	connect  time.Duration // dial, TLS and the first health check
	describe time.Duration
	assign   time.Duration // for a small model
	fill     time.Duration // to a chunk and between chunks
	shutdown time.Duration // of a healthy process, before it is killed
	dead     time.Duration // from SIGKILL to the end of the process
	pipes    time.Duration // from the end of the process to that of its output
}

var defaultDeadlines = deadlines{
	connect: 5 * time.Second, describe: 5 * time.Second, assign: 10 * time.Second,
	fill: 30 * time.Second, shutdown: 2 * time.Second, dead: time.Second,
	pipes: 200 * time.Millisecond,
}

// assignFor is the deadline of an Assign of n parameters.
func (d deadlines) assignFor(n int) time.Duration {
	return d.assign + time.Duration(n/10_000)*time.Second
}
