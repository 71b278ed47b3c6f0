package rules_test

import (
	"fmt"

	"github.com/weightinit/weightinit/parity/rules"
)

// The first rule whose pattern matches a name decides.
func ExampleParse() {
	file, err := rules.Parse([]byte(`
rules:
  - tensors: "*.bias"
    check: bits
  - tensors: "layers.0.*"
    ignore: true
  - tensors: "*"
    check: [close, stats]
`), "parity.yaml")
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"layers.0.mlp.bias", "layers.0.mlp.weight", "head.weight"} {
		rule := file.Rules[file.For(name)]
		fmt.Println(name, rule.Checks, rule.Ignore)
	}
	// Output:
	// layers.0.mlp.bias [bits] false
	// layers.0.mlp.weight [] true
	// head.weight [close stats] false
}
