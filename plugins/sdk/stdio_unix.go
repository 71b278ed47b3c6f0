//go:build unix

package sdk

import (
	"os"
	"syscall"
)

// takeStdio keeps the host's stdout for the handshake and puts stderr in its
// place, so that C code that prints does no harm; stdin is watched and the
// null device put in its place.
func (p *process) takeStdio() error {
	out, err := syscall.Dup(1)
	if err != nil {
		return err
	}
	syscall.CloseOnExec(out)
	in, err := syscall.Dup(0)
	if err != nil {
		return err
	}
	syscall.CloseOnExec(in)
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer func() { _ = null.Close() }()
	if err := dup2(int(null.Fd()), 0); err != nil {
		return err
	}
	if err := dup2(2, 1); err != nil {
		return err
	}
	p.stdout = os.NewFile(uintptr(out), "stdout")
	os.Stdout = p.stdout
	go p.watchStdin(os.NewFile(uintptr(in), "stdin"))
	return nil
}
