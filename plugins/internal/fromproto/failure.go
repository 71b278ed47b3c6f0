package fromproto

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

// Failure converts the error of a call and its trailer. A trailer that does
// not parse counts as none.
func Failure(err error, trailer metadata.MD) *wire.Failure {
	s, ok := status.FromError(err)
	if !ok || s.Code() == codes.OK {
		return &wire.Failure{Code: codes.Unknown, Message: err.Error()}
	}
	f := &wire.Failure{Code: s.Code(), Message: s.Message()}
	if detail, err := Detail(trailer); err == nil && detail != nil {
		f.Subject, f.Hint = detail.GetSubject(), detail.GetHint()
	}
	return f
}

// Detail reads the detail of a failure from the trailer of its call; nil when
// there is none.
func Detail(trailer metadata.MD) (*modev1.ErrorDetail, error) {
	values := trailer.Get(wire.ErrorTrailer)
	switch len(values) {
	case 0:
		return nil, nil
	case 1:
	default:
		return nil, fmt.Errorf("trailer %s is there %d times", wire.ErrorTrailer, len(values))
	}
	var detail modev1.ErrorDetail
	if err := proto.Unmarshal([]byte(values[0]), &detail); err != nil {
		return nil, errors.New("trailer " + wire.ErrorTrailer + " is no ErrorDetail")
	}
	return &detail, nil
}
