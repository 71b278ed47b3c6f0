package model

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

// What the parser takes more than linear time or memory for. A config has about
// a hundred keys.
const (
	// maxYAMLKeys is how many keys a text may have: the parser's time and
	// memory grow with the square of the keys of a mapping (560 MB for 13,000).
	maxYAMLKeys = 1024
	// maxYAMLTokens is how many tokens it may have, comments aside: the time
	// grows with the square of the empty items of a list.
	maxYAMLTokens = 16_384
	// maxYAMLPaths bounds the bytes of all paths together: the parser keeps the
	// path of each node, with every key on the way to it, as a text.
	maxYAMLPaths = 4 << 20
)

// scanYAMLText checks what must hold before the lexer sees the text: size,
// encoding, characters, and what the lexer has no linear time for. It finds no
// structure.
func scanYAMLText(text []byte) *Error {
	if len(text) > limits.ConfigYAML {
		return tooLarge(len(text), limits.ConfigYAML, "YAML config")
	}
	blockScalars := strings.ContainsAny(string(text), "|>")
	at := place{offset: 0, line: 1, column: 1}
	blank, blanks, comment := true, 0, false
	for rest := text; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		switch {
		case r == utf8.RuneError && size <= 1:
			return badText(at, "not valid UTF-8 (byte %#02x): save the text as UTF-8", rest[0])
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f, r > 0x7f && r < 0xa0, r == 0xfeff, r == 0xfffe, r == 0xffff:
			return badText(at, "the character %U is not allowed in YAML: remove it", r)
		case r == 0x2028, r == 0x2029:
			return badText(at, "the character %U is a line break in YAML 1.1 and none in YAML 1.2: remove it", r)
		case r == '\t' && !comment:
			return badText(at, "a tab: use spaces, or write \\t in double quotes")
		case r == '\n' || r == '\r':
			comment = false
			if blanks++; !blank {
				blanks = 0
			}
			if blockScalars && blanks > maxBlankRun {
				return badText(at, "more than %d blank lines in a row, the limit beside block scalars (| and >): remove them", maxBlankRun)
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

// scanYAMLTokens checks what must hold before the parser sees the tokens:
// nesting, one document, and none of the parts of YAML that a config does not
// need or that readers do not agree on.
func scanYAMLTokens(tokens token.Tokens) *Error {
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
			return badText(at, "not YAML: %s", shown.Cut(tk.Error, shown.MaxText))
		case token.DirectiveType:
			return badText(at, "directives (%%) are not supported in a config: remove the line")
		case token.TagType:
			return badText(at, "the tag %s: tags are not supported in a config: remove it", shown.Quote(tk.Value))
		case token.MergeKeyType:
			return badText(at, "the merge key << exists in YAML 1.1 and not in YAML 1.2: write the fields out")
		case token.DocumentHeaderType:
			if content || marked {
				return badText(at, "a second document: a config is one document, keep one")
			}
			marked = true
			continue
		case token.DocumentEndType:
			ended = true
			continue
		}
		if ended {
			return badText(at, "a second document, after the end marker: a config is one document, keep one")
		}
		content = true
		var before *token.Token
		if i > 0 {
			before = tokens[i-1]
		}
		if nest.add(tk, before) > limits.Depth {
			return badText(at, "nested deeper than the limit of %d: a config needs no more than two levels", limits.Depth)
		}
		if count++; count > maxYAMLTokens || nest.keys > maxYAMLKeys || nest.paths > maxYAMLPaths {
			return badText(at, "too much structure before this place: the limit of a YAML config is %d keys and %d words and signs: write it in JSON", maxYAMLKeys, maxYAMLTokens)
		}
		if tk.Type == token.CollectEntryType && (before == nil || before.Type == token.CollectEntryType ||
			before.Type == token.SequenceStartType || before.Type == token.MappingStartType) {
			return badText(at, "not YAML: a comma with no value before it: remove it")
		}
		if i+1 < len(tokens) && nest.flow > 0 && isTightColon(before, tk, tokens[i+1]) {
			return badText(at, "write a space after this colon: without one it is part of the text")
		}
		if tk.Type == token.MappingKeyType {
			return badText(at, "keys written with ? are not supported in a config: write key: value")
		}
	}
	if !content {
		return badText(nowhere, "the text is empty: write the model's fields, one \"key: value\" a line")
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

// checkYAMLCover refuses a text of which the lexer left something out: it drops
// the rest of the text, without an error, from some things that it cannot read.
// The tokens' own texts, white space aside, must be the whole text.
func checkYAMLCover(text string, tokens token.Tokens) *Error {
	const white = " \t\n"
	rest := strings.TrimLeft(text, white)
	for _, tk := range tokens {
		if tk.Type == token.DoubleQuoteType || tk.Type == token.SingleQuoteType {
			// Its own text has some escapes decoded.
			after, ok := skipQuoted(rest)
			if !ok {
				return unreadYAML(text, rest)
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
				return unreadYAML(text, rest)
			}
			rest = strings.TrimLeft(rest[size:], white)
		}
	}
	if rest != "" {
		return unreadYAML(text, rest)
	}
	return nil
}

// unreadYAML is the error for a text that cannot be read from rest on.
func unreadYAML(text, rest string) *Error {
	read := text[:len(text)-len(rest)]
	line := strings.Count(read, "\n") + 1
	column := utf8.RuneCountInString(read[strings.LastIndexByte(read, '\n')+1:]) + 1
	return badText(place{offset: -1, line: line, column: column}, "not YAML: cannot read this or what stands before it: %s: remove it, or put the text in quotes", shown.Quote(rest[:min(len(rest), 24)]))
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

func tokenPlace(tk *token.Token) place {
	if tk == nil || tk.Position == nil {
		return nowhere
	}
	return place{offset: -1, line: tk.Position.Line, column: tk.Position.Column}
}
