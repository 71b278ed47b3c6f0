package strictyaml_test

import (
	"math"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/strictyaml"
	"github.com/weightinit/weightinit/internal/yamltest"
)

var (
	full = strictyaml.Dialect{
		Name: "book", Limited: "large book", Empty: "nothing in it", Levels: "books are flat",
		Bytes: 1 << 16,
	}
	plain = func() strictyaml.Dialect { d := full; d.Plain = true; return d }()
)

func parse(t *testing.T, text string) *strictyaml.Node {
	t.Helper()
	n, err := strictyaml.Parse([]byte(text), full)
	require.NoError(t, err, "%q", text)
	return n
}

func fault(t *testing.T, text string, d strictyaml.Dialect) *strictyaml.Error {
	t.Helper()
	n, err := strictyaml.Parse([]byte(text), d)
	require.Nil(t, n)
	var e *strictyaml.Error
	require.ErrorAs(t, err, &e, "%q", text)
	require.NotContains(t, err.Error(), "\n")
	return e
}

// member returns the value of a key; nil when there is none.
func member(n *strictyaml.Node, key string) *strictyaml.Node {
	for _, m := range n.Members {
		if m.Key == key {
			return m.Value
		}
	}
	return nil
}

func TestTheTreeHasEveryValueAndItsPlace(t *testing.T) {
	root := parse(t, "a: 1\nb:\n  - x # y\n  - 'it''s'\n  - [true, ~, 1e5]\n\"c\\n\": {d: 0.5}\ne:\nf: |\n  z\ng: h\n  i\n")
	require.Equal(t, strictyaml.Map, root.Kind)
	require.Equal(t, &strictyaml.Node{Kind: strictyaml.Number, Line: 1, Column: 4, Text: "1"}, member(root, "a"))
	require.Equal(t, strictyaml.Member{Key: "c\n", Line: 6, Column: 1, Value: member(root, "c\n")}, root.Members[2])
	b := member(root, "b")
	require.Equal(t, strictyaml.List, b.Kind)
	require.Len(t, b.Items, 3)
	require.Equal(t, &strictyaml.Node{Kind: strictyaml.Text, Line: 3, Column: 5, Text: "x"}, b.Items[0])
	require.Equal(t, "it's", b.Items[1].Text)
	flow := b.Items[2].Items
	require.Equal(t, &strictyaml.Node{Kind: strictyaml.Bool, Line: 5, Column: 6, Text: "true", Flag: true}, flow[0])
	require.Equal(t, strictyaml.Null, flow[1].Kind)
	require.Equal(t, strictyaml.Unclear, flow[2].Kind)
	require.Contains(t, flow[2].Why, "YAML 1.1")
	require.Equal(t, 0.5, member(member(root, "c\n"), "d").Float())
	require.Equal(t, strictyaml.Null, member(root, "e").Kind)
	require.True(t, member(root, "f").Broken)
	require.True(t, member(root, "g").Broken)
	require.False(t, member(root, "a").Broken)
}

func TestAnAliasHasItsOwnPlaceAndTheContentsOfItsAnchor(t *testing.T) {
	root := parse(t, "a: &x [1, 2]\nb: *x\nc: &x 3\nd: *x\n")
	a, b := member(root, "a"), member(root, "b")
	require.Equal(t, []int{1, 4}, []int{a.Line, a.Column})
	require.Equal(t, []int{2, 4}, []int{b.Line, b.Column})
	require.Equal(t, a.Items, b.Items)
	require.Equal(t, "3", member(root, "d").Text, "the latest anchor of a name counts")
}

func TestFloat(t *testing.T) {
	for text, want := range map[string]float64{
		"0": 0, "+1": 1, "1.5": 1.5, ".5": 0.5, "2.": 2, "1.0e-5": 1e-5, "0x1F": 31, "1.0e+999": math.Inf(1), "-.inf": math.Inf(-1), ".Inf": math.Inf(1),
		strings.Repeat("9", 400): math.Inf(1), "0x" + strings.Repeat("f", 400): math.Inf(1),
	} {
		require.Equal(t, want, parse(t, "a: "+text).Members[0].Value.Float(), text)
	}
	for _, text := range []string{".nan", "x", "'1'", "true", "[1]", "", "1e5"} {
		require.True(t, math.IsNaN(parse(t, "a: "+text).Members[0].Value.Float()), text)
	}
}

// The texts that are refused for what their fields mean are the reader's, not
// this package's.
func TestDisputedTextsAreRefused(t *testing.T) {
	for _, c := range yamltest.Disputed() {
		text := "first: 1\n" + c.Text
		if strings.Contains(c.Name, "decisive") {
			require.True(t, parse(t, text).Members[1].Value.Broken)
			continue
		}
		for _, d := range []strictyaml.Dialect{full, plain} {
			fault(t, text, d)
		}
		require.Contains(t, strings.ToLower(fault(t, text, full).Error()), strings.ToLower(c.Word), c.Name)
	}
}

func TestTextsThatOthersMisreadAreReadRightAndCheaply(t *testing.T) {
	for _, c := range yamltest.Readable() {
		yamltest.RequireCheap(t, func() { parse(t, "first: 1\n"+c.Text) })
	}
	for text, want := range map[string]string{
		"a:\n- 1\n-\nb: 8\n":           "{a: [1, ], b: 8}",
		"a:\n- # none\nb: 8\n":         "{a: [], b: 8}",
		"[&a,b 1, *a, c]":              "[, b 1, , c]",
		"a: |\n\n\n  x\nb: 1":          "{a: \n\nx\n, b: 1}",
		"- - 1\n  - 2\n-\n  a:\n  - 3": "[[1, 2], {a: [3]}]",
		"a: [b:c, {\"d\":1}]":          "{a: [b:c, {d: 1}]}",
		"a: b # c\n# d\ne: 'f # g'":    "{a: b, e: f # g}",
		"a:\r\n- b\rc: d":              "{a: [b], c: d}",
	} {
		require.Equal(t, want, written(parse(t, text)), text)
	}
}

// written returns a tree in braces.
func written(n *strictyaml.Node) string {
	var parts []string
	for _, item := range n.Items {
		parts = append(parts, written(item))
	}
	for _, m := range n.Members {
		parts = append(parts, m.Key+": "+written(m.Value))
	}
	switch n.Kind {
	case strictyaml.List:
		return "[" + strings.Join(parts, ", ") + "]"
	case strictyaml.Map:
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return n.Text
}

// The parser counts some lines from 0 and has none for others.
func TestSyntaxErrorsNameTheirLine(t *testing.T) {
	for text, want := range map[string]int{
		"a: 1\nb: [1\n,c": 2, "a: 1\nb: }": 2, "a: {b: c\nd: e": 2, "a: 1\n b: 2": 2, "a:\n  - 1\n c": 3, "\"a": 1, "a: b: c": 1, "- a\nb: c": 2,
		"x: 1\na: \"\\q\"": 2, "a: \"\\q\"": 1, "a: 1\nb: *c\n": 2, "a: '*c'\nb: *c\n": 0, "a: 1\nb: &\n": 2,
	} {
		require.Equal(t, want, fault(t, text, full).Line, "%q", text)
	}
}

func TestPlainDialectsHaveNoAnchorsAndNoBlockScalars(t *testing.T) {
	for _, text := range []string{"a: &x 1", "a: 1\nb: *a", "a: |\n  x\n", "a: >-\n  x\n"} {
		e := fault(t, text, plain)
		require.Contains(t, e.Problem, "not supported in a book: write plain keys and values", text)
		require.NotZero(t, e.Line)
	}
	for _, text := range []string{"---\na: '*x'\n...\n", "a: \"|\"", "{\"a\": [1, \"&\"]}"} {
		_, err := strictyaml.Parse([]byte(text), plain)
		require.NoError(t, err, text)
	}
}

func TestMessagesSpeakOfTheDialectsFile(t *testing.T) {
	for text, want := range map[string]string{
		"":                "strictyaml: nothing in it",
		"# a\n":           "strictyaml: nothing in it",
		"---\n":           "strictyaml: nothing in it",
		"a: !b c":         `strictyaml: line 1, column 4: the tag "!b": tags are not supported in a book: remove it`,
		"a: 1\n---\nb: 2": "strictyaml: line 2, column 1: a second document: a book is one document, keep one",
		"a: 1\n...\nb: 2": "strictyaml: line 3: a second document, or text after the end of the first: a book is one document, keep one",
		"? a\n: b":        "strictyaml: line 1, column 3: keys written with ? are not supported in a book: write key: value",
		strings.Repeat("[", 65) + strings.Repeat("]", 65): "strictyaml: line 1, column 65: nested deeper than the limit of 64: books are flat",
		strings.Repeat(" ", 65537):                        "strictyaml: the text has 65537 bytes, the limit of a large book is 65536: is this the right file?",
		strings.Repeat("[", 20_000):                       "strictyaml: line 1: nested deeper than the limit of 64: books are flat",
		"a: {b:1}":                                        "strictyaml: line 1, column 5: a key must stand on one line with its colon, and a space behind the colon: write key: value",
		"a: [1\nb: 2":                                     "strictyaml: line 2: not YAML: did not find expected ',' or ']': check quotes, brackets and indentation",
		"a: 1\n\"a\": 2":                                  `strictyaml: line 2, column 1: "a": duplicate key: keep one`,
	} {
		require.Equal(t, want, fault(t, text, full).Error(), text)
	}
	require.Equal(t, "a", fault(t, "a: 1\n\"a\": 2", full).Key)
	require.ErrorContains(t, fault(t, "a: [1", full).Unwrap(), "yaml: ", "the parser's own error is kept")
	require.EqualValues(t, 4, fault(t, "a: é\xff", full).Offset-1, "in bytes")
}

func TestLimitsAreExact(t *testing.T) {
	parse(t, strings.Repeat("[", limits.Depth)+strings.Repeat("]", limits.Depth))
	fault(t, strings.Repeat("[", limits.Depth+1)+strings.Repeat("]", limits.Depth+1), full)
	aliases := "a: &a [" + strings.Repeat("1, ", 98) + "1]\nb: &b 1\nc: [" + strings.Repeat("*a, ", 100)
	parse(t, aliases+"]")
	fault(t, aliases+"*b]", full)
	d := full
	d.Bytes = 4
	_, err := strictyaml.Parse([]byte("a: 1"), d)
	require.NoError(t, err)
	fault(t, "a: 11", d)
}

// requireSound checks what a reader may take for granted about a tree.
func requireSound(t *testing.T, n *strictyaml.Node, left *int) {
	if *left--; *left < 0 {
		t.Fatal("more nodes than the text and its aliases can have")
	}
	require.NotNil(t, n)
	require.Equal(t, n.Kind == strictyaml.Unclear, n.Why != "")
	require.True(t, n.Kind == strictyaml.List || len(n.Items) == 0)
	require.True(t, n.Kind == strictyaml.Map || len(n.Members) == 0)
	require.True(t, n.Kind == strictyaml.Number || math.IsNaN(n.Float()))
	for _, item := range n.Items {
		requireSound(t, item, left)
	}
	seen := map[string]bool{}
	for _, m := range n.Members {
		require.False(t, seen[m.Key], "key %q twice", m.Key)
		seen[m.Key] = true
		require.Positive(t, m.Line)
		requireSound(t, m.Value, left)
	}
}

func FuzzParse(f *testing.F) {
	for _, c := range yamltest.Disputed() {
		f.Add([]byte(c.Text))
	}
	f.Add([]byte("a: &x [1, 2]\nb: *x\nc: {d: e}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var all *strictyaml.Node
		for _, d := range []strictyaml.Dialect{full, plain} {
			var root *strictyaml.Node
			var err error
			yamltest.RequireCheap(t, func() { root, err = strictyaml.Parse(text, d) })
			if err != nil {
				require.Equal(t, -1, strings.IndexFunc(err.Error(), unicode.IsControl), "%q", err)
				require.Less(t, len(err.Error()), 1000)
				continue
			}
			left := len(text) + 1 + limits.YAMLAliasNodes
			requireSound(t, root, &left)
			if d.Plain {
				require.Equal(t, all, root, "Plain only refuses")
			}
			all = root
		}
	})
}
