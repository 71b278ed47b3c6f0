package npy

import (
	"fmt"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
)

// Extension is the ending of a file name.
const Extension = ".npy"

// CheckName reports, naming the tensor, why its name must not become the name
// of a file: it is empty, "." or "..", has a slash, a backslash, a control
// character or bytes that are not UTF-8, or more than 240 bytes. On Windows its
// reserved names, the characters that it forbids and a last dot or space are
// refused as well.
func CheckName(tensor string) error {
	if problem := nameProblem(tensor, runtime.GOOS == "windows"); problem != "" {
		return fmt.Errorf("npy: tensor %s cannot be the name of a file: %s: store it in a safetensors file", shown.Quote(tensor), problem)
	}
	return nil
}

// CheckNames is [CheckName] for all tensors of a directory. Two equal names are
// an error, and so are, on systems that fold letter case, two that differ in
// nothing else.
func CheckNames(tensors []string) error {
	return checkNames(tensors, runtime.GOOS == "windows" || runtime.GOOS == "darwin")
}

func checkNames(tensors []string, fold bool) error {
	seen := make(map[string]string, len(tensors))
	for _, tensor := range tensors {
		if err := CheckName(tensor); err != nil {
			return err
		}
		key := tensor
		if fold {
			key = foldCase(tensor)
		}
		if other, ok := seen[key]; ok {
			return fmt.Errorf("npy: tensors %s and %s would be one file here: rename one, or store them in a safetensors file", shown.Quote(other), shown.Quote(tensor))
		}
		seen[key] = tensor
	}
	return nil
}

// foldCase maps names that a file system without letter case may take for the
// same to one text.
func foldCase(s string) string { return strings.ToLower(strings.ToUpper(s)) }

func nameProblem(name string, windows bool) string {
	switch {
	case name == "":
		return "it is empty"
	case name == "." || name == "..":
		return "it is a folder"
	case len(name) > limits.TensorName:
		return fmt.Sprintf("it has %d bytes, the limit is %d", len(name), limits.TensorName)
	case !utf8.ValidString(name):
		return "it is not valid UTF-8"
	}
	for _, r := range name {
		switch {
		case r == '/' || r == '\\':
			return "it has a " + string(r)
		case unicode.IsControl(r):
			return fmt.Sprintf("it has the control character %U", r)
		}
	}
	if windows {
		return windowsProblem(name)
	}
	return ""
}

func windowsProblem(name string) string {
	if i := strings.IndexAny(name, `<>:"|?*`); i >= 0 {
		return "Windows forbids the character " + name[i:i+1]
	}
	if strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ") {
		return "Windows drops a last dot or space"
	}
	stem, _, _ := strings.Cut(strings.ToUpper(name), ".")
	stem = strings.TrimRight(stem, " ")
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return "Windows reserves it for a device"
	}
	if device, ok := strings.CutPrefix(stem, "COM"); ok && isDeviceNumber(device) {
		return "Windows reserves it for a device"
	}
	if device, ok := strings.CutPrefix(stem, "LPT"); ok && isDeviceNumber(device) {
		return "Windows reserves it for a device"
	}
	return ""
}

func isDeviceNumber(s string) bool {
	switch s {
	case "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³":
		return true
	}
	return false
}
