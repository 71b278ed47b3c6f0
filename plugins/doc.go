// Package plugins is the host side of external modes: programs of their own
// that decide distributions like the built-in modes do (package registry).
//
// One job a file, in the order in which they come: discover (what is a plugin
// on disk), lock and store (what this user has agreed to run), launch (start a
// process, keep it inside its deadlines and end it on every path), client and
// adapter (turn what it says into modes of a registry). [Host] joins them for
// one run of a program.
//
// The protocol is plugins/protocol, what authors write against is plugins/sdk,
// and the checks that every plugin should pass are plugins/conformance. The
// host draws all bits itself (package rng), except for parameters that a mode
// leaves to its plugin ([Host.Fill]).
//
// A plugin runs with the rights of the user: this is no sandbox. What is
// promised is that a plugin that is broken, hung, chatty or hostile to the
// protocol costs one error line within its deadlines and leaves no process,
// socket or file behind. The promise about processes of processes, and about a
// host that is killed, holds on Linux; other systems have weaker means (see
// runner_unix.go and runner_windows.go) and were not tested.
package plugins
