//go:build !unix

package configs

// makePipe makes no named pipe: this system has none in its file system.
func makePipe(string) error { return ErrNoSuchFile }
