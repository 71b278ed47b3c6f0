package plugins

import (
	"encoding/binary"
	"math"
)

func floats(first, n uint64) []byte {
	out := make([]byte, 0, 4*n)
	for i := range n {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(first+i)))
	}
	return out
}

// acts are the programs that the test binary can be.
var acts = map[string]func(args []string){
	"good": func([]string) { serve(&server{}) },
}

func actHost([]string) {}
