//go:build !linux

package cli

import (
	"context"
	"fmt"
)

// benchFresh is for Linux: other systems are asked for huge pages in other
// ways, or not at all.
func benchFresh(context.Context, int, int) (func() error, error) {
	return nil, fmt.Errorf("huge pages are asked for on Linux only: %w", errNotHere)
}
