package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// formula is a standard deviation that a scheme gives to a tensor: coefficient,
// by the root of a size of the tensor, and for residual projections by the root
// of twice the number of layers.
type formula struct {
	scheme string
	// text is how the scheme writes it; N stands for the size.
	text        string
	coefficient float64
	over        size
	residual    bool
}

// size is what a formula divides by.
type size uint8

const (
	one size = iota
	fanIn
	fanOut
	fanSum
)

// formulas are the schemes that people use, the commonest first: of two that
// say the same of every tensor, the first is named. Sources: TransformerLens,
// model_bridge/sources/native/init.py; torch.nn.init and the reset_parameters of
// torch.nn; Le Cun et al. 1998; Nguyen and Salazar 2019 for small init.
var formulas = []formula{
	{"gpt2@1", "0.02", 0.02, one, false},
	{"gpt2@1", "0.02", 0.02, one, true},
	{"gpt2@2", "0.8/sqrt(N)", 0.8, fanIn, false},
	{"gpt2@2", "0.8/sqrt(N)", 0.8, fanOut, true},
	{"xavier", "sqrt(2/N)", math.Sqrt2, fanSum, false},
	{"kaiming with fan_in", "sqrt(2/N)", math.Sqrt2, fanIn, false},
	{"kaiming with fan_out", "sqrt(2/N)", math.Sqrt2, fanOut, false},
	{"torch.nn.Linear by default", "1/sqrt(3*N)", 1 / math.Sqrt(3), fanIn, false},
	{"torch.nn.Embedding by default", "1", 1, one, false},
	{"lecun", "1/sqrt(N)", 1, fanIn, false},
	{"lecun with fan_out", "1/sqrt(N)", 1, fanOut, false},
	{"small init", "sqrt(0.4/N)", math.Sqrt(0.4), fanIn, false},
}

// value returns what the formula says of a tensor; 0 when it says nothing.
func (f formula) value(shape []int64, layers int) float64 {
	n := f.size(shape)
	if n == 0 || f.residual && layers == 0 {
		return 0
	}
	v := f.coefficient / math.Sqrt(n)
	if f.residual {
		v /= math.Sqrt(2 * float64(layers))
	}
	return v
}

// size returns the size that the formula divides by, with fans as in torch; 0
// for a tensor that has none.
func (f formula) size(shape []int64) float64 {
	if f.over == one {
		return 1
	}
	if len(shape) < 2 {
		return 0
	}
	field := 1.0
	for _, n := range shape[2:] {
		field *= float64(n)
	}
	in, out := float64(shape[1])*field, float64(shape[0])*field
	return [...]float64{fanIn: in, fanOut: out, fanSum: in + out}[f.over]
}

// write returns the formula with a tensor's sizes; shape nil leaves them open.
func (f formula) write(shape []int64, layers int) string {
	n := [...]string{one: "", fanIn: "fan_in", fanOut: "fan_out", fanSum: "(fan_in+fan_out)"}[f.over]
	if shape != nil {
		n = strconv.FormatFloat(f.size(shape), 'f', -1, 64)
	}
	text := strings.ReplaceAll(f.text, "N", n)
	text = strings.ReplaceAll(text, "((fan_in+fan_out))", "(fan_in+fan_out)")
	if f.residual {
		text += fmt.Sprintf("/sqrt(2*%d)", layers)
	}
	return text
}

// slips are mistakes by which a standard deviation is a known multiple of what
// it should be; L stands for the number of layers.
var slips = []struct {
	text  string
	ratio func(shape []int64, layers int) float64
}{
	{"the factor 1/sqrt(2*L) of residual projections is missing", func(_ []int64, layers int) float64 {
		return math.Sqrt(2 * float64(layers))
	}},
	{"the factor 1/sqrt(2*L) of residual projections is there, and should not be", func(_ []int64, layers int) float64 {
		return 1 / math.Sqrt(2*float64(layers))
	}},
	{"fan_out stands for fan_in", func(shape []int64, _ int) float64 {
		return math.Sqrt(formula{over: fanIn}.size(shape) / formula{over: fanOut}.size(shape))
	}},
	{"fan_in stands for fan_out", func(shape []int64, _ int) float64 {
		return math.Sqrt(formula{over: fanOut}.size(shape) / formula{over: fanIn}.size(shape))
	}},
}

// spread is a standard deviation that a test found to be wrong.
type spread struct {
	tensor        string // the key of its group
	found, wanted float64
	n             float64 // values that found was computed from
	twoSample     bool
	ofReference   bool
	shape         []int64
}

// errors in units of the standard error that a fit may have, and the largest
// error of the logarithm with which a fit still says something.
const (
	fitErrors = 5
	fitLimit  = 0.03
)

// tolerance is how far the logarithm of a standard deviation of n values may
// lie from the truth: [fitErrors] standard errors of normal values, which are
// those of most laws or more, and what rounding to bf16 does.
func tolerance(n float64) float64 { return fitErrors/math.Sqrt(2*n) + 1e-5 }

// fit returns the formula of the scheme that holds for the tensor, and that says
// something else than what was wanted.
func (s spread) fit(scheme string, layers int) (formula, bool) {
	for _, f := range formulas {
		if f.scheme != scheme {
			continue
		}
		v := f.value(s.shape, layers)
		if v > 0 && math.Abs(math.Log(s.found/v)) <= tolerance(s.n) && math.Abs(math.Log(v/s.wanted)) > s.tolerance() {
			return f, true
		}
	}
	return formula{}, false
}

// explain returns the scheme that explains the most of the spreads, and those
// that it does; "" when none does, or another explains the same as well.
func explain(all []spread, layers int) (scheme string, explained []spread) {
	seen := map[string]bool{}
	for _, f := range formulas {
		if seen[f.scheme] {
			continue
		}
		seen[f.scheme] = true
		var its []spread
		for _, s := range all {
			if _, ok := s.fit(f.scheme, layers); ok {
				its = append(its, s)
			}
		}
		if len(its) > len(explained) && together(its, f.scheme, layers) {
			scheme, explained = f.scheme, its
		}
	}
	for other := range seen {
		if other != scheme && len(explained) > 0 && rival(explained, scheme, other, layers) {
			return "", nil
		}
	}
	return scheme, explained
}

// relate returns the slip that explains the most of the spreads, and those that
// it does.
func relate(all []spread, layers int) (text string, related []spread) {
	for _, slip := range slips {
		var its []spread
		sum, n := 0.0, 0.0
		for _, s := range all {
			ratio := slip.ratio(s.shape, layers)
			off := math.Log(s.ratio() / ratio)
			if math.Abs(off) <= s.tolerance() && math.Abs(math.Log(ratio)) > s.tolerance() { // a NaN is neither
				its = append(its, s)
				sum += s.n * off
				n += s.n
			}
		}
		if len(its) > len(related) && tolerance(n/2) <= fitLimit && math.Abs(sum/n) <= tolerance(n/2) {
			text, related = strings.ReplaceAll(slip.text, "L", strconv.Itoa(layers)), its
		}
	}
	return text, related
}

// together reports whether a scheme fits all of the spreads at once, within the
// error of all their values, and whether that is small enough to say so.
func together(all []spread, scheme string, layers int) bool {
	sum, n := 0.0, 0.0
	for _, s := range all {
		f, _ := s.fit(scheme, layers)
		sum += s.n * math.Log(s.found/f.value(s.shape, layers))
		n += s.n
	}
	return tolerance(n) <= fitLimit && math.Abs(sum/n) <= tolerance(n)
}

// rival reports whether another scheme explains the spreads as well by other
// numbers.
func rival(all []spread, scheme, other string, layers int) bool {
	differs := false
	for _, s := range all {
		f, _ := s.fit(scheme, layers)
		g, ok := s.fit(other, layers)
		if !ok {
			return false
		}
		differs = differs || math.Abs(math.Log(f.value(s.shape, layers)/g.value(s.shape, layers))) > 1e-9
	}
	return differs && together(all, other, layers)
}
