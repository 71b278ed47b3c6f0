package inputfile

import (
	"bytes"
)

// Guess names what a file is that does not begin as its format does, from its
// first bytes, and what to do about it; empty when it is nothing well known.
// Readers use it to explain a refusal, never to decide one.
func Guess(head []byte) string {
	text := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n"))
	for _, known := range []struct {
		start string
		text  bool
		is    string
	}{
		{"version https://git-lfs", true, `a Git LFS pointer: fetch the file itself with "git lfs pull"`},
		{"<!doctype html", true, "an HTML page: download the file itself"},
		{"<html", true, "an HTML page: download the file itself"},
		{"<?xml", true, "an XML or HTML page: download the file itself"},
		{"PK\x03\x04", false, "a zip archive (.npz, or a PyTorch .pt or .bin file)"},
		{"\x1f\x8b", false, "a gzip file: unpack it first"},
		{"\x28\xb5\x2f\xfd", false, "a zstd file: unpack it first"},
		{"\x93NUMPY", false, "a .npy file: give it that ending"},
		{"GGUF", false, "a GGUF file"},
		{"\x89HDF", false, "an HDF5 file"},
		{"\x80\x02", false, "a Python pickle, which can run code when it is read"},
		{"\x80\x03", false, "a Python pickle, which can run code when it is read"},
		{"\x80\x04", false, "a Python pickle, which can run code when it is read"},
		{"\x80\x05", false, "a Python pickle, which can run code when it is read"},
	} {
		if known.text && bytes.HasPrefix(text, []byte(known.start)) || !known.text && bytes.HasPrefix(head, []byte(known.start)) {
			return known.is
		}
	}
	return ""
}

// GuessLen is how many bytes of a file [Guess] wants to see.
const GuessLen = 512
