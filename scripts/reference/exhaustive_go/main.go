// Command exhaustive_go draws what scripts/reference/exhaustive asks for, so
// that the script can compare it with torch. It uses only the public package
// rng; the script is the place that knows what is right.
//
// Instructions are JSON objects, one a line, on standard input; those that
// carry numbers are followed by them, little-endian. Answers are raw
// little-endian bytes on standard output, without any frame: the script knows
// how many to expect.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/rng"
)

func main() {
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	if err := serve(bufio.NewReaderSize(os.Stdin, 1<<20), out); err != nil {
		fmt.Fprintln(os.Stderr, "exhaustive_go:", err)
		os.Exit(3)
	}
}

// instruction is one line of input. Op decides which other fields count.
type instruction struct {
	// Op is seed, fill, chosen, cast, advance, state, save or restore.
	Op    string
	Seed  uint64
	Draw  string // normal, uniform or constant
	A, B  float64
	Times *float64 // a multiply step after the draw
	DType string   // f32, f64, bf16 or f16
	N     int64    // elements; for chosen and cast the numbers that follow
	Piece int      // elements a call; 0: the whole tensor by Fill
	Words int      // for chosen: the words that one tensor takes
	Each  int64    // for chosen: the elements of one tensor
}

// server is the one stream that instructions speak of, and its saved state.
type server struct {
	in     *bufio.Reader
	out    *bufio.Writer
	stream *rng.Stream
	saved  []byte
}

func serve(in *bufio.Reader, out *bufio.Writer) error {
	s := &server{in: in, out: out, stream: rng.New(0)}
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return out.Flush()
		}
		if err != nil {
			return err
		}
		var i instruction
		if err := json.Unmarshal(line, &i); err != nil {
			return fmt.Errorf("instruction %q: %w", line, err)
		}
		if err := s.do(i); err != nil {
			return fmt.Errorf("instruction %q: %w", line, err)
		}
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}

func (s *server) do(i instruction) error {
	switch i.Op {
	case "seed":
		s.stream = rng.New(i.Seed)
	case "advance":
		s.stream.Advance(i.N)
	case "state":
		data, err := s.stream.State().MarshalBinary()
		if err != nil {
			return err
		}
		_, err = s.out.Write(data)
		return err
	case "save":
		var err error
		s.saved, err = s.stream.State().MarshalBinary()
		return err
	case "restore":
		return s.restore(s.saved)
	case "fill":
		return s.fill(i)
	case "chosen":
		return s.chosen(i)
	case "cast":
		return s.cast(i)
	default:
		return fmt.Errorf("unknown op")
	}
	return nil
}

func (s *server) restore(data []byte) error {
	var state rng.State
	if err := state.UnmarshalBinary(data); err != nil {
		return err
	}
	stream, err := rng.FromState(state)
	if err != nil {
		return err
	}
	s.stream = stream
	return nil
}

func (i instruction) dist() (dist.Dist, error) {
	var d dist.Dist
	switch i.Draw {
	case "normal":
		d.Draw = dist.Normal{Mean: i.A, Std: i.B}
	case "uniform":
		d.Draw = dist.Uniform{Low: i.A, High: i.B}
	case "constant":
		d.Draw = dist.Constant{Value: i.A}
	default:
		return d, fmt.Errorf("unknown draw")
	}
	if i.Times != nil {
		d.Post = []dist.Post{dist.Multiply{By: *i.Times}}
	}
	return d, nil
}

func (s *server) fill(i instruction) error {
	d, err := i.dist()
	if err != nil {
		return err
	}
	if i.DType == "f64" {
		return s.write(draw[float64](s.stream, d, i), "f64")
	}
	return s.write(draw[float32](s.stream, d, i), i.DType)
}

func draw[T float32 | float64](stream *rng.Stream, d dist.Dist, i instruction) []T {
	dst := make([]T, i.N)
	if i.Piece <= 0 {
		rng.Fill(stream, d, dst)
		return dst
	}
	tensor := rng.Begin[T](stream, d, i.N)
	for rest := dst; len(rest) > 0; {
		piece := rest[:min(i.Piece, len(rest))]
		tensor.Next(piece)
		rest = rest[len(piece):]
	}
	return dst
}

// write writes values as dtype. Values are a []float32 or a []float64.
func (s *server) write(values any, dtype string) error {
	narrow, _ := values.([]float32)
	cast := make([]byte, 2*len(narrow))
	switch dtype {
	case "bf16":
		rng.BF16(cast, narrow)
	case "f16":
		rng.F16(cast, narrow)
	case "f32", "f64":
		return binary.Write(s.out, binary.LittleEndian, values)
	default:
		return fmt.Errorf("unknown dtype")
	}
	_, err := s.out.Write(cast)
	return err
}

func (s *server) cast(i instruction) error {
	values := make([]float32, i.N)
	if err := binary.Read(s.in, binary.LittleEndian, values); err != nil {
		return err
	}
	return s.write(values, i.DType)
}

// The words of one chosen state: torch's script and this program put them
// behind the first 16 of a block of 624.
const (
	blockWords  = 624
	chosenFirst = 16
	chosenWords = blockWords - chosenFirst
)

// chosen draws tensors from generators whose next outputs are the i.N words
// that follow the instruction: as many tensors from a generator as find room.
func (s *server) chosen(i instruction) error {
	words := make([]uint32, i.N)
	if err := binary.Read(s.in, binary.LittleEndian, words); err != nil {
		return err
	}
	if i.Words < 1 || i.Words > chosenWords {
		return fmt.Errorf("%d words a tensor", i.Words)
	}
	i.N = i.Each
	for len(words) > 0 {
		k := min(len(words), chosenWords/i.Words*i.Words)
		if err := s.restore(stateBefore(words[:k])); err != nil {
			return err
		}
		for range k / i.Words {
			if err := s.fill(i); err != nil {
				return err
			}
		}
		words = words[k:]
	}
	return nil
}

// stateBefore encodes, in the documented form of [rng.State], a generator
// whose next outputs are the given untempered words.
func stateBefore(raw []uint32) []byte {
	data := make([]byte, 0, 2560)
	data = append(data, "wi-rng\x00\x01"...)
	data = binary.LittleEndian.AppendUint64(data, chosenFirst)
	data = append(data, make([]byte, 1+8+8+4*chosenFirst)...)
	for _, w := range raw {
		data = binary.LittleEndian.AppendUint32(data, w)
	}
	for range chosenWords - len(raw) {
		data = binary.LittleEndian.AppendUint32(data, 1)
	}
	return binary.LittleEndian.AppendUint32(data, crc32.ChecksumIEEE(data))
}
