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
// the hexadecimal bits of a float64, counts are decimal, so that any language
// can make the same lines:
//
//	weightinit-plan/1
//	seed 42
//	streams torch     or keyed
//	dtype f32
//	16:tok_embed.weight [100 64] normal 0000000000000000 3f947ae147ae147b
//	14:ln_out.weight... [64] constant 3ff0000000000000
//	... [64 64] uniform bfb... 3fb... multiply 3ff0000000000000
//
// A line is the name, the shape, the draw and the steps after it. The draws:
//
//	constant VALUE
//	uniform LOW HIGH
//	normal MEAN STD
//	trunc_normal MEAN STD A B ALGORITHM
//	eye
//	dirac GROUPS
//	orthogonal GAIN
//	sparse SPARSITY STD
//	blocks COUNT, then for each " (ROWS DRAW STEPS)"
//	fill, then of the mode that fills " LENGTH:ID LENGTH:OPTIONS
//	     LENGTH:ARCHITECTURE", its options as JSON, and the sizes of the
//	     model in the order of layout.Facts
//
// The steps: multiply NUMBER, divide NUMBER, and zero_rows COUNT followed by
// FIRST+COUNT for each range.
//
// The mode's name is not part of it, but for parameters that it fills itself:
// what counts is what it assigned.
func (p *Plan) encode(w io.Writer) {
	fmt.Fprintf(w, "weightinit-plan/1\nseed %d\nstreams %s\ndtype %s\n", p.Seed, p.Streams, p.DType)
	for _, s := range p.Steps {
		fmt.Fprintf(w, "%d:%s %d ", len(s.Param.Name), s.Param.Name, s.Param.Shape)
		p.encodeDist(w, s.Dist)
		fmt.Fprintln(w)
	}
}

func (p *Plan) encodeDist(w io.Writer, d dist.Dist) {
	fmt.Fprint(w, d.Draw.Kind())
	switch d := d.Draw.(type) {
	case dist.Constant:
		encodeNumbers(w, d.Value)
	case dist.Uniform:
		encodeNumbers(w, d.Low, d.High)
	case dist.Normal:
		encodeNumbers(w, d.Mean, d.Std)
	case dist.TruncNormal:
		encodeNumbers(w, d.Mean, d.Std, d.A, d.B)
		fmt.Fprintf(w, " %s", d.Algorithm)
	case dist.Dirac:
		fmt.Fprintf(w, " %d", d.Groups)
	case dist.Orthogonal:
		encodeNumbers(w, d.Gain)
	case dist.Sparse:
		encodeNumbers(w, d.Sparsity, d.Std)
	case dist.Blocks:
		fmt.Fprintf(w, " %d", len(d.Parts))
		for _, part := range d.Parts {
			fmt.Fprintf(w, " (%d ", part.Rows)
			p.encodeDist(w, part.Dist)
			fmt.Fprint(w, ")")
		}
	case dist.Filled:
		for _, text := range []string{p.Mode, string(p.OptionsJSON), p.Model.Architecture} {
			fmt.Fprintf(w, " %d:%s", len(text), text)
		}
		f := p.Model
		for _, size := range []int64{f.Layers, f.DModel, f.DHead, f.Heads, f.KVHeads, f.DMLP, f.DVocab, f.Ctx} {
			fmt.Fprintf(w, " %d", size)
		}
		encodeNumbers(w, f.InitializerRange)
	}
	for _, post := range d.Post {
		fmt.Fprintf(w, " %s", post.Kind())
		switch post := post.(type) {
		case dist.Multiply:
			encodeNumbers(w, post.By)
		case dist.Divide:
			encodeNumbers(w, post.By)
		case dist.ZeroRows:
			fmt.Fprintf(w, " %d", len(post.Ranges))
			for _, r := range post.Ranges {
				fmt.Fprintf(w, " %d+%d", r.First, r.Count)
			}
		}
	}
}

func encodeNumbers(w io.Writer, numbers ...float64) {
	for _, v := range numbers {
		fmt.Fprintf(w, " %016x", math.Float64bits(v))
	}
}
