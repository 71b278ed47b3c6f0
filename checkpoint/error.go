package checkpoint

import (
	"github.com/weightinit/weightinit/internal/shown"
)

// Reason says what is wrong with a directory or an archive as a whole. It is
// itself an error, so that errors.Is(err, checkpoint.MissingFile) works. Faults
// of one file within have the types of its format.
type Reason uint8

// The reasons.
const (
	// NothingFound: the directory holds no tensors, or sets that cannot be told
	// apart.
	NothingFound Reason = iota + 1
	// BadIndex: the index is not JSON, or has no weight_map of names to files.
	BadIndex
	// BadFileName: a name that is no file of the directory or archive.
	BadFileName
	// MissingFile: a file that the index or manifest names is not there.
	MissingFile
	// BrokenLink: a symbolic link that leads to no file.
	BrokenLink
	// WrongShards: one of several files, and no index of them.
	WrongShards
	// WrongTensor: a tensor that is not where the index or manifest says, or
	// not as it says.
	WrongTensor
	// Duplicate: a name that occurs twice.
	Duplicate
	// TooMany: more tensors than the limit.
	TooMany
	// BadArchive: a .npz that is not as its directory says.
	BadArchive
	// NoVariant: the variant asked for is not there, or one must be asked for.
	NoVariant
)

var reasonNames = [...]string{
	"unknown reason", "nothing found", "index", "file name", "missing file", "symlink", "shards",
	"tensor", "duplicate", "too many tensors", "archive", "variant",
}

// Error returns the reason in a few words.
func (r Reason) Error() string {
	if int(r) >= len(reasonNames) {
		r = 0
	}
	return reasonNames[r]
}

// Error is the first fault of a directory or an archive.
type Error struct {
	// Path is the directory, or the file in it that says what is wrong.
	Path   string
	Reason Reason
	// Tensor is the tensor at fault; empty when there is none.
	Tensor string
	// File is the file (or the member) at fault; empty when there is none.
	File string
	// What is the problem and the next step, in words.
	What string
	// Err is the cause, when there is one.
	Err error
}

// Error returns one line: the path and the problem.
func (e *Error) Error() string { return "checkpoint: " + shown.Path(e.Path) + ": " + e.What }

// Is makes errors.Is(err, reason) hold.
func (e *Error) Is(target error) bool {
	r, ok := target.(Reason)
	return ok && r == e.Reason
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
