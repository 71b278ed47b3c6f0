package strictjson_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/weightinit/weightinit/internal/strictjson"
)

// FuzzStrictJSON compares with a second computation: encoding/json for the
// syntax and the decoded texts, and simple passes for what it does not check.
func FuzzStrictJSON(f *testing.F) {
	for _, text := range []string{
		`{"a":[1,-0.5e+3,true,false,null,"x\n\ud83d\ude00"],"b":{"c":{}}}`, `{"a":1,"\u0061":2}`, `"\ud800"`, "\"\xff\"", "[1,]", "01", `{"a":1}x`,
		strings.Repeat("[", 9) + strings.Repeat("]", 9), " [ ] ", `{"":{"":""}}`, "1e", `"\u00e9é"`, "\ufeff1", "nul",
		`{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"j":0,"a":0}`,
	} {
		f.Add([]byte(text))
	}
	const depth = 8
	f.Fuzz(func(t *testing.T, text []byte) {
		p := strictjson.New(text, depth)
		err := p.Skip()
		if err == nil {
			err = p.End()
		}
		sound := json.Valid(text) && utf8.Valid(text) && nesting(text) <= depth && !loneSurrogate(text) && !repeated(text)
		if (err == nil) != sound {
			t.Fatalf("%q: sound is %v, error is %v", text, sound, err)
		}
		p = strictjson.New(text, depth)
		var b strings.Builder
		again := rebuild(p, &b)
		if again == nil {
			again = p.End()
		}
		if (err == nil) != (again == nil) {
			t.Fatalf("%q: skipped with %v, read with %v", text, err, again)
		}
		if err != nil {
			checkError(t, text, err)
			return
		}
		if got, want := plain(t, []byte(b.String())), plain(t, text); got != want {
			t.Fatalf("%q became %q, want %q", text, got, want)
		}
	})
}

func checkError(t *testing.T, text []byte, err error) {
	var e *strictjson.Error
	if !errors.As(err, &e) {
		t.Fatalf("%T is no *Error", err)
	}
	line := err.Error()
	if e.Offset < 0 || e.Offset > int64(len(text)) || !strings.HasPrefix(line, "byte ") || strings.ContainsAny(line, "\n\r\x1b") || !utf8.ValidString(line) || len(line) > 500 {
		t.Fatalf("%q: offset %d, line %q", text, e.Offset, line)
	}
}

// plain writes a document as encoding/json understands it.
func plain(t *testing.T, text []byte) string {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// rebuild reads a value and writes it again.
func rebuild(p *strictjson.Parser, b *strings.Builder) error {
	kind, err := p.Peek()
	if err != nil {
		return err
	}
	switch kind {
	case strictjson.Object:
		b.WriteByte('{')
		n := 0
		err = p.Object(func(key string, _ int64) error {
			if n++; n > 1 {
				b.WriteByte(',')
			}
			b.Write(strictjson.AppendString(nil, key))
			b.WriteByte(':')
			return rebuild(p, b)
		})
		b.WriteByte('}')
	case strictjson.Array:
		b.WriteByte('[')
		err = p.Array(func(i int) error {
			if i > 0 {
				b.WriteByte(',')
			}
			return rebuild(p, b)
		})
		b.WriteByte(']')
	case strictjson.String:
		var s string
		s, err = p.String()
		b.Write(strictjson.AppendString(nil, s))
	case strictjson.Number:
		var s string
		s, err = p.Number()
		b.WriteString(s)
	case strictjson.Bool:
		var v bool
		if v, err = p.Bool(); v {
			b.WriteString("true")
		} else {
			b.WriteString("false")
		}
	case strictjson.Null:
		b.WriteString("null")
		err = p.Null()
	}
	return err
}

// The helpers below are only right for texts that encoding/json finds valid.

func nesting(text []byte) int {
	depth, most, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			depth++
			most = max(most, depth)
		case c == ']' || c == '}':
			depth--
		}
	}
	return most
}

// loneSurrogate looks for U+FFFD that encoding/json put in place of an escape.
func loneSurrogate(text []byte) bool {
	s := string(text)
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			continue
		}
		if i+6 <= len(s) && s[i+1] == 'u' {
			hex := strings.ToLower(s[i+2 : i+6])
			switch {
			case hex >= "d800" && hex <= "dbff":
				if i+12 > len(s) || s[i+6:i+8] != `\u` {
					return true
				}
				if low := strings.ToLower(s[i+8 : i+12]); low < "dc00" || low > "dfff" {
					return true
				}
				i += 11
			case hex >= "dc00" && hex <= "dfff":
				return true
			default:
				i += 5
			}
			continue
		}
		i++
	}
	return false
}

// repeated looks for a name that an object has twice, by the tokens.
func repeated(text []byte) bool {
	d := json.NewDecoder(strings.NewReader(string(text)))
	type level struct {
		object bool
		names  map[string]bool
		value  bool // a name came, its value comes next
	}
	var stack []level
	for {
		token, err := d.Token()
		if err != nil {
			return false
		}
		top := len(stack) - 1
		if delim, ok := token.(json.Delim); ok && (delim == '}' || delim == ']') {
			stack = stack[:top]
			continue
		}
		if top >= 0 && stack[top].object {
			if !stack[top].value {
				name := token.(string)
				if stack[top].names[name] {
					return true
				}
				stack[top].names[name] = true
				stack[top].value = true
				continue
			}
			stack[top].value = false
		}
		if delim, ok := token.(json.Delim); ok {
			stack = append(stack, level{object: delim == '{', names: map[string]bool{}})
		}
	}
}
