package checkpoint_test

import (
	"context"
	"fmt"

	"github.com/weightinit/weightinit/checkpoint"
)

// Open takes a safetensors file, a .npy file, a .npz archive or a folder, and
// reads values in pieces.
func ExampleOpen() {
	set, err := checkpoint.Open("../testdata/bridge/plain.safetensors")
	if err != nil {
		panic(err)
	}
	defer set.Close()
	t, known := set.Lookup("embed.weight")
	if !known {
		panic("no embedding")
	}
	sum, n := 0.0, 0
	err = t.Each(context.Background(), func(values []float64) error {
		for _, v := range values {
			sum += v
		}
		n += len(values)
		return nil
	})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%d tensors; %s %v: %d values, mean %.4f\n", len(set.Tensors()), t.DType, t.Shape, n, sum/float64(n))
	// Output:
	// 38 tensors; F32 [6 8]: 48 values, mean -0.0249
}
