package toproto

import (
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

// Failure maps a failed call to the status that ends it and the trailer that
// carries its detail.
func Failure(f wire.Failure) (*status.Status, metadata.MD) {
	code := f.Code
	if code == codes.OK {
		code = codes.Internal
	}
	detail := &modev1.ErrorDetail{
		Kind:    kindOf(code),
		Subject: strings.ToValidUTF8(f.Subject, "\uFFFD"),
		Hint:    strings.ToValidUTF8(f.Hint, "\uFFFD"),
	}
	// A message without required fields and with valid text always marshals.
	raw, _ := proto.Marshal(detail)
	return status.New(code, strings.ToValidUTF8(f.Message, "\uFFFD")), metadata.Pairs(wire.ErrorTrailer, string(raw))
}

func kindOf(code codes.Code) modev1.ErrorDetail_Kind {
	switch code {
	case codes.InvalidArgument:
		return modev1.ErrorDetail_KIND_OPTION
	case codes.NotFound:
		return modev1.ErrorDetail_KIND_UNKNOWN_MODE
	case codes.FailedPrecondition:
		return modev1.ErrorDetail_KIND_LAYOUT
	case codes.Unimplemented:
		return modev1.ErrorDetail_KIND_UNSUPPORTED
	case codes.ResourceExhausted:
		return modev1.ErrorDetail_KIND_TOO_LARGE
	case codes.DeadlineExceeded:
		return modev1.ErrorDetail_KIND_TIMEOUT
	case codes.Unavailable:
		return modev1.ErrorDetail_KIND_GONE
	case codes.Canceled:
		return modev1.ErrorDetail_KIND_CANCELED
	case codes.DataLoss:
		return modev1.ErrorDetail_KIND_BAD_REPLY
	default:
		return modev1.ErrorDetail_KIND_PLUGIN
	}
}
