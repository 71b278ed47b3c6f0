package configs

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// mark is the byte order mark in UTF-8.
const mark = "\xef\xbb\xbf"

func repeat(s string, n int) string          { return strings.Repeat(s, n) }
func replaceAll(s, what, with string) string { return strings.ReplaceAll(s, what, with) }

// textCases are the rows about the text as a whole.
func textCases() []Case {
	yaml, json := base.yaml(), base.json()
	face := func(id string, names []string, changes ...string) Case {
		c := refuse(id, hugging.with(changes...).json(), names...)
		c.HuggingFace = true
		return c
	}
	list := []Case{
		refuse("C41", `{"d_model":32,`+json[1:], "duplicate", "d_model"),
		refuseYAML("C42", "d_model: 32\n"+yaml, "duplicate", "d_model"),
		refuse("C43", `{"d_mode\u006c":64,`+json[1:], "duplicate", "d_model"),
		refuseYAML("C44", yaml+aliasBomb()),
		refuseYAML("C45", yaml+"attn_types: &a [1, *a]\n"),
		{ID: "C46", File: "config.yaml", Verdict: Refuse, MustName: []string{"limit"},
			Bytes: func() []byte { return []byte(yaml + repeat("# comment\n", 1<<20)) }},
		{ID: "C47", File: "config.json", Verdict: Refuse, MustName: []string{"limit"},
			Bytes: func() []byte { return []byte(base.with("model_name", `"`+repeat("x", 10<<20)+`"`).json()) }},
		refuse("C48", "\xff\xfe"+utf16Text(json, false), "UTF-8"),
		refuse("C49", utf16Text(json, true), "UTF-8"),
		refuse("C50", base.with("model_name", "\"caf\xe9\"").json(), "UTF-8"),
		refuse("C51", base.with("attn_types", repeat("[", 100_000)+repeat("]", 100_000)).json(), "nest"),
		refuseYAML("C52", yaml+"attn_types: "+repeat("[", 30_000)+repeat("]", 30_000)+"\n", "nest"),
		refuseYAML("C53", yaml+"attn_types:\n"+nestedMappings(300)),
		refuseYAML("C54", yaml+"attn_types:\n  "+repeat("- ", 30_000)+"\n"),
		refuse("C64", "", "empty"),
		refuseYAML("C65", "# only a comment\n", "empty"),
		refuse("C66", "null"),
		refuse("C67", "["+json+"]"),
		refuse("C68", `"d_model"`),
		refuse("C73", safetensors()),
		refuse("C74", `{"alpha":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}`),
		refuse("C75", json+"\x00"),
		refuseYAML("C76", "---\n"+yaml+"---\n"+yaml, "document"),
		refuseYAML("C77", yaml+"model_name: !!python/object/apply:os.system [ls]\n", "tag"),
		refuse("C78", json+" x"),
		refuse("C79", json[:len(json)-1]+",}"),
		refuse("C80", "{// a comment\n"+json[1:]),
		refuse("C81", json[:60]),
		face("C87", []string{"model_type", "Hugging Face"}, "model_type", `"no_such_model"`),
		face("C88", []string{"model_type", "Hugging Face"}, "model_type", "5"),
		face("C89", []string{"n_embd"}, "n_embd", "65"),
		face("C90", []string{"vocab_size"}, "vocab_size", `"100"`),
		face("C91", []string{"n_embd"}, "n_embd", "4294967296", "vocab_size", "4294967296"),
		face("C92", []string{"n_embd"}, "n_embd", "-64"),
		refuseYAML("C98", yaml+"? [a, b]\n: 1\n"),
		refuse("C99", replaceAll(json, `"d_model"`, `"d_m\u001b[31m\nodel"`)),
		{ID: "C100", File: "config.yaml", Verdict: Refuse, MustName: []string{"limit"},
			Bytes: func() []byte { return []byte(yaml + manyKeys("k%06d: 1\n", 85_000)) }},
		{ID: "C101", File: "config.json", Verdict: Refuse,
			Bytes: func() []byte { return []byte(json[:len(json)-1] + manyKeys(`,"k%06d":1`, 250_000) + "}") }},
	}
	return list
}

func manyKeys(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// manyLabels is an object of n short texts.
func manyLabels(n int) string {
	return "{" + manyKeys(`,"%d":"a label of some thirty-odd bytes"`, n)[1:] + "}"
}

// aliasBomb is ten lists, each of nine aliases of the one before.
func aliasBomb() string {
	var b strings.Builder
	b.WriteString("x0: &x0 [a, a, a, a, a, a, a, a, a]\n")
	for i := 1; i < 9; i++ {
		item := fmt.Sprintf("*x%d", i-1)
		fmt.Fprintf(&b, "x%d: &x%d [%s]\n", i, i, strings.Join([]string{item, item, item, item, item, item, item, item, item}, ", "))
	}
	b.WriteString("attn_types: [*x8, *x8, *x8, *x8, *x8, *x8, *x8, *x8, *x8]\n")
	return b.String()
}

// nestedMappings is n mappings, one inside the other, a line each.
func nestedMappings(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i+1) + "a:\n")
	}
	return b.String()
}

// utf16Text is s in UTF-16 without a byte order mark.
func utf16Text(s string, bigEndian bool) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		if bigEndian {
			b.Write([]byte{byte(u >> 8), byte(u)})
		} else {
			b.Write([]byte{byte(u), byte(u >> 8)})
		}
	}
	return b.String()
}

// safetensors is a sound file of that format.
func safetensors() string {
	header := `{"alpha":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}`
	return string([]byte{byte(len(header)), 0, 0, 0, 0, 0, 0, 0}) + header +
		"\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x40\x40\x00\x00\x80\x40"
}
