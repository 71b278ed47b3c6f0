package strictyaml

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
)

// walker checks the parser's tree and makes nodes of it.
type walker struct {
	dialect *Dialect
	text    cursor
	anchors map[string]*anchor // the latest of each name
	added   int                // nodes that aliases add
}

type anchor struct {
	node *Node
	size int
	open bool // the walk is inside it
}

const blockStyle = yaml.LiteralStyle | yaml.FoldedStyle

// isImplicit reports whether n is a null that is not written.
func isImplicit(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style == 0 && n.Anchor == "" && n.Tag == "!!null"
}

// walk checks a node and all below it, and returns it and how many nodes it
// stands for once its aliases are replaced by what they name.
func (w *walker) walk(n *yaml.Node, depth int) (node *Node, size int, fault *Error) {
	if depth == limits.Depth && n.Kind&(yaml.MappingNode|yaml.SequenceNode) != 0 {
		return nil, 0, bad(placeOf(n), "nested deeper than the limit of %d: %s", limits.Depth, w.dialect.Levels)
	}
	text, fault := w.source(n)
	if fault != nil {
		return nil, 0, fault
	}
	var a *anchor
	if n.Anchor != "" {
		a = &anchor{open: true}
		w.anchors[n.Anchor] = a
	}
	switch n.Kind {
	case yaml.AliasNode:
		return w.alias(n)
	case yaml.MappingNode:
		node, size, fault = w.mapping(n, depth)
	case yaml.SequenceNode:
		node, size, fault = w.sequence(n, depth)
	default:
		size = 1
		node, fault = scalar(n, text)
	}
	if a != nil {
		a.node, a.size, a.open = node, size, false
	}
	return node, size, fault
}

// source returns the text from a node's value on. It refuses what a dialect
// does not have in front of a value, or as one.
func (w *walker) source(n *yaml.Node) (string, *Error) {
	text := w.text.from(placeOf(n))
	if w.dialect.Plain && (n.Anchor != "" || n.Kind == yaml.AliasNode || n.Style&blockStyle != 0) {
		return "", bad(placeOf(n), "%s is not supported in a %s: write plain keys and values", shown.Quote(text[:1]), w.dialect.Name)
	}
	if n.Anchor != "" {
		text = behindAnchor(text)
	}
	if strings.HasPrefix(text, "!") || n.Style&yaml.TaggedStyle != 0 {
		tag, _, _ := strings.Cut(text, " ")
		tag, _, _ = strings.Cut(tag, "\n")
		return "", bad(placeOf(n), "the tag %s: tags are not supported in a %s: remove it", shown.Quote(tag), w.dialect.Name)
	}
	return text, nil
}

// scalar returns the node of a value without parts.
func scalar(n *yaml.Node, text string) (*Node, *Error) {
	v := newNode(Text, n)
	v.Text = n.Value
	switch {
	case n.Style&blockStyle != 0:
		v.Broken = true
	case n.Style != 0:
		v.Broken = strings.Contains(quoted(text), "\n")
	default:
		v.Broken = !strings.HasPrefix(text, n.Value)
		v.setPlain(n.Value)
		return v, checkPlain(n)
	}
	return v, nil
}

// checkPlain refuses plain scalars with signs of structure that some readers
// do not take as parts of a text.
func checkPlain(n *yaml.Node) *Error {
	if n.Value != "" && strings.ContainsRune(":?", rune(n.Value[0])) || strings.HasSuffix(n.Value, ":") {
		return bad(placeOf(n), "a plain text cannot begin with : or ? or end with a colon: put it in quotes")
	}
	return nil
}

func (w *walker) mapping(n *yaml.Node, depth int) (node *Node, size int, fault *Error) {
	node, size = newNode(Map, n), 1
	node.Members = make([]Member, 0, len(n.Content)/2)
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if fault := w.checkKey(key); fault != nil {
			return nil, 0, fault
		}
		if seen[key.Value] {
			fault := bad(placeOf(key), "duplicate key: keep one")
			fault.Key = key.Value
			return nil, 0, fault
		}
		seen[key.Value] = true
		v, s, fault := w.walk(n.Content[i+1], depth+1)
		if fault != nil {
			return nil, 0, fault
		}
		node.Members = append(node.Members, Member{key.Value, key.Line, key.Column, v})
		size += s
	}
	return node, size, nil
}

// checkKey refuses keys that are no plain or quoted scalars on the line of
// their colon.
func (w *walker) checkKey(key *yaml.Node) *Error {
	text, fault := w.source(key)
	if fault != nil {
		return fault
	}
	if key.Kind != yaml.ScalarNode || key.Anchor != "" || key.Style&blockStyle != 0 {
		return bad(placeOf(key), "a key must be a plain text: write key: value")
	}
	if strings.HasSuffix(strings.TrimRight(w.text.text[:w.text.offset], " "), "?") {
		return bad(placeOf(key), "keys written with ? are not supported in a %s: write key: value", w.dialect.Name)
	}
	written := quoted(text)
	if key.Style == 0 {
		written = key.Value
		if written == "<<" {
			return bad(placeOf(key), "the merge key << exists in YAML 1.1 and not in YAML 1.2: write the fields out")
		}
		if fault := checkPlain(key); fault != nil {
			return fault
		}
	}
	rest, found := strings.CutPrefix(text, written)
	if !found || written == "" || strings.Contains(written, "\n") || !strings.HasPrefix(strings.TrimLeft(rest, " "), ":") {
		return bad(placeOf(key), "a key must stand on one line with its colon, and a space behind the colon: write key: value")
	}
	return nil
}

func (w *walker) sequence(n *yaml.Node, depth int) (node *Node, size int, fault *Error) {
	node, size = newNode(List, n), 1
	node.Items = make([]*Node, 0, len(n.Content))
	for _, item := range n.Content {
		v, s, fault := w.walk(item, depth+1)
		if fault != nil {
			return nil, 0, fault
		}
		node.Items = append(node.Items, v)
		size += s
	}
	return node, size, nil
}

func (w *walker) alias(n *yaml.Node) (node *Node, size int, fault *Error) {
	a := w.anchors[n.Value]
	if a == nil || a.open {
		return nil, 0, bad(placeOf(n), "the alias %s stands inside the value it names: write the value", shown.Quote("*"+n.Value))
	}
	if w.added += a.size; w.added > limits.YAMLAliasNodes {
		return nil, 0, bad(placeOf(n), "aliases add more than the limit of %d nodes: write the values", limits.YAMLAliasNodes)
	}
	return placed(a.node, n), a.size, nil
}
