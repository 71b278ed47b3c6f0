package native

import (
	"strconv"
	"strings"

	"github.com/weightinit/weightinit/internal/shown"
)

// form is how a value is written, in JSON or YAML.
type form uint8

const (
	nullForm form = iota + 1
	boolForm
	numberForm
	textForm
	listForm
	mapForm
	// unclearForm is a plain YAML scalar that YAML 1.1 and 1.2 read differently.
	unclearForm
)

var formNames = [...]string{
	nullForm: "null", boolForm: "a boolean", numberForm: "a number", textForm: "a text",
	listForm: "a list", mapForm: "an object", unclearForm: "unclear",
}

// value is a value of a config text. The first group is what is written; the
// second is filled by decode, by the kind of the field.
type value struct {
	form form
	at   place
	text string // a text decoded, a number or an unclear scalar as written
	why  string // of an unclear scalar: the two readings, and what to write
	// broken marks a YAML scalar of several lines. How these are joined is
	// settled by no two readers alike, so no field that decides something has one.
	broken bool
	// members are those of an object that its reader wants.
	members map[string]value

	flag  bool
	n     int64
	seed  Seed
	float float64
}

// written returns the value for a message.
func (v value) written() string {
	switch v.form {
	case nullForm:
		return "null"
	case boolForm:
		return strconv.FormatBool(v.flag)
	case numberForm, unclearForm:
		return shown.Cut(v.text, shown.MaxText)
	case textForm:
		return shown.Quote(v.text)
	default:
		return formNames[v.form]
	}
}

// decode checks that v is of the field's kind, and not null, and fills the Go
// value. The result is what is wrong and what to do, "" for nothing.
func (v *value) decode(f field) (problem string) {
	k := f.kind
	switch {
	case v.form == unclearForm:
		return v.why
	case v.broken && f.set != nil:
		return "written over several lines: write it on one line"
	case k == intKind && v.form == numberForm && isInteger(v.text):
		var err error
		if v.n, err = strconv.ParseInt(v.text, 10, 64); err != nil {
			return "out of range: use a whole number of at most 9223372036854775807 (2^63-1)"
		}
	case k == seedKind && v.form == numberForm && isInteger(v.text):
		v.seed, problem = parseSeed(v.text)
		return problem
	case k == floatKind && v.form == numberForm && isDecimal(v.text):
		// The error is one of range, and then the value is infinite.
		v.float, _ = strconv.ParseFloat(v.text, 64)
		if !finite32(v.float) {
			return "not finite in float32: use a smaller number"
		}
	case k == floatKind && v.form == numberForm && strings.ContainsAny(v.text, "nNiI"):
		return "not finite: use a number"
	case k == boolKind && v.form == boolForm, k == textKind && v.form == textForm,
		k == listKind && v.form == listForm, k == mapKind && v.form == mapForm:
	default:
		want := "want " + kindNames[k]
		if f.nullable {
			want += ", or null"
		}
		return want + v.hint(k)
	}
	return ""
}

// hint says how to write the value that was probably meant.
func (v *value) hint(k kind) string {
	number := k == intKind || k == seedKind || k == floatKind
	switch {
	case v.form == textForm && number && isDecimal(v.text):
		return ": remove the quotes"
	case v.form == textForm && k == boolKind:
		return ": write it without quotes"
	case v.form == numberForm && (k == intKind || k == seedKind):
		return ": no decimal point, no exponent"
	case (v.form == numberForm || v.form == boolForm) && k == textKind:
		return ": put it in quotes"
	case v.form == nullForm && k == boolKind:
		return ": give one, or leave the field out"
	case v.form == nullForm:
		return ": give one, null is not allowed here"
	case k == boolKind:
		return ": write one of these"
	case number:
		return ": write a number"
	case k == textKind:
		return ": write a text in quotes"
	}
	return ""
}

// isDecimal reports whether text is a number in decimal digits, with or
// without sign, decimal point and exponent.
func isDecimal(text string) bool {
	if text == "" || strings.Trim(text, "0123456789+-.eE") != "" {
		return false
	}
	_, err := strconv.ParseFloat(text, 64)
	if err != nil {
		// What strconv refuses may be too large, which is still a number.
		numErr, ok := err.(*strconv.NumError)
		return ok && numErr.Err == strconv.ErrRange
	}
	return true
}
