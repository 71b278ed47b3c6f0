// Package formula evaluates small expressions over integers, float64,
// booleans, null, words and lists with Python's meaning: those of the leaf
// tables of package model/hf.
//
// Numbers are computed in float64 in the order in which they are written, so
// that a result has the bits of the Python source; nothing is fused or
// reordered. Integers are int64, and one that does not fit is an error.
//
//	or, and, not, X if C else Y
//	== != < <= > >=, in, not in, is None, is not None (chained as in Python)
//	+ - * / // % **, unary - and +, L[i], lists [a, b]
//	sqrt, len, max, min, int, abs, at, or0, ceildiv, startswith, repeated
//
// at(L, i) is L[i], null outside of it, and L itself if it is no list. or0(x,
// y) is x, or y if x is false. ceildiv(a, b) is a/b rounded up. repeated(L)
// is the sum of len(x)*n over the entries [x, n] of L. // and % round
// down.
package formula

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limits of an expression.
const (
	// MaxText is the most bytes of an expression.
	MaxText = 1 << 14
	// maxDepth is the most parts that may be open at once.
	maxDepth = 100
)

// Expr is a parsed expression. It is safe for use by several goroutines.
type Expr struct {
	root node
	text string
}

// String returns the text that was parsed.
func (e *Expr) String() string { return e.text }

// Parse reads an expression.
func Parse(text string) (*Expr, error) {
	if len(text) > MaxText {
		return nil, fmt.Errorf("formula: %d bytes, the limit is %d", len(text), MaxText)
	}
	tokens, err := lex(text)
	if err != nil {
		return nil, fmt.Errorf("formula %q: %w", text, err)
	}
	p := parser{tokens: tokens}
	root, err := p.choice()
	if err == nil && p.peek().kind != endToken {
		err = p.unexpected()
	}
	if err != nil {
		return nil, fmt.Errorf("formula %q: %w", text, err)
	}
	return &Expr{root, text}, nil
}

type parser struct {
	tokens []token
	at     int
	depth  int
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != endToken {
		p.at++
	}
	return t
}

// takes consumes the next token if it is this sign or word.
func (p *parser) takes(text string) bool {
	if t := p.peek(); (t.kind == signToken || t.kind == nameToken) && t.text == text {
		p.at++
		return true
	}
	return false
}

func (p *parser) unexpected() error {
	t := p.peek()
	if t.kind == endToken {
		return fmt.Errorf("column %d: the text ends too early", t.at+1)
	}
	return fmt.Errorf("column %d: unexpected %q", t.at+1, t.text)
}

func (p *parser) expect(sign string) error {
	if !p.takes(sign) {
		return p.unexpected()
	}
	return nil
}

// enter counts open parts.
func (p *parser) enter() error {
	if p.depth++; p.depth > maxDepth {
		return fmt.Errorf("column %d: nested deeper than %d", p.peek().at+1, maxDepth)
	}
	return nil
}

// choice reads X, or X if C else Y.
func (p *parser) choice() (node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	x, err := p.or()
	if err != nil || !p.takes("if") {
		return x, err
	}
	c, err := p.or()
	if err != nil {
		return nil, err
	}
	if err := p.expect("else"); err != nil {
		return nil, err
	}
	y, err := p.choice()
	return choice{c, x, y}, err
}

func (p *parser) or() (node, error) {
	return p.chain([]string{"or"}, p.and, func(_ string, x, y node) node { return either{x, y, true} })
}

func (p *parser) and() (node, error) {
	return p.chain([]string{"and"}, p.not, func(_ string, x, y node) node { return either{x, y, false} })
}

// chain reads operands of one strength with signs between them, from the left.
func (p *parser) chain(signs []string, operand func() (node, error), join func(sign string, x, y node) node) (node, error) {
	x, err := operand()
	for err == nil {
		sign := ""
		for _, s := range signs {
			if p.takes(s) {
				sign = s
				break
			}
		}
		if sign == "" {
			return x, nil
		}
		if err = p.enter(); err != nil { // a chain is a deep tree as well
			return nil, err
		}
		defer func() { p.depth-- }()
		var y node
		if y, err = operand(); err == nil {
			x = join(sign, x, y)
		}
	}
	return nil, err
}

func (p *parser) not() (node, error) {
	if !p.takes("not") {
		return p.comparison()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	x, err := p.not()
	return not{x}, err
}

// relation reads the sign of a comparison; "" if there is none.
func (p *parser) relation() (string, error) {
	for _, s := range []string{"==", "!=", "<=", ">=", "<", ">", "in"} {
		if p.takes(s) {
			return s, nil
		}
	}
	switch {
	case p.takes("is"):
		if p.takes("not") {
			return "is not", nil
		}
		return "is", nil
	case p.peek().kind == nameToken && p.peek().text == "not":
		p.next()
		return "not in", p.expect("in")
	}
	return "", nil
}

func (p *parser) comparison() (node, error) {
	x, err := p.sum()
	if err != nil {
		return nil, err
	}
	c := comparison{first: x}
	for {
		sign, err := p.relation()
		if err != nil {
			return nil, err
		}
		if sign == "" {
			break
		}
		y, err := p.sum()
		if err != nil {
			return nil, err
		}
		if c, fixed := y.(constant); strings.HasPrefix(sign, "is") && !(fixed && c.IsNull()) {
			return nil, fmt.Errorf("column %d: %q is for None only", p.peek().at+1, sign)
		}
		c.rest = append(c.rest, related{sign, y})
	}
	if c.rest == nil {
		return x, nil
	}
	return c, nil
}

func arithmetic(sign string, x, y node) node { return binary{sign, x, y} }

func (p *parser) sum() (node, error) { return p.chain([]string{"+", "-"}, p.product, arithmetic) }

func (p *parser) product() (node, error) {
	return p.chain([]string{"*", "//", "/", "%"}, p.unary, arithmetic)
}

func (p *parser) unary() (node, error) {
	minus, plus := p.takes("-"), false
	if !minus {
		plus = p.takes("+")
	}
	if !minus && !plus {
		return p.power()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	x, err := p.unary()
	if err != nil {
		return nil, err
	}
	return signed{minus, x}, nil
}

// power reads X ** Y, which binds more than a sign on its left and less than
// one on its right.
func (p *parser) power() (node, error) {
	x, err := p.indexed()
	if err != nil || !p.takes("**") {
		return x, err
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	y, err := p.unary()
	if err != nil {
		return nil, err
	}
	return binary{"**", x, y}, nil
}

func (p *parser) indexed() (node, error) {
	x, err := p.atom()
	for err == nil && p.takes("[") {
		var i node
		if i, err = p.choice(); err == nil {
			err = p.expect("]")
		}
		if err == nil {
			err = p.enter()
			defer func() { p.depth-- }()
		}
		x = index{x, i}
	}
	return x, err
}

func (p *parser) atom() (node, error) {
	t := p.next()
	switch t.kind {
	case numberToken:
		return number(t)
	case textToken:
		return constant{OfText(t.text)}, nil
	case nameToken:
		return p.name(t)
	case signToken:
		if t.text == "(" {
			return p.group()
		}
		if t.text == "[" {
			items, err := p.items("]")
			return list{items}, err
		}
	}
	if t.kind != endToken {
		p.at--
	}
	return nil, p.unexpected()
}

// group reads what stands in parentheses: a part, or a list of several.
func (p *parser) group() (node, error) {
	x, err := p.choice()
	if err != nil {
		return nil, err
	}
	if p.takes(")") {
		return x, nil
	}
	if err := p.expect(","); err != nil {
		return nil, err
	}
	items, err := p.items(")")
	return list{append([]node{x}, items...)}, err
}

// items reads parts with commas between them up to the closing sign.
func (p *parser) items(end string) ([]node, error) {
	var out []node
	for {
		if p.takes(end) {
			return out, nil
		}
		x, err := p.choice()
		if err != nil {
			return nil, err
		}
		out = append(out, x)
		if !p.takes(",") {
			return out, p.expect(end)
		}
	}
}

var words = map[string]Value{
	"True": OfBool(true), "False": OfBool(false), "None": {},
	"true": OfBool(true), "false": OfBool(false), "null": {},
}

var reserved = map[string]bool{"and": true, "or": true, "not": true, "if": true, "else": true, "in": true, "is": true}

func (p *parser) name(t token) (node, error) {
	if v, ok := words[t.text]; ok {
		return constant{v}, nil
	}
	if reserved[t.text] {
		p.at--
		return nil, p.unexpected()
	}
	if !p.takes("(") {
		return name(t.text), nil
	}
	f, known := functions[t.text]
	if !known {
		return nil, fmt.Errorf("column %d: unknown function %q", t.at+1, t.text)
	}
	args, err := p.items(")")
	if err != nil {
		return nil, err
	}
	if len(args) < f.least || f.most > 0 && len(args) > f.most {
		return nil, fmt.Errorf("column %d: %s with %d arguments", t.at+1, t.text, len(args))
	}
	return call{t.text, f.apply, args}, nil
}

func number(t token) (node, error) {
	if n, err := strconv.ParseInt(t.text, 10, 64); err == nil {
		return constant{OfInt(n)}, nil
	}
	f, err := strconv.ParseFloat(t.text, 64)
	whole := true
	for i := range len(t.text) {
		whole = whole && digit(t.text[i])
	}
	if err != nil || whole {
		return nil, fmt.Errorf("column %d: %q is no number, or too large", t.at+1, t.text)
	}
	return constant{OfFloat(f)}, nil
}

// Names lists the names that the expression reads, each once, as they stand.
func (e *Expr) Names() []string {
	tokens, err := lex(e.text)
	if err != nil {
		return nil
	}
	var out []string
	for i, t := range tokens {
		_, word := words[t.text]
		if t.kind != nameToken || word || reserved[t.text] || tokens[i+1].text == "(" || slices.Contains(out, t.text) {
			continue
		}
		out = append(out, t.text)
	}
	return out
}
