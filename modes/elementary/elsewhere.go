package elementary

import (
	"context"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/registry"
)

// DeltaOrthogonal makes convolutions with an orthogonal matrix at the centre.
type DeltaOrthogonal struct {
	Gain float64 `json:"gain" default:"1" doc:"length of the matrix's columns"`
}

// Assign implements [registry.Mode].
func (m *DeltaOrthogonal) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	return same(ctx, l, deltaOrthogonal, dist.DeltaOrthogonal{Gain: m.Gain})
}

// BlockOrthogonal makes tensors of orthogonal blocks.
type BlockOrthogonal struct {
	SplitSizes []int64 `json:"split_sizes" required:"true" doc:"sizes of a block, one for each dimension, which they divide"`
	Gain       float64 `json:"gain" default:"1" doc:"length of a block's rows, or of its columns where these are fewer"`
}

// Assign implements [registry.Mode].
func (m *BlockOrthogonal) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	return same(ctx, l, blockOrthogonal, dist.BlockOrthogonal{SplitSizes: m.SplitSizes, Gain: m.Gain})
}

// LSTMForgetBias opens the forget gates of an LSTM.
type LSTMForgetBias struct {
	Value float64 `json:"value" default:"1" doc:"the bias of the forget gate"`
}

// Assign implements [registry.Mode].
func (m *LSTMForgetBias) Assign(ctx context.Context, l *layout.Layout) ([]dist.Dist, error) {
	return same(ctx, l, lstmForgetBias, dist.LSTMForgetBias{Value: m.Value})
}

const (
	bilinear        = "(1 - |x/u - c|) (1 - |y/u - c|), u = ceil(k/2), c = (2u - 1 - u mod 2) / (2u)"
	blockOrthogonal = "gain times a random matrix of orthogonal rows or columns in every block"
	deltaOrthogonal = "gain times a random matrix of orthogonal columns at the centre tap, else 0"
	lstmForgetBias  = "value in [H, 2H) of a bias of 4H, else 0"
	zeroInit        = "the identity or, with more rows than columns, a part of a Hadamard matrix"
)

// elsewhere describes the schemes that torch.nn.init does not have.
func elsewhere() []row {
	return []row{
		{"bilinear", 1, "bilinear_upsample", bilinear, []string{
			"4 dimensions [out, in, k, k]: the upsampling kernel of width k, the same for every pair of channels",
			"for odd k the kernel is not symmetric (u mod 2 where k mod 2 is meant): kept, as the name promises MXNet's",
		}, func() registry.Mode { return &fixed{bilinear, dist.Bilinear{}} }, "MXNet, the Bilinear initializer"},
		{"delta_orthogonal", 1, "jax_delta_orthogonal", deltaOrthogonal, []string{
			"3 to 5 dimensions [out, in, k...] with out >= in, where JAX has [k..., in, out]; the centre of a size is (size - 1) // 2",
			"not bit-exact: the draws are those of torch's orthogonal_, the decomposition is not",
		}, func() registry.Mode { return &DeltaOrthogonal{} }, "JAX 0.10.2, jax/_src/nn/initializers.py delta_orthogonal; Xiao et al. 2018"},
		{"block_orthogonal", 1, "", blockOrthogonal, []string{
			"every block is an orthogonal draw of its own, blocks in row-major order",
			"not bit-exact: the draws are torch's, the decomposition is not",
		}, func() registry.Mode { return &BlockOrthogonal{} }, "AllenNLP 2.10.1, allennlp/nn/initializers.py"},
		{"zero_init", 1, "", zeroInit, []string{
			"matrices [m, n]; m <= n: ones on the main diagonal; m > n: the first m rows and n columns of a Hadamard matrix of order p = 2^ceil(log2 m), divided by sqrt(p)",
			"no randomness; not the same as zeros",
		}, func() registry.Mode { return &fixed{zeroInit, dist.ZeroInit{}} }, "ZerO (Zhao et al.), algorithm 1, snapshot 2022-11-19"},
		{"lstm_forget_bias", 1, "lstm_hidden_bias", lstmForgetBias, []string{
			"1 dimension of 4H; the gates are input, forget, cell, output",
		}, func() registry.Mode { return &LSTMForgetBias{} }, "AllenNLP 2.10.1, lstm_hidden_bias"},
	}
}
