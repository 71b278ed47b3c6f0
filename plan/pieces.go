package plan

import (
	"crypto/sha256"
	"fmt"
	"io"
	"slices"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
)

// checkPieces checks that a parameter can be filled by the pieces that e draws.
func (p *Plan) checkPieces(e layout.Event) error {
	if _, ok := e.Dist.Draw.(dist.Pieces); !ok {
		return nil
	}
	if e.Param < 0 || e.Param >= len(p.params) || e.Into != (layout.Region{}) || !slices.Equal(e.Shape, p.params[e.Param].Shape) {
		return fmt.Errorf("pieces: only a whole parameter is drawn by them")
	}
	return p.params[e.Param].CheckDist(e.Dist)
}

// pieces appends a step a piece of a fused parameter.
func (p *Plan) pieces(whole Step, draw dist.Pieces, pieces []layout.Piece) error {
	for i, piece := range pieces {
		one := whole
		one.Shape, one.Elements, one.Block = piece.Shape, dist.Elements(piece.Shape), i
		one.Dist = pieceDist(draw.Dists[i], whole.Dist.Post)
		if whole.Param != Discard {
			one.Into = piece.At
		}
		if err := p.append(one); err != nil {
			return fmt.Errorf("piece %d: %w", i, err)
		}
	}
	return nil
}

// pieceDist is what one piece is filled with, if posts follow those of all
// pieces.
func pieceDist(d dist.Dist, posts []dist.Post) dist.Dist {
	d.Post = slices.Concat(d.Post, posts)
	return d
}

// encodePieces writes the draw of a fused parameter: the digest has to say
// where the pieces lie, as the parameter's shape does not.
func (p *Plan) encodePieces(w io.Writer, param Param, draw dist.Pieces) {
	fmt.Fprintf(w, "%s %d", draw.Kind(), len(draw.Dists))
	for i, d := range draw.Dists {
		piece := param.Pieces[i]
		fmt.Fprintf(w, " (%d into %s ", piece.Shape, regionText(piece.At))
		p.encodeDist(w, pieceDist(d, param.Dist.Post))
		fmt.Fprint(w, ")")
	}
}

// encodeTold writes what else the plugin is told that fills a parameter
// itself: it decides about the values. Nothing is written of what there is not.
func (p *Plan) encodeTold(w io.Writer, param Param) {
	if r := p.model.InitializerRange; r != nil && *r == 0 {
		fmt.Fprint(w, " zero_range")
	}
	if param.Transposed {
		fmt.Fprint(w, " transposed")
	}
	if param.PaddingRow != nil {
		fmt.Fprintf(w, " padding_row %d", *param.PaddingRow)
	}
	if n := len(param.Pieces); n > 0 {
		fmt.Fprintf(w, " pieces %d", n)
	}
	for _, piece := range param.Pieces {
		fmt.Fprintf(w, " (%d:%s %d into %s fans %d %d)", len(piece.Role), piece.Role, piece.Shape, regionText(piece.At), piece.FanIn, piece.FanOut)
	}
	if config := p.model.Config; len(config) > 0 {
		fmt.Fprintf(w, " config %x", sha256.Sum256(config))
	}
}

func regionText(r layout.Region) string {
	return fmt.Sprintf("%d %d %d %d", r.First, r.Rows, r.Row, r.Stride)
}
