package strictyaml

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
)

// walker checks the parser's tree and makes nodes of it.
type walker struct {
	dialect *Dialect
	anchors map[string]*anchor // the latest of each name
	added   int                // nodes that aliases add
}

type anchor struct {
	node *Node
	size int
	open bool // the walk is inside it
}

// walk checks a node and all below it, and returns it and how many nodes it
// stands for once its aliases are replaced by what they name. It must begin in
// column left or to the right of it: the parser takes some nodes as parts of
// others that are indented less, and so loses fields in places where readers of
// YAML find them. In flow collections left is 0.
func (w *walker) walk(n ast.Node, depth, left int) (node *Node, size int, fault *Error) {
	if n == nil {
		return nil, 0, bad(nowhere, "%s", w.dialect.Empty)
	}
	at := tokenPlace(n.GetToken())
	if depth > limits.Depth {
		return nil, 0, bad(at, "nested deeper than the limit of %d: %s", limits.Depth, w.dialect.Levels)
	}
	switch n := n.(type) {
	case *ast.NullNode, *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode, *ast.StringNode:
		if n.GetToken().Type == token.ImplicitNullType {
			return scalar(n), 1, nil // it has no place of its own
		}
		if at.column < left {
			return nil, 0, badIndent(at)
		}
		return scalar(n), 1, checkPlain(n.GetToken(), left == inFlow)
	case *ast.LiteralNode:
		return scalar(n), 1, nil
	case *ast.MappingNode:
		return w.walkMapping(n, depth, left)
	case *ast.SequenceNode:
		return w.walkSequence(n, depth, left)
	case *ast.AnchorNode:
		return w.walkAnchor(n, depth, left)
	case *ast.AliasNode:
		if at := tokenPlace(n.Start); at.column < left {
			return nil, 0, badIndent(at)
		}
		return w.walkAlias(n)
	default:
		return nil, 0, bad(at, "not supported in a %s: %s: write plain keys and values", w.dialect.Name, n.Type())
	}
}

// inFlow stands for the column in which nodes of flow collections must begin.
const inFlow = 0

func badIndent(at place) *Error {
	return bad(at, "not indented enough for where it stands: indent it more, or write a value before it")
}

func (w *walker) walkMapping(n *ast.MappingNode, depth, left int) (node *Node, size int, fault *Error) {
	if n.IsFlowStyle && n.Start.Position.Column < left {
		return nil, 0, badIndent(tokenPlace(n.Start))
	}
	seen := make(map[string]bool, len(n.Values))
	node, size = newNode(Map, n), 1
	node.Members = make([]Member, 0, len(n.Values))
	inner, column := inFlow, 0
	for _, pair := range n.Values {
		key := pair.Key.GetToken()
		if fault := checkKey(pair, seen, left == inFlow || n.IsFlowStyle); fault != nil {
			return nil, 0, fault
		}
		if !n.IsFlowStyle {
			at := tokenPlace(key)
			if column == 0 {
				column, inner = at.column, at.column+1
			}
			if at.column < left || at.column != column {
				return nil, 0, badIndent(at)
			}
		}
		below := inner
		if isBlock(pair.Value) {
			if n.IsFlowStyle {
				return nil, 0, bad(tokenPlace(pair.Value.GetToken()), "not YAML: inside {} write {...} or [...]")
			}
			if bare(pair.Value).Type() == ast.SequenceType {
				below = column // "- " may stand in the column of its key
			}
		}
		v, s, fault := w.walk(pair.Value, depth+1, below)
		if fault != nil {
			return nil, 0, fault
		}
		at := tokenPlace(key)
		node.Members = append(node.Members, Member{key.Value, at.line, at.column, v})
		size += s
	}
	return node, size, nil
}

// newNode returns a node of a kind, without contents, where n stands.
func newNode(kind Kind, n ast.Node) *Node {
	at := tokenPlace(n.GetToken())
	return &Node{Kind: kind, Line: at.line, Column: at.column}
}

// placed returns a node of the same contents where n stands.
func placed(node *Node, n ast.Node) *Node {
	at, copied := tokenPlace(n.GetToken()), *node
	copied.Line, copied.Column = at.line, at.column
	return &copied
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

func (w *walker) walkSequence(n *ast.SequenceNode, depth, left int) (node *Node, size int, fault *Error) {
	if n.IsFlowStyle && n.Start.Position.Column < left {
		return nil, 0, badIndent(tokenPlace(n.Start))
	}
	node, size = newNode(List, n), 1
	node.Items = make([]*Node, 0, len(n.Values))
	inner := inFlow
	for i, item := range n.Values {
		if !n.IsFlowStyle {
			if i >= len(n.Entries) {
				return nil, 0, badIndent(tokenPlace(item.GetToken()))
			}
			at, first := tokenPlace(n.Entries[i].Start), tokenPlace(n.Entries[0].Start)
			if at.column < left || at.column != first.column {
				return nil, 0, badIndent(at)
			}
			inner = at.column + 1
		} else if isBlock(item) {
			return nil, 0, bad(tokenPlace(item.GetToken()), "not YAML: inside [] write {...} or [...]")
		}
		v, s, fault := w.walk(item, depth+1, inner)
		if fault != nil {
			return nil, 0, fault
		}
		node.Items = append(node.Items, v)
		size += s
	}
	return node, size, nil
}

// checkPlain refuses plain scalars with characters that YAML keeps for its
// structure: the lexer takes some as texts.
func checkPlain(tk *token.Token, flow bool) *Error {
	if tk.Type != token.StringType || tk.Value == "" {
		return nil
	}
	if strings.ContainsRune(",[]{}#&*!|>'\"%@`?:", rune(tk.Value[0])) {
		return bad(tokenPlace(tk), "a plain text cannot begin with %q: put it in quotes", tk.Value[0])
	}
	if strings.Contains(tk.Value, ": ") || strings.HasSuffix(tk.Value, ":") || flow && strings.ContainsAny(tk.Value, ",[]{}") {
		return bad(tokenPlace(tk), "a plain text cannot hold the signs that part keys and values: put it in quotes")
	}
	return nil
}

// checkKey refuses keys that are no plain scalars on the line of their
// colon, or occur twice.
func checkKey(pair *ast.MappingValueNode, seen map[string]bool, flow bool) *Error {
	key := pair.Key.GetToken()
	switch pair.Key.(type) {
	case *ast.StringNode, *ast.NullNode, *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
	default:
		return bad(tokenPlace(key), "a key must be a plain text: write key: value")
	}
	if fault := checkPlain(key, flow); fault != nil {
		return fault
	}
	if isBroken(key) || pair.Start.Type == token.MappingValueType && pair.Start.Position.Line != key.Position.Line {
		return bad(tokenPlace(key), "a key must stand on one line with its colon: write key: value")
	}
	if seen[key.Value] {
		fault := bad(tokenPlace(key), "duplicate key: keep one")
		fault.Key = key.Value
		return fault
	}
	seen[key.Value] = true
	return nil
}

func (w *walker) walkAnchor(n *ast.AnchorNode, depth, left int) (node *Node, size int, fault *Error) {
	if at := tokenPlace(n.Start); at.column < left {
		return nil, 0, badIndent(at)
	}
	if fault := checkName(n.Start, n.Name.GetToken()); fault != nil {
		return nil, 0, fault
	}
	a := &anchor{open: true}
	w.anchors[n.Name.GetToken().Value] = a
	if a.node, a.size, fault = w.walk(n.Value, depth, left); fault != nil {
		return nil, 0, fault
	}
	a.open = false
	return placed(a.node, n), a.size, nil
}

// checkName refuses an anchor or alias whose name is not directly behind
// its sign.
func checkName(sign, name *token.Token) *Error {
	if p, q := sign.Position, name.Position; p.Line != q.Line || q.Column != p.Column+1 || !isAnchorName(name.Value) {
		return bad(tokenPlace(sign), "the anchor or alias %s needs a name of letters and digits directly behind it", shown.Quote(sign.Value))
	}
	return nil
}

func isAnchorName(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

func (w *walker) walkAlias(n *ast.AliasNode) (node *Node, size int, fault *Error) {
	name, at := n.Value.GetToken().Value, tokenPlace(n.Start)
	if fault := checkName(n.Start, n.Value.GetToken()); fault != nil {
		return nil, 0, fault
	}
	a := w.anchors[name]
	if a == nil {
		return nil, 0, bad(at, "the alias %s names no anchor before it: define &%s, or write the value", shown.Quote("*"+name), shown.Cut(name, shown.MaxText))
	}
	if a.open {
		return nil, 0, bad(at, "the alias %s stands inside the value it names: write the value", shown.Quote("*"+name))
	}
	if w.added += a.size; w.added > limits.YAMLAliasNodes {
		return nil, 0, bad(at, "aliases add more than the limit of %d nodes: write the values", limits.YAMLAliasNodes)
	}
	return placed(a.node, n), a.size, nil
}
