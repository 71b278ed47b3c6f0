//go:build !unix

package sdk

import "os"

// takeStdio watches stdin. Descriptors cannot be moved here, so what C code
// prints goes to the host, which drops it.
func (p *process) takeStdio() error {
	p.stdout = os.Stdout
	stdin := os.Stdin
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	os.Stdin = null
	go p.watchStdin(stdin)
	return nil
}
