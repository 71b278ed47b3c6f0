package model

import (
	"errors"

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
	tokens := lexer.Tokenize(string(text))
	if fault := scanYAMLTokens(tokens); fault != nil {
		return nil, fault
	}
	if fault := checkYAMLCover(text, tokens); fault != nil {
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
	if _, fault := tree.walk(file.Docs[0].Body, 0); fault != nil {
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
// for once its aliases are replaced by what they name.
func (t *yamlTree) walk(n ast.Node, depth int) (size int, fault *Error) {
	if depth > limits.Depth {
		return 0, badText(tokenPlace(n.GetToken()), "nested deeper than the limit of %d: a config needs no more than two levels", limits.Depth)
	}
	size = 1
	add := func(child ast.Node) *Error {
		s, fault := t.walk(child, depth+1)
		size += s
		return fault
	}
	switch n := n.(type) {
	case *ast.NullNode, *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode,
		*ast.StringNode, *ast.LiteralNode:
	case *ast.MappingNode:
		seen := make(map[string]bool, len(n.Values))
		for _, pair := range n.Values {
			if fault := checkYAMLKey(pair.Key, seen); fault != nil {
				return 0, fault
			}
			if fault := add(pair.Value); fault != nil {
				return 0, fault
			}
		}
	case *ast.SequenceNode:
		for _, item := range n.Values {
			if fault := add(item); fault != nil {
				return 0, fault
			}
		}
	case *ast.AnchorNode:
		return t.walkAnchor(n, depth)
	case *ast.AliasNode:
		return t.walkAlias(n)
	case nil:
		return 0, badText(nowhere, "the text is empty: write the model's fields, one \"key: value\" a line")
	default:
		return 0, badText(tokenPlace(n.GetToken()), "not supported in a config: %s: write plain keys and values", n.Type())
	}
	return size, nil
}

// checkYAMLKey refuses keys that are no plain scalars, or occur twice.
func checkYAMLKey(key ast.MapKeyNode, seen map[string]bool) *Error {
	switch key.(type) {
	case *ast.StringNode, *ast.NullNode, *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
	default:
		return badText(tokenPlace(key.GetToken()), "a key must be a plain text: write key: value")
	}
	text := key.GetToken().Value
	if seen[text] {
		return badField(text, "", "duplicate key: keep one").at(tokenPlace(key.GetToken()))
	}
	seen[text] = true
	return nil
}

func (t *yamlTree) walkAnchor(n *ast.AnchorNode, depth int) (size int, fault *Error) {
	a := &anchor{node: n.Value, open: true}
	t.anchors[n.Name.GetToken().Value] = a
	if a.size, fault = t.walk(n.Value, depth); fault != nil {
		return 0, fault
	}
	a.open = false
	return a.size, nil
}

func (t *yamlTree) walkAlias(n *ast.AliasNode) (size int, fault *Error) {
	name, at := n.Value.GetToken().Value, tokenPlace(n.Start)
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
		v.form, v.text = textForm, n.Value.Value
	case *ast.StringNode:
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
