//go:build !race

package plugins

// slow stretches deadlines under the race detector.
const slow = 1
