// Package npy reads and encodes NumPy's .npy files and the manifest that stands
// beside a directory of them.
//
// The reader has a strict parser of its own for the header: it accepts what
// NumPy 2.4.6 accepts, less object arrays and records, types without a fixed
// meaning everywhere (native byte order, text, dates, void), and what NumPy
// only accepts because it evaluates the header as a program. The length of the
// data is compared with the shape before the first value is read. Values come
// out in C order and little-endian, whatever the file's order is. [File.Values]
// decodes them by another library, into a Go slice.
//
// Here is no writing to disk: [Header] and [Manifest.Encode] make bytes. Opening
// a directory is in package checkpoint.
package npy

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
	// Descr is the text of the header, such as "<f4".
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

// parseDescr returns the type of a header's descr.
func parseDescr(descr string) (DType, bool) {
	for _, d := range dtypes {
		if d.Descr == descr {
			return d, true
		}
		if d.Size > 1 && len(descr) > 1 && descr[0] == '>' && d.Descr[1:] == descr[1:] {
			d.Descr, d.BigEndian = descr, true
			return d, true
		}
	}
	return DType{}, false
}
