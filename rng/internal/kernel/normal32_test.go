package kernel

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// everySixteenth returns the SHA-256 of normals of blocks whose words have one
// uniform at every sixteenth of its 2^24 values, and the other fixed.
func everySixteenth(t *testing.T, varyFirst bool, fixed uint32) string {
	t.Helper()
	hash := sha256.New()
	var words [Block]uint32
	var dst [Block]float32
	buf := make([]byte, 0, 4*Block)
	for u := uint32(5); u < 1<<24; u += 16 * half {
		for j := range half {
			words[j], words[j+half] = u+16*uint32(j), fixed
			if !varyFirst {
				words[j], words[j+half] = words[j+half], words[j]
			}
		}
		NormalF32(dst[:], words[:], 0, 1)
		var err error
		buf, err = binary.Append(buf[:0], binary.LittleEndian, dst[:])
		require.NoError(t, err)
		hash.Write(buf)
	}
	return fmt.Sprintf("%x", hash.Sum(nil))
}

// The checksums are torch's, of the same words put into its generator.
// scripts/reference/exhaustive compares all 2^24.

func TestEverySixteenthRadius(t *testing.T) {
	require.Equal(t, "9af5608c08f19a96efb2b5d4f110bc9080210c9f25c80a3fd98b37080941092a", everySixteenth(t, true, 0))
}

func TestEverySixteenthAngle(t *testing.T) {
	require.Equal(t, "a0f3e7aa5cc2b8893caba0d675c7bdda2362fb42cca2fc266e8cc6e11a089baf", everySixteenth(t, false, 0xffffff))
}
