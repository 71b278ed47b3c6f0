package npy

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/weightinit/weightinit/checkpoint/internal/sizes"
	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/strictjson"
	"github.com/weightinit/weightinit/layout"
)

// ManifestName is the file beside a directory of arrays that says what they are.
const ManifestName = "manifest.json"

// The formats of a manifest, the text under its key "format".
const (
	// ManifestFormat is what [Manifest.Encode] writes.
	ManifestFormat = "weightinit-npy/1"
	// ReferenceFormat is what the reference scripts write.
	ReferenceFormat = "weightinit-reference/1"
)

// Manifest describes a directory of arrays.
type Manifest struct {
	// Format is one of the two formats above; [Manifest.Encode] does not look at it.
	Format string
	// Metadata is the record of how the arrays were made. In a reference
	// manifest it holds the texts and numbers that stand beside the tensors,
	// such as "torch_version".
	Metadata map[string]string
	// Tensors are in the writer's order.
	Tensors []ManifestTensor
}

// ManifestTensor describes one array of a directory.
type ManifestTensor struct {
	Name string
	// File is the name of a file in the same directory.
	File string
	// DType is a stored type by its name in package layout, such as "bf16", or
	// one of masks, counters and complex numbers, such as "bool" or "i64". It
	// says what the bits mean: bf16 values are in an array of "<u2".
	DType string
	Shape []int64
	// SHA256 is the digest of the whole file in lower-case hexadecimal digits;
	// empty when the writer gave none.
	SHA256 string
}

// Encode returns the text of the manifest in [ManifestFormat], whatever
// m.Format is: JSON, one tensor a line, metadata keys sorted, so equal manifests
// give equal bytes. What [ParseManifest] refuses is an error.
func (m Manifest) Encode() ([]byte, error) {
	m.Format = ManifestFormat
	if err := checkManifest(&m, func(i int, field, what string) error {
		return fmt.Errorf("npy: tensor %s: %s", shown.Quote(m.Tensors[i].Name), what)
	}); err != nil {
		return nil, err
	}
	b := []byte("{\n \"format\": \"" + ManifestFormat + "\",\n \"metadata\": {")
	for i, key := range slices.Sorted(maps.Keys(m.Metadata)) {
		if !utf8.ValidString(key) || !utf8.ValidString(m.Metadata[key]) {
			return nil, fmt.Errorf("npy: metadata %s: not valid UTF-8", shown.Quote(key))
		}
		b = appendComma(b, i)
		b = append(b, "\n  "...)
		b = strictjson.AppendString(b, key)
		b = append(b, ": "...)
		b = strictjson.AppendString(b, m.Metadata[key])
	}
	b = append(b, "\n },\n \"tensors\": ["...)
	for i, t := range m.Tensors {
		b = appendComma(b, i)
		b = append(b, "\n  {\"name\": "...)
		b = strictjson.AppendString(b, t.Name)
		b = append(b, ", \"file\": "...)
		b = strictjson.AppendString(b, t.File)
		b = append(b, ", \"dtype\": \""+t.DType+"\", \"shape\": ["...)
		for j, d := range t.Shape {
			b = appendComma(b, j)
			b = strconv.AppendInt(b, d, 10)
		}
		b = append(b, ']')
		if t.SHA256 != "" {
			b = append(b, ", \"sha256\": \""+t.SHA256+"\""...)
		}
		b = append(b, '}')
	}
	b = append(b, "\n ]\n}\n"...)
	if len(b) > limits.Index {
		return nil, fmt.Errorf("npy: the manifest has %d bytes, the limit is %d: use a safetensors file", len(b), limits.Index)
	}
	return b, nil
}

func appendComma(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}

// ParseManifest reads a manifest of either format. A manifest of our own is read
// strictly: every key is known. In one of the reference scripts unknown keys
// beside the tensors are ignored, as they only describe the machine. path
// stands in messages. The error is an *[Error] with the reason BadManifest.
func ParseManifest(text []byte, path string) (*Manifest, error) {
	r := manifestReader{path: path, m: &Manifest{Metadata: map[string]string{}}, tensor: -1}
	if len(text) > limits.Index {
		return nil, r.fault("", -1, fmt.Sprintf("%d bytes, the limit is %d", len(text), limits.Index))
	}
	r.p = strictjson.New(text, limits.Depth)
	err := r.p.Object(r.readKey)
	if err == nil {
		r.field = ""
		err = r.p.End()
	}
	if err != nil {
		return nil, r.wrap(err)
	}
	if err := r.finish(); err != nil {
		return nil, err
	}
	return r.m, nil
}

// manifestReader is a manifest being read. Its format may stand anywhere, so
// what depends on it is decided at the end.
type manifestReader struct {
	path string
	p    *strictjson.Parser
	m    *Manifest

	metadata, tensors bool
	described         map[string]string
	unknown           string
	unknownAt         int64

	field   string
	tensor  int
	offsets []int64
}

func (r *manifestReader) readKey(key string, at int64) error {
	r.field = key
	switch key {
	case "format":
		var err error
		r.m.Format, err = r.p.String()
		return err
	case "metadata":
		r.metadata = true
		return r.p.Object(func(key string, _ int64) error {
			r.field = "metadata." + key
			text, err := r.p.String()
			r.m.Metadata[key] = text
			return err
		})
	case "tensors":
		r.tensors = true
		return r.p.Array(r.readTensor)
	}
	if r.unknown == "" {
		r.unknown, r.unknownAt = key, at
	}
	return r.describe(key)
}

// describe keeps a text or a number that stands beside the tensors.
func (r *manifestReader) describe(key string) error {
	kind, err := r.p.Peek()
	if err != nil {
		return err
	}
	var text string
	switch kind {
	case strictjson.String:
		text, err = r.p.String()
	case strictjson.Number:
		text, err = r.p.Number()
	default:
		return r.p.Skip()
	}
	if r.described == nil {
		r.described = map[string]string{}
	}
	r.described[key] = text
	return err
}

func (r *manifestReader) readTensor(i int) error {
	if i >= limits.Tensors {
		return r.fault("tensors", r.p.Offset(), fmt.Sprintf("tensors: more than the limit of %d", limits.Tensors))
	}
	r.field, r.tensor = "", i
	r.offsets = append(r.offsets, r.p.Offset())
	t := ManifestTensor{}
	has := map[string]bool{}
	err := r.p.Object(func(field string, at int64) error {
		r.field = field
		has[field] = true
		var err error
		switch field {
		case "name":
			t.Name, err = r.p.String()
		case "file":
			t.File, err = r.p.String()
		case "sha256":
			if t.SHA256, err = r.p.String(); err == nil && t.SHA256 == "" {
				err = r.fault(field, at, "sha256: empty: leave it out, or write 64 digits")
			}
		case "dtype":
			at = r.p.Offset()
			if t.DType, err = r.p.String(); err == nil {
				if _, problem := parseDType(t.DType); problem != "" {
					return r.fault(field, at, problem)
				}
			}
		case "shape":
			t.Shape, err = r.readShape()
		default:
			return r.fault(field, at, "unknown field "+shown.Quote(field)+": an entry has name, file, dtype, shape and sha256")
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, field := range []string{"name", "file", "dtype", "shape"} {
		if !has[field] {
			return r.fault(field, r.offsets[i], "tensor "+shown.Quote(t.Name)+": no "+field+": an entry has name, file, dtype and shape")
		}
	}
	r.m.Tensors = append(r.m.Tensors, t)
	r.tensor = -1
	return nil
}

// otherTypes are the types of masks, counters and complex numbers, which a
// reference may hold and a plan does not, with their bytes.
var otherTypes = map[string]int64{
	"bool": 1, "i8": 1, "i16": 2, "i32": 4, "i64": 8, "u8": 1, "u16": 2, "u32": 4, "u64": 8, "c64": 8, "c128": 16,
}

// parseDType reads the exact name of a stored type and returns the bytes of
// an element.
func parseDType(name string) (size int64, problem string) {
	if size, ok := otherTypes[name]; ok {
		return size, ""
	}
	d, err := layout.ParseDType(name)
	if err != nil || d.String() != name {
		return 0, "dtype: unknown type " + shown.Quote(name) + ": use one of f32, f64, bf16, f16, bool, i8 to i64, u8 to u64, c64, c128"
	}
	return d.Size(), ""
}

func (r *manifestReader) readShape() ([]int64, error) {
	shape := []int64{}
	at := r.p.Offset()
	count := 0
	err := r.p.Array(func(int) error {
		at := r.p.Offset()
		literal, err := r.p.Number()
		if err != nil {
			return err
		}
		size, problem := parseSize(literal)
		if problem != "" {
			return r.fault("shape", at, "shape: size "+shown.Cut(literal, shown.MaxText)+" "+problem)
		}
		if count++; count <= limits.Dims {
			shape = append(shape, size)
		}
		return nil
	})
	if err == nil && count > limits.Dims {
		err = r.fault("shape", at, fmt.Sprintf("shape: %d dimensions, the limit is %d", count, limits.Dims))
	}
	return shape, err
}

// finish checks what holds for the whole manifest.
func (r *manifestReader) finish() error {
	switch r.m.Format {
	case ManifestFormat:
		if r.unknown != "" {
			return r.fault(r.unknown, r.unknownAt, "unknown key "+shown.Quote(r.unknown)+": a manifest has format, metadata and tensors")
		}
		if !r.metadata {
			return r.fault("metadata", -1, "no metadata: a manifest has format, metadata and tensors")
		}
	case ReferenceFormat:
		if r.metadata {
			return r.fault("metadata", -1, "unknown key metadata in a manifest of the format "+ReferenceFormat)
		}
		maps.Copy(r.m.Metadata, r.described)
	case "":
		return r.fault("format", -1, "no format: write "+ManifestFormat)
	default:
		return r.fault("format", -1, "unknown format "+shown.Quote(r.m.Format)+": "+ManifestFormat+" and "+ReferenceFormat+" are read")
	}
	if !r.tensors {
		return r.fault("tensors", -1, "no tensors: a manifest has format and tensors")
	}
	return checkManifest(r.m, func(i int, field, what string) error {
		return r.fault(field, r.offsets[i], "tensor "+shown.Quote(r.m.Tensors[i].Name)+": "+what)
	})
}

// checkManifest checks the entries against one another and their files' names
// by the rules for paths; bad makes the error.
func checkManifest(m *Manifest, bad func(i int, field, what string) error) error {
	if len(m.Tensors) > limits.Tensors {
		return fmt.Errorf("npy: %d tensors, the limit is %d", len(m.Tensors), limits.Tensors)
	}
	names := make(map[string]struct{}, len(m.Tensors))
	files := make(map[string]struct{}, len(m.Tensors))
	for i, t := range m.Tensors {
		if _, dup := names[t.Name]; dup {
			return bad(i, "name", "duplicate name: keep one")
		}
		if _, dup := files[t.File]; dup {
			return bad(i, "file", "duplicate file "+shown.Quote(t.File)+": every tensor has its own")
		}
		names[t.Name], files[t.File] = struct{}{}, struct{}{}
		if !utf8.ValidString(t.Name) {
			return bad(i, "name", "the name is not valid UTF-8: rename it")
		}
		stem, ok := strings.CutSuffix(t.File, Extension)
		if !ok {
			return bad(i, "file", "file "+shown.Quote(t.File)+" does not end in "+Extension)
		}
		if err := CheckName(stem); err != nil {
			return bad(i, "file", "file "+shown.Quote(t.File)+" is no name of a file in this directory")
		}
		size, problem := parseDType(t.DType)
		if problem != "" {
			return bad(i, "dtype", problem)
		}
		if len(t.Shape) > limits.Dims {
			return bad(i, "shape", fmt.Sprintf("shape: %d dimensions, the limit is %d", len(t.Shape), limits.Dims))
		}
		if _, _, problem := sizes.Of(t.Shape, int(8*size)); problem != "" {
			return bad(i, "shape", "shape: "+sizes.Text(t.Shape, "[", "]")+" "+problem)
		}
		if digest, err := hex.DecodeString(t.SHA256); err != nil || len(digest) != 0 && len(digest) != 32 || strings.ToLower(t.SHA256) != t.SHA256 {
			return bad(i, "sha256", "sha256: "+shown.Quote(t.SHA256)+" is not 64 lower-case hexadecimal digits")
		}
	}
	return nil
}

func (r *manifestReader) fault(field string, at int64, what string) error {
	if r.tensor >= 0 {
		what = fmt.Sprintf("tensors[%d]: %s", r.tensor, what)
	}
	return &Error{Path: r.path, Reason: BadManifest, Field: field, Offset: at, What: what}
}

// wrap puts the path and the place to an error of the JSON parser.
func (r *manifestReader) wrap(err error) error {
	var text *strictjson.Error
	if !errors.As(err, &text) {
		return err
	}
	what := text.Detail()
	if text.Reason == strictjson.WrongKind && r.field != "" {
		what = shown.Cut(r.field, shown.MaxText) + ": " + what
	}
	field := r.field
	if text.Reason == strictjson.Duplicate {
		field = text.Key
	}
	e := r.fault(field, text.Offset, what).(*Error)
	e.Err = text
	return e
}
