package model

import (
	"errors"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
)

// readYAML reads a YAML text. goccy's parser gives the tree; what a scalar
// means is decided here, from its text, and so is what a config may hold.
func readYAML(text []byte) (*document, *Error) {
	if fault := scanYAMLText(text); fault != nil {
		return nil, fault
	}
	lines := cleanLines(string(text))
	tokens := lexer.Tokenize(lines)
	if fault := scanYAMLTokens(tokens); fault != nil {
		return nil, fault
	}
	if fault := checkYAMLCover(lines, tokens); fault != nil {
		return nil, fault
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, yamlError(err)
	}
	if len(file.Docs) != 1 {
		return nil, badText(nowhere, "%d documents: a config is one document, keep one", len(file.Docs))
	}
	tree := &yamlTree{anchors: map[string]*anchor{}, targets: map[*ast.AliasNode]ast.Node{}}
	if _, fault := tree.walk(file.Docs[0].Body, 0, 1); fault != nil {
		return nil, fault
	}
	root, ok := tree.resolve(file.Docs[0].Body).(*ast.MappingNode)
	if !ok {
		v := tree.value(file.Docs[0].Body, false)
		return nil, badText(v.at, "want the model's fields, one \"key: value\" a line, found %s", formNames[v.form])
	}
	d := &document{}
	for _, pair := range root.Values {
		key := pair.Key.GetToken()
		if d.note(key.Value, tokenPlace(key)) {
			d.entries = append(d.entries, entry{key.Value, tokenPlace(key), tree.value(pair.Value, fields[key.Value].kind == mapKind)})
		}
	}
	return d, nil
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

// yamlError turns an error of goccy's parser, whose text is several lines,
// into one of this package.
func yamlError(err error) *Error {
	fault := badText(nowhere, "not YAML: %s", shown.Cut(err.Error(), shown.MaxText))
	var syntax interface {
		GetMessage() string
		GetToken() *token.Token
	}
	if errors.As(err, &syntax) {
		fault = badText(tokenPlace(syntax.GetToken()), "not YAML: %s", shown.Cut(syntax.GetMessage(), shown.MaxText))
	}
	fault.Err = err
	return fault
}

// yamlTree is a document while it is checked.
type yamlTree struct {
	anchors map[string]*anchor // the latest of each name
	targets map[*ast.AliasNode]ast.Node
	added   int // nodes that aliases add
}

type anchor struct {
	node ast.Node
	size int
	open bool // the walk is inside it
}

// walk checks a node and all below it, and returns how many nodes it stands
// for once its aliases are replaced by what they name. The node must begin in
// column left or to the right of it: the parser takes some nodes as parts of
// others that are indented less, and so loses fields in places where readers of
// YAML find them. In flow collections left is 0.
func (t *yamlTree) walk(n ast.Node, depth, left int) (size int, fault *Error) {
	if n == nil {
		return 0, badText(nowhere, "the text is empty: write the model's fields, one \"key: value\" a line")
	}
	at := tokenPlace(n.GetToken())
	if depth > limits.Depth {
		return 0, badText(at, "nested deeper than the limit of %d: a config needs no more than two levels", limits.Depth)
	}
	switch n := n.(type) {
	case *ast.NullNode, *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode, *ast.StringNode:
		if n.GetToken().Type == token.ImplicitNullType {
			return 1, nil // it has no place of its own
		}
		if at.column < left {
			return 0, badIndent(at)
		}
		return 1, checkYAMLPlain(n.GetToken(), left == inFlow)
	case *ast.LiteralNode:
		return 1, nil
	case *ast.MappingNode:
		return t.walkMapping(n, depth, left)
	case *ast.SequenceNode:
		return t.walkSequence(n, depth, left)
	case *ast.AnchorNode:
		return t.walkAnchor(n, depth, left)
	case *ast.AliasNode:
		if at := tokenPlace(n.Start); at.column < left {
			return 0, badIndent(at)
		}
		return t.walkAlias(n)
	default:
		return 0, badText(at, "not supported in a config: %s: write plain keys and values", n.Type())
	}
}

// inFlow stands for the column in which nodes of flow collections must begin.
const inFlow = 0

func badIndent(at place) *Error {
	return badText(at, "not indented enough for where it stands: indent it more, or write a value before it")
}

func (t *yamlTree) walkMapping(n *ast.MappingNode, depth, left int) (size int, fault *Error) {
	if n.IsFlowStyle && n.Start.Position.Column < left {
		return 0, badIndent(tokenPlace(n.Start))
	}
	seen := make(map[string]bool, len(n.Values))
	size = 1
	inner, column := inFlow, 0
	for _, pair := range n.Values {
		key := pair.Key.GetToken()
		if fault := checkYAMLKey(pair, seen, left == inFlow || n.IsFlowStyle); fault != nil {
			return 0, fault
		}
		if !n.IsFlowStyle {
			at := tokenPlace(key)
			if column == 0 {
				column, inner = at.column, at.column+1
			}
			if at.column < left || at.column != column {
				return 0, badIndent(at)
			}
		}
		below := inner
		if isBlock(pair.Value) {
			if n.IsFlowStyle {
				return 0, badText(tokenPlace(pair.Value.GetToken()), "not YAML: inside {} write {...} or [...]")
			}
			if bare(pair.Value).Type() == ast.SequenceType {
				below = column // "- " may stand in the column of its key
			}
		}
		s, fault := t.walk(pair.Value, depth+1, below)
		if fault != nil {
			return 0, fault
		}
		size += s
	}
	return size, nil
}

// bare returns the node behind an anchor.
func bare(n ast.Node) ast.Node {
	if a, ok := n.(*ast.AnchorNode); ok {
		return a.Value
	}
	return n
}

// isBlock reports whether n is a list or a mapping without brackets.
func isBlock(n ast.Node) bool {
	switch n := bare(n).(type) {
	case *ast.MappingNode:
		return !n.IsFlowStyle
	case *ast.SequenceNode:
		return !n.IsFlowStyle
	}
	return false
}

func (t *yamlTree) walkSequence(n *ast.SequenceNode, depth, left int) (size int, fault *Error) {
	if n.IsFlowStyle && n.Start.Position.Column < left {
		return 0, badIndent(tokenPlace(n.Start))
	}
	size = 1
	inner := inFlow
	for i, item := range n.Values {
		if !n.IsFlowStyle {
			if i >= len(n.Entries) {
				return 0, badIndent(tokenPlace(item.GetToken()))
			}
			at, first := tokenPlace(n.Entries[i].Start), tokenPlace(n.Entries[0].Start)
			if at.column < left || at.column != first.column {
				return 0, badIndent(at)
			}
			inner = at.column + 1
		} else if isBlock(item) {
			return 0, badText(tokenPlace(item.GetToken()), "not YAML: inside [] write {...} or [...]")
		}
		s, fault := t.walk(item, depth+1, inner)
		if fault != nil {
			return 0, fault
		}
		size += s
	}
	return size, nil
}

// checkYAMLPlain refuses plain scalars with characters that YAML keeps for its
// structure: the lexer takes some as texts.
func checkYAMLPlain(tk *token.Token, flow bool) *Error {
	if tk.Type != token.StringType || tk.Value == "" {
		return nil
	}
	if strings.ContainsRune(",[]{}#&*!|>'\"%@`?:", rune(tk.Value[0])) {
		return badText(tokenPlace(tk), "a plain text cannot begin with %q: put it in quotes", tk.Value[0])
	}
	if strings.Contains(tk.Value, ": ") || strings.HasSuffix(tk.Value, ":") || flow && strings.ContainsAny(tk.Value, ",[]{}") {
		return badText(tokenPlace(tk), "a plain text cannot hold the signs that part keys and values: put it in quotes")
	}
	return nil
}

// checkYAMLKey refuses keys that are no plain scalars on the line of their
// colon, or occur twice.
func checkYAMLKey(pair *ast.MappingValueNode, seen map[string]bool, flow bool) *Error {
	key := pair.Key.GetToken()
	switch pair.Key.(type) {
	case *ast.StringNode, *ast.NullNode, *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
	default:
		return badText(tokenPlace(key), "a key must be a plain text: write key: value")
	}
	if fault := checkYAMLPlain(key, flow); fault != nil {
		return fault
	}
	if isBroken(key) || pair.Start.Type == token.MappingValueType && pair.Start.Position.Line != key.Position.Line {
		return badText(tokenPlace(key), "a key must stand on one line with its colon: write key: value")
	}
	if seen[key.Value] {
		return badField(key.Value, "", "duplicate key: keep one").at(tokenPlace(key))
	}
	seen[key.Value] = true
	return nil
}

// isBroken reports whether a scalar is written over several lines.
func isBroken(tk *token.Token) bool {
	return strings.ContainsAny(strings.Trim(tk.Origin, " \r\n"), "\r\n")
}

func (t *yamlTree) walkAnchor(n *ast.AnchorNode, depth, left int) (size int, fault *Error) {
	if at := tokenPlace(n.Start); at.column < left {
		return 0, badIndent(at)
	}
	if fault := checkYAMLName(n.Start, n.Name.GetToken()); fault != nil {
		return 0, fault
	}
	a := &anchor{node: n.Value, open: true}
	t.anchors[n.Name.GetToken().Value] = a
	if a.size, fault = t.walk(n.Value, depth, left); fault != nil {
		return 0, fault
	}
	a.open = false
	return a.size, nil
}

// checkYAMLName refuses an anchor or alias whose name is not directly behind
// its sign.
func checkYAMLName(sign, name *token.Token) *Error {
	if p, q := sign.Position, name.Position; p.Line != q.Line || q.Column != p.Column+1 || !isAnchorName(name.Value) {
		return badText(tokenPlace(sign), "the anchor or alias %s needs a name of letters and digits directly behind it", shown.Quote(sign.Value))
	}
	return nil
}

func isAnchorName(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

func (t *yamlTree) walkAlias(n *ast.AliasNode) (size int, fault *Error) {
	name, at := n.Value.GetToken().Value, tokenPlace(n.Start)
	if fault := checkYAMLName(n.Start, n.Value.GetToken()); fault != nil {
		return 0, fault
	}
	a := t.anchors[name]
	if a == nil {
		return 0, badText(at, "the alias %s names no anchor before it: define &%s, or write the value", shown.Quote("*"+name), shown.Cut(name, shown.MaxText))
	}
	if a.open {
		return 0, badText(at, "the alias %s stands inside the value it names: write the value", shown.Quote("*"+name))
	}
	if t.added += a.size; t.added > limits.YAMLAliasNodes {
		return 0, badText(at, "aliases add more than the limit of %d nodes: write the values", limits.YAMLAliasNodes)
	}
	t.targets[n] = a.node
	return a.size, nil
}

// resolve follows anchors and aliases to the value. The walk has shown that
// there is one.
func (t *yamlTree) resolve(n ast.Node) ast.Node {
	for {
		switch m := n.(type) {
		case *ast.AnchorNode:
			n = m.Value
		case *ast.AliasNode:
			n = t.targets[m]
		default:
			return n
		}
	}
}

// value reads a node. Of a mapping it keeps, when members is true, the members
// that rope_scaling may have.
func (t *yamlTree) value(n ast.Node, members bool) value {
	v := value{at: tokenPlace(n.GetToken())}
	switch n := t.resolve(n).(type) {
	case *ast.SequenceNode:
		v.form = listForm
	case *ast.MappingNode:
		v.form = mapForm
		if !members {
			break
		}
		v.members = make(map[string]value)
		for _, pair := range n.Values {
			if key := pair.Key.GetToken().Value; ropeFields[key].kind != 0 {
				v.members[key] = t.value(pair.Value, false)
			}
		}
	case *ast.LiteralNode:
		v.form, v.text, v.broken = textForm, n.Value.Value, true
	case *ast.StringNode:
		v.broken = isBroken(n.Token)
		if tk := n.Token.Type; tk == token.SingleQuoteType || tk == token.DoubleQuoteType {
			v.form, v.text = textForm, n.Value
			break
		}
		v.setPlain(n.Token.Value)
	case *ast.NullNode:
		v.form = nullForm
	default:
		v.setPlain(n.GetToken().Value)
	}
	return v
}
