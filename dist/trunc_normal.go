package dist

import (
	"fmt"
	"math"

	"github.com/weightinit/weightinit/dtype"
)

// TruncNormal draws from a normal distribution cut to [A, B]; Std (> 0) is
// the standard deviation before the cut.
type TruncNormal struct {
	Mean      float64   `number:"mean"`
	Std       float64   `number:"std"`
	A         float64   `number:"a"`
	B         float64   `number:"b"`
	Algorithm Algorithm `number:"algorithm"`
}

// Algorithm says how a truncated normal is drawn: the bits differ.
type Algorithm uint8

// The algorithms of [TruncNormal].
const (
	// TorchRejection is PyTorch 2.12 and later: whole tensors are redrawn
	// until every value lies inside.
	TorchRejection Algorithm = iota
	// TorchICDF is PyTorch up to 2.11: the inverse CDF of one uniform.
	TorchICDF
	// UnitThenScale cuts a unit normal, then multiplies by std and adds mean.
	UnitThenScale
)

var algorithmNames = [...]string{"torch_rejection", "torch_icdf", "unit_then_scale"}

// String returns the name, such as "torch_rejection".
func (a Algorithm) String() string {
	if int(a) < len(algorithmNames) {
		return algorithmNames[a]
	}
	return fmt.Sprintf("Algorithm(%d)", uint8(a))
}

func (a *Algorithm) choose(name string) error {
	for i, known := range algorithmNames {
		if name == known {
			*a = Algorithm(i)
			return nil
		}
	}
	return fmt.Errorf("unknown algorithm %q", name)
}

var _ = family(TruncNormal{})

func (TruncNormal) sealed() {}

// Kind implements [Draw].
func (TruncNormal) Kind() string { return "trunc_normal" }

// Check implements [Draw].
func (t TruncNormal) Check(maxFinite float64) error {
	switch {
	case int(t.Algorithm) >= len(algorithmNames):
		return fmt.Errorf("trunc_normal: unknown algorithm %d", t.Algorithm)
	case !(t.Std > 0) || math.IsInf(t.Std, 0):
		return fmt.Errorf("trunc_normal: std %v must be above 0 and finite", t.Std)
	case math.IsNaN(t.Mean) || math.IsInf(t.Mean, 0):
		return fmt.Errorf("trunc_normal: mean %v must be finite", t.Mean)
	case !within(t.A, maxFinite) || !within(t.B, maxFinite):
		return fmt.Errorf("trunc_normal: a bound of [%v, %v] is out of bounds", t.A, t.B)
	case t.A >= t.B:
		return fmt.Errorf("trunc_normal: a %v must be below b %v", t.A, t.B)
	}
	return nil
}

// CheckShape implements [Draw].
func (TruncNormal) CheckShape([]int64) error { return nil }

// CheckRun implements [Limited].
func (t TruncNormal) CheckRun(_ []int64, in dtype.Type) error {
	if t.Algorithm == TorchICDF {
		return fmt.Errorf("this version cannot draw trunc_normal by %s: use %s", t.Algorithm, TorchRejection)
	}
	if u := t.Unscaled(); !(u.KeptMass() > WholeTensors) {
		// The candidates are uniform in the cut.
		return Uniform{Low: u.A, High: u.B}.Check(in.Max())
	}
	return nil
}

// Cost implements [Drawer]: how many words rejection uses depends on the
// values.
func (t TruncNormal) Cost(shape []int64, in dtype.Type, cached bool) (c Cost, known bool) {
	if t.Loose(Elements(shape), in) {
		return Normal{}.Cost(shape, in, cached)
	}
	if t.Algorithm != TorchICDF {
		return Cost{}, false
	}
	return Uniform{}.Cost(shape, in, cached)
}

// Loose tells that no normal of a tensor of n elements lies outside of the cut:
// the first draw of [TorchRejection] stays, and t is a normal.
//
// A normal is at most sqrt(2 ln 2^24) = 5.77 standard deviations off in a tensor
// of 16 and more float32 values, and sqrt(2 ln 2^53) = 8.58 in others. A half
// type is 2^-8 of the value off.
func (t TruncNormal) Loose(n int64, in dtype.Type) bool {
	reach := 5.78 * t.Std
	if n < Block || in == dtype.F64 {
		reach = 8.6 * t.Std
	}
	rounding := 0x1p-20
	if in.Half() {
		rounding = 0x1p-7
	}
	reach += float64(rounding * (math.Abs(t.Mean) + reach))
	return t.Algorithm == TorchRejection && t.A <= t.Mean-reach && t.Mean+reach <= t.B
}

// KeyedWords implements [Drawer].
func (TruncNormal) KeyedWords([]int64, dtype.Type) (words int64, known bool) { return 0, false }

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
