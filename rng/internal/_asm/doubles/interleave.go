package main

import (
	"strings"

	"github.com/mmcloughlin/avo/ir"
)

// The processor looks ahead less far than the chains of operations below are
// long, so that chains that do not depend on each other must alternate in the
// code. Between the marks begin and end the instructions are those of several
// chains, one after the other and parted by the mark next; interleave takes
// one of each in turn.
const (
	begin = "chains:"
	next  = "chain:"
	end   = "chains end."
)

// chains emits chains to be interleaved. None reads what another writes.
func (g *gen) chains(chains ...func()) {
	g.Comment(begin)
	for i, chain := range chains {
		if i > 0 {
			g.Comment(next)
		}
		chain()
	}
	g.Comment(end)
}

func interleave(file *ir.File) {
	for _, f := range file.Functions() {
		var out []ir.Node
		var chains [][]ir.Node
		for _, n := range f.Nodes {
			switch mark(n) {
			case begin:
				chains = [][]ir.Node{nil}
			case next:
				chains = append(chains, nil)
			case end:
				out = append(out, merged(chains)...)
				chains = nil
			default:
				if chains == nil {
					out = append(out, n)
					continue
				}
				last := &chains[len(chains)-1]
				*last = append(*last, n)
			}
		}
		f.Nodes = out
	}
}

func mark(n ir.Node) string {
	if c, ok := n.(*ir.Comment); ok {
		return strings.Join(c.Lines, "")
	}
	return ""
}

// merged stretches the chains to the same length.
func merged(chains [][]ir.Node) (out []ir.Node) {
	longest := 0
	for _, c := range chains {
		longest = max(longest, len(c))
	}
	taken := make([]int, len(chains))
	for i := range longest {
		for j, c := range chains {
			for ; taken[j] < len(c)*(i+1)/longest; taken[j]++ {
				out = append(out, c[taken[j]])
			}
		}
	}
	return out
}
