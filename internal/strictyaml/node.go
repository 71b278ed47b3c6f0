package strictyaml

import (
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Kind is what a node is.
type Kind uint8

// The kinds of nodes.
const (
	Null Kind = iota + 1
	Bool
	Number
	Text
	List
	Map
	// Unclear is a plain scalar that YAML 1.1 and 1.2 read differently.
	Unclear
)

// Node is a value and where it stands. An alias is a node with a place of its
// own and the contents of what it names, so lists and maps may be shared, never
// changed.
type Node struct {
	Kind Kind
	// Line and Column are counted from 1. Those of a map without braces are of its
	// first key, those of a value that is not written of what stands before it.
	Line, Column int
	// Text is a text decoded; of a scalar without quotes, as it is written.
	Text string
	// Flag is the value of a Bool.
	Flag bool
	// Why is, for Unclear, the two readings and what to write.
	Why string
	// Broken marks a text of several lines, or a block scalar. How lines are
	// joined is settled by no two readers alike: let nothing depend on such a text.
	Broken bool
	// Items are those of a List.
	Items []*Node
	// Members are those of a Map, in the order of the text; no key occurs twice.
	Members []Member
}

// Member is a key and its value.
type Member struct {
	Key string
	// Line and Column are those of the key.
	Line, Column int
	Value        *Node
}

// Float returns the value of a Number, rounded to the nearest float64: an
// infinity for one that is out of range, NaN for .nan and for every node that is
// no Number.
func (n *Node) Float() float64 {
	text := n.Text
	switch {
	case n.Kind != Number:
		return math.NaN()
	case plainHex.MatchString(text):
		text += "p0"
	case plainNoNum.MatchString(text):
		text = strings.Replace(text, ".", "", 1)
	}
	// The error is one of range, and then the value is infinite.
	v, _ := strconv.ParseFloat(text, 64)
	return v
}

// newNode returns a node of a kind, without contents, where n stands.
func newNode(kind Kind, n *yaml.Node) *Node {
	return &Node{Kind: kind, Line: n.Line, Column: n.Column}
}

// placed returns a node of the same contents where n stands.
func placed(node *Node, n *yaml.Node) *Node {
	copied := *node
	copied.Line, copied.Column = n.Line, n.Column
	return &copied
}
