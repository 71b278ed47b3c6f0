package plan

import (
	"slices"

	"github.com/weightinit/weightinit/dist"
)

// Law returns what the values of a tensor, by its number, are said to follow.
// known is false for a tensor that holds a part of a parameter which has no law
// of its own, such as a part of a matrix with ones on the diagonal.
func (p *Plan) Law(tensor int) (d dist.Dist, known bool) {
	t := p.tensors[tensor]
	param := p.params[t.Param]
	if t.DType.Whole() || p.replayed && param.Dist.Draw == nil {
		return dist.Dist{}, false
	}
	for _, post := range param.Dist.Post {
		switch post.(type) {
		case dist.Add, dist.Apply, dist.Clamp, dist.Cast:
			return dist.Dist{}, false // the law of what comes out is another one
		}
	}
	if _, pieces := param.Dist.Draw.(dist.Pieces); pieces {
		return dist.Dist{}, false // where they lie is not part of it
	}
	if t.Elements == param.Elements && slices.Equal(t.Shape, param.Shape) {
		return param.Dist, true
	}
	switch param.Dist.Draw.(type) {
	case dist.Constant, dist.Uniform, dist.Normal, dist.TruncNormal:
	default:
		return dist.Dist{}, false
	}
	for _, post := range param.Dist.Post {
		switch post.(type) {
		case dist.Multiply, dist.Divide:
		default:
			return dist.Dist{}, false
		}
	}
	return param.Dist, true
}
