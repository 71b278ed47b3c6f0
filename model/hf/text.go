package hf

import (
	"bytes"
	"encoding/json"

	"github.com/weightinit/weightinit/internal/strictjson"
)

// quoted is a text in JSON.
func quoted(s string) string { return string(strictjson.AppendString(nil, s)) }

// compact is a JSON value without the white space between its parts.
func compact(value string) string {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(value)); err != nil {
		return value // it has been read before
	}
	return b.String()
}
