package protocol_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/weightinit/weightinit/plugins/protocol"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

func TestProtoFilesAreTheRecordedOnes(t *testing.T) {
	files, err := filepath.Glob("*.proto")
	require.NoError(t, err)
	require.Len(t, files, len(protocol.Released), "every proto file is recorded, and every record has its file")
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		sum := sha256.Sum256(text)
		require.Equal(t, protocol.Released[name], hex.EncodeToString(sum[:]), name)
	}
}

func recorded(t *testing.T) *descriptorpb.FileDescriptorProto {
	t.Helper()
	file := &descriptorpb.FileDescriptorProto{}
	require.NoError(t, proto.Unmarshal(protocol.Mode1Descriptor, file))
	return file
}

func TestGeneratedCodeHasTheRecordedDescriptor(t *testing.T) {
	generated := protodesc.ToFileDescriptorProto(modev1.File_mode1_proto)
	require.True(t, proto.Equal(recorded(t), generated), "run scripts/generate-proto")
	require.Empty(t, generated.GetDependency(), "the Python SDK adds the descriptor to an empty pool")
}

// flatten lists every field and enum value with what the wire depends on.
func flatten(file *descriptorpb.FileDescriptorProto) map[string]string {
	out := map[string]string{}
	var message func(prefix string, m *descriptorpb.DescriptorProto)
	enum := func(prefix string, e *descriptorpb.EnumDescriptorProto) {
		for _, v := range e.GetValue() {
			out[prefix+e.GetName()+"="+fmt.Sprint(v.GetNumber())] = v.GetName()
		}
	}
	message = func(prefix string, m *descriptorpb.DescriptorProto) {
		prefix += m.GetName() + "."
		for _, f := range m.GetField() {
			out[prefix+fmt.Sprint(f.GetNumber())] = fmt.Sprint(f.GetName(), f.GetType(), f.GetTypeName(), f.GetLabel(), f.GetProto3Optional(), f.OneofIndex != nil)
		}
		for _, inner := range m.GetNestedType() {
			message(prefix, inner)
		}
		for _, e := range m.GetEnumType() {
			enum(prefix, e)
		}
	}
	for _, m := range file.GetMessageType() {
		message("", m)
	}
	for _, e := range file.GetEnumType() {
		enum("", e)
	}
	for _, s := range file.GetService() {
		for _, m := range s.GetMethod() {
			out[s.GetName()+"/"+m.GetName()] = fmt.Sprint(m.GetInputType(), m.GetOutputType(), m.GetClientStreaming(), m.GetServerStreaming())
		}
	}
	return out
}

// missing returns what of old is not the same in now.
func missing(old, now *descriptorpb.FileDescriptorProto) []string {
	have := flatten(now)
	var out []string
	for key, is := range flatten(old) {
		if have[key] != is {
			out = append(out, key)
		}
	}
	return out
}

func TestNoFieldOfTheRecordedDescriptorIsRemovedOrChanged(t *testing.T) {
	require.Empty(t, missing(recorded(t), protodesc.ToFileDescriptorProto(modev1.File_mode1_proto)))

	changed := recorded(t)
	changed.MessageType[0].Field[0].Number = proto.Int32(99)
	require.Equal(t, []string{"DescribeRequest.1"}, missing(recorded(t), changed), "the comparison itself finds a renumbered field")
}

func TestFieldNumbersAreThoseOfTheProtocol(t *testing.T) {
	dist := (&modev1.Dist{}).ProtoReflect().Descriptor().Fields()
	for name, number := range map[string]int{
		"constant": 1, "uniform": 2, "normal": 3, "trunc_normal": 4, "eye": 5, "dirac": 6,
		"orthogonal": 7, "sparse": 8, "blocks": 9, "fill": 10, "bilinear": 11,
		"delta_orthogonal": 12, "block_orthogonal": 13, "zero_init": 14, "lstm_forget_bias": 15, "pieces": 18, "post": 16, "formula": 17,
	} {
		f := dist.ByName(protoreflect.Name(name))
		require.NotNil(t, f, name)
		require.EqualValues(t, number, f.Number(), name)
	}
	require.Equal(t, 18, dist.Len())
}
