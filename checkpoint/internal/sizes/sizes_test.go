package sizes_test

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weightinit/weightinit/checkpoint/internal/sizes"
)

// The same by integers without a limit.
func TestOfAgreesWithBigIntegers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shape := rapid.SliceOfN(rapid.OneOf(
			rapid.Int64Range(0, 5), rapid.Int64(), rapid.SampledFrom([]int64{1 << 31, 1 << 32, 1 << 60, 1<<63 - 1, 1 << 62}),
		), 0, 4).Draw(t, "shape")
		bits := rapid.SampledFrom([]int{4, 6, 8, 16, 32, 64, 128}).Draw(t, "bits")
		whole, product, negative := big.NewInt(1), big.NewInt(1), false
		for _, d := range shape {
			negative = negative || d < 0
			product.Mul(product, big.NewInt(d))
			if d != 0 {
				whole.Mul(whole, big.NewInt(d))
			}
		}
		wholeBytes := new(big.Int).Div(new(big.Int).Mul(whole, big.NewInt(int64(bits))), big.NewInt(8))
		bytes, rest := new(big.Int).DivMod(new(big.Int).Mul(product, big.NewInt(int64(bits))), big.NewInt(8), new(big.Int))
		size, elements, problem := sizes.Of(shape, bits)
		if negative || !whole.IsInt64() || !wholeBytes.IsInt64() || rest.Sign() != 0 {
			require.NotEmpty(t, problem)
			return
		}
		require.Empty(t, problem)
		require.Equal(t, product.Int64(), elements)
		require.Equal(t, bytes.Int64(), size)
	})
}

func TestText(t *testing.T) {
	require.Equal(t, "[]", sizes.Text(nil, "[", "]"))
	require.Equal(t, "(2, 3)", sizes.Text([]int64{2, 3}, "(", ")"))
	require.Equal(t, "[1, 1, 1, 1, 1, 1, 1, 1, … 64 sizes]", sizes.Text([]int64{
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
		1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	}, "[", "]"))
}
