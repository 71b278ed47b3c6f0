package plan

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"

	"github.com/weightinit/weightinit/dist"
)

// computeDigest hashes the canonical encoding.
func (p *Plan) computeDigest() string {
	h := sha256.New()
	w := bufio.NewWriterSize(h, 1<<16)
	p.encode(w)
	_ = w.Flush() // a hash takes every write
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// encode writes the canonical encoding: lines of text that hold everything
// that decides a bit, and nothing else. Names carry their length, numbers are
// the hexadecimal bits of a float64, so that any language can make the same
// lines:
//
//	weightinit-plan/1
//	seed 42
//	streams torch
//	dtype f32
//	16:tok_embed.weight [100 64] normal 0000000000000000 3f947ae147ae147b
//	14:ln_out.weight... [64] constant 3ff0000000000000
//	... [64 64] uniform bfb... 3fb... multiply 3ff0000000000000
//
// The mode's name is not part of it: what counts is what it assigned.
func (p *Plan) encode(w io.Writer) {
	fmt.Fprintf(w, "weightinit-plan/1\nseed %d\nstreams %s\ndtype %s\n", p.Seed, p.Streams, p.DType)
	for _, s := range p.Steps {
		fmt.Fprintf(w, "%d:%s %d %s", len(s.Param.Name), s.Param.Name, s.Param.Shape, s.Dist.Draw.Kind())
		switch d := s.Dist.Draw.(type) {
		case dist.Constant:
			fmt.Fprintf(w, " %016x", math.Float64bits(d.Value))
		case dist.Uniform:
			fmt.Fprintf(w, " %016x %016x", math.Float64bits(d.Low), math.Float64bits(d.High))
		case dist.Normal:
			fmt.Fprintf(w, " %016x %016x", math.Float64bits(d.Mean), math.Float64bits(d.Std))
		}
		for _, post := range s.Dist.Post {
			fmt.Fprintf(w, " %s", post.Kind())
			if m, ok := post.(dist.Multiply); ok {
				fmt.Fprintf(w, " %016x", math.Float64bits(m.By))
			}
		}
		fmt.Fprintln(w)
	}
}
