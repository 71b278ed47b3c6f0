package registry

import (
	"fmt"
	"strings"

	"github.com/weightinit/weightinit/internal/nearest"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/layout"
)

// UnknownError is returned for a name that is not registered.
type UnknownError struct {
	// What is the kind of thing that was looked for, such as "mode".
	What string
	// Name is what was asked for.
	Name string
	// Known are the names there are, sorted.
	Known []string
	// Nearest is the known name most like Name; empty when none is near.
	Nearest string
}

// newUnknown builds the error and finds the nearest known name.
func newUnknown(what, name string, known []string) *UnknownError {
	return &UnknownError{What: what, Name: name, Known: known, Nearest: nearest.Name(name, known)}
}

func (e *UnknownError) Error() string {
	text := fmt.Sprintf("unknown %s %s: ", e.What, shown.Quote(e.Name))
	if e.Nearest != "" {
		text += fmt.Sprintf("did you mean %q? ", e.Nearest)
	}
	if len(e.Known) == 0 {
		return text + "there are none"
	}
	return text + "supported: " + strings.Join(e.Known, ", ")
}

// DuplicateError is returned when a name already means another mode.
type DuplicateError struct {
	Name      string
	Have, New ID
}

func (e *DuplicateError) Error() string {
	return fmt.Sprintf("registry: the name %q of mode %q is already taken by mode %q", e.Name, e.New, e.Have)
}

// NoRuleError is returned by a mode that has no rule for a parameter.
type NoRuleError struct {
	// Mode is its name; empty for a mode that does not know it.
	Mode  string
	Param string
	Role  layout.Role
}

func (e *NoRuleError) Error() string {
	if e.Mode == "" {
		return fmt.Sprintf("the mode has no rule for parameter %q of role %q: choose another mode", e.Param, e.Role)
	}
	return fmt.Sprintf("mode %q has no rule for parameter %q of role %q: choose another mode", e.Mode, e.Param, e.Role)
}

// OptionError is returned for an option that a mode does not have, or for a
// value that it does not take.
type OptionError struct {
	// Option is the option's name as given.
	Option string
	// Value is the value as given; empty for an unknown option.
	Value string
	// Missing says that the option needs a value and has none.
	Missing bool
	// Problem says what is wrong and what is allowed.
	Problem string
}

func (e *OptionError) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("option %s: %s", shown.Quote(e.Option), e.Problem)
	}
	return fmt.Sprintf("option %s: value %s: %s", shown.Quote(e.Option), shown.Quote(e.Value), e.Problem)
}
