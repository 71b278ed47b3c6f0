package paritytest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/weightinit/weightinit/parity/paritytest"
)

// startWeights is what stands in a test of your own, with t *testing.T.
func startWeights(t testing.TB, weight []float32) {
	paritytest.Compare(t, "../../testdata/torch/2.15.0/range-gpt2-v1/layers.0.attn.q.bias.npy", []paritytest.Tensor{
		{Name: "layers.0.attn.q.bias", Shape: []int64{int64(len(weight))}, Values: weight},
	})
}

// A comparison fails the test and says where. Here t prints what go test would
// show.
func ExampleCompare() {
	startWeights(printing{}, append(make([]float32, 15), 0.5))
	// Output:
	// layers.0.attn.q.bias: bits: 1 of 16 values differ, the first at index 15 [15]: reference 00000000 (0), candidate 3f000000 (0.5), 1056964608 ulp
}

// printing prints the failures of a test.
type printing struct{ testing.TB }

func (printing) Helper()                           {}
func (printing) Context() context.Context          { return context.Background() }
func (printing) Log(args ...any)                   { fmt.Println(args...) }
func (printing) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (printing) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
