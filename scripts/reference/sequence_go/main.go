// Command sequence_go draws sequences of tensors from one generator for
// scripts/parity-tensor, which compares them with torch: what is drawn last
// shows where the draws before it left the stream. It uses only the public
// package rng.
//
// Each line of standard input is a JSON object with a sequence, each line of
// standard output the SHA-256 of all its values, little-endian, joined; values of
// half types stand there as float32.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/rng"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	err := serve(json.NewDecoder(os.Stdin), out)
	if err = errors.Join(err, out.Flush()); err != nil {
		fmt.Fprintln(os.Stderr, "sequence_go:", err)
		os.Exit(3)
	}
}

// sequence is one line of input.
type sequence struct {
	Seed  uint64 `json:"seed"`
	Draws []draw `json:"draws"`
}

// draw is one tensor. Numbers are those of the kind in the order of dist, with
// rows and columns for sparse.
type draw struct {
	Kind    string    `json:"kind"`  // normal, uniform, trunc_normal or sparse
	DType   string    `json:"dtype"` // the type that it is drawn in
	Numbers []float64 `json:"numbers"`
	N       int64     `json:"n"`
	Rows    int64     `json:"rows"`
}

func serve(in *json.Decoder, out io.Writer) error {
	for {
		var s sequence
		if err := in.Decode(&s); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		data, err := s.bytes()
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%x\n", sha256.Sum256(data)); err != nil {
			return err
		}
	}
}

func (s sequence) bytes() ([]byte, error) {
	stream := rng.New(s.Seed)
	var out []byte
	for _, d := range s.Draws {
		if len(d.Numbers) < 2 || d.Kind == "trunc_normal" && len(d.Numbers) < 4 || d.N < 0 {
			return nil, fmt.Errorf("draw %q with %d numbers and %d elements: numbers are missing", d.Kind, len(d.Numbers), d.N)
		}
		in, err := dtype.Parse(d.DType)
		if err != nil {
			return nil, err
		}
		if in == dtype.F64 {
			out, err = appendValues[float64](out, stream, d, in)
		} else {
			out, err = appendValues[float32](out, stream, d, in)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func appendValues[T float32 | float64](out []byte, stream *rng.Stream, d draw, in dtype.Type) ([]byte, error) {
	values := make([]T, d.N)
	proceed := func() error { return nil }
	x := d.Numbers
	switch d.Kind {
	case "normal":
		rng.FillIn(stream, dist.Dist{Draw: dist.Normal{Mean: x[0], Std: x[1]}}, values, in)
	case "uniform":
		rng.FillIn(stream, dist.Dist{Draw: dist.Uniform{Low: x[0], High: x[1]}}, values, in)
	case "trunc_normal":
		t := rng.BeginTruncatedIn[T](stream, dist.TruncNormal{Mean: x[0], Std: x[1], A: x[2], B: x[3]}, d.N, in)
		if _, err := t.Next(values, proceed); err != nil {
			return nil, err
		}
	case "sparse":
		rng.FillIn(stream, dist.Dist{Draw: dist.Normal{Std: x[1]}}, values, in)
		zeros := int64(math.Ceil(x[0] * float64(d.Rows)))
		mask, err := rng.NewMask(stream, d.Rows, d.N/max(d.Rows, 1), zeros, 0, d.N, proceed)
		if err != nil {
			return nil, err
		}
		rng.Zero(values, 0, mask)
	default:
		return nil, fmt.Errorf("draw %q: unknown", d.Kind)
	}
	return binary.Append(out, binary.LittleEndian, values)
}
