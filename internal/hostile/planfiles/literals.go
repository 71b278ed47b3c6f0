package planfiles

import "encoding/base64"

func encoded(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

// packed is a literal of 4 int64 with these bytes for its zlib.
func packed(data []byte) string {
	return `{"dtype":"int64","elements":4,"zlib":"` + encoded(data) + `"}`
}

func cutLiteral() string {
	data := deflated(make([]byte, 32))
	return packed(data[:len(data)-3])
}

func behindLiteral() string { return packed(append(deflated(make([]byte, 32)), 0, 1)) }

func wrongLiteral() string {
	data := deflated(make([]byte, 32))
	data[len(data)-1] ^= 1
	return packed(data)
}
