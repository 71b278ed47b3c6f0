package dist

import "math"

// KeptMass is the share of the normal distribution that lies in the cut of t.
// PyTorch chooses its way of rejection by it: above [WholeTensors] it redraws
// normals, else it proposes uniforms.
func (t TruncNormal) KeptMass() float64 {
	u := t.Unscaled()
	return normalCDF((u.B-u.Mean)/u.Std) - normalCDF((u.A-u.Mean)/u.Std)
}

// WholeTensors is the kept mass above which PyTorch draws truncated normals
// as normals.
const WholeTensors = 0.3

// Unscaled returns what is drawn before any scaling: t itself, or for
// [UnitThenScale] the unit normal cut to [t.A, t.B], bounds which are
// multiples of t.Std there.
func (t TruncNormal) Unscaled() TruncNormal {
	if t.Algorithm == UnitThenScale {
		return TruncNormal{Std: 1, A: t.A, B: t.B}
	}
	return t
}

// normalCDF is the formula of torch/nn/init.py.
func normalCDF(x float64) float64 {
	return (1 + math.Erf(x/math.Sqrt(2))) / 2
}
