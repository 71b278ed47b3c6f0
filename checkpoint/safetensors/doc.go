// Package safetensors reads and encodes the safetensors file format.
//
// A file is a length N (8 bytes, little-endian), N bytes of JSON text, and the
// values of all tensors one after the other. The reader accepts what the
// format's own reader (version 0.8.0) accepts, less what two readers could
// take for two different things: repeated names, unknown fields, a text that
// does not begin with "{", more than 64 dimensions, sizes beyond 2^63-1. It
// trusts nothing that the file says: every length is compared with the file's
// size before memory is taken for it, and the whole structure is checked
// before the first value is read.
//
// Here is no conversion of values (package checkpoint), no directory with
// several files and an index (package checkpoint), and no writing to disk:
// [Header] makes the bytes that stand before the values, and says where the
// values go.
package safetensors

// metadataKey is the one name that no tensor can have.
const metadataKey = "__metadata__"

// lengthBytes is the size of the length field; offsets in messages count from
// the start of the file, so the header text begins there.
const lengthBytes = 8

// dtypes lists the number types of the format and the bits of one element, in
// the order in which messages list them.
var dtypes = []struct {
	name string
	bits int
}{
	{"BOOL", 8}, {"F4", 4}, {"F6_E2M3", 6}, {"F6_E3M2", 6},
	{"U8", 8}, {"I8", 8}, {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8},
	{"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8},
	{"I16", 16}, {"U16", 16}, {"F16", 16}, {"BF16", 16},
	{"I32", 32}, {"U32", 32}, {"F32", 32},
	{"C64", 64}, {"F64", 64}, {"I64", 64}, {"U64", 64},
}

// DTypes returns the names of the format's 22 number types.
func DTypes() []string {
	names := make([]string, len(dtypes))
	for i, d := range dtypes {
		names[i] = d.name
	}
	return names
}

// Bits returns the size in bits of one element of a type, by its exact name
// (upper case); ok is false for a name that the format does not have.
func Bits(dtype string) (bits int, ok bool) {
	_, bits, ok = canonical(dtype)
	return bits, ok
}

// canonical returns the name of a type from the table, so that a file with a
// million tensors does not keep a million copies of it.
func canonical(dtype string) (name string, bits int, ok bool) {
	for _, d := range dtypes {
		if d.name == dtype {
			return d.name, d.bits, true
		}
	}
	return "", 0, false
}
