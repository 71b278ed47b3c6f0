package model

import (
	"regexp"
	"strings"
)

// What plain scalars mean: in YAML 1.1 by its types repository, in YAML 1.2 by
// its core schema. A scalar means something here only if it means the same in
// both; the others are refused, because half of the readers would take another
// value. PyYAML reads YAML 1.1.
var (
	plainInt   = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)
	plainFloat = regexp.MustCompile(`^[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?$`)
	plainHex   = regexp.MustCompile(`^0x[0-9a-fA-F]+$`)
	plainNoNum = regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)

	// unclearNumbers are numbers to one version and texts, or other numbers, to
	// the other.
	unclearNumbers = []struct {
		pattern *regexp.Regexp
		why     string
	}{
		{regexp.MustCompile(`^[-+]?0[0-7_]*$`), "an octal number in YAML 1.1 and a decimal one in YAML 1.2: write it without the leading zero"},
		{regexp.MustCompile(`^[-+]?[0-9]+$`), "a text in YAML 1.1 and a decimal number in YAML 1.2: write it without the leading zero"},
		{regexp.MustCompile(`^[-+]?0o[0-7]+$`), "a text in YAML 1.1 and an octal number in YAML 1.2: write it in decimal"},
		{regexp.MustCompile(`^[-+]?0b[01_]+$`), "a binary number in YAML 1.1 and a text in YAML 1.2: write it in decimal"},
		{regexp.MustCompile(`^[-+]?0x[0-9a-fA-F_]+$`), "a number in YAML 1.1 and a text in YAML 1.2: write it in decimal"},
		{regexp.MustCompile(`^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$`), "a number of base 60 in YAML 1.1 and a text in YAML 1.2: write it in decimal, or put it in quotes"},
		{regexp.MustCompile(`^[-+]?[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?$`), "a number in one of YAML 1.1 and YAML 1.2 and a text in the other: write it like 1000, 0.001 or 1.0e-5, without underscores"},
		{regexp.MustCompile(`^[-+]?\.[0-9][0-9_]*([eE][-+]?[0-9]+)?$`), "a number in one of YAML 1.1 and YAML 1.2 and a text in the other: write it like 0.001 or 1.0e-5, without underscores"},
		{regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?$`), "a date in YAML 1.1 and a text in YAML 1.2: put it in quotes"},
	}
)

// setPlain sets the value of a plain scalar.
func (v *value) setPlain(text string) {
	v.text = text
	switch text {
	case "", "~", "null", "Null", "NULL":
		v.form = nullForm
		return
	case "true", "True", "TRUE", "false", "False", "FALSE":
		v.form, v.flag = boolForm, text[0] == 't' || text[0] == 'T'
		return
	case "=":
		v.form, v.why = unclearForm, "a special value in YAML 1.1 and a text in YAML 1.2: put it in quotes"
		return
	}
	switch strings.ToLower(text) {
	case "y", "yes", "on", "n", "no", "off":
		v.form, v.why = unclearForm, "a boolean in YAML 1.1 and a text in YAML 1.2: write true or false, or put it in quotes"
		return
	}
	for _, number := range []*regexp.Regexp{plainInt, plainFloat, plainHex, plainNoNum} {
		if number.MatchString(text) {
			v.form = numberForm
			return
		}
	}
	for _, u := range unclearNumbers {
		if u.pattern.MatchString(text) {
			v.form, v.why = unclearForm, u.why
			return
		}
	}
	v.form = textForm
}
