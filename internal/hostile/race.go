//go:build race

package hostile

// Race says that the race detector is on, which makes everything slower by an
// order of magnitude: large cases and time limits are left to other runs.
const Race = true
