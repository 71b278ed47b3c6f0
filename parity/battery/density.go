package battery

import "math"

// Density returns the density of the law at x; 0 outside the bounds, and for a
// constant, which has none.
func (l Law) Density(x float64) float64 {
	y := (x - l.location) / l.scale
	bell := math.Exp(-y*y/2) / math.Sqrt(2*math.Pi) / l.scale
	switch {
	case l.kind == normal:
		return bell
	case l.kind == uniform && y >= 0 && y < 1:
		return 1 / l.scale
	case l.kind == cut && y >= l.low && y <= l.high:
		return bell / l.kept
	}
	return 0
}
