package hostile

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

const (
	npyMagic = "\x93NUMPY"
	npyBase  = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"
)

// dict writes a header's dictionary as NumPy does.
func dict(descr, fortran, shape string) string {
	return "{'descr': " + descr + ", 'fortran_order': " + fortran + ", 'shape': " + shape + ", }"
}

func shaped(shape string) string { return dict("'<f4'", "False", shape) }

func described(descr, shape string) string { return dict(descr, "False", shape) }

// pad adds spaces and a newline so that the data begin at a multiple of align.
func pad(header string, version, align int) string {
	field := 4
	if version == 1 {
		field = 2
	}
	for (8+field+len(header)+1)%align != 0 {
		header += " "
	}
	return header + "\n"
}

// array is a file with the true length of its header.
func array(version int, header string, data []byte) []byte {
	return arrayWithLength(version, 0, uint32(len(header)), header, data)
}

func arrayWithLength(major, minor int, n uint32, header string, data []byte) []byte {
	b := append([]byte(npyMagic), byte(major), byte(minor))
	if major == 1 {
		b = binary.LittleEndian.AppendUint16(b, uint16(n))
	} else {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return append(append(b, header...), data...)
}

// NPY returns the rows N01 to N62 and VN01 to VN34.
func NPY() []Case {
	var cases []Case
	add := func(id string, v Verdict, mustName, reference, name string, make func() []byte) {
		cases = append(cases, Case{ID: id, Name: name, Verdict: v, MustName: words(mustName), Reference: reference, Bytes: make, ext: ".npy"})
	}
	// refuse is for files of version 1 with a dictionary and n bytes of data.
	refuse := func(id, mustName, reference, name, header string, n int) {
		add(id, Refuse, mustName, reference, name, func() []byte { return array(1, pad(header, 1, 64), floats(n, 6)) })
	}
	npyPrefixRows(add)
	npyShapeRows(refuse)
	npyTextRows(add, refuse)
	npyDescrRows(add, refuse)
	npyDataRows(add, refuse)
	npyControlRows(add)
	return cases
}

func npyPrefixRows(add adder) {
	base := pad(npyBase, 1, 64)
	data := floats(24, 6)
	add("N01", Refuse, "magic", "R", "empty file", func() []byte { return nil })
	add("N02", Refuse, "version", "R", "the magic alone", func() []byte { return []byte(npyMagic) })
	add("N03", Refuse, "magic", "R", "another magic", func() []byte {
		b := array(1, base, data)
		b[5] = 'X'
		return b
	})
	add("N04", Refuse, "version", "R", "version 0.0", func() []byte { return arrayWithLength(0, 0, uint32(len(base)), base, data) })
	add("N05", Refuse, "version", "R", "version 9.0", func() []byte { return arrayWithLength(9, 0, uint32(len(base)), base, data) })
	add("N54", Refuse, "version", "R", "version 1.7", func() []byte { return arrayWithLength(1, 7, uint32(len(base)), base, data) })
	add("N06", Refuse, "header", "R", "header length 65,535", func() []byte { return arrayWithLength(1, 0, 65535, base, data) })
	add("N07", Refuse, "header", "R", "version 2, header length 0xfffffff0", func() []byte { return arrayWithLength(2, 0, 0xfffffff0, base, data) })
	add("N09", Refuse, "header", "R", "header length 0", func() []byte { return arrayWithLength(1, 0, 0, "", nil) })
	add("N47", Refuse, "magic", "R", "a pickle", func() []byte { return fromHex("80 02 5d 71 00 28 4b 01 4b 02 65 2e") })
}

func npyShapeRows(refuse simpleAdder) {
	for _, r := range []struct {
		id, mustName, reference, shape string
		n                              int
	}{
		{"N12", ", -2", "R", "(-2, 3)", 24},
		{"N13", ", -2", "R", "(-2, -3)", 24},
		{"N14", "", "R", "(1099511627776,)", 24},
		{"N15", "", "R", "(4294967296, 4294967296)", 24},
		{"N16", "", "R", "(9223372036854775807, 2, 3)", 24},
		{"N17", ", 2.5", "R", "(2.5, 3)", 24},
		{"N18", ", 99999999999999999999", "R", "(99999999999999999999,)", 24},
		{"N19", "", "R", "6", 24},
		{"N20", "", "R", "[2, 3]", 24},
		{"N34", "", "R", "(2*1, 3)", 24},
		{"N35", "", "R", "(int(2), 3)", 24},
		{"N39", "", "R", "(,)", 24},
		{"N42", "", "R", "(0, 9223372036854775807, 9)", 0},
		{"N43", ", 2_0", "A", "(2_0,)", 80},
		{"N44", ", +2", "A", "(+2, 3)", 24},
		{"N45", ", 0x2", "A", "(0x2, 3)", 24},
		{"N46", ", True", "R", "(True, 6)", 24},
		{"N52", ", 2L", "A", "(2L, 3L)", 24},
	} {
		refuse(r.id, "shape"+r.mustName, r.reference, "shape "+r.shape, shaped(r.shape), r.n)
	}
	refuse("N53", "shape, 64", "R", "65 dimensions", shaped("("+strings.Repeat("1, ", 64)+"1)"), 4)
	refuse("N40", "", "R", "5,000 dimensions", shaped("("+strings.Repeat("1, ", 4999)+"1)"), 4)
	refuse("N36", "header", "R", "a shape in 20,000 parentheses", shaped(strings.Repeat("(", 20_000)+"2, 3"+strings.Repeat(")", 20_000)), 24)
}

func npyTextRows(add adder, refuse simpleAdder) {
	add("N08", Refuse, "header, newline", "A", "a space for the newline", func() []byte {
		h := []byte(pad(npyBase, 1, 64))
		h[len(h)-1] = ' '
		return array(1, string(h), floats(24, 6))
	})
	refuse("N10", "header", "R", "no braces", strings.Trim(npyBase, "{}"), 24)
	refuse("N11", "shape", "R", "no shape", "{'descr': '<f4', 'fortran_order': False, }", 24)
	refuse("N30", "fortran_order", "R", "fortran_order 0", dict("'<f4'", "0", "(2, 3)"), 24)
	refuse("N31", "fortran_order", "R", "fortran_order 'False'", dict("'<f4'", "'False'", "(2, 3)"), 24)
	refuse("N32", "duplicate, shape", "A", "shape twice", "{'descr': '<f4', 'fortran_order': False, 'shape': (9, 9), 'shape': (2, 3), }", 24)
	refuse("N33", "extra", "R", "a fourth key", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'extra': 1, }", 24)
	add("N37", Refuse, "header", "R", "invalid UTF-8 in version 3", func() []byte {
		return array(3, pad(strings.Replace(npyBase, "shape", "sha\xffpe", 1), 3, 64), floats(24, 6))
	})
	refuse("N38", "shape", "R", "no value for shape", "{'descr': '<f4', 'fortran_order': False, 'shape': }", 24)
	refuse("N41", "header", "R", "NUL before a key", strings.Replace(npyBase, "'shape'", "\x00'shape'", 1), 24)
	refuse("N55", "header", "A", "a comment after the brace", npyBase+" #x", 24)
}

func npyDescrRows(add adder, refuse simpleAdder) {
	add("N21", Refuse, "descr, |O", "R", "objects", func() []byte {
		return array(1, pad(described("'|O'", "(2,)"), 1, 64), fromHex("80 02 5d 71 00 28 4b 01 4b 02 65 2e"))
	})
	refuse("N22", "descr", "A", "a record", described("[('a', '<f4'), ('b', '<i4')]", "(3,)"), 24)
	refuse("N23", "descr, <q9", "R", "no such type", described("'<q9'", "(2, 3)"), 24)
	refuse("N24", "descr", "R", "an empty type", described("''", "(2, 3)"), 24)
	refuse("N25", "descr", "R", "a text of 10^12 bytes", described("'|S999999999999'", "(1,)"), 24)
	refuse("N48", "descr, <U2", "A", "text", described("'<U2'", "(3,)"), 24)
	refuse("N49", "descr", "A", "dates", described("'<M8[s]'", "(3,)"), 24)
	refuse("N50", "descr, |V2, bfloat16, <u2", "A", "what NumPy writes for bfloat16", described("'|V2'", "(12,)"), 24)
	refuse("N58", "descr, <V2, bfloat16", "A", "bfloat16 with a byte order", described("'<V2'", "(12,)"), 24)
	refuse("N59", "shape, 2L, Python 2", "A", "a long size of Python 2", shaped("(2L,)"), 8)
	refuse("N60", "descr, f4, byte order", "A", "no byte order", described("'f4'", "(2, 3)"), 24)
	refuse("N61", "descr, <l", "A", "an integer as wide as the system's", described("'<l'", "(3,)"), 24)
	refuse("N62", "descr, <f16", "A", "a float that is not the same everywhere", described("'<f16'", "(1,)"), 16)
	refuse("N51", "descr, =f4", "A", "native byte order", described("'=f4'", "(2, 3)"), 24)
}

func npyDataRows(add adder, refuse simpleAdder) {
	refuse("N26", "data", "R", "3 bytes short", npyBase, 21)
	refuse("N27", "data", "R", "2 elements short", npyBase, 16)
	refuse("N28", "data", "R", "no data", npyBase, 0)
	add("N29", Refuse, "trailing", "A", "8 bytes too many", func() []byte {
		return append(array(1, pad(npyBase, 1, 64), floats(24, 6)), make([]byte, 8)...)
	})
	add("N56", Accept, "", "A", "booleans 0, 1, 2, 255", func() []byte {
		return array(1, pad(described("'|b1'", "(4,)"), 1, 64), []byte{0, 1, 2, 255})
	})
	add("N57", Accept, "", "A", "NaN, Inf, -Inf, -0, denormal, 1", func() []byte {
		return array(1, pad(shaped("(6,)"), 1, 64), special())
	})
}

func npyControlRows(add adder) {
	accept := func(id, name string, version, align int, header string, data []byte) {
		add(id, Accept, "", "A", name, func() []byte { return array(version, pad(header, version, align), data) })
	}
	six := floats(24, 6)
	accept("VN01", "base file", 1, 64, npyBase, six)
	accept("VN02", "version 2", 2, 64, npyBase, six)
	accept("VN03", "version 3", 3, 64, npyBase, six)
	accept("VN04", "a scalar", 1, 64, shaped("()"), floats(4, 6))
	accept("VN05", "a size of 0", 1, 64, shaped("(0, 3)"), nil)
	var big []byte
	for i := range 6 {
		big = binary.BigEndian.AppendUint32(big, math.Float32bits(float32(i+1)))
	}
	accept("VN06", "big-endian", 1, 64, described("'>f4'", "(2, 3)"), big)
	accept("VN07", "Fortran order", 1, 64, dict("'<f4'", "True", "(2, 3)"), six)
	accept("VN08", "other key order, no last comma", 1, 64, "{'shape': (2, 3), 'fortran_order': False, 'descr': '<f4'}", six)
	accept("VN09", "double quotes", 1, 64, strings.ReplaceAll(npyBase, "'", `"`), six)
	accept("VN10", "no spaces", 1, 64, strings.ReplaceAll(npyBase, " ", ""), six)
	accept("VN11", "padded to 2 only", 1, 2, npyBase, six)
	accept("VN12", "a tuple of one", 1, 64, shaped("(6,)"), six)
	accept("VN13", "64 dimensions", 1, 64, shaped("("+strings.Repeat("1, ", 63)+"1)"), floats(4, 6))
	for i, descr := range []string{"|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f8", "<c8", "<c16"} {
		size := 0
		if _, err := fmt.Sscanf(descr[2:], "%d", &size); err != nil {
			panic("hostile: " + err.Error())
		}
		accept(fmt.Sprintf("VN%02d", 14+i), "type "+descr, 1, 64, described("'"+descr+"'", "(2,)"), make([]byte, 2*size))
	}
	for i, descr := range []string{"<u1", "<b1", "=i1", ">u1", "uint8"} {
		accept(fmt.Sprintf("VN%02d", 28+i), "type "+descr, 1, 64, described("'"+descr+"'", "(2,)"), make([]byte, 2))
	}
	accept("VN33", "the letter of a type", 1, 64, described("'<f'", "(2, 3)"), six)
	accept("VN34", "texts of Python 2", 1, 64, strings.NewReplacer("{'", "{u'", " '", " u'").Replace(npyBase), six)
	accept("VN27", "white space inside the header", 1, 64, "{  'descr' :\t'<f4',\n 'fortran_order':  False, 'shape': ( 2 , 3 ) , }", six)
}
