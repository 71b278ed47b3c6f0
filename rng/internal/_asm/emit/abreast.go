package emit

import (
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
)

// Abreast emits instruction sequences that do not depend on each other side by
// side, each at a pace in proportion to its length, so that all end together.
// The steps of a polynomial wait for each other; a processor finds other work
// by itself only as far ahead as it looks, which is less than a polynomial.
func Abreast(c *build.Context, sequences ...func()) {
	file, err := c.Result()
	if err != nil {
		return // reported at the end
	}
	functions := file.Functions()
	f := functions[len(functions)-1]
	start := len(f.Nodes)
	var parts [][]ir.Node
	total := 0
	for _, emit := range sequences {
		emit()
		part := append([]ir.Node(nil), f.Nodes[start:]...)
		f.Nodes = f.Nodes[:start]
		parts = append(parts, part)
		total += len(part)
	}
	taken := make([]int, len(parts))
	for range total {
		next := -1
		for i, part := range parts {
			// The part that is least far, compared as fractions.
			if taken[i] < len(part) && (next < 0 || taken[i]*len(parts[next]) < taken[next]*len(part)) {
				next = i
			}
		}
		f.Nodes = append(f.Nodes, parts[next][taken[next]])
		taken[next]++
	}
}
