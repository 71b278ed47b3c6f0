// Command keyed_go draws by keys what scripts/reference/keyed asks for, so that
// the script can compare it with torch. It uses only the public package rng;
// the script is the place that knows what is right.
//
// Instructions are JSON objects, one a line, on standard input. Answers are raw
// little-endian values on standard output, without any frame: the script knows
// how many to expect.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/rng"
)

// instruction asks for N elements from First on, of the key (Seed, Offset)
// folded with each of Fold.
type instruction struct {
	Seed, Offset uint64
	Fold         []uint64
	Draw         string // normal or uniform; key gives the key's pair
	A, B         float64
	Wide         bool
	First, N     int64
}

func main() {
	in, out := json.NewDecoder(os.Stdin), bufio.NewWriterSize(os.Stdout, 1<<20)
	for {
		var i instruction
		err := in.Decode(&i)
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			err = i.answer(out)
		}
		if err == nil {
			err = out.Flush()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "keyed_go:", err)
			os.Exit(3)
		}
	}
}

func (i instruction) answer(w io.Writer) error {
	key := rng.KeyOf(i.Seed, i.Offset)
	for _, data := range i.Fold {
		key = key.FoldIn(data)
	}
	var d dist.Dist
	switch i.Draw {
	case "key":
		seed, offset := key.Pair()
		return binary.Write(w, binary.LittleEndian, []uint64{seed, offset})
	case "normal":
		d.Draw = dist.Normal{Mean: i.A, Std: i.B}
	case "uniform":
		d.Draw = dist.Uniform{Low: i.A, High: i.B}
	default:
		return fmt.Errorf("draw %q: use key, normal or uniform", i.Draw)
	}
	if i.Wide {
		values := make([]float64, i.N)
		rng.FillKeyed(values, key, d, i.First)
		return binary.Write(w, binary.LittleEndian, values)
	}
	values := make([]float32, i.N)
	rng.FillKeyed(values, key, d, i.First)
	return binary.Write(w, binary.LittleEndian, values)
}
