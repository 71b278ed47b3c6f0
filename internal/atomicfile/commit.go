package atomicfile

import (
	"context"
	"errors"
)

// Output is a File or a Set.
type Output interface {
	Name() string
	Commit() error
	Abort() error
	CommitBegun() bool
}

// CommitContext commits out, unless ctx ends before the commit has begun: then
// it aborts, so that nothing is changed, and returns the cause of ctx. The
// sync that comes before the commit may take long; it is waited for, as no
// system can stop it.
func CommitContext(ctx context.Context, out Output) error {
	stop := context.AfterFunc(ctx, func() { _ = out.Abort() })
	err := out.Commit()
	stop()
	if ctx.Err() != nil && errors.Is(err, ErrAborted) {
		return context.Cause(ctx)
	}
	return err
}
