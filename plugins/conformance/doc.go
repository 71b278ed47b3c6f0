// Package conformance checks whether a plugin keeps to the protocol: the
// checks of "weightinit plugins test", each with a name and, when it fails, a
// reason of one line.
//
// [Run] starts the plugin, several times, through package plugins; [InProcess]
// asks a service that runs in the caller's process and skips what needs one of
// its own. Authors call both from their tests through package sdktest. What is
// checked is the protocol of plugins/protocol/README.md, not whether weights
// are any good.
package conformance
