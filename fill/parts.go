package fill

import (
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/rng"
)

// part is what is drawn as a tensor of its own: a step, or one of its blocks.
type part struct {
	step int
	// base is the element of the step at which the part begins, n the number
	// of its elements.
	base, n int64
	shape   []int64
	draw    dist.Draw
	posts   []post
	// key is set for keyed streams only.
	key rng.Key
}

// post is a step after the draw. It sees a tensor in which the part begins at
// element origin, of rows of rowSize elements.
type post struct {
	do              dist.Post
	origin, rowSize int64
}

// eachPart calls do with the parts of a step in the order in which they are
// drawn.
func eachPart(index int, step plan.Step, do func(*part) error) error {
	shape := step.Param.Shape
	blocks, ok := step.Dist.Draw.(dist.Blocks)
	if !ok {
		whole := &part{step: index, n: step.Elements, shape: shape, draw: step.Dist.Draw}
		whole.posts = appendPosts(nil, step.Dist.Post, 0, rowSize(shape))
		return do(whole)
	}
	row, base := rowSize(shape), int64(0)
	for _, block := range blocks.Parts {
		one := &part{
			step: index, base: base, n: block.Rows * row,
			shape: dist.PartShape(shape, block.Rows), draw: block.Dist.Draw,
		}
		one.posts = appendPosts(nil, block.Dist.Post, 0, row)
		one.posts = appendPosts(one.posts, step.Dist.Post, base, row)
		if err := do(one); err != nil {
			return err
		}
		base += one.n
	}
	return nil
}

func appendPosts(out []post, posts []dist.Post, origin, row int64) []post {
	for _, p := range posts {
		out = append(out, post{p, origin, row})
	}
	return out
}

// rowSize is the number of elements of a row along dimension 0; a scalar is
// one row.
func rowSize(shape []int64) int64 {
	n := int64(1)
	for i, d := range shape {
		if i > 0 {
			n *= d
		}
	}
	return n
}
