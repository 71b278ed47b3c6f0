package strictjson_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/hostile"
	"github.com/weightinit/weightinit/internal/strictjson"
)

// whole reads a document and keeps nothing of it.
func whole(text string, depth int) error {
	p := strictjson.New([]byte(text), depth)
	if err := p.Skip(); err != nil {
		return err
	}
	return p.End()
}

func TestSoundDocuments(t *testing.T) {
	for _, text := range []string{
		"null", "true", "false", "0", "-0", "12", "-1.50", "1e9", "1E+9", "0.0e-0", `""`, `"a"`, "[]", "{}", "[[]]",
		" \t\r\n1 \t\r\n", "[1 , 2]", `{"a" : 1 , "b" : [ ] }`, `{"":0}`, `{"a":{"a":{"a":1}}}`, `[{"a":1},{"a":1}]`,
		`"\"\\\/\b\f\n\r\t\u0041"`, `"\ud83d\ude00"`, `"\uD83D\uDE00"`, "\"é\U0001F600\u2028\x7f\"", `"\u0000"`, `"\ufffe"`,
		strings.Repeat("[", 64) + strings.Repeat("]", 64),
	} {
		require.NoError(t, whole(text, 64), "%q", text)
	}
}

func TestUnsoundDocuments(t *testing.T) {
	type reason = strictjson.Reason
	for _, c := range []struct {
		text   string
		reason reason
		offset int64
	}{
		{"", strictjson.Syntax, 0},
		{"  ", strictjson.Syntax, 2},
		{"\ufeff1", strictjson.Syntax, 0},
		{"nul", strictjson.Syntax, 3},
		{"nulL", strictjson.Syntax, 3},
		{"True", strictjson.Syntax, 0},
		{"truex", strictjson.Trailing, 4},
		{"NaN", strictjson.Syntax, 0},
		{"Infinity", strictjson.Syntax, 0},
		{"-", strictjson.Syntax, 1},
		{"-a", strictjson.Syntax, 1},
		{"+1", strictjson.Syntax, 0},
		{".5", strictjson.Syntax, 0},
		{"01", strictjson.Syntax, 1},
		{"-012", strictjson.Syntax, 2},
		{"1.", strictjson.Syntax, 2},
		{"1.x", strictjson.Syntax, 2},
		{"1e", strictjson.Syntax, 2},
		{"1e+", strictjson.Syntax, 3},
		{"0x10", strictjson.Trailing, 1},
		{"1_000", strictjson.Trailing, 1},
		{"1 2", strictjson.Trailing, 2},
		{"{}{}", strictjson.Trailing, 2},
		{"1\x00", strictjson.Trailing, 1},
		{"1\v", strictjson.Trailing, 1},
		{"1\u00a0", strictjson.Trailing, 1},
		{"[", strictjson.Syntax, 1},
		{"[1", strictjson.Syntax, 2},
		{"[1,", strictjson.Syntax, 3},
		{"[1,]", strictjson.Syntax, 3},
		{"[,1]", strictjson.Syntax, 1},
		{"[1 2]", strictjson.Syntax, 3},
		{"[1}", strictjson.Syntax, 2},
		{"]", strictjson.Syntax, 0},
		{"{", strictjson.Syntax, 1},
		{`{"a"`, strictjson.Syntax, 4},
		{`{"a":`, strictjson.Syntax, 5},
		{`{"a":1`, strictjson.Syntax, 6},
		{`{"a":1,`, strictjson.Syntax, 7},
		{`{"a":1,}`, strictjson.Syntax, 7},
		{`{"a":1 "b":2}`, strictjson.Syntax, 7},
		{`{"a" 1}`, strictjson.Syntax, 5},
		{`{"a":}`, strictjson.Syntax, 5},
		{`{a:1}`, strictjson.Syntax, 1},
		{`{1:1}`, strictjson.Syntax, 1},
		{`{'a':1}`, strictjson.Syntax, 1},
		{`{,}`, strictjson.Syntax, 1},
		{`{"a":1]`, strictjson.Syntax, 6},
		{"/* x */1", strictjson.Syntax, 0},
		{"[1]// x", strictjson.Trailing, 3},
		{`"`, strictjson.Syntax, 1},
		{`"a`, strictjson.Syntax, 2},
		{`"\`, strictjson.Syntax, 2},
		{`"\"`, strictjson.Syntax, 3},
		{`"\x41"`, strictjson.Syntax, 2},
		{`"\'"`, strictjson.Syntax, 2},
		{`"\u12"`, strictjson.Syntax, 5},
		{`"\u12`, strictjson.Syntax, 5},
		{`"\u12g4"`, strictjson.Syntax, 5},
		{`"\U0041"`, strictjson.Syntax, 2},
		{"\"a\nb\"", strictjson.Syntax, 2},
		{"\"\x00\"", strictjson.Syntax, 1},
		{"\"\x1f\"", strictjson.Syntax, 1},
		{"\"a\xff\"", strictjson.UTF8, 2},
		{"\"\xed\xa0\x80\"", strictjson.UTF8, 1}, // a surrogate in UTF-8
		{"\"\xc0\x80\"", strictjson.UTF8, 1},     // NUL in two bytes
		{"\"\xf4\x90\x80\x80\"", strictjson.UTF8, 1},
		{"\"\xe2\x82", strictjson.UTF8, 1},
		{"\xff\xfe{\x00", strictjson.UTF8, 0},
		{"1\xff", strictjson.Trailing, 1},
		{`"\ud800"`, strictjson.Surrogate, 1},
		{`"a\udc00"`, strictjson.Surrogate, 2},
		{`"\ud800\ud800"`, strictjson.Surrogate, 1},
		{`"\ud800\n"`, strictjson.Surrogate, 1},
		{`"\ud800\u0041"`, strictjson.Surrogate, 1},
		{`"\ud800x"`, strictjson.Surrogate, 1},
		{`"\ud83d\u"`, strictjson.Syntax, 9},
		{`{"a":1,"a":1}`, strictjson.Duplicate, 7},
		{`{"a":1,"\u0061":1}`, strictjson.Duplicate, 7},
		{`{"a":{"b":1,"b":1}}`, strictjson.Duplicate, 12},
		{`[{"":1,"":1}]`, strictjson.Duplicate, 7},
		{strings.Repeat("[", 65), strictjson.Depth, 64},
		{strings.Repeat(`{"a":`, 65), strictjson.Depth, 64 * 5},
		{strings.Repeat("[", 1_000_000), strictjson.Depth, 64},
	} {
		err := whole(c.text, 64)
		var e *strictjson.Error
		require.ErrorAs(t, err, &e, "%.80q", c.text)
		require.Equal(t, c.reason, e.Reason, "%.80q: %v", c.text, err)
		require.ErrorIs(t, err, c.reason)
		require.Equal(t, c.offset, e.Offset, "%.80q: %v", c.text, err)
		require.Contains(t, err.Error(), fmt.Sprintf("byte %d: ", c.offset))
		require.NotContains(t, err.Error(), "\n")
	}
}

func TestUTF8IsNamedBehindTheDocumentToo(t *testing.T) {
	require.ErrorContains(t, whole("1\xff", 1), `\xff`)
	require.ErrorContains(t, whole("\xff", 1), "UTF-8")
}

func TestValuesComeOutDecoded(t *testing.T) {
	text := ` {"\u0061\n" : [ "x\ud83d\ude00y" , -0.5e3 , true , false , null, {} ] , "skip":{"b":[1,{"c":null}]} } `
	p := strictjson.New([]byte(text), 4)
	kind, err := p.Peek()
	require.NoError(t, err)
	require.Equal(t, strictjson.Object, kind)
	var keys []string
	var offsets []int64
	require.NoError(t, p.Object(func(key string, at int64) error {
		keys, offsets = append(keys, key), append(offsets, at)
		if key == "skip" {
			return p.Skip()
		}
		return p.Array(func(i int) error {
			kind, err := p.Peek()
			require.NoError(t, err)
			require.Equal(t, []strictjson.Kind{
				strictjson.String, strictjson.Number, strictjson.Bool, strictjson.Bool, strictjson.Null, strictjson.Object,
			}[i], kind)
			switch i {
			case 0:
				s, err := p.String()
				require.Equal(t, "x\U0001F600y", s)
				return err
			case 1:
				s, err := p.Number()
				require.Equal(t, "-0.5e3", s)
				return err
			case 2, 3:
				b, err := p.Bool()
				require.Equal(t, i == 2, b)
				return err
			case 4:
				return p.Null()
			default:
				return p.Object(nil)
			}
		})
	}))
	require.NoError(t, p.End())
	require.Equal(t, []string{"a\n", "skip"}, keys)
	require.Equal(t, []int64{2, int64(strings.Index(text, `"skip"`))}, offsets)
}

func TestWrongKinds(t *testing.T) {
	for _, c := range []struct {
		text string
		read func(p *strictjson.Parser) error
		want string
	}{
		{"1", func(p *strictjson.Parser) error { _, err := p.String(); return err }, "want a string, found a number"},
		{`"1"`, func(p *strictjson.Parser) error { _, err := p.Number(); return err }, "want a number, found a string"},
		{"null", func(p *strictjson.Parser) error { _, err := p.Bool(); return err }, "want a boolean, found null"},
		{"[]", func(p *strictjson.Parser) error { return p.Null() }, "want null, found an array"},
		{"{}", func(p *strictjson.Parser) error { return p.Array(nil) }, "want an array, found an object"},
		{" true", func(p *strictjson.Parser) error { return p.Object(nil) }, "byte 1: want an object, found a boolean"},
	} {
		err := c.read(strictjson.New([]byte(c.text), 4))
		require.ErrorIs(t, err, strictjson.WrongKind)
		require.ErrorContains(t, err, c.want)
	}
}

func TestTheCallersErrorComesBack(t *testing.T) {
	stop := errors.New("stop")
	p := strictjson.New([]byte(`{"a":[1,2]}`), 4)
	err := p.Object(func(string, int64) error {
		return p.Array(func(i int) error {
			if i == 1 {
				return stop
			}
			return p.Skip()
		})
	})
	require.Equal(t, stop, err)
}

func TestACallerThatReadsNothingIsTold(t *testing.T) {
	p := strictjson.New([]byte(`{"a":1}`), 4)
	require.ErrorIs(t, p.Object(func(string, int64) error { return nil }), strictjson.Unread)
	p = strictjson.New([]byte(`[ 1]`), 4)
	require.ErrorIs(t, p.Array(func(int) error { return nil }), strictjson.Unread)
	p = strictjson.New([]byte(`[1,2]`), 4)
	require.ErrorIs(t, p.Array(func(int) error { return errors.Join(p.Skip(), p.Skip()) }), strictjson.Syntax)
}

func TestOffsetsCountFromTheBase(t *testing.T) {
	p := strictjson.NewAt([]byte(" x"), 4, 100)
	require.Equal(t, int64(101), p.Offset())
	_, err := p.Peek()
	var e *strictjson.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, int64(101), e.Offset)
}

func TestManyNamesTakeLinearTime(t *testing.T) {
	var b strings.Builder
	b.WriteByte('{')
	for i := range 200_000 {
		fmt.Fprintf(&b, `"k%d":0,`, i)
	}
	text := b.String()
	start := hostile.CPU()
	require.NoError(t, whole(text+`"last":0}`, 4))
	require.True(t, hostile.Race || hostile.CPU()-start < 5*time.Second)
	err := whole(text+`"k7":0}`, 4)
	var e *strictjson.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "k7", e.Key)
}

func TestAppendString(t *testing.T) {
	for s, want := range map[string]string{
		"":                   `""`,
		"plain größe 😀":      `"plain größe 😀"`,
		"a\"b\\c/":           `"a\"b\\c/"`,
		"\n\r\t\b\x00\x1f":   `"\n\r\t\u0008\u0000\u001f"`,
		"\x7f\u0085\u009b":   `"\u007f\u0085\u009b"`,
		"\u2028\u2029":       `"\u2028\u2029"`,
		"a\xffb":             "\"a\ufffdb\"",
		"\ufffd\ufeff\u00a0": "\"\ufffd\ufeff\u00a0\"",
	} {
		got := string(strictjson.AppendString([]byte("x"), s))
		require.Equal(t, "x"+want, got)
	}
}
