// Package faultfs holds file systems that misbehave on purpose, for the tests
// of crash-safe writing: one that meets every call with a hook, which can
// record it, fail it, cut it short or end the process there (Wrap), and one in
// memory that can be cut from power and then holds only what was synced (Mem).
//
// It is for tests only. What is right after a fault is decided by the tests of
// the packages that write.
package faultfs
