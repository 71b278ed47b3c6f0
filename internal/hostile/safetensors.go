package hostile

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// baseEntry and baseHeader are the base file's: the float32 values 1 2 3 4.
const (
	baseEntry  = `"alpha":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}`
	baseHeader = "{" + baseEntry + "}"
)

// stored is a file with the true length of its header and n bytes of data.
func stored(header string, n int) []byte { return withData(header, floats(n, 4)) }

func withData(header string, data []byte) []byte {
	return withLength(uint64(len(header)), header, data)
}

func withLength(n uint64, header string, data []byte) []byte {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 8+len(header)+len(data)), n)
	return append(append(b, header...), data...)
}

// padded is a file whose header is {} and spaces, n bytes in all.
func padded(n int) []byte {
	return withLength(uint64(n), "{}"+strings.Repeat(" ", n-2), nil)
}

// entry writes one member of a header.
func entry(name, stored, shape string, begin, end int) string {
	return fmt.Sprintf(`"%s":{"dtype":"%s","shape":%s,"data_offsets":[%d,%d]}`, name, stored, shape, begin, end)
}

// alpha writes a header whose only entry is alpha, of type F32.
func alpha(shape, offsets string) string {
	return `{"alpha":{"dtype":"F32","shape":` + shape + `,"data_offsets":` + offsets + `}}`
}

func object(members ...string) string { return "{" + strings.Join(members, ",") + "}" }

// dtypeList has the types and bits of VS06.
var dtypeList = []struct {
	name string
	bits int
}{
	{"BOOL", 8}, {"F4", 4}, {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8}, {"I8", 8}, {"F8_E5M2", 8}, {"F8_E4M3", 8},
	{"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16}, {"U16", 16}, {"F16", 16}, {"BF16", 16},
	{"I32", 32}, {"U32", 32}, {"F32", 32}, {"C64", 64}, {"F64", 64}, {"I64", 64}, {"U64", 64},
}

func everyDType() []byte {
	var members []string
	at := 0
	for _, d := range dtypeList {
		members = append(members, entry(strings.ToLower(d.name), d.name, "[2,4]", at, at+d.bits))
		at += d.bits
	}
	return withData(object(members...), make([]byte, at))
}

// Safetensors returns the rows S01 to S84 and VS01 to VS15.
func Safetensors() []Case {
	var cases []Case
	add := func(id string, v Verdict, mustName, reference, name string, make func() []byte) {
		cases = append(cases, Case{ID: id, Name: name, Verdict: v, MustName: words(mustName), Reference: reference, Bytes: make, ext: ".safetensors"})
	}
	// refuse and accept are for files of a header and n bytes of data.
	refuse := func(id, mustName, reference, name, header string, n int) {
		add(id, Refuse, mustName, reference, name, func() []byte { return stored(header, n) })
	}
	accept := func(id, reference, name, header string, n int) {
		add(id, Accept, "", reference, name, func() []byte { return stored(header, n) })
	}
	lengthRows(add)
	textRows(refuse)
	duplicateRows(refuse)
	fieldRows(refuse)
	shapeRows(refuse)
	offsetRows(refuse)
	nameRows(add)
	controlRows(add, accept)
	for i := range cases {
		switch cases[i].ID {
		case "S79", "VS11", "VS12":
			cases[i].Large = true
		}
	}
	return cases
}

type adder func(id string, v Verdict, mustName, reference, name string, make func() []byte)

type simpleAdder func(id, mustName, reference, name, header string, n int)

func lengthRows(add adder) {
	add("S01", Refuse, "header", "R", "empty file", func() []byte { return nil })
	add("S02", Refuse, "header", "R", "7 bytes", func() []byte { return make([]byte, 7) })
	for _, r := range []struct {
		id string
		n  uint64
	}{{"S03", 1000}, {"S04", math.MaxUint64}, {"S05", math.MaxInt64}} {
		add(r.id, Refuse, "header", "R", fmt.Sprintf("header length %d", r.n), func() []byte { return withLength(r.n, baseHeader, floats(16, 4)) })
	}
	add("S06", Refuse, "header", "R", "length above the limit in 24 bytes", func() []byte { return withLength(100_000_001, "{}", make([]byte, 14)) })
	add("S07", Refuse, "header", "R", "length 0 and nothing else", func() []byte { return make([]byte, 8) })
	add("S08", Refuse, "header, byte", "R", "length one too small", func() []byte {
		return withLength(uint64(len(baseHeader)-1), baseHeader, floats(16, 4))
	})
	add("S61", Refuse, "trailing", "R", "4 bytes after the last tensor", func() []byte { return append(stored(baseHeader, 16), 0, 0, 0, 0) })
	add("S62", Refuse, "trailing", "R", "a zip archive after the last tensor", func() []byte { return append(stored(baseHeader, 16), emptyZip()...) })
	add("S63", Refuse, "alpha, data_offsets", "R", "2 bytes cut off", func() []byte { return stored(baseHeader, 14) })
	add("S64", Refuse, "trailing", "R", "no tensor and 8 bytes of data", func() []byte { return withData("{}", make([]byte, 8)) })
	add("S79", Refuse, "header", "R", "a header of really 100,000,001 bytes", func() []byte { return padded(100_000_001) })
}

func textRows(refuse simpleAdder) {
	refuse("S09", "header, UTF-8, byte", "R", "a name of invalid UTF-8", strings.Replace(baseHeader, "alpha", "al\xffpha", 1), 16)
	refuse("S10", "header, byte", "R", "an open brace alone", "{", 0)
	refuse("S11", "header", "R", "an array", "[]", 0)
	refuse("S12", "header", "R", "null", "null", 0)
	refuse("S13", "header, byte", "R", "a letter after the object", baseHeader+"x", 16)
	refuse("S14", "header, byte", "A", "a space before the object", " "+baseHeader, 16)
	refuse("S15", "header, byte", "R", "padding with NUL bytes", baseHeader+"\x00\x00\x00\x00", 16)
	refuse("S16", "header, byte", "R", "a byte order mark", "\xef\xbb\xbf"+baseHeader, 16)
	refuse("S66", "header", "R", "200,000 nested lists", `{"alpha":`+strings.Repeat("[", 200_000)+strings.Repeat("]", 200_000)+"}", 0)
	refuse("S69", "header, surrogate", "R", "a lone surrogate escape", strings.Replace(baseHeader, "alpha", `al\ud800pha`, 1), 16)
	refuse("S70", "header, byte", "R", "a raw control character in a name", strings.Replace(baseHeader, "alpha", "al\x01pha", 1), 16)
	refuse("S71", "header, byte", "R", "a comma before the last brace", "{"+baseEntry+",}", 16)
	refuse("S72", "header, byte", "R", "NaN in a shape", alpha("[NaN,2]", "[0,16]"), 16)
	refuse("S73", "header, byte", "R", "a comment", "{/* x */"+baseEntry+"}", 16)
	refuse("S83", "header, byte", "R", "a leading zero", alpha("[2,2]", "[0,016]"), 16)
}

func duplicateRows(refuse simpleAdder) {
	refuse("S17", "duplicate, alpha", "A", "an entry twice, letter for letter", object(baseEntry, baseEntry), 16)
	refuse("S18", "duplicate, alpha", "R", "a name twice, two places", object(baseEntry, entry("alpha", "F32", "[2,2]", 16, 32)), 32)
	refuse("S19", "duplicate, alpha", "A", "a name twice, the first is smaller", object(entry("alpha", "F32", "[1]", 0, 4), entry("alpha", "F32", "[4]", 0, 16)), 16)
	refuse("S20", "duplicate, beta", "R", "a name twice, once with an escape", object(entry("beta", "F32", "[2,2]", 0, 16), entry(`be\u0074a`, "F32", "[2,2]", 16, 32)), 32)
	refuse("S21", "duplicate, dtype, alpha", "R", "a field twice", strings.Replace(baseHeader, `"dtype":"F32"`, `"dtype":"F32","dtype":"F32"`, 1), 16)
	metadata := `"__metadata__":{"format":"pt"}`
	refuse("S22", "duplicate, __metadata__", "R", "metadata twice", object(metadata, metadata, baseEntry), 16)
	refuse("S23", "duplicate, __metadata__, format", "A", "a metadata key twice", object(`"__metadata__":{"format":"pt","format":"np"}`, baseEntry), 16)
	refuse("S81", "duplicate, beta", "A", "a name twice with an escape, one place", object(entry(`be\u0074a`, "F32", "[2,2]", 0, 16), entry("beta", "F32", "[2,2]", 0, 16)), 16)
}

func fieldRows(refuse simpleAdder) {
	refuse("S24", "__metadata__, format", "R", "a number in the metadata", object(`"__metadata__":{"format":1}`, baseEntry), 16)
	refuse("S25", "__metadata__, format", "R", "an object in the metadata", object(`"__metadata__":{"format":{"a":"b"}}`, baseEntry), 16)
	refuse("S26", "__metadata__", "R", "a tensor named as the metadata", object(entry("__metadata__", "F32", "[2,2]", 0, 16)), 16)
	refuse("S82", "__metadata__", "R", "metadata that are a text", object(`"__metadata__":"pt"`, baseEntry), 16)
	refuse("S28", "alpha, dtype, F31", "R", "unknown dtype", strings.Replace(baseHeader, "F32", "F31", 1), 16)
	refuse("S29", "alpha, dtype, f32", "R", "dtype in lower case", strings.Replace(baseHeader, "F32", "f32", 1), 16)
	refuse("S30", "alpha, dtype", "R", "no dtype", `{"alpha":{"shape":[2,2],"data_offsets":[0,16]}}`, 16)
	refuse("S31", "alpha, shape", "R", "no shape", `{"alpha":{"dtype":"F32","data_offsets":[0,16]}}`, 16)
	refuse("S32", "alpha, data_offsets", "R", "no data_offsets", `{"alpha":{"dtype":"F32","shape":[2,2]}}`, 16)
	refuse("S33", "alpha, extra", "A", "a fourth field", strings.Replace(baseHeader, "}}", `,"extra":1}}`, 1), 16)
	refuse("S34", "alpha", "A", "an entry as an array", `{"alpha":["F32",[2,2],[0,16]]}`, 16)
	refuse("S35", "alpha", "R", "an entry that is null", `{"alpha":null}`, 0)
	refuse("S36", "alpha, DTYPE", "R", "a field in upper case", strings.Replace(baseHeader, "dtype", "DTYPE", 1), 16)
}

func shapeRows(refuse simpleAdder) {
	for _, r := range []struct {
		id, mustName, reference, shape, offsets string
		n                                       int
	}{
		{"S37", ", -2", "R", "[2,-2]", "[0,16]", 16},
		{"S38", ", 2.0", "R", "[2.0,2]", "[0,16]", 16},
		{"S39", ", 2e0", "R", "[2e0,2]", "[0,16]", 16},
		{"S40", "", "R", `["2",2]`, "[0,16]", 16},
		{"S41", "", "R", "null", "[0,16]", 16},
		{"S42", ", 18446744073709551616", "R", "[18446744073709551616,0]", "[0,0]", 0},
		{"S43", ", -0", "R", "[-0]", "[0,0]", 0},
		{"S44", "", "R", "[4294967296,4294967296,2]", "[0,16]", 16},
		{"S45", "", "R", "[4611686018427387904]", "[0,16]", 16},
		{"S46", "", "R", "[4294967296,4294967296]", "[0,0]", 0},
		{"S47", "", "A", "[0,9223372036854775808,9223372036854775808]", "[0,0]", 0},
		{"S48", "", "R", "[9223372036854775808,9223372036854775808,0]", "[0,0]", 0},
	} {
		refuse(r.id, "alpha, shape"+r.mustName, r.reference, "shape "+r.shape, alpha(r.shape, r.offsets), r.n)
	}
	refuse("S65", "alpha, shape", "R", "12 bits of F4", object(entry("alpha", "F4", "[3]", 0, 2)), 2)
	ones := "[" + strings.Repeat("1,", 99_999) + "1]"
	refuse("S67", "alpha, shape, 64", "A", "100,000 dimensions", alpha(ones, "[0,4]"), 4)
}

func offsetRows(refuse simpleAdder) {
	for _, r := range []struct {
		id, mustName, shape, offsets string
		n                            int
	}{
		{"S49", "alpha, data_offsets, -4", "[2,2]", "[-4,12]", 16},
		{"S50", "alpha, data_offsets", "[2,2]", "[16,0]", 16},
		{"S51", "alpha, data_offsets", "[250]", "[0,1000]", 16},
		{"S52", "alpha, data_offsets", "[2,2]", "[0]", 16},
		{"S53", "alpha, data_offsets", "[2,2]", "[0,16,16]", 16},
		{"S54", "alpha, data_offsets, 16.0", "[2,2]", "[0,16.0]", 16},
		{"S55", "alpha", "[2305843009213693952]", "[0,9223372036854775808]", 16},
		{"S56", "alpha, data_offsets", "[2,3]", "[0,16]", 16},
	} {
		refuse(r.id, r.mustName, "R", "shape "+r.shape+", offsets "+r.offsets, alpha(r.shape, r.offsets), r.n)
	}
	refuse("S57", "beta, data_offsets", "R", "overlap", object(baseEntry, entry("beta", "F32", "[2,2]", 8, 24)), 24)
	refuse("S58", "data_offsets", "R", "alias", object(baseEntry, entry("beta", "F32", "[2,2]", 0, 16)), 16)
	refuse("S59", "alpha, data_offsets", "R", "a hole at the start", object(entry("alpha", "F32", "[2,2]", 8, 24)), 24)
	refuse("S60", "beta, data_offsets", "R", "a hole between two", object(baseEntry, entry("beta", "F32", "[2,2]", 24, 40)), 40)
}

func nameRows(add adder) {
	add("S68", Refuse, "data_offsets", "R", "20,000 names for one place", func() []byte {
		var b strings.Builder
		for i := range 20_000 {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(entry(fmt.Sprintf("t%05d", i), "F32", "[2,2]", 0, 16))
		}
		return stored("{"+b.String()+"}", 16)
	})
	named := func(name string) func() []byte {
		return func() []byte { return stored(strings.Replace(baseHeader, "alpha", name, 1), 16) }
	}
	add("S27", Warn, "__metadata__", "A", "metadata that are null", func() []byte {
		return stored(object(`"__metadata__":null`, baseEntry), 16)
	})
	add("S74", Warn, "", "A", "an empty name", named(""))
	add("S75", Warn, "", "A", "a name that leaves the folder", named("../../etc/x"))
	add("S76", Warn, "", "A", "a name with NUL", named(`al\u0000pha`))
	add("S77", Accept, "", "A", "BOOL of 0, 1, 2, 255", func() []byte {
		return withData(object(entry("alpha", "BOOL", "[2,2]", 0, 4)), []byte{0, 1, 2, 255})
	})
	add("S78", Accept, "", "A", "NaN, Inf, -Inf, -0, denormal, 1", func() []byte {
		return withData(object(entry("alpha", "F32", "[6]", 0, 24)), special())
	})
	add("S80", Accept, "", "A", "a name with terminal escapes", named(`al\u001b[31m\npha\u009b2J`))
	add("S84", Accept, "", "A", "two names that differ in case only", func() []byte {
		return stored(object(baseEntry, entry("ALPHA", "F32", "[2,2]", 16, 32)), 32)
	})
}

func controlRows(add adder, accept func(id, reference, name, header string, n int)) {
	accept("VS01", "A", "no tensor", "{}", 0)
	accept("VS02", "A", "a scalar", object(entry("alpha", "F32", "[]", 0, 4)), 4)
	accept("VS03", "A", "a size of 0", alpha("[2,0]", "[0,0]"), 0)
	accept("VS04", "A", "entries out of order", object(entry("beta", "F32", "[2,2]", 16, 32), baseEntry), 32)
	accept("VS05", "A", "13 trailing spaces", baseHeader+strings.Repeat(" ", 13), 16)
	add("VS06", Accept, "", "A", "every dtype", everyDType)
	accept("VS07", "A", "24 bits of F6", object(entry("alpha", "F6_E2M3", "[4]", 0, 3)), 3)
	accept("VS08", "A", "a tensor of no bytes between two", object(entry("alpha", "F32", "[1]", 0, 4), entry("beta", "F32", "[0,7]", 4, 4), entry("gamma", "F32", "[1]", 4, 8)), 8)
	unaligned := object(entry("alpha", "U8", "[1]", 0, 1), entry("beta", "F64", "[1]", 1, 9))
	for len(unaligned)%8 == 0 {
		unaligned += " "
	}
	accept("VS09", "A", "an unaligned F64", unaligned, 9)
	accept("VS10", "A", "pretty-printed", "{\n\t\"alpha\" : {\n\t\t\"data_offsets\" : [ 0 ,\r\n 16 ],\n\t\t\"shape\" : [ 2, 2 ],\n\t\t\"dtype\" : \"F32\"\n\t}\n}\n", 16)
	add("VS11", Accept, "", "A", "100,000 tensors of no bytes", func() []byte {
		var b bytes.Buffer
		for i := range 100_000 {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(entry(fmt.Sprintf("t%06d", i), "F32", "[0]", 0, 0))
		}
		return withData("{"+b.String()+"}", nil)
	})
	add("VS12", Accept, "", "A", "the longest header", func() []byte { return padded(100_000_000) })
	accept("VS13", "A", "metadata and names of all kinds", object(`"__metadata__":{"format":"pt","größe":"ü \ud83d\ude00"}`, entry(`layer/0.\ud83d\ude00.größe`, "F32", "[2,2]", 0, 16)), 16)
	accept("VS14", "A", "64 dimensions", alpha("["+strings.Repeat("1,", 63)+"1]", "[0,4]"), 4)
	accept("VS15", "A", "empty metadata", object(`"__metadata__":{}`, baseEntry), 16)
}
