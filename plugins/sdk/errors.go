package sdk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"google.golang.org/grpc/codes"

	"github.com/weightinit/weightinit/plugins/internal/fromproto"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/registry"
)

// failureOf sorts an error of a mode into the protocol's kinds.
func failureOf(err error) wire.Failure {
	f := wire.Failure{Code: codes.Internal, Message: err.Error()}
	var (
		ready   *wire.Failure
		option  *registry.OptionError
		unknown *registry.UnknownError
		noRule  *registry.NoRuleError
		model   *LayoutError
		field   *fromproto.FieldError
	)
	switch {
	case errors.As(err, &ready):
		return *ready
	case errors.As(err, &option):
		f.Code, f.Subject = codes.InvalidArgument, option.Option
	case errors.As(err, &unknown):
		f.Code, f.Subject = codes.NotFound, unknown.Name
	case errors.As(err, &noRule):
		f.Code, f.Subject = codes.FailedPrecondition, noRule.Param
	case errors.As(err, &model):
		f.Code, f.Subject = codes.FailedPrecondition, model.Param
	case errors.As(err, &field):
		f.Code, f.Subject = codes.FailedPrecondition, field.Param
	case errors.Is(err, context.Canceled):
		f.Code = codes.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		f.Code = codes.DeadlineExceeded
	}
	return f
}

// guard runs f and turns a panic into an error; its stack goes to stderr,
// which the host takes as log lines.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(os.Stderr, "panic: %v\n%s", r, debug.Stack())
			err = fmt.Errorf("the mode panicked: %v", r)
		}
	}()
	return f()
}
