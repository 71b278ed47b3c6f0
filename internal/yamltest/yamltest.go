// Package yamltest holds YAML texts that a reader must refuse, and the bounds of
// what reading may cost, for the tests of all readers that stand on package
// strictyaml. Whole hostile files are in internal/hostile.
package yamltest

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/hostile"
)

// RequireCheap runs f, more than once when it seems slow, and fails the test
// unless it allocates less than 64 MB and ends within a second (ten under the
// race detector).
func RequireCheap(t *testing.T, f func()) {
	t.Helper()
	limit, took := time.Second, time.Hour
	if hostile.Race {
		limit *= 10
	}
	for range 3 { // the machine may be busy
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		f()
		took = min(took, time.Since(start))
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64_000_000), "allocated")
		if took < limit {
			return
		}
	}
	require.Less(t, took, limit)
}

// Case is the end of a text in block style: fields of a config. Every file reader
// refuses it, alone and behind other fields.
type Case struct {
	Name, Text string
	// Word occurs in the message of a reader that takes everything that
	// strictyaml takes; "" for any message.
	Word string
}

// Disputed returns what some readers of YAML take for something else than others
// do, so that fields would be lost or invented, and what some do not have.
func Disputed() []Case {
	return []Case{
		{"an anchor without a value", "attn_types: &x\n\nseed\n", "not YAML"},
		{"an anchor at the left margin", "attn_types:\n&x [1]\n", ""},
		{"a value at the left margin", "attn_types:\n[1]\n", "not YAML"},
		{"a value at the left margin after spaces", "model_name: \n\nx\n", "not YAML"},
		{"an alias at the left margin", "device: &x cpu\nmodel_name:\n\n*x\n", "not YAML"},
		{"a tab inside a key", "se\ted: 8\n", "tab"},
		{"a tab before a value", "seed:\t8\n", "tab"},
		{"a text with an unread rest", "model_name: \"x\"\n!<\n", ""},
		{"a tag that nothing follows", "seed: 8\n!<", "not YAML"},
		{"a tag that nothing follows, after quotes", "model_name: 'it''s'\ndevice: \"\\\"\"\n!x", "not YAML"},
		{"a colon without a space in braces", "rope_scaling: {factor:2.0}\n", "space"},
		{"a key and its colon on two lines", "rope_scaling: {factor\n: 2.0}\n", "not YAML"},
		{"a list without brackets in braces", "rope_scaling: {factor: - 1}\n", "not YAML"},
		{"an object without braces in braces", "rope_scaling: {factor: \n\n 'type': linear}\n", ""},
		{"a leading comma", "rope_scaling: {, type: linear}\n", "not YAML"},
		{"a second colon", "rope_scaling: {1, 2,a: b: d}\n", "not YAML"},
		{"a plain text that begins with a comma", "model_name: , x\n", "not YAML"},
		{"a plain text that begins with a bracket", "model_name: ]x\n", "not YAML"},
		{"a bracket of the wrong kind", "attn_types: [1, = d}]\n", "not YAML"},
		{"an alias on two lines", "device: &x cpu\nmodel_name: *\n  x\n", "name"},
		{"a decisive text over two lines", "positional_embedding_type: \"stan\\\n  dard\"\n", "one line"},
		{"a decisive block text", "positional_embedding_type: >-\n  standard\n", "one line"},
		{"a next-line character", "model_name: a\u0085b\n", "U+0085"},
		{"a line separator", "model_name: a\u2028seed: 8\n", "U+2028"},
		{"a byte order mark in the middle", "model_name: a\ufeffb\n", "U+FEFF"},
		{"an escape character", "model_name: a\x1b[31m\n", "U+001B"},
		{"a NUL", "model_name: a\x00\n", "U+0000"},
		{"a merge key", "rope_scaling: &r {factor: 1.0}\nx:\n  <<: *r\n", "merge"},
		{"a tag", "device: !!str cpu\n", "tag"},
		{"a directive", "%YAML 1.1\n", ""},
		{"a second document after the end marker", "...\nseed: 8\n", "document"},
		{"an undefined alias", "device: *nothing\n", "nothing"},
		{"an alias as a key", "device: &x cpu\n*x : 8\n", "key"},
		{"a list as a key in braces", "rope_scaling: {[a]: 1}\n", "key"},
		{"an unfinished list", "attn_types: [1, 2\n", "not YAML"},
		{"an unfinished text", "model_name: \"x\n", "not YAML"},
		{"a duplicate in an object", "rope_scaling:\n  factor: 1.0\n  \"factor\": 2.0\n", "duplicate"},
		{"a duplicate in an object nobody reads", "attn_types: [{a: 1, a: 2}]\n", "duplicate"},
		{"invalid UTF-8", "model_name: caf\xe9\n", "UTF-8"},
		{"lists nested over lines", "attn_types:\n" + nestedLists(100), "nest"},
		{"objects in braces nested", "attn_types: " + strings.Repeat("{a: ", 70) + strings.Repeat("}", 70) + "\n", "nest"},
		{"aliases that add 10,001 nodes", "attn_types: [&a [" + strings.Repeat("1, ", 99) + "1], " + strings.Repeat("*a, ", 100) + "1]\n", "limit"},
		{"a colon at the end of a plain text in braces", "rope_scaling: {type: 'linear', x:: 1}\n", ""},
	}
}

// Readable returns sound texts that some readers of YAML misread, or have no
// linear time or memory for. Their keys are those of a config that nothing
// depends on.
func Readable() []Case {
	var keys strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&keys, "k%d: 1,", i)
	}
	return []Case{
		{Name: "an empty list item before a field", Text: "attn_types:\n- 1\n-\nper_layer_head_dim: [8]\n"},
		{Name: "an empty list item with a comment", Text: "attn_types:\n- # none\nper_layer_head_dim: [8]\n"},
		{Name: "an anchor before a comma", Text: "attn_types: [&a,b 1]\n"},
		{Name: "many blank lines beside a block text", Text: "model_name: |\n" + strings.Repeat("\n", 60_000)},
		{Name: "many lines of spaces beside a block text", Text: "model_name: |\n" + strings.Repeat(" \n", 30_000)},
		{Name: "many keys", Text: "attn_types: [{" + keys.String() + "}]\n"},
		{Name: "many words and signs", Text: "attn_types: [" + strings.Repeat("1,", 30_000) + "]\n"},
		{Name: "many signs behind a letter outside ASCII", Text: "attn_types: [é, " + strings.Repeat("1,", 30_000) + "]\n"},
		{Name: "many empty items", Text: "attn_types:\n" + strings.Repeat("-\n", 30_000)},
		{Name: "a list below a long key", Text: "attn_types:\n- " + strings.Repeat("k", 1000) + ":\n" + strings.Repeat("  - 1\n", 5000)},
		{Name: "a list in many objects", Text: "attn_types: [" + strings.Repeat("{"+strings.Repeat("k", 900)+": [", 30) + strings.Repeat("1,", 5000) + strings.Repeat("]}", 30) + "]\n"},
	}
}

func nestedLists(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "-\n")
	}
	return b.String()
}
