package strictyaml

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

// setPlain sets kind and text of a plain scalar.
func (n *Node) setPlain(text string) {
	n.Text = text
	switch text {
	case "", "~", "null", "Null", "NULL":
		n.Kind = Null
		return
	case "true", "True", "TRUE", "false", "False", "FALSE":
		n.Kind, n.Flag = Bool, text[0] == 't' || text[0] == 'T'
		return
	case "=", "<<":
		n.Kind, n.Why = Unclear, "a special value in YAML 1.1 and a text in YAML 1.2: put it in quotes"
		return
	}
	switch strings.ToLower(text) {
	case "y", "yes", "on", "n", "no", "off":
		n.Kind, n.Why = Unclear, "a boolean in YAML 1.1 and a text in YAML 1.2: write true or false, or put it in quotes"
		return
	}
	if !strings.ContainsRune("+-.0123456789", rune(text[0])) {
		n.Kind = Text // every number and date begins so
		return
	}
	for _, number := range []*regexp.Regexp{plainInt, plainFloat, plainHex, plainNoNum} {
		if number.MatchString(text) {
			n.Kind = Number
			return
		}
	}
	for _, u := range unclearNumbers {
		if u.pattern.MatchString(text) {
			n.Kind, n.Why = Unclear, u.why
			return
		}
	}
	n.Kind = Text
}
