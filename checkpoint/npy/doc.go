// Package npy reads and encodes NumPy's .npy files and the manifest that stands
// beside a directory of them.
//
// The reader has a strict parser of its own for the header: it accepts what
// NumPy 2.4.6 accepts, less types that hold no numbers (objects, records, text,
// dates, void), types without a fixed meaning everywhere (native byte order),
// and what NumPy only accepts because it evaluates the header as a program. The
// length of the data is compared with the shape before the first value is read.
// Values come out in C order and little-endian, whatever the file's order is. [File.Values]
// decodes them by another library, into a Go slice.
//
// Here is no writing to disk: [Header] and [Manifest.Encode] make bytes. Opening
// a directory is in package checkpoint.
package npy

import (
	"slices"
	"strings"
)

// The parts of a file: magic, version, length of the header, header, data.
const (
	magic        = "\x93NUMPY"
	versionBytes = 2
	// prefixBytes is the magic and the version.
	prefixBytes = len(magic) + versionBytes
	// alignment is the multiple of bytes at which NumPy lets the data begin.
	alignment = 64
)

// DType is a number type as a file stores it.
type DType struct {
	// Descr is the type as NumPy writes it today, such as "<f4" or "|u1"; the
	// header may say the same otherwise ("<f", "<u1").
	Descr string
	// Name is the type in the words of the safetensors format, such as "F32";
	// "C128" is one that safetensors does not have.
	Name string
	// Size is the bytes of one element.
	Size int
	// Part is the bytes of one number of an element: half of Size for complex
	// types, else Size. Byte order counts within a part.
	Part int
	// BigEndian says that the most significant byte of a part comes first.
	BigEndian bool
}

var dtypes = []DType{
	{Descr: "|b1", Name: "BOOL", Size: 1, Part: 1},
	{Descr: "|i1", Name: "I8", Size: 1, Part: 1},
	{Descr: "|u1", Name: "U8", Size: 1, Part: 1},
	{Descr: "<i2", Name: "I16", Size: 2, Part: 2},
	{Descr: "<i4", Name: "I32", Size: 4, Part: 4},
	{Descr: "<i8", Name: "I64", Size: 8, Part: 8},
	{Descr: "<u2", Name: "U16", Size: 2, Part: 2},
	{Descr: "<u4", Name: "U32", Size: 4, Part: 4},
	{Descr: "<u8", Name: "U64", Size: 8, Part: 8},
	{Descr: "<f2", Name: "F16", Size: 2, Part: 2},
	{Descr: "<f4", Name: "F32", Size: 4, Part: 4},
	{Descr: "<f8", Name: "F64", Size: 8, Part: 8},
	{Descr: "<c8", Name: "C64", Size: 8, Part: 4},
	{Descr: "<c16", Name: "C128", Size: 16, Part: 8},
}

// codes are the other names that NumPy has for a type, whatever the system: its
// letters, and what it calls types of one byte.
var codes = map[string]string{
	"?": "b1", "b": "i1", "B": "u1", "h": "i2", "H": "u2", "i": "i4", "I": "u4", "q": "i8", "Q": "u8",
	"e": "f2", "f": "f4", "d": "f8", "F": "c8", "D": "c16",
}

var byteNames = map[string]string{
	"bool": "b1", "bool_": "b1", "int8": "i1", "byte": "i1", "uint8": "u1", "ubyte": "u1",
}

// parseDescr returns the type of a header's descr. A type of one byte has no
// order, so it may say any.
func parseDescr(descr string) (DType, bool) {
	order, code := splitOrder(descr)
	if full, ok := codes[code]; ok {
		code = full
	} else if full, ok := byteNames[descr]; ok {
		code = full
	}
	for _, d := range dtypes {
		if d.Descr[1:] != code {
			continue
		}
		switch {
		case d.Size == 1 || order == '<':
			return d, true
		case order == '>':
			d.Descr, d.BigEndian = ">"+code, true
			return d, true
		}
	}
	return DType{}, false
}

// splitOrder splits a descr into the character of its byte order, 0 for none,
// and the rest.
func splitOrder(descr string) (order byte, code string) {
	if descr != "" && strings.IndexByte("<>|=", descr[0]) >= 0 {
		return descr[0], descr[1:]
	}
	return 0, descr
}

// insteadOfNumbers says what an array of a type that is not read holds, if that
// is no numbers; else it is empty. Void of one or two bytes is not among it: so
// NumPy writes the numbers of types that it does not know.
func insteadOfNumbers(descr string) string {
	_, code := splitOrder(descr)
	switch {
	case code == "" || code == "V1" || code == "V2":
		return ""
	case code[0] == 'U' || code == "str":
		return "text"
	case code[0] == 'S' || code[0] == 'a' || code == "c":
		return "bytes of text"
	case code[0] == 'M' || code[0] == 'm':
		return "dates or times"
	case code[0] == 'O' || code == "object":
		return "Python objects"
	case code[0] == 'V':
		return "bytes without a type"
	}
	return ""
}

// explainDescr says why a type is not read, and what to do.
func explainDescr(descr string) string {
	order, code := splitOrder(descr)
	_, known := parseDescr("<" + code)
	switch {
	case code == "V2":
		return "is how NumPy writes bfloat16, without saying so: store the values as float32, or their bits as '<u2' (x.view(numpy.uint16)), which is how bfloat16 is stored here"
	case code == "V1":
		return "is how NumPy writes 8-bit floats, without saying which: store the values as float32"
	case insteadOfNumbers(descr) != "":
		return "holds " + insteadOfNumbers(descr) + ", no numbers: store numbers"
	case known || slices.Contains([]string{"half", "single", "double", "float", "float16", "float32", "float64"}, descr):
		what := "does not say its byte order"
		if order == '=' {
			what = "has the byte order of whoever reads, which is not fixed"
		}
		return what + ": write '<' or '>' before the type"
	}
	return "is no type that is read: use |b1, |i1, |u1, or one of i2 i4 i8 u2 u4 u8 f2 f4 f8 c8 c16 behind < or >"
}
