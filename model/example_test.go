package model_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/model"
)

// A config becomes a layout: the parameters in the order of their draws.
func ExampleLoad() {
	dir, err := os.MkdirTemp("", "weightinit")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "config.yaml")
	err = os.WriteFile(path, []byte("d_model: 64\nn_layers: 1\nn_heads: 2\nd_head: 32\nn_ctx: 16\nd_vocab: 100\nact_fn: gelu\nattn_only: true\n"), 0o600)
	if err != nil {
		panic(err)
	}

	config, warnings, err := model.Load(path)
	if err != nil {
		panic(err)
	}
	l, err := config.Layout(0)
	if err != nil {
		panic(err)
	}
	fmt.Println("warnings:", len(warnings))
	for _, p := range l.Params {
		if p.Role == layout.Query || p.Role == layout.LMHead {
			fmt.Println(p.Name, p.Shape, p.Role, p.FanIn, p.FanOut)
		}
	}
	// Output:
	// warnings: 0
	// layers.0.attn.q.weight [64 64] q 64 64
	// head.weight [100 64] lm_head 64 100
}
