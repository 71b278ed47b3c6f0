package identify

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity/battery"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/plan"
)

// laws is the same for two plans that say the same of every tensor, so that no
// values tell them apart.
type laws [sha256.Size]byte

func lawsOf(p *plan.Plan) laws {
	h := sha256.New()
	for i, t := range p.Tensors().All() {
		d, known := p.Law(i)
		fmt.Fprintf(h, "%q %v %t ", t.Name, t.Shape, known)
		if known {
			writeLaw(h, d)
		}
		io.WriteString(h, "\n")
	}
	return laws(h.Sum(nil))
}

// writeLaw writes what decides about the law of a draw's values: a normal law
// times 1 is that normal law, and the last digits of a number are rounding.
func writeLaw(h hash.Hash, d dist.Dist) {
	if l, ok := battery.LawOf(d); ok {
		v, _ := l.Constant()
		fmt.Fprintf(h, "%s %.9g %.9g %.9g", l.Shape(), l.Mean(), l.Std(), v)
		return
	}
	switch draw := d.Draw.(type) {
	case dist.Blocks:
		for _, part := range draw.Parts {
			fmt.Fprintf(h, "%d rows ", part.Rows)
			writeLaw(h, part.Dist)
		}
	case dist.Pieces:
		for _, piece := range draw.Dists {
			io.WriteString(h, "piece ")
			writeLaw(h, piece)
		}
	default:
		fmt.Fprintf(h, "%T %+v", draw, draw)
	}
	for _, post := range d.Post {
		fmt.Fprintf(h, " %T %+v", post, post)
	}
}

// declared is what a plan says of a tensor.
type declared struct {
	values int64
	engine.Certainty
}

func declaredOf(p *plan.Plan) map[string]declared {
	out := make(map[string]declared, p.Tensors().Len())
	for i, t := range p.Tensors().All() {
		d, known := p.Law(i)
		out[t.Name] = declared{t.Elements, engine.CertaintyOf(d, known, t.Shape)}
	}
	return out
}
