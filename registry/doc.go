// Package registry finds init modes by name.
//
// A [Mode] decides, for every parameter of a layout, which distribution it is
// filled with. It is pure data in, data out: it draws nothing (package rng
// does), writes nothing and opens nothing. The built-in modes live below
// modes/; importing modes/standard for its side effect registers them all
// with [Default]. External modes come from package plugins.
//
// The registry holds constructors, not instances: every lookup that
// configures a mode gets a fresh one, whose exported fields are its options
// (see [Options]).
//
// Names are lower-case and found in any letter case. A name may carry a
// version, as in "gpt2@2". A released version never changes what it assigns;
// a bare name means the version marked as default, else the lowest.
package registry
