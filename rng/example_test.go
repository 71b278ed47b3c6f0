package rng_test

import (
	"fmt"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/rng"
)

// torch.manual_seed(42); torch.empty(1000).normal_(0, 0.02)
func ExampleFill() {
	weights := make([]float32, 1000)
	rng.Fill(rng.New(42), dist.Dist{Draw: dist.Normal{Std: 0.02}}, weights)
	fmt.Printf("%.6f\n", weights[:3])
	// Output: [0.038538 0.029746 0.018014]
}

// A tensor of any size passes through one small buffer.
func ExampleBegin() {
	d := dist.Dist{Draw: dist.Uniform{Low: -1, High: 1}}
	s := rng.New(7)
	tensor := rng.Begin[float32](s, d, 2500)
	buf := make([]float32, 1000)
	for n := tensor.Next(buf); n > 0; n = tensor.Next(buf) {
		fmt.Println(n)
	}
	fmt.Println(s.Position().Words)
	// Output:
	// 1000
	// 1000
	// 500
	// 2500
}
