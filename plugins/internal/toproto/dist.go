// Package toproto turns the project's values into messages of the plugin
// protocol. Every function is pure; package fromproto goes the other way.
//
// Values of the process's own code are trusted, so only what a message cannot
// carry is an error here. Replies of plugins are checked in package fromproto.
package toproto

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

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

// setDraw fills the field of the draw's kind. A family's kind is the name of its
// field in the protocol, and its numbers are named like those of its message.
func setDraw(dst *modev1.Dist, draw dist.Draw) error {
	if draw == nil {
		return fmt.Errorf("no distribution given")
	}
	if b, ok := draw.(dist.Blocks); ok {
		blocks, err := Blocks(b)
		dst.Kind = &modev1.Dist_Blocks{Blocks: blocks}
		return err
	}
	if p, ok := draw.(dist.Pieces); ok {
		pieces, err := Pieces(p)
		dst.Kind = &modev1.Dist_Pieces{Pieces: pieces}
		return err
	}
	m := dst.ProtoReflect()
	field := m.Descriptor().Oneofs().ByName("kind").Fields().ByName(protoreflect.Name(draw.Kind()))
	if field == nil {
		return fmt.Errorf("a distribution of type %T cannot be sent", draw)
	}
	family := m.Mutable(field).Message()
	for _, n := range dist.Numbers(draw) {
		if err := setNumber(family, n); err != nil {
			return fmt.Errorf("%s: %w", draw.Kind(), err)
		}
	}
	return nil
}

func setNumber(dst protoreflect.Message, n dist.Number) error {
	field := dst.Descriptor().Fields().ByName(protoreflect.Name(n.Name))
	if field == nil {
		return fmt.Errorf("%s cannot be sent", n.Name)
	}
	switch v := n.Value.(type) {
	case string:
		choice := field.Enum().Values().ByName(protoreflect.Name(strings.ToUpper(v)))
		if choice == nil {
			return fmt.Errorf("%s %s cannot be sent", n.Name, v)
		}
		dst.Set(field, protoreflect.ValueOfEnum(choice.Number()))
	case []int64:
		list := dst.Mutable(field).List()
		for _, one := range v {
			list.Append(protoreflect.ValueOfInt64(one))
		}
	default:
		dst.Set(field, protoreflect.ValueOf(v))
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

// Post maps one step after the draw: the field of its kind holds its operand.
func Post(p dist.Post) (*modev1.Post, error) {
	if p == nil {
		return nil, fmt.Errorf("a step of type %T cannot be sent", p)
	}
	post := &modev1.Post{}
	m := post.ProtoReflect()
	field := m.Descriptor().Oneofs().ByName("step").Fields().ByName(protoreflect.Name(p.Kind()))
	if field == nil {
		return nil, fmt.Errorf("a step of type %T cannot be sent", p)
	}
	switch v := p.Operand().(type) {
	case []dist.Range:
		list := m.Mutable(field).Message()
		ranges := list.Mutable(list.Descriptor().Fields().ByName("ranges")).List()
		for _, r := range v {
			ranges.Append(protoreflect.ValueOfMessage((&modev1.Range{First: r.First, Count: r.Count}).ProtoReflect()))
		}
	default:
		m.Set(field, protoreflect.ValueOf(v))
	}
	return post, nil
}
