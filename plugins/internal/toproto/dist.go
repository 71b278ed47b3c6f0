// Package toproto turns the project's values into messages of the plugin
// protocol. Every function is pure; package fromproto goes the other way.
//
// Values of the process's own code are trusted, so only what a message cannot
// carry is an error here. Replies of plugins are checked in package fromproto.
package toproto

import (
	"fmt"
	"unicode/utf8"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

// Dists maps the distributions of a layout, in order. The error names the
// index of the one that a message cannot carry.
func Dists(list []dist.Dist) (*modev1.AssignReply, error) {
	reply := &modev1.AssignReply{Dists: make([]*modev1.Dist, len(list))}
	for i, d := range list {
		m, err := Dist(d)
		if err != nil {
			return nil, fmt.Errorf("distribution %d: %w", i, err)
		}
		reply.Dists[i] = m
	}
	return reply, nil
}

// Dist maps one distribution. Numbers keep their bits. No draw at all, a draw
// or step that is not of package dist, and a formula that is not UTF-8 are
// errors.
func Dist(d dist.Dist) (*modev1.Dist, error) {
	if !utf8.ValidString(d.Formula) {
		return nil, fmt.Errorf("formula %q is not UTF-8", d.Formula)
	}
	m := &modev1.Dist{Formula: d.Formula}
	if err := setDraw(m, d.Draw); err != nil {
		return nil, err
	}
	for i, p := range d.Post {
		step, err := Post(p)
		if err != nil {
			return nil, fmt.Errorf("post step %d: %w", i, err)
		}
		m.Post = append(m.Post, step)
	}
	return m, nil
}

func setDraw(dst *modev1.Dist, draw dist.Draw) error {
	switch d := draw.(type) {
	case dist.Constant:
		dst.Kind = &modev1.Dist_Constant{Constant: &modev1.Constant{Value: d.Value}}
	case dist.Uniform:
		dst.Kind = &modev1.Dist_Uniform{Uniform: &modev1.Uniform{Low: d.Low, High: d.High}}
	case dist.Normal:
		dst.Kind = &modev1.Dist_Normal{Normal: &modev1.Normal{Mean: d.Mean, Std: d.Std}}
	case dist.TruncNormal:
		dst.Kind = &modev1.Dist_TruncNormal{TruncNormal: &modev1.TruncNormal{
			Mean: d.Mean, Std: d.Std, A: d.A, B: d.B, Algorithm: modev1.TruncNormal_Algorithm(d.Algorithm),
		}}
	case dist.Eye:
		dst.Kind = &modev1.Dist_Eye{Eye: &modev1.Eye{}}
	case dist.Dirac:
		dst.Kind = &modev1.Dist_Dirac{Dirac: &modev1.Dirac{Groups: d.Groups}}
	case dist.Orthogonal:
		dst.Kind = &modev1.Dist_Orthogonal{Orthogonal: &modev1.Orthogonal{Gain: d.Gain}}
	case dist.Sparse:
		dst.Kind = &modev1.Dist_Sparse{Sparse: &modev1.Sparse{Sparsity: d.Sparsity, Std: d.Std}}
	case dist.Filled:
		dst.Kind = &modev1.Dist_Fill{Fill: &modev1.Filled{}}
	case dist.Blocks:
		blocks, err := Blocks(d)
		dst.Kind = &modev1.Dist_Blocks{Blocks: blocks}
		return err
	case dist.Pieces:
		pieces, err := Pieces(d)
		dst.Kind = &modev1.Dist_Pieces{Pieces: pieces}
		return err
	case nil:
		return fmt.Errorf("no distribution given")
	default:
		return fmt.Errorf("a distribution of type %T cannot be sent", draw)
	}
	return nil
}

// Blocks maps blocks along dimension 0. Blocks within blocks are an error.
func Blocks(b dist.Blocks) (*modev1.Blocks, error) {
	m := &modev1.Blocks{Blocks: make([]*modev1.Block, len(b.Parts))}
	for i, part := range b.Parts {
		if _, nested := part.Dist.Draw.(dist.Blocks); nested {
			return nil, fmt.Errorf("block %d is blocks, which cannot stand inside blocks", i)
		}
		d, err := Dist(part.Dist)
		if err != nil {
			return nil, fmt.Errorf("block %d: %w", i, err)
		}
		m.Blocks[i] = &modev1.Block{Rows: part.Rows, Dist: d}
	}
	return m, nil
}

// Pieces maps the distributions of a fused parameter's pieces, none of which
// may be blocks or pieces.
func Pieces(p dist.Pieces) (*modev1.Pieces, error) {
	m := &modev1.Pieces{Pieces: make([]*modev1.Dist, len(p.Dists))}
	for i, one := range p.Dists {
		switch one.Draw.(type) {
		case dist.Blocks, dist.Pieces:
			return nil, fmt.Errorf("piece %d is %s, which cannot stand inside pieces", i, one.Draw.Kind())
		}
		d, err := Dist(one)
		if err != nil {
			return nil, fmt.Errorf("piece %d: %w", i, err)
		}
		m.Pieces[i] = d
	}
	return m, nil
}

// Post maps one step after the draw.
func Post(p dist.Post) (*modev1.Post, error) {
	switch p := p.(type) {
	case dist.Multiply:
		return &modev1.Post{Step: &modev1.Post_Multiply{Multiply: p.By}}, nil
	case dist.Divide:
		return &modev1.Post{Step: &modev1.Post_Divide{Divide: p.By}}, nil
	case dist.ZeroRows:
		zero := &modev1.ZeroRows{Ranges: make([]*modev1.Range, len(p.Ranges))}
		for i, r := range p.Ranges {
			zero.Ranges[i] = &modev1.Range{First: r.First, Count: r.Count}
		}
		return &modev1.Post{Step: &modev1.Post_ZeroRows{ZeroRows: zero}}, nil
	default:
		return nil, fmt.Errorf("a step of type %T cannot be sent", p)
	}
}
