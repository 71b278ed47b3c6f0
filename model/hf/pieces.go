package hf

import (
	"strings"

	"github.com/weightinit/weightinit/layout"
)

// cut is a piece of the output width of a fused matrix.
type cut struct {
	role  layout.Role
	width int64
}

// cuts says how a width is cut into pieces, in so many blocks of the same cuts
// each; nil where the sizes do not add up.
func (a *roles) cuts(kind string, width int64, whole layout.Role) (cuts []cut, blocks int64) {
	f := a.facts
	switch kind {
	case "qkv":
		q, kv := f.Heads*f.DHead, f.KVHeads*f.DHead
		return []cut{{layout.Query, q}, {layout.Key, kv}, {layout.Value, kv}}, 1
	case "thirds":
		return []cut{{layout.Query, width / 3}, {layout.Key, width / 3}, {layout.Value, width / 3}}, 1
	case "heads": // q, k and v of each head in turn
		if f.Heads < 1 {
			return nil, 0
		}
		d := width / 3 / f.Heads
		return []cut{{layout.Query, d}, {layout.Key, d}, {layout.Value, d}}, f.Heads
	case "kv":
		return []cut{{layout.Key, width / 2}, {layout.Value, width / 2}}, 1
	case "gate_up":
		return []cut{{layout.Gate, width / 2}, {layout.MLPIn, width / 2}}, 1
	case "experts":
		return []cut{{whole, width}}, 1
	}
	return nil, 0
}

// pieces cuts a fused parameter. None where that would take too many, or where
// the sizes do not fit.
func (a *roles) pieces(p *layout.Param, kind string) []layout.Piece {
	bias := p.Role.Kind() == layout.Vector
	stacks, rows, inner := int64(1), p.Shape[0], int64(1)
	switch {
	case len(p.Shape) == 3:
		stacks, rows, inner = p.Shape[0], p.Shape[1], p.Shape[2]
	case len(p.Shape) == 2 && !bias:
		inner = p.Shape[1]
	case len(p.Shape) == 2:
		stacks, rows = p.Shape[0], p.Shape[1]
	}
	width := rows
	if p.Transposed {
		width = inner
	}
	cuts, blocks := a.cuts(kind, width, p.Role)
	total, runs := int64(0), int64(1)
	for _, c := range cuts {
		total += c.width * blocks
	}
	if p.Transposed {
		runs = rows
	}
	if total != width || p.Transposed && blocks > 1 || stacks > layout.MaxPieces/int64(len(cuts)) || stacks > 1 && runs > 1<<20/int64(len(cuts))/stacks || len(cuts) == 1 && stacks == 1 {
		return nil
	}
	out := make([]layout.Piece, 0, stacks*int64(len(cuts)))
	for e := range stacks {
		first, base := int64(0), e*rows*inner
		for _, c := range cuts {
			piece := layout.Piece{Role: c.role}
			if bias {
				piece.Role = biasOf(c.role)
			}
			if strings.HasSuffix(string(c.role), "_bias") {
				piece.Role = c.role
			}
			if p.Transposed {
				piece.Shape, piece.FanIn, piece.FanOut = []int64{rows, c.width}, rows, c.width
				piece.At = layout.Region{First: base + first, Rows: rows, Row: c.width, Stride: inner}
			} else {
				piece.Shape, piece.FanIn, piece.FanOut = []int64{c.width * blocks, inner}, inner, c.width*blocks
				piece.At = layout.Region{First: base + first*inner, Rows: blocks, Row: c.width * inner, Stride: width / blocks * inner}
				if blocks == 1 {
					piece.At.Stride = piece.At.Row
				}
				if bias {
					piece.Shape, piece.FanIn = piece.Shape[:1], 0
				}
			}
			out = append(out, piece)
			first += c.width
		}
	}
	return out
}
