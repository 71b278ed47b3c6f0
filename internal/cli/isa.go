package cli

import (
	"fmt"

	"github.com/weightinit/weightinit/rng"
)

// chooseISA makes the flag's instruction set the one that draws; without the
// flag it is the environment's, which must be one that can be used.
func chooseISA(flag string) error {
	if flag == "" {
		_, err := rng.ISA()
		return err
	}
	if err := rng.SetISA(flag); err != nil {
		return fmt.Errorf("--isa: %w", err)
	}
	return nil
}
