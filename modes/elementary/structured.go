package elementary

import (
	"context"
	"fmt"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/registry"
)

// TruncNormal draws from the normal distribution cut to [A, B], as torch does
// since 2.12.
type TruncNormal struct {
	Mean float64 `json:"mean" default:"0" doc:"mean before the cut"`
	Std  float64 `json:"std" default:"1" min:"0" doc:"standard deviation before the cut, above 0"`
	A    float64 `json:"a" default:"-2" doc:"smallest value: a number, not a multiple of std"`
	B    float64 `json:"b" default:"2" doc:"largest value: a number, not a multiple of std"`
}

// Assign implements [registry.Mode].
func (m *TruncNormal) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	return same(ctx, l, truncNormal, dist.TruncNormal{Mean: m.Mean, Std: m.Std, A: m.A, B: m.B})
}

// Notes implements [registry.Noter].
func (m *TruncNormal) Notes(*layout.Layout) []registry.Note {
	if m.Mean < m.A-float64(2*m.Std) || m.Mean > m.B+float64(2*m.Std) {
		return []registry.Note{{Level: registry.Warning, Text: fmt.Sprintf("mean %v is more than 2 std from [%v, %v]: the values may not be distributed as they should", m.Mean, m.A, m.B)}}
	}
	return nil
}

// Eye is Gain on the main diagonal of a matrix. torch.nn.init has no gain;
// Keras's Identity does.
type Eye struct {
	Gain float64 `json:"gain" default:"1" doc:"what stands on the diagonal"`
}

// Assign implements [registry.Mode].
func (m *Eye) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	out, err := same(ctx, l, eye, dist.Eye{})
	if m.Gain != 1 {
		for i := range out {
			out[i].Post = []dist.Post{dist.Multiply{By: m.Gain}}
		}
	}
	return out, err
}

// Dirac makes convolutions that keep their input.
type Dirac struct {
	Groups int64 `json:"groups" default:"1" min:"1" doc:"groups of output channels, each of which keeps the input"`
}

// Assign implements [registry.Mode].
func (m *Dirac) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	return same(ctx, l, dirac, dist.Dirac{Groups: m.Groups})
}

// Sparse draws normals and sets a share of each column to 0.
type Sparse struct {
	Sparsity float64 `json:"sparsity" required:"true" min:"0" max:"1" doc:"share of the rows of each column that are 0, rounded up"`
	Std      float64 `json:"std" default:"0.01" min:"0" doc:"standard deviation of the others"`
}

// Assign implements [registry.Mode].
func (m *Sparse) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	return same(ctx, l, sparse, dist.Sparse{Sparsity: m.Sparsity, Std: m.Std})
}

// Orthogonal makes matrices of orthogonal rows or columns.
type Orthogonal struct {
	Gain float64 `json:"gain" default:"1" doc:"length of the rows, or of the columns where these are fewer"`
}

// Assign implements [registry.Mode].
func (m *Orthogonal) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	return same(ctx, l, orthogonal, dist.Orthogonal{Gain: m.Gain})
}

const (
	truncNormal = "normal(mean, std) cut to [a, b]"
	eye         = "gain on the main diagonal, else 0"
	dirac       = "1 at the centre tap of channel (k, k) of each group, else 0"
	sparse      = "normal(0, std), with ceil(sparsity*rows) zeros in each column"
	orthogonal  = "gain times a random matrix of orthogonal rows or columns"
)

// structured describes the schemes that are more than a draw for each element.
func structured() []row {
	return []row{
		{"trunc_normal", 2, "", truncNormal, []string{
			"a and b are values, not multiples of std: with std 0.02 the default cut changes nothing",
			"PyTorch up to 2.11 drew other values, by the inverse of the distribution function",
		}, func() registry.Mode { return &TruncNormal{} }, ""},
		{"eye", 1, "identity", eye, []string{"matrices only; gain is Keras's, torch has 1"}, func() registry.Mode { return &Eye{} }, ""},
		{"dirac", 1, "", dirac, []string{"3 to 5 dimensions; the centre of a size is size // 2"}, func() registry.Mode { return &Dirac{} }, ""},
		{"sparse", 1, "", sparse, []string{
			"matrices only; all draws come from the one stream, as in torch without a generator argument",
		}, func() registry.Mode { return &Sparse{} }, ""},
		{"orthogonal", 1, "", orthogonal, []string{
			"2 dimensions or more: shape[0] rows, the rest of the sizes are columns",
			"not bit-exact: the draws are torch's, the decomposition is not",
		}, func() registry.Mode { return &Orthogonal{} }, ""},
	}
}
