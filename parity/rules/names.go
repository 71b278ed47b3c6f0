package rules

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/weightinit/weightinit/internal/shown"
)

// Name is a rule of names: a tensor whose name matches From is compared under
// the name To.
type Name struct {
	// From is a pattern as [Rule.Tensors]; each * stands for as few characters
	// as it can.
	From string
	// To is the name; $1 to $9 stand for what the first to ninth * or ? of From
	// stood for, $$ for a dollar sign.
	To string
	// Beside, if set, is a name, written as To, that must stand in the same set
	// for the rule to hold.
	Beside string
	// Zeros, instead of To, leaves the tensor out while all its values are 0:
	// a wrapper's addition that is no parameter.
	Zeros bool
	// Line is where the rule begins; 0 for one that is built in.
	Line int

	pattern *regexp.Regexp
}

// Names are the rules of names of a file, in its order.
type Names []Name

// Mapped is what rules make of one name.
type Mapped struct {
	// To is the name under which the tensor is compared: its own when Rule, the
	// index of the rule that decides, is -1.
	To   string
	Rule int
}

// Map returns what becomes of each of a set's names: the first rule that
// matches a name and holds decides. The error is a [*TwiceError].
func (n Names) Map(names []string) ([]Mapped, error) {
	known := make(map[string]bool, len(names))
	for _, name := range names {
		known[name] = true
	}
	out := make([]Mapped, len(names))
	taken := make(map[string]int, len(names))
	for i, name := range names {
		out[i] = n.mapOne(name, known)
		if rule := out[i].Rule; rule >= 0 && n[rule].Zeros {
			continue
		}
		if j, twice := taken[out[i].To]; twice {
			e := &TwiceError{Names: [2]string{names[j], name}, To: out[i].To}
			for _, rule := range []int{out[j].Rule, out[i].Rule} {
				if rule >= 0 {
					e.Line = n[rule].Line
				}
			}
			return nil, e
		}
		taken[out[i].To] = i
	}
	return out, nil
}

func (n Names) mapOne(name string, known map[string]bool) Mapped {
	for i, rule := range n {
		m := rule.pattern.FindStringSubmatch(name)
		if m == nil || rule.Beside != "" && !known[expand(rule.Beside, m)] {
			continue
		}
		if rule.Zeros {
			return Mapped{name, i}
		}
		return Mapped{expand(rule.To, m), i}
	}
	return Mapped{name, -1}
}

// TwiceError tells that two tensors of one set would have one name. It is bad
// input for package fault.
type TwiceError struct {
	Names [2]string
	To    string
	// Line is that of the rule that made the second so.
	Line int
}

func (e *TwiceError) Error() string {
	place := "names"
	if e.Line > 0 {
		place = fmt.Sprintf("names, line %d", e.Line)
	}
	return fmt.Sprintf("%s: %s and %s would both be %s: a name stands for one tensor; make the patterns narrower",
		place, shown.Quote(e.Names[0]), shown.Quote(e.Names[1]), shown.Quote(e.To))
}

// compile turns a pattern into an expression whose groups are its * and ?.
// The expression matches in time linear in the name.
func compile(pattern string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for _, part := range wild.FindAllString(pattern, -1) {
		switch part {
		case "*":
			b.WriteString(`(.*?)`)
		case "?":
			b.WriteString(`(.)`)
		default:
			b.WriteString(regexp.QuoteMeta(part))
		}
	}
	b.WriteString(`\z`)
	return regexp.MustCompile(b.String())
}

var (
	wild = regexp.MustCompile(`[*?]|[^*?]+`)
	// reference finds what stands for something else in To and Beside.
	reference = regexp.MustCompile(`(?s)\$.?`)
)

// expand replaces the references in a name by what a pattern matched.
func expand(to string, matched []string) string {
	return reference.ReplaceAllStringFunc(to, func(s string) string {
		if s == "$$" {
			return "$"
		}
		return matched[s[1]-'0']
	})
}

// faultOf says what is wrong with a To or Beside; empty when nothing is.
func faultOf(to, from string) string {
	if strings.ContainsAny(to, "*?") {
		return "write $1 for what the first * or ? of from stands for, $2 for the second"
	}
	groups := strings.Count(from, "*") + strings.Count(from, "?")
	for _, s := range reference.FindAllString(to, -1) {
		if s == "$$" {
			continue
		}
		if len(s) != 2 || s[1] < '1' || s[1] > '9' {
			return "a dollar sign stands before a digit from 1 to 9; write $$ for the sign itself"
		}
		if int(s[1]-'0') > groups {
			return fmt.Sprintf("%s, but from has %d * and ?", s, groups)
		}
	}
	return ""
}

//go:embed transformerlens-bridge.yaml
var builtinFiles embed.FS

// BuiltinNames are the maps that a file can name.
func BuiltinNames() []string { return []string{"transformerlens-bridge"} }

// Builtin returns the map of that name; false when there is none.
func Builtin(name string) (Names, bool) {
	if !slices.Contains(BuiltinNames(), name) {
		return nil, false
	}
	text, err := builtinFiles.ReadFile(name + ".yaml")
	if err != nil {
		panic(err)
	}
	file, err := Parse(text, name+".yaml")
	if err != nil {
		panic(err)
	}
	for i := range file.Names {
		file.Names[i].Line = 0
	}
	return file.Names, true
}
