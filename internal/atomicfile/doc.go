// Package atomicfile writes one file, or the files of one folder, so that
// whoever looks at the final name — another process, or the user after a
// kill -9 or a power cut — finds what was there before or the whole new
// content, never a part of it.
//
// A file is written under a temporary name in the folder of its final name
// (".NAME.8 hex digits.tmp"), into space that was compared with the free space
// and then reserved; it is synced, closed, renamed to its final name, and the
// folder is synced. Every error before the rename removes the temporary. A set
// of files ([CreateSet]) completes all its temporaries before the first rename
// and renames the file that makes the folder readable as a checkpoint (an
// index, a manifest.json) last.
//
// It knows nothing of what the bytes mean: formats are packages of their own
// under checkpoint. It does not watch signals or contexts either: the caller
// calls Abort, and asks CommitBegun whether it came too late.
//
// All calls of the operating system go through [FS], so that the tests can let
// each of them fail, stop the process there, or cut the power (package
// faultfs).
package atomicfile
