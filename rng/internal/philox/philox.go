// Package philox holds the arithmetic of torch.func._random: the counter-based
// generator Philox4x32-10 and what PyTorch makes of its words, uniforms and
// normals in float32 and float64.
//
// Every function takes a key and the number of an element, and works from
// there: nothing has a state, so any part of a tensor can be made by itself.
// Names of parameters, truncated normals and the like are not known here:
// package rng, which also holds the specification, does that.
package philox

// Key is a key of torch.func._random: the pair (seed, offset) that
// torch.func._random.key(seed) makes with offset 0.
type Key struct {
	Seed uint64
	// Offset is the block, of four words, at which the key's stream begins;
	// counting on from the last block of all gives the first.
	Offset uint64
}

// FoldIn returns the key that torch.func._random.fold_in(k, i) gives. It is
// made of the block that holds elements 4i to 4i+3 of the float32 stream of k.
func (k Key) FoldIn(i uint64) Key {
	s := newSchedule(k.Seed)
	w0, w1, w2, w3 := s.block(k.Offset + i)
	return Key{Seed: uint64(w1)<<32 | uint64(w0), Offset: uint64(w3)<<32 | uint64(w2)}
}

// batch is the number of words that are made before they are transformed: few
// enough to stay in the first-level cache.
const batch = 512

// Words sets dst to the words of the stream of k from word first on, which is
// not negative.
func Words(dst []uint32, k Key, first int64) {
	s := newSchedule(k.Seed)
	counter := k.Offset + uint64(first)/4
	if skip := int(first % 4); skip > 0 && len(dst) > 0 {
		w0, w1, w2, w3 := s.block(counter)
		dst = dst[copy(dst, []uint32{w0, w1, w2, w3}[skip:]):]
		counter++
	}
	whole := len(dst) &^ 3
	s.words(dst[:whole], counter)
	if whole < len(dst) {
		w0, w1, w2, w3 := s.block(counter + uint64(whole)/4)
		copy(dst[whole:], []uint32{w0, w1, w2, w3})
	}
}

// law is what is made of the words: a normal of mean a and std b, or a uniform
// from a on, b wide. A law of float32 holds float32 numbers.
type law struct {
	normal bool
	a, b   float64
}

// make32 sets dst to what whole blocks of words give.
func (l law) make32(dst []float32, words []uint32) {
	if l.normal {
		normalF32(dst, words, float32(l.a), float32(l.b))
	} else {
		uniformF32(dst, words, float32(l.a), float32(l.b))
	}
}

func (l law) make64(dst []float64, words []uint32) {
	if l.normal {
		normalF64(dst, words, l.a, l.b)
	} else {
		uniformF64(dst, words, l.a, l.b)
	}
}

// transform is called directly, not through a function value, so that the
// words stay on the caller's stack.
func transform[T float32 | float64](dst []T, words []uint32, l law) {
	switch dst := any(dst).(type) {
	case []float32:
		l.make32(dst, words)
	case []float64:
		l.make64(dst, words)
	}
}

// fill makes the elements of dst from first on. per is the number of elements
// of a block of four words.
func fill[T float32 | float64](dst []T, k Key, first int64, per int, l law) {
	s := newSchedule(k.Seed)
	counter := k.Offset + uint64(first)/uint64(per)
	if skip := int(first % int64(per)); skip > 0 && len(dst) > 0 {
		dst = dst[ragged(dst, &s, counter, skip, per, l):]
		counter++
	}
	if len(dst) >= per {
		var words [batch]uint32
		for len(dst) >= per {
			blocks := min(len(dst)/per, batch/4)
			s.words(words[:4*blocks], counter)
			transform(dst[:blocks*per], words[:4*blocks], l)
			counter += uint64(blocks)
			dst = dst[blocks*per:]
		}
	}
	if len(dst) > 0 {
		ragged(dst, &s, counter, 0, per, l)
	}
}

// ragged makes elements of one block, without its first skip, and returns how
// many.
func ragged[T float32 | float64](dst []T, s *schedule, counter uint64, skip, per int, l law) int {
	var words [4]uint32
	var values [4]T
	words[0], words[1], words[2], words[3] = s.block(counter)
	transform(values[:per], words[:], l)
	return copy(dst, values[skip:per])
}

// UniformF32 sets dst to the elements of the uniform of the stream of k in
// [low, high), from element first on, which is not negative.
func UniformF32(dst []float32, k Key, first int64, low, high float32) {
	fill(dst, k, first, 4, law{a: float64(low), b: float64(high - low)})
}

// UniformF64 is UniformF32 in float64: a stream of other values, two to a
// block.
func UniformF64(dst []float64, k Key, first int64, low, high float64) {
	fill(dst, k, first, 2, law{a: low, b: high - low})
}

// NormalF32 sets dst to the elements of the normal of the stream of k, from
// element first on, which is not negative.
func NormalF32(dst []float32, k Key, first int64, mean, std float32) {
	fill(dst, k, first, 4, law{normal: true, a: float64(mean), b: float64(std)})
	fixNaN(dst, float64(mean), float64(std))
}

// NormalF64 is NormalF32 in float64: a stream of other values, two to a block.
func NormalF64(dst []float64, k Key, first int64, mean, std float64) {
	fill(dst, k, first, 2, law{normal: true, a: mean, b: std})
	fixNaN(dst, mean, std)
}
