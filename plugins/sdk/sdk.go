// Package sdk serves modes of package registry as a plugin: a program of its
// own that weightinit starts, asks and stops.
//
// An author writes modes, lists them in a [Plugin] and calls [Serve] in main.
// A mode decides distributions and draws nothing: what it returns is data, and
// the host makes the bits. A mode written for a registry runs in a plugin
// unchanged, and the other way round; its options are the fields of its
// struct, as [registry.Options] describes. What the vocabulary of package dist
// cannot say, a mode may make itself: see [Filler]. A fused parameter says what
// is in it ([layout.Param], Pieces), and [registry.EachPiece] applies a rule for
// single matrices to it.
//
// The protocol is described in plugins/protocol/README.md. The host's side is
// package plugins; tests of a plugin are in package sdktest.
package sdk

import (
	"context"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/registry"
)

// Plugin is what a program serves.
type Plugin struct {
	// Name is the first half of the users' names for the modes, as in
	// "corp.wide": a lower-case letter, then up to 31 lower-case letters,
	// digits and underscores.
	Name string
	// Version is a semantic version like "1.4.0".
	Version string
	// Modes are served; there must be at least one.
	Modes []Mode
	// Ranges tells that every [Filler] among the modes can fill any range of
	// a parameter, with the values that the whole has there.
	Ranges bool
}

// Mode is one version of one mode.
type Mode struct {
	// ID is the second half of the user's name.
	ID string
	// Version counts from 1. A released version never changes what it assigns.
	Version int
	// Default marks the version that the bare name means. Without a mark it
	// is the lowest.
	Default bool
	// Summary is one line of at most 200 bytes.
	Summary string
	// Description is the formula by role, for people; it may have newlines.
	Description string
	// Citation says whose formula this is.
	Citation string
	// Aliases are further names.
	Aliases []string
	// Fixed tells that a [Filler] makes a fixed pattern: the same values for every
	// seed.
	Fixed bool
	// New returns a fresh instance. Its exported fields are the options (see
	// [registry.Options]); when it is a [Filler], it may assign
	// [dist.Filled].
	New func() registry.Mode
}

// Filler is a mode that makes the values of some parameters itself: of those
// to which its Assign gave [dist.Filled].
type Filler interface {
	registry.Mode
	// Fill writes exactly the values that are asked for to dst, in row-major
	// order. They must depend on the request and the options only: the same
	// request gives the same values in every process. Up to two calls run at
	// once, each on an instance of its own.
	Fill(ctx context.Context, req FillRequest, dst *Writer) error
}

// FillRequest says what a [Filler] has to make.
type FillRequest struct {
	Model layout.Facts
	Param layout.Param
	// Seed depends on the run's seed, the mode, the parameter's name and the
	// compute type. It is all the randomness that there is; it fits
	// math/rand/v2.NewChaCha8.
	Seed [wire.SeedBytes]byte
	// DType is F32 or F64: the type in which the values travel.
	DType dtype.Type
	// First and Count are the elements asked for: all of them, except of
	// plugins that set Ranges.
	First, Count int64
}

// LayoutError says that a mode cannot do a model. A parameter without a rule
// is a [registry.NoRuleError]; this is for all other reasons.
type LayoutError struct {
	// Param is the parameter that stands in the way; empty when it is the
	// model as a whole.
	Param string
	// Problem is the reason and the next step, one line.
	Problem string
}

func (e *LayoutError) Error() string { return e.Problem }
