package plan

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
)

// computeDigest hashes the canonical encoding.
func (p *Plan) computeDigest() string {
	h := sha256.New()
	w := bufio.NewWriterSize(h, 1<<16)
	if p.plain() {
		p.encode(w)
	} else {
		p.encodeSteps(w)
	}
	_ = w.Flush() // a hash takes every write
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// plain tells whether parameters, draws and tensors are one to one, drawn in
// the compute type of the stored one: what the first form of the encoding can
// say.
func (p *Plan) plain() bool {
	if p.replayed || p.opts.Drawn != p.opts.DType.Compute() || p.part && p.opts.Streams == Torch || len(p.tensors) != len(p.params) {
		return false
	}
	for i, t := range p.tensors {
		if t.Param != i || t.DType != p.opts.DType || t.Name != p.params[i].Name || !slices.Equal(t.Shape, p.params[i].Shape) {
			return false
		}
	}
	return true
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
// A line is the name, the shape, the draw and the steps after it. A draw is its
// kind and its numbers in the order of [dist.Numbers], a step its kind and its
// operand. A choice stands there by its name, and of lists first their length:
//
//	blocks COUNT, then for each " (ROWS DRAW STEPS)"
//	zero_rows COUNT, then for each " FIRST+COUNT"
//
// Beside numbers only a filled parameter has something:
//
//	fill, then of the mode that fills " LENGTH:ID LENGTH:OPTIONS
//	     LENGTH:ARCHITECTURE", its options as JSON, and the sizes of the
//	     model in the order of layout.Facts
//	pieces COUNT, then for each " (SHAPE into REGION DRAW STEPS)", with the
//	     steps that the whole has after its own
//
// REGION is the four numbers of layout.Region. The steps after a fill are
// followed by what else its plugin is told, as far as there is any:
//
//	zero_range              an initializer_range of 0 is set
//	transposed
//	padding_row ROW
//	pieces COUNT            then for each " (LENGTH:ROLE SHAPE into REGION
//	                        fans FAN_IN FAN_OUT)"
//	config SHA256           of the config as canonical JSON, in hexadecimal
//
// The mode's name is not part of it, but for parameters that it fills itself:
// what counts is what it assigned.
func (p *Plan) encode(w io.Writer) {
	fmt.Fprintf(w, "weightinit-plan/1\nseed %d\nstreams %s\ndtype %s\n", p.opts.Seed, p.opts.Streams, p.opts.DType)
	for _, param := range p.params {
		fmt.Fprintf(w, "%d:%s %d ", len(param.Name), param.Name, param.Shape)
		p.encodeParam(w, param)
		fmt.Fprintln(w)
	}
}

// encodeSteps writes the second form, for plans in which parameters, draws and
// tensors are not one to one:
//
//	weightinit-plan/2
//	seed 42
//	streams torch
//	parameter 10:emb.weight 35               name and elements
//	discard f32 25 uniform                    type, elements and kind
//	draw f32 [7 5] normal MEAN STD into 0 0 1 35 35
//	tensor 10:emb.weight [7 5] f32 0 0        name, shape, type, parameter, first element
//
// The numbers after into are the parameter's, and those of layout.Region.
// Parameters stand in the order in which they are first drawn, and are numbered
// so. Discards after the last draw that is kept are left out, and so are those
// that use no words, and all with keyed streams. A discard of another
// kind than these two stands there with shape and numbers, as these decide its
// words; one of an orthogonal matrix is one of normals.
//
// What only recorded programs have:
//
//	seed STREAM plan|NUMBER, save STREAM SLOT, load STREAM SLOT    before a draw
//	draw ... stream STREAM again held GROUP
//	group GROUP                              then its operations, in order:
//	 put STEP                                the values of a draw, by its line
//	 log to VIEW from VIEW                   a computation; a VIEW is parameter,
//	                                         type, offset, shape, strides
//	state 3:emb [7 5] 0 0 | state 4:head is 3:emb    where the state dict is not
//	                                                 what a file holds
func (p *Plan) encodeSteps(w io.Writer) {
	fmt.Fprintf(w, "weightinit-plan/2\nseed %d\nstreams %s\n", p.opts.Seed, p.opts.Streams)
	number, order := p.numbering()
	for _, i := range order {
		name := p.params[i].Name
		if p.params[i].Unnamed {
			name = ""
		}
		fmt.Fprintf(w, "parameter %d:%s %d\n", len(name), name, p.params[i].Elements)
	}
	for _, s := range p.steps[:p.Live()] {
		p.encodeMoves(w, s)
		if s.Param == Discard {
			p.encodeDiscard(w, s)
			continue
		}
		fmt.Fprintf(w, "draw %s %d ", s.In, shapeFor(s))
		p.encodeDist(w, s.Dist)
		if _, filled := s.Dist.Draw.(dist.Filled); filled {
			p.encodeTold(w, p.params[s.Param])
		}
		fmt.Fprintf(w, " into %d %s%s\n", number[s.Param], regionText(s.Into), suffix(s))
	}
	p.encodeHeld(w, number)
	for _, t := range p.tensors {
		fmt.Fprintf(w, "tensor %d:%s %d %s %d %d\n", len(t.Name), t.Name, t.Shape, t.DType, number[t.Param], t.First)
	}
	p.encodeState(w, number)
}

// shapeFor is the shape of a draw where it counts; else its elements are one
// dimension.
func shapeFor(s Step) []int64 {
	_, constant := s.Dist.Draw.(dist.Constant)
	_, truncated := s.Dist.Draw.(dist.TruncNormal)
	if constant && len(s.Dist.Post) == 0 || truncated && s.Param == Discard {
		return []int64{s.Elements}
	}
	return s.Shape
}

// suffix is what only some draws have.
func suffix(s Step) string {
	text := ""
	if s.Stream != 0 {
		text += fmt.Sprintf(" stream %d", s.Stream)
	}
	if s.Again {
		text += " again"
	}
	if s.Held > 0 {
		text += fmt.Sprintf(" held %d", s.Held)
	}
	return text
}

// numbering numbers the parameters by their first draw, and then by their place
// among the held and in the plan.
func (p *Plan) numbering() (number, order []int) {
	number = make([]int, len(p.params))
	for i := range number {
		number[i] = -1
	}
	see := func(param int) {
		if param != Discard && number[param] < 0 {
			number[param] = len(order)
			order = append(order, param)
		}
	}
	for _, s := range p.steps {
		see(s.Param)
	}
	for _, h := range p.held {
		for _, op := range h.Ops {
			if op.Step < 0 {
				see(op.Event.To.Param)
			}
		}
	}
	for _, t := range p.tensors {
		see(t.Param)
	}
	for i, param := range p.params {
		if !param.Unnamed && param.Tied == "" {
			see(i)
		}
	}
	return number, order
}

func (p *Plan) encodeMoves(w io.Writer, s Step) {
	if p.opts.Streams == Keyed {
		return
	}
	for _, m := range s.Before {
		switch {
		case m.Do != layout.Seed:
			fmt.Fprintf(w, "%s %d %d\n", m.Do, m.Stream, m.Slot)
		case m.Seed == nil:
			fmt.Fprintf(w, "seed %d plan\n", m.Stream)
		default:
			fmt.Fprintf(w, "seed %d %d\n", m.Stream, *m.Seed)
		}
	}
}

func (p *Plan) encodeHeld(w io.Writer, number []int) {
	line := make(map[int]int, len(p.steps)) // of the draws that are kept
	for i, s := range p.steps {
		if s.Param != Discard {
			line[i] = len(line)
		}
	}
	for g, h := range p.held {
		fmt.Fprintf(w, "group %d\n", g+1)
		for _, op := range h.Ops {
			if op.Step >= 0 {
				fmt.Fprintf(w, " put %d\n", line[op.Step])
				continue
			}
			e := op.Event
			fmt.Fprintf(w, " %s to %s", e.Do, p.viewText(e.To, number))
			for _, operand := range e.From {
				switch {
				case operand.View != nil:
					fmt.Fprintf(w, " from %s", p.viewText(*operand.View, number))
				case operand.Literal != nil:
					fmt.Fprintf(w, " from %s %x", operand.Literal.DType, sha256.Sum256(operand.Literal.Data))
				default:
					fmt.Fprintf(w, " from %016x", math.Float64bits(operand.Value))
				}
			}
			if e.Do == layout.Clamp {
				fmt.Fprintf(w, " within %s", dist.Bounds{Low: e.Low, High: e.High})
			}
			if e.Do == layout.Norm {
				fmt.Fprintf(w, " over %d", e.Dims)
			}
			fmt.Fprintln(w)
		}
	}
}

func (p *Plan) viewText(v layout.View, number []int) string {
	strides := v.Strides
	if contiguous(v) {
		strides = nil
	}
	return fmt.Sprintf("(%d %s %d %d %d)", number[v.Param], p.Type(v.Param), v.Offset, v.Shape, strides)
}

// encodeState writes the state dict where it is not what a file holds.
func (p *Plan) encodeState(w io.Writer, number []int) {
	same := func(e StateEntry, t Tensor) bool {
		return e.SameAs == "" && e.Name == t.Name && slices.Equal(e.Shape, t.Shape) && e.Param == t.Param && e.First == t.First
	}
	if slices.EqualFunc(p.stateDict, p.tensors, same) {
		return
	}
	for _, e := range p.stateDict {
		if e.SameAs != "" {
			fmt.Fprintf(w, "state %d:%s is %d:%s\n", len(e.Name), e.Name, len(e.SameAs), e.SameAs)
			continue
		}
		fmt.Fprintf(w, "state %d:%s %d %d %d\n", len(e.Name), e.Name, e.Shape, number[e.Param], e.First)
	}
}

func (p *Plan) encodeDiscard(w io.Writer, s Step) {
	if p.opts.Streams == Keyed || s.Elements == 0 {
		return
	}
	switch draw := s.Dist.Draw.(type) {
	case dist.Normal, dist.Orthogonal:
		fmt.Fprintf(w, "discard %s %d normal\n", s.In, s.Elements)
		return
	case dist.TruncNormal:
		if draw.Loose(s.Elements, s.In) {
			fmt.Fprintf(w, "discard %s %d normal\n", s.In, s.Elements)
			return
		}
	case dist.Uniform:
		fmt.Fprintf(w, "discard %s %d uniform\n", s.In, s.Elements)
		return
	}
	if _, uses := s.Dist.Draw.(dist.Drawer); uses {
		fmt.Fprintf(w, "discard %s %d ", s.In, shapeFor(s))
		p.encodeDist(w, dist.Dist{Draw: s.Dist.Draw})
		fmt.Fprintln(w)
	}
}

// Live returns the number of steps up to the last one that is kept: nothing
// after it decides a bit.
func (p *Plan) Live() int {
	for n := len(p.steps); n > 0; n-- {
		if p.steps[n-1].Param != Discard {
			return n
		}
	}
	return 0
}

func (p *Plan) encodeParam(w io.Writer, param Param) {
	switch draw := param.Dist.Draw.(type) {
	case dist.Pieces:
		p.encodePieces(w, param, draw)
	case dist.Filled:
		p.encodeDist(w, param.Dist)
		p.encodeTold(w, param)
	default:
		p.encodeDist(w, param.Dist)
	}
}

func (p *Plan) encodeDist(w io.Writer, d dist.Dist) {
	fmt.Fprint(w, d.Draw.Kind())
	for _, n := range dist.Numbers(d.Draw) {
		p.encodeValue(w, n.Value)
	}
	if _, filled := d.Draw.(dist.Filled); filled {
		p.encodeFiller(w)
	}
	for _, post := range d.Post {
		fmt.Fprintf(w, " %s", post.Kind())
		p.encodeValue(w, post.Operand())
	}
}

func (p *Plan) encodeValue(w io.Writer, value any) {
	switch v := value.(type) {
	case float64:
		fmt.Fprintf(w, " %016x", math.Float64bits(v))
	case []int64:
		fmt.Fprintf(w, " %d", len(v))
		for _, n := range v {
			fmt.Fprintf(w, " %d", n)
		}
	case dtype.Type:
		fmt.Fprintf(w, " %s", v)
	case []dist.Range:
		fmt.Fprintf(w, " %d", len(v))
		for _, r := range v {
			fmt.Fprintf(w, " %d+%d", r.First, r.Count)
		}
	case []dist.Part:
		fmt.Fprintf(w, " %d", len(v))
		for _, part := range v {
			fmt.Fprintf(w, " (%d ", part.Rows)
			p.encodeDist(w, part.Dist)
			fmt.Fprint(w, ")")
		}
	default: // a count or a name
		fmt.Fprintf(w, " %v", v)
	}
}

// encodeFiller writes everything that decides the values a plugin makes.
func (p *Plan) encodeFiller(w io.Writer) {
	for _, text := range []string{p.Mode(), string(p.optionsJSON), p.model.Architecture} {
		fmt.Fprintf(w, " %d:%s", len(text), text)
	}
	f := p.model
	for _, size := range []int64{f.Layers, f.DModel, f.DHead, f.Heads, f.KVHeads, f.DMLP, f.DVocab, f.Ctx} {
		fmt.Fprintf(w, " %d", size)
	}
	rho := 0.0 // also where none is set
	if f.InitializerRange != nil {
		rho = *f.InitializerRange
	}
	p.encodeValue(w, rho)
}
