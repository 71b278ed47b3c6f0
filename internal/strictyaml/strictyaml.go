// Package strictyaml reads small YAML texts that cannot be trusted into a tree
// with places, in bounded time and memory.
//
// The parser is go.yaml.in/yaml/v3, whose time and memory are linear in the
// text. What other readers of YAML take for something else is refused before
// or after it. What scalars mean is decided here: one means something only if
// it means the same in YAML 1.1 and 1.2. Which keys a file may have, and which
// values, is its reader's matter (packages model and parity/rules). JSON has
// package strictjson.
package strictyaml

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
)

// Dialect says what one kind of file may hold, and what it is called in
// messages. Every dialect is one document without tags, merge keys, directives
// and keys written with a question mark.
type Dialect struct {
	// Name stands in messages after "a"; Limited is the name in those about the
	// limit of bytes.
	Name, Limited string
	// Empty and Levels are whole sentences for a text without content and for
	// one nested too deep.
	Empty, Levels string
	// Bytes is the most bytes of a text. It alone bounds keys, nodes, time and
	// memory: the tests hold it to 300 bytes a byte.
	Bytes int
	// Plain refuses anchors, aliases and block scalars.
	Plain bool
}

// Error is the first fault of a text.
type Error struct {
	// Offset is the byte, counted from 0, -1 when unknown.
	Offset int64
	// Line and Column are counted from 1, 0 when unknown. The parser's own errors
	// have a line only.
	Line, Column int
	// Key is the key that occurs twice, "" when no key does.
	Key string
	// Problem says what is wrong and then what to do, in one line.
	Problem string
	// Err is the parser's error, or nil.
	Err error
}

// Error returns one line: place, key, problem.
func (e *Error) Error() string {
	text := "strictyaml: "
	switch {
	case e.Column > 0:
		text += fmt.Sprintf("line %d, column %d: ", e.Line, e.Column)
	case e.Line > 0:
		text += fmt.Sprintf("line %d: ", e.Line)
	case e.Offset >= 0:
		text += fmt.Sprintf("byte %d: ", e.Offset)
	}
	if e.Key != "" {
		text += shown.Quote(e.Key) + ": "
	}
	return text + e.Problem
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// place is a position in a text.
type place struct {
	offset       int64
	line, column int
}

var nowhere = place{offset: -1}

func placeOf(n *yaml.Node) place { return place{offset: -1, line: n.Line, column: n.Column} }

func bad(p place, format string, args ...any) *Error {
	return &Error{Offset: p.offset, Line: p.line, Column: p.column, Problem: fmt.Sprintf(format, args...)}
}

// Parse reads a text without a byte order mark. The error is an *[Error].
func Parse(text []byte, d Dialect) (*Node, error) {
	root, fault := d.parse(text)
	if fault != nil {
		return nil, fault
	}
	return root, nil
}

func (d *Dialect) parse(text []byte) (*Node, *Error) {
	if fault := d.checkText(text); fault != nil {
		return nil, fault
	}
	lines := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(text))
	decoder := yaml.NewDecoder(strings.NewReader(lines))
	var document, second yaml.Node
	if err := decoder.Decode(&document); err == io.EOF {
		return nil, bad(nowhere, "%s", d.Empty)
	} else if err != nil {
		return nil, d.syntaxError(err, lines)
	}
	if err := decoder.Decode(&second); err == nil {
		return nil, bad(placeOf(&second), "a second document: a %s is one document, keep one", d.Name)
	} else if err != io.EOF {
		return nil, d.syntaxError(err, lines)
	}
	root := document.Content[0]
	if isImplicit(root) {
		return nil, bad(nowhere, "%s", d.Empty)
	}
	w := walker{dialect: d, text: cursor{text: lines, line: 1, column: 1}, anchors: map[string]*anchor{}}
	node, _, fault := w.walk(root, 0)
	return node, fault
}

var (
	parserLine   = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?(.*)$`)
	parserAlias  = regexp.MustCompile(`^unknown anchor '([0-9A-Za-z_-]+)' referenced$`)
	parserEscape = "found invalid Unicode character escape code"
	parserSecond = "did not find expected <document start>"
	parserName   = "did not find expected alphabetic or numeric character" // behind & or *
	// countedFrom0 matches the messages whose line the parser counts from 0.
	countedFrom0 = regexp.MustCompile(`^did not find expected (node content|'-' indicator|key|',' or |<)`)
)

// syntaxError turns an error of the parser into one of this package. Without a
// line the parser means the first one, except for aliases.
func (d *Dialect) syntaxError(err error, text string) *Error {
	fault := bad(nowhere, "not YAML: %s: check quotes, brackets and indentation", shown.Cut(err.Error(), shown.MaxText))
	fault.Err = err
	parts := parserLine.FindStringSubmatch(err.Error())
	if parts == nil {
		return fault
	}
	message := parts[2]
	fault.Problem = fmt.Sprintf("not YAML: %s: check quotes, brackets and indentation", shown.Cut(message, shown.MaxText))
	fault.Line = 1
	if line, err := strconv.Atoi(parts[1]); err == nil {
		fault.Line = line
		if countedFrom0.MatchString(message) {
			fault.Line++
		}
		// The end of the text counts as a line of its own.
		fault.Line = min(fault.Line, 1+strings.Count(strings.TrimRight(text, " \n"), "\n"))
	}
	switch alias := parserAlias.FindStringSubmatch(message); {
	case d.Plain && (alias != nil || message == parserName):
		fault.Problem = fmt.Sprintf("an anchor or alias is not supported in a %s: write plain keys and values, and put a text that begins with & or * in quotes", d.Name)
	case alias != nil:
		fault.Line = onlyLine(text, "*"+alias[1])
		fault.Problem = fmt.Sprintf("the alias %s names no anchor before it: define &%s, or write the value", shown.Quote("*"+alias[1]), shown.Cut(alias[1], shown.MaxText))
	case message == parserSecond:
		fault.Problem = fmt.Sprintf("a second document, or text after the end of the first: a %s is one document, keep one", d.Name)
	case message == parserName:
		fault.Problem = "an anchor or alias without a name of letters and digits directly behind & or *: put a text that begins with them in quotes"
	case message == parserEscape:
		fault.Problem = "not YAML: an escape that is no character, such as half a pair of \\u: write the character itself, or \\U and eight digits"
	case strings.HasPrefix(message, "exceeded max depth"):
		fault.Problem = fmt.Sprintf("nested deeper than the limit of %d: %s", limits.Depth, d.Levels)
	}
	return fault
}

// onlyLine returns the line of a part of a text that occurs once; 0 for others.
func onlyLine(text, part string) int {
	before, after, _ := strings.Cut(text, part)
	if strings.Contains(after, part) {
		return 0
	}
	return strings.Count(before, "\n") + 1
}
