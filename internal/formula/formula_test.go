package formula_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/formula"
)

// fields are names for tests.
type fields map[string]formula.Value

func (f fields) Value(name string) (formula.Value, bool, error) {
	v, ok := f[name]
	return v, ok, nil
}

var example = fields{
	"h": formula.OfInt(48), "n": formula.OfInt(6), "p": {}, "r": formula.OfFloat(0.02), "w": formula.OfText("gated-gelu"), "t": formula.OfBool(true),
	"L": formula.OfList([]formula.Value{formula.OfInt(4), formula.OfText("x"), formula.OfInt(-1)}), "big": formula.OfInt(1<<63 - 1),
}

// The results are those of Python 3.11.
func TestValuesAreThoseOfPython(t *testing.T) {
	for text, want := range map[string]string{
		"h // n": "8", "-7 // 2": "-4", "-7 % 3": "2", "7 % -3": "-2", "7 / 2": "3.5", "-7.5 // 2": "-4", "-7.5 % 2": "0.5", "5.0 % -3": "-1",
		"2 ** 10": "1024", "2 ** -1": "0.5", "-2 ** 2": "-4", "2 ** 3 ** 2": "512", "(-2) ** 3": "-8", "0 ** 0": "1", "2.0 ** -0.5": "0.7071067811865476",
		"12 ** -0.5": "0.28867513459481287", "10 ** -0.5": "0.31622776601683794", "3.0 ** 0.25": "1.3160740129524924", "(-2.0) ** 3": "-8",
		"7 if p is None else 8": "7", "7 if h is not None and n else 8": "7", "p or n": "6", "n and r": "0.02", "not t": "false", "not not h": "true",
		"1 < 2 < 3": "true", "1 < 3 < 2": "false", "1 == 1.0 == True": "true", "'a' < 'b'": "true", "p == 0": "false", "p is None": "true",
		"4 in L": "true", "5 not in L": "true", "'lat' in 'flat'": "true", `h in (1, 48)`: "true", "h in [1, 2]": "false",
		"L[0]": "4", "L[-1]": "-1", "at(L, 1)": `"x"`, "at(L, 9)": "null", "at(h, 9)": "48", "at(L, -1)": "-1", "at(L, -9)": "null",
		"len(L)": "3", "max(1, 2.5, 2)": "2.5", "min([3, 1])": "1", "int(t)": "1", "int(-2.7)": "-2", "t + t": "2", "True": "true",
		"or0(0, 5)": "5", "or0(0.0, 0.02)": "0.02", "or0(3, 5)": "3", "ceildiv(7, 2)": "4", "ceildiv(-7, 2)": "-3", "startswith(w, 'gated-')": "true", "startswith(p, 'x')": "false",
		"sqrt(2)": "1.4142135623730951", "r / sqrt(2*n)": "0.005773502691896258", "0.1+0.2": "0.30000000000000004", "9007199254740993 / 3": "3.002399751580331e+15", "1e3": "1000", ".5": "0.5",
		"big == 9223372036854775807.0": "false", "big < 9223372036854775808.0": "true", "[1, 2] + [3]": "[1, 2, 3]", "[1] == [1.0]": "true", "abs(-3)": "3", "+h": "48",
		"1 if 0 else 2 if 0 else 3": "3",
	} {
		e, err := formula.Parse(text)
		require.NoError(t, err, text)
		v, err := e.Eval(example)
		require.NoError(t, err, text)
		require.Equal(t, want, v.String(), text)
	}
}

func TestWhatHasNoValue(t *testing.T) {
	for text, want := range map[string]string{
		"big + 1": "2^63-1", "big * 2": "2^63-1", "-big - 2": "2^63-1", "2 ** 63": "2^63-1", "1 // 0": "division by 0", "1.0 % 0": "division by 0",
		"q": `unknown name "q"`, "h + w": "an integer + a text", "p * 2": "null * an integer", "L[5]": "entry 5 of a list of 3", "h[0]": "an integer[",
		"len(h)": "len: of an integer", "sqrt(-1)": "sqrt: of -1", "max('a')": "max", "2.0 ** 0.3": "1/16", "0.0 ** -1": "negative power", "h < w": "an integer < a text", "h in n": "in an integer",
		"(-2.0) ** 0.5": "1/16", "int('x')": "int: of a text", "startswith(w, 1)": "an integer", "-w": "a text", "1e308 ** 2": "largest",
	} {
		e, err := formula.Parse(text)
		require.NoError(t, err, text)
		_, err = e.Eval(example)
		require.ErrorContains(t, err, want, text)
	}
}

func TestWhatIsNoExpression(t *testing.T) {
	for text, want := range map[string]string{
		"": "ends too early", "1 +": "ends too early", "(1": "ends too early", "1 2": `unexpected "2"`, "f(1)": "unknown function", "sqrt(1, 2)": "2 arguments", "$": "unknown character",
		"'a": "without an end", "1 is 2": "for None only", "if": `unexpected "if"`, "1 if 2": "ends too early", "9223372036854775808": "too large", "1.2.3": "no number", "h is n": "for None only",
		"not": "ends too early", "a not b": `unexpected "b"`, `'\n'`: "backslash", "(1 2)": `unexpected "2"`,
		strings.Repeat("(", 101) + "1" + strings.Repeat(")", 101): "nested deeper", strings.Repeat("-", 101) + "1": "nested deeper", strings.Repeat("1+", 101) + "1": "nested deeper",
		strings.Repeat("not ", 101) + "1": "nested deeper", strings.Repeat("2**", 101) + "1": "nested deeper", strings.Repeat(" ", formula.MaxText+1): "limit",
	} {
		_, err := formula.Parse(text)
		require.ErrorContains(t, err, want, text)
	}
}

func FuzzFormula(f *testing.F) {
	for _, text := range []string{"h//n", "1 if p is None else L[0]", "at(L, 1) in ('x', 3)", "-2**-0.5 % 3", "((1))", "max(1,2.5)", "1<2<=3", "'a' + 'b'"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := formula.Parse(text)
		if err != nil {
			return
		}
		if _, err := e.Eval(example); err != nil && strings.Contains(err.Error(), "\n") && !strings.Contains(text, "\n") {
			t.Fatalf("%q: %q", text, err)
		}
	})
}
