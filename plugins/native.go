package plugins

import (
	"bytes"
	"io"
	"os"
)

// nativeMagics begin programs that run on one kind of machine only: ELF,
// Mach-O in its kinds, and the programs of Windows.
var nativeMagics = [][]byte{
	[]byte("\x7fELF"), []byte("MZ"),
	{0xcf, 0xfa, 0xed, 0xfe}, {0xce, 0xfa, 0xed, 0xfe}, {0xfe, 0xed, 0xfa, 0xcf}, {0xfe, 0xed, 0xfa, 0xce}, {0xca, 0xfe, 0xba, 0xbe},
}

// isNative reports whether a plugin's program is compiled, so that another
// platform would have other bytes.
func isNative(c Candidate) (bool, error) {
	if c.Kind == Python {
		return false, nil
	}
	argv, err := c.command("")
	if err != nil {
		return false, err
	}
	f, err := os.Open(argv[0])
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, 4)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return false, err
	}
	for _, magic := range nativeMagics {
		if bytes.HasPrefix(head[:n], magic) {
			return true, nil
		}
	}
	return false, nil
}
