package wire

import (
	"strings"

	"google.golang.org/grpc/codes"

	"github.com/weightinit/weightinit/internal/shown"
)

// MaxShown is the most bytes of a plugin's own words in one message.
const MaxShown = 300

// Failure is a failed call: the gRPC status and its detail. All its texts come
// from the other side; Error quotes and cuts them.
type Failure struct {
	// Code is never OK.
	Code codes.Code
	// Message is the text of the status.
	Message string
	// Subject is the parameter or the option that the failure is about.
	Subject string
	// Hint is what the user can do next.
	Hint string
}

// Error is one line without control characters.
func (f *Failure) Error() string {
	text := Text(f.Message)
	if text == "" {
		text = "no reason given"
	}
	if f.Subject != "" && !strings.Contains(f.Message, f.Subject) {
		text = Text(f.Subject) + ": " + text
	}
	if f.Hint != "" {
		text += "; " + Text(f.Hint)
	}
	return text
}

// Text makes a plugin's words fit for a message: one line, control characters
// escaped, at most about [MaxShown] bytes.
func Text(s string) string { return shown.Cut(s, MaxShown) }
