package fill_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"sync"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

// extremes is a sink that keeps the largest absolute value of every tensor.
type extremes struct {
	mu      sync.Mutex
	largest []float32
}

// WriteValues gets the values in chunks, from several goroutines.
func (e *extremes) WriteValues(tensor int, _ int64, data []byte) error {
	most := float32(0)
	for ; len(data) > 0; data = data[4:] {
		most = max(most, float32(math.Abs(float64(math.Float32frombits(binary.LittleEndian.Uint32(data))))))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.largest[tensor] = max(e.largest[tensor], most)
	return nil
}

// A sink decides what becomes of the values: here 3 million are looked at and
// none is kept.
func ExampleRun() {
	l := &layout.Layout{Params: []layout.Param{
		{Name: "a", Shape: []int64{1024, 1024}, Role: layout.MLPIn},
		{Name: "b", Shape: []int64{2048, 1024}, Role: layout.MLPOut},
	}}
	p, err := plan.Assigned(l, registry.ID{Name: "mine", Version: 1}, []dist.Dist{
		{Draw: dist.Uniform{Low: -0.5, High: 0.5}},
		{Draw: dist.Normal{Std: 0.02}},
	}, plan.Options{Seed: 42})
	if err != nil {
		panic(err)
	}
	sink := &extremes{largest: make([]float32, p.Tensors().Len())}
	if err := fill.Run(context.Background(), p, sink, fill.Options{}); err != nil {
		panic(err)
	}
	for i, t := range p.Tensors().All() {
		fmt.Println(t.Name, sink.largest[i])
	}
	// Output:
	// a 0.49999976
	// b 0.09732286
}
