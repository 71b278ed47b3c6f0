//go:build !unix && !windows

package inputfile

// openFlags is empty: nothing portable keeps an open from waiting here.
const openFlags = 0

func isWrongPath(error) bool { return false }
