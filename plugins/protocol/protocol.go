// Package protocol carries the wire format of external modes as it was
// released: the proto file, its descriptor and what must not change in them.
//
// README.md says in prose what a plugin has to do. The Go code of the messages
// is package modev1.
package protocol

import _ "embed"

// Mode1 is mode1.proto.
//
//go:embed mode1.proto
var Mode1 []byte

// Mode1Descriptor is the serialised FileDescriptorProto of mode1.proto.
//
//go:embed mode1.binpb
var Mode1Descriptor []byte

// Released maps the released proto files to their SHA-256. A released file
// never changes: an addition is a new field with a feature, made before a
// release, and a breaking change is a new file.
var Released = map[string]string{
	"mode1.proto": "fbede1834f1b8a5718eae47c8395fedcc82c8f08cf31b7d62594243bc89aae37",
}
