// Package torchinit holds the formulas of torch.nn.init: which numbers the
// Xavier and Kaiming functions hand to uniform and normal.
//
// It knows no roles and no options; the modes do. Every formula is computed
// in float64 in exactly the order of operations of PyTorch 2.15.0,
// torch/nn/init.py, since another order gives other last bits.
package torchinit

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/weightinit/weightinit/dist"
)

// XavierUniform returns uniform(-c, c) with c = sqrt(3) * std and std as in
// [XavierNormal].
func XavierUniform(fanIn, fanOut int64, gain float64) dist.Uniform {
	return symmetric(xavierStd(fanIn, fanOut, gain))
}

// XavierNormal returns normal(0, std) with std = gain * sqrt(2 / (fan_in +
// fan_out)).
func XavierNormal(fanIn, fanOut int64, gain float64) dist.Normal {
	return dist.Normal{Std: xavierStd(fanIn, fanOut, gain)}
}

func xavierStd(fanIn, fanOut int64, gain float64) float64 {
	return gain * math.Sqrt(2/float64(fanIn+fanOut))
}

// KaimingUniform returns uniform(-c, c) with c = sqrt(3) * (gain /
// sqrt(fan)).
func KaimingUniform(fan int64, gain float64) dist.Uniform {
	return symmetric(gain / math.Sqrt(float64(fan)))
}

// KaimingNormal returns normal(0, gain / sqrt(fan)).
func KaimingNormal(fan int64, gain float64) dist.Normal {
	return dist.Normal{Std: gain / math.Sqrt(float64(fan))}
}

// symmetric returns the uniform distribution around 0 of the given standard
// deviation.
func symmetric(std float64) dist.Uniform {
	c := math.Sqrt(3) * std
	return dist.Uniform{Low: -c, High: c}
}

// ReLUGain is the gain of relu.
func ReLUGain() float64 { return math.Sqrt(2) }

// unitGain lists the nonlinearities whose gain is 1.
var unitGain = []string{
	"linear", "conv1d", "conv2d", "conv3d",
	"conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid",
}

// Nonlinearities lists the names that [Gain] takes.
func Nonlinearities() []string {
	return append(slices.Clone(unitGain), "tanh", "relu", "leaky_relu", "selu")
}

// Gain is torch.nn.init.calculate_gain: the gain of a nonlinearity, with the
// slope a for leaky_relu. An unknown name is an error that lists the known
// ones.
func Gain(nonlinearity string, a float64) (float64, error) {
	switch {
	case slices.Contains(unitGain, nonlinearity):
		return 1, nil
	case nonlinearity == "tanh":
		return 5.0 / 3, nil
	case nonlinearity == "relu":
		return ReLUGain(), nil
	case nonlinearity == "leaky_relu":
		return math.Sqrt(2 / (1 + float64(a*a))), nil
	case nonlinearity == "selu":
		return 3.0 / 4, nil
	default:
		return 0, fmt.Errorf("unknown nonlinearity %q: use one of %s", nonlinearity, strings.Join(Nonlinearities(), ", "))
	}
}
