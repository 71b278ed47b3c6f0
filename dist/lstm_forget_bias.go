package dist

import "fmt"

// LSTMForgetBias is the bias of an LSTM of H cells, in the order of the gates
// input, forget, cell, output: Value for the forget gate, [H, 2H), else 0.
type LSTMForgetBias struct {
	Value float64 `number:"value"`
}

var _ = family(LSTMForgetBias{})

func (LSTMForgetBias) sealed() {}

// Kind implements [Draw].
func (LSTMForgetBias) Kind() string { return "lstm_forget_bias" }

// Check implements [Draw].
func (l LSTMForgetBias) Check(maxFinite float64) error {
	if !within(l.Value, maxFinite) {
		return fmt.Errorf("lstm_forget_bias: value %v cannot be converted without overflow", l.Value)
	}
	return nil
}

// CheckShape implements [Draw].
func (l LSTMForgetBias) CheckShape(shape []int64) error {
	if len(shape) != 1 || shape[0]%4 != 0 {
		return needs(l, "1 dimension whose size 4 divides", shape)
	}
	return nil
}

// Values implements [Pattern].
func (l LSTMForgetBias) Values(dst []float64, first int64, shape []int64) {
	cells := shape[0] / 4
	for i := range dst {
		dst[i] = 0
		if at := first + int64(i); at >= cells && at < 2*cells {
			dst[i] = l.Value
		}
	}
}
