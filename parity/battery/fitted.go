package battery

import "math"

// Fitted returns l, or if the values have clearly another mean or standard
// deviation, l moved and scaled to theirs: for [Add], whose keys mean little
// under a law that is far off. false for equal values.
func Fitted[T Float](l Law, values []T) (Law, bool) {
	estimated, ok := EstimatedLaw(values)
	if !ok || l.kind == constant {
		return estimated, ok
	}
	m, s := estimated.Mean(), estimated.Std()
	if math.Abs(m-l.Mean()) <= 0.1*l.Std() && math.Abs(s/l.Std()-1) <= 0.03 {
		return l, true
	}
	l = l.Standardised()
	l.location = m + float64(s*l.location)
	l.scale *= s
	l.moments.mean, l.moments.std = m, s
	return l, true
}
