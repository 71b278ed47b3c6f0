// Package strictyaml reads small YAML texts that cannot be trusted into a tree
// with places, in bounded time and memory.
//
// The parser is goccy/go-yaml's; what it takes too long for, loses or reads
// otherwise than other readers is refused before or after it. What scalars mean
// is decided here: one means something only if it means the same in YAML 1.1
// and 1.2. Which keys a file may have, and which values, is its reader's
// matter (packages model and parity/rules). JSON has package strictjson.
package strictyaml

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/weightinit/weightinit/internal/shown"
)

// Dialect says what one kind of file may hold, and what it is called in
// messages. Every dialect is one document without tags, merge keys, directives
// and keys written with a question mark.
type Dialect struct {
	// Name stands in messages after "a"; Limited is the name in those about
	// limits.
	Name, Limited string
	// Empty and Levels are whole sentences for a text without content and for
	// one nested too deep; Smaller is the next step for one of too much structure.
	Empty, Levels, Smaller string
	// Bytes is the most bytes of a text.
	Bytes int
	// Keys is the most keys of a text. The parser's time and memory grow with the
	// square of the keys of one mapping: 6 MB for 1,024 of them, 22 MB for 2,048,
	// 560 MB for 13,000.
	Keys int
	// Plain refuses anchors, aliases and block scalars.
	Plain bool
}

// Error is the first fault of a text.
type Error struct {
	// Offset is the byte, counted from 0, -1 when unknown.
	Offset int64
	// Line and Column are counted from 1, 0 when unknown.
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
	case e.Line > 0:
		text += fmt.Sprintf("line %d, column %d: ", e.Line, e.Column)
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

func bad(p place, format string, args ...any) *Error {
	return &Error{Offset: p.offset, Line: p.line, Column: p.column, Problem: fmt.Sprintf(format, args...)}
}

func tokenPlace(tk *token.Token) place {
	if tk == nil || tk.Position == nil {
		return nowhere
	}
	return place{offset: -1, line: tk.Position.Line, column: tk.Position.Column}
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
	if fault := d.scanText(text); fault != nil {
		return nil, fault
	}
	lines := cleanLines(string(text))
	tokens := lexer.Tokenize(lines)
	if fault := d.scanTokens(tokens); fault != nil {
		return nil, fault
	}
	if fault := checkCover(lines, tokens); fault != nil {
		return nil, fault
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxError(err)
	}
	if len(file.Docs) != 1 {
		return nil, bad(nowhere, "%d documents: a %s is one document, keep one", len(file.Docs), d.Name)
	}
	w := walker{dialect: d, anchors: map[string]*anchor{}}
	root, _, fault := w.walk(file.Docs[0].Body, 0, 1)
	return root, fault
}

// syntaxError turns an error of goccy's parser, whose text is several lines,
// into one of this package.
func syntaxError(err error) *Error {
	fault := bad(nowhere, "not YAML: %s", shown.Cut(err.Error(), shown.MaxText))
	var syntax interface {
		GetMessage() string
		GetToken() *token.Token
	}
	if errors.As(err, &syntax) {
		fault = bad(tokenPlace(syntax.GetToken()), "not YAML: %s", shown.Cut(syntax.GetMessage(), shown.MaxText))
	}
	fault.Err = err
	return fault
}
