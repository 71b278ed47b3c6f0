package strictyaml

import (
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"

	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
)

// maxBlankRun is how many blank lines may follow each other in a text that may
// hold block scalars: the time and memory of goccy's lexer grow with the
// square of such a run (19 s and 10 GB for 64,000).
const maxBlankRun = 256

// What the parser takes more than linear time or memory for, beside keys.
const (
	// maxTokens is how many tokens a text may have, comments aside: the time grows
	// with the square of the empty items of a list.
	maxTokens = 16_384
	// maxPaths bounds the bytes of all paths together: the parser keeps the
	// path of each node, with every key on the way to it, as a text.
	maxPaths = 4 << 20
)

// scanText checks what must hold before the lexer sees the text: size,
// encoding, characters, and what the lexer has no linear time for. It finds no
// structure.
func (d *Dialect) scanText(text []byte) *Error {
	if len(text) > d.Bytes {
		return bad(nowhere, "the text has %d bytes, the limit of a %s is %d: is this the right file?", len(text), d.Limited, d.Bytes)
	}
	blockScalars := strings.ContainsAny(string(text), "|>")
	at := place{offset: 0, line: 1, column: 1}
	blank, blanks, comment := true, 0, false
	for rest := text; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && size <= 1:
			return bad(at, "not valid UTF-8 (byte %#02x): save the text as UTF-8", rest[0])
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f, r > 0x7f && r < 0xa0, r == 0xfeff, r == 0xfffe, r == 0xffff:
			return bad(at, "the character %U is not allowed in YAML: remove it", r)
		case r == 0x2028, r == 0x2029:
			return bad(at, "the character %U is a line break in YAML 1.1 and none in YAML 1.2: remove it", r)
		case r == '\t' && !comment:
			return bad(at, "a tab: use spaces, or write \\t in double quotes")
		case r == '\n' || r == '\r':
			comment = false
			if blanks++; !blank {
				blanks = 0
			}
			if blockScalars && blanks > maxBlankRun {
				return bad(at, "more than %d blank lines in a row, the limit beside block scalars (| and >): remove them", maxBlankRun)
			}
			blank = true
		case r != ' ' && r != '\t':
			if blank && r == '#' {
				comment = true
			}
			blank = false
		}
		at.column++
		if r == '\n' {
			at.line, at.column = at.line+1, 1
		}
		at.offset += int64(size)
		rest = rest[size:]
	}
	return nil
}

// cleanLines ends every line with a line feed and nothing before it: after
// carriage returns and spaces at the end of a line the lexer miscounts columns.
// In texts of one line both mean nothing.
func cleanLines(text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// scanTokens checks what must hold before the parser sees the tokens: nesting,
// one document, and none of the parts of YAML that no dialect needs or that
// readers do not agree on.
func (d *Dialect) scanTokens(tokens token.Tokens) *Error {
	var (
		nest            nesting
		content, marked bool // something was found; a document marker was found
		ended           bool // the document's end marker was found
		count           int
	)
	for i, tk := range tokens {
		at := tokenPlace(tk)
		switch tk.Type {
		case token.CommentType:
			continue
		case token.InvalidType:
			return bad(at, "not YAML: %s", shown.Cut(tk.Error, shown.MaxText))
		case token.DirectiveType:
			return bad(at, "directives (%%) are not supported in a %s: remove the line", d.Name)
		case token.TagType:
			return bad(at, "the tag %s: tags are not supported in a %s: remove it", shown.Quote(tk.Value), d.Name)
		case token.MergeKeyType:
			return bad(at, "the merge key << exists in YAML 1.1 and not in YAML 1.2: write the fields out")
		case token.AnchorType, token.AliasType, token.LiteralType, token.FoldedType:
			if d.Plain {
				return bad(at, "%s is not supported in a %s: write plain keys and values", shown.Quote(tk.Value), d.Name)
			}
		case token.DocumentHeaderType:
			if content || marked {
				return bad(at, "a second document: a %s is one document, keep one", d.Name)
			}
			marked = true
			continue
		case token.DocumentEndType:
			ended = true
			continue
		}
		if ended {
			return bad(at, "a second document, after the end marker: a %s is one document, keep one", d.Name)
		}
		content = true
		var before *token.Token
		if i > 0 {
			before = tokens[i-1]
		}
		if nest.add(tk, before) > limits.Depth {
			return bad(at, "nested deeper than the limit of %d: %s", limits.Depth, d.Levels)
		}
		if count++; count > maxTokens || nest.keys > d.Keys || nest.paths > maxPaths {
			return bad(at, "too much structure before this place: the limit of a %s is %d keys and %d words and signs: %s", d.Limited, d.Keys, maxTokens, d.Smaller)
		}
		if tk.Type == token.CollectEntryType && (before == nil || before.Type == token.CollectEntryType ||
			before.Type == token.SequenceStartType || before.Type == token.MappingStartType) {
			return bad(at, "not YAML: a comma with no value before it: remove it")
		}
		if i+1 < len(tokens) && nest.flow > 0 && isTightColon(before, tk, tokens[i+1]) {
			return bad(at, "write a space after this colon: without one it is part of the text")
		}
		if tk.Type == token.MappingKeyType {
			return bad(at, "keys written with ? are not supported in a %s: write key: value", d.Name)
		}
	}
	if !content {
		return bad(nowhere, "%s", d.Empty)
	}
	return nil
}

// nesting follows which lists and mappings are open in a stream of tokens.
type nesting struct {
	open []opened
	flow int // how many of them have brackets
	// keys counts the keys; paths adds up the lengths of the paths of all tokens.
	keys, paths int
}

// opened is an open list or mapping.
type opened struct {
	column int // of a block one; 0 with brackets
	key    int // bytes of its latest key
}

// add takes the next token, and the one before it, and returns the depth. A
// block list in the column of its key counts as one with it, so the true depth
// is at most twice the result.
func (n *nesting) add(tk, before *token.Token) int {
	switch tk.Type {
	case token.SequenceStartType, token.MappingStartType:
		n.flow++
		n.open = append(n.open, opened{})
	case token.SequenceEndType, token.MappingEndType:
		if n.flow > 0 {
			n.flow--
			n.open = n.open[:len(n.open)-1]
		}
	case token.SequenceEntryType, token.MappingKeyType:
		n.block(tk.Position.Column)
	case token.MappingValueType:
		n.keys++
		column, key := tk.Position.Column, 0
		if before != nil {
			key = len(before.Value)
			if before.Position.Line == tk.Position.Line {
				column = min(column, before.Position.Column)
			}
		}
		n.block(column)
		n.open[len(n.open)-1].key = key
	}
	const index = 8 // the usual length of "[12345]" and of signs between keys
	for _, o := range n.open {
		n.paths += o.key + index
	}
	return len(n.open)
}

// block opens a block list or mapping in a column, unless it is open, and
// closes those to the right of it. In brackets there are none.
func (n *nesting) block(column int) {
	if n.flow > 0 {
		return
	}
	for len(n.open) > 0 && n.open[len(n.open)-1].column > column {
		n.open = n.open[:len(n.open)-1]
	}
	if len(n.open) == 0 || n.open[len(n.open)-1].column < column {
		n.open = append(n.open, opened{column: column})
	}
}

// checkCover refuses a text of which the lexer left something out: it drops
// the rest of the text, without an error, from some things that it cannot read.
// The tokens' own texts, white space aside, must be the whole text.
func checkCover(text string, tokens token.Tokens) *Error {
	const white = " \t\n"
	rest := strings.TrimLeft(text, white)
	for _, tk := range tokens {
		if tk.Type == token.DoubleQuoteType || tk.Type == token.SingleQuoteType {
			// Its own text has some escapes decoded.
			after, ok := skipQuoted(rest)
			if !ok {
				return unread(text, rest)
			}
			rest = strings.TrimLeft(after, white)
			continue
		}
		for _, r := range tk.Origin {
			if strings.ContainsRune(white, r) {
				continue
			}
			next, size := utf8.DecodeRuneInString(rest)
			if next != r || size == 0 {
				return unread(text, rest)
			}
			rest = strings.TrimLeft(rest[size:], white)
		}
	}
	if rest != "" {
		return unread(text, rest)
	}
	return nil
}

// unread is the error for a text that cannot be read from rest on.
func unread(text, rest string) *Error {
	read := text[:len(text)-len(rest)]
	line := strings.Count(read, "\n") + 1
	column := utf8.RuneCountInString(read[strings.LastIndexByte(read, '\n')+1:]) + 1
	return bad(place{offset: -1, line: line, column: column}, "not YAML: cannot read this or what stands before it: %s: remove it, or put the text in quotes", shown.Quote(rest[:min(len(rest), 24)]))
}

// skipQuoted returns what follows the quoted scalar at the start of s.
func skipQuoted(s string) (after string, ok bool) {
	if s == "" || s[0] != '"' && s[0] != '\'' {
		return "", false
	}
	for i := 1; i < len(s); i++ {
		switch {
		case s[0] == '"' && s[i] == '\\':
			i++
		case s[0] == '\'' && s[i] == '\'' && i+1 < len(s) && s[i+1] == '\'':
			i++
		case s[i] == s[0]:
			return s[i+1:], true
		}
	}
	return "", false
}

// isTightColon reports whether tk is a colon in a flow collection with the
// value directly behind it. After a plain key that is a text with a colon in
// it, and the lexer takes it as key and value.
func isTightColon(before, tk, after *token.Token) bool {
	if tk.Type != token.MappingValueType || before == nil {
		return false
	}
	switch before.Type {
	case token.SingleQuoteType, token.DoubleQuoteType, token.SequenceEndType, token.MappingEndType:
		return false
	}
	switch after.Type {
	case token.CollectEntryType, token.SequenceEndType, token.MappingEndType:
		return false
	}
	return after.Position.Line == tk.Position.Line && after.Position.Column == tk.Position.Column+1
}
