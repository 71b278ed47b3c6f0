package rng

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/rng/internal/philox"
)

// Key is a key of torch.func._random, PyTorch 2.15's generator without a
// state: Philox4x32-10. It stands for a stream of elements, each of which can
// be made by itself. Keys can be compared (==) and shared by goroutines.
//
// # Keys
//
// A block of a key is the four words w0 to w3 that ten rounds make of its
// counter, which is the key's offset plus the number of the block, mod 2^64:
//
//	counter words  low and high half of the counter, 0, 0
//	key words      low and high half of the seed
//	round          (c0, c1, c2, c3) becomes
//	               (hi(M1·c2) xor c1 xor k0, lo(M1·c2), hi(M0·c0) xor c3 xor k1, lo(M0·c0))
//	               M0 = d2511f53, M1 = cd9e8d57
//	between them   k0 += 9e3779b9, k1 += bb67ae85
//
// [NewKey] has offset 0; [Key.FoldIn] with i takes the words of block i:
// the new seed is w0 + w1·2^32, the new offset w2 + w3·2^32.
//
// The key of a parameter is [NewKey] of the seed, folded with h: the first
// eight bytes, little-endian, of the SHA-256 of its name in UTF-8. In Python:
//
//	h = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
//	key = torch.func._random.fold_in(torch.func._random.key(seed % 2**64), h)
//	torch.func._random.normal(key, shape, mean=0.0, std=0.02)
//
// # Elements
//
// Element e, in C order, depends on the key and on e alone, not on the size of
// the tensor. Every operation rounds once to the type named, and no product is
// fused with a sum:
//
//	uniform f32   block e/4, word e mod 4: u = low 24 bits · 2^-24,
//	              u·(high - low) + low
//	normal f32    block e/4, words x = w0, y = w1 or, for e mod 4 above 1, w2, w3:
//	              U(x) = f32(x)·2^-32 + 2^-33, radius = sqrt(-2·log U(x)),
//	              angle = 40c90fdb · U(y); v = radius·cos(angle) for even e,
//	              radius·sin(angle) for odd e; v·std + mean
//	uniform f64   block e/2, words x, y = w0, w1 (e even) or w2, w3:
//	              u = low 53 bits of x·2^32 + y, times 2^-53, u·(high - low) + low
//	normal f64    block e/2, all words: U(x, y) = x·2^-32 + (y·2^-64 + 2^-65) rounded
//	              once, radius = sqrt(-2·log U(w0, w1)), angle =
//	              401921fb54442d18 · U(w2, w3), and on as in f32
//
// The float32 functions are glibc's logf, sinf and cosf, the float64 ones those
// of the package's specification. Unlike a [Stream]'s uniform nothing folds
// back: a keyed uniform can be high itself, by rounding.
//
// What takes more than one draw has no counterpart in torch and is defined
// here, by keys made of the tensor's: see [FillKeyedTruncated],
// [NewKeyedMask], [KeyedOrthogonal] and [Key.Block].
type Key struct{ key philox.Key }

// NewKey is torch.func._random.key(seed). A negative seed of Python is its
// two's complement; unlike [New], all 64 bits count.
func NewKey(seed uint64) Key { return Key{philox.Key{Seed: seed}} }

// FoldIn is torch.func._random.fold_in(k, i), and element i of split(k, …).
func (k Key) FoldIn(i uint64) Key { return Key{k.key.FoldIn(i)} }

// Named returns the key of the parameter of that name.
func (k Key) Named(name string) Key {
	hash := sha256.Sum256([]byte(name))
	return k.FoldIn(binary.LittleEndian.Uint64(hash[:8]))
}

// Block returns the key of block i, from 0, of a tensor of blocks
// ([dist.Blocks]): fold_in(k, i). Each block is a tensor of its own.
func (k Key) Block(i int) Key { return k.FoldIn(uint64(i)) }

// Pair returns the key as torch holds it, seed and offset.
func (k Key) Pair() (seed, offset uint64) { return k.key.Seed, k.key.Offset }

// KeyOf returns the key that torch holds as seed and offset.
func KeyOf(seed, offset uint64) Key { return Key{philox.Key{Seed: seed, Offset: offset}} }

// FillKeyed sets dst to elements of the tensor that d makes of the key k, from
// element first on (which is not negative), and T is the compute type. Any cut
// into pieces gives the same values.
//
// d.Draw is a [dist.Constant], [dist.Uniform] or [dist.Normal], and d.Post has
// [dist.Multiply] and [dist.Divide] only; anything else panics. The numbers of d
// must have passed [dist.Dist.Check] for T.
func FillKeyed[T float32 | float64](dst []T, k Key, d dist.Dist, first int64) {
	switch draw := d.Draw.(type) {
	case dist.Constant:
		fillWith(dst, T(draw.Value))
	case dist.Uniform:
		keyedUniform(dst, k, first, draw)
	case dist.Normal:
		keyedNormal(dst, k, first, draw)
	default:
		panic(fmt.Sprintf("rng: %T is not drawn by FillKeyed", d.Draw))
	}
	for _, post := range d.Post {
		scale(dst, post)
	}
}

func keyedUniform[T float32 | float64](dst []T, k Key, first int64, u dist.Uniform) {
	switch dst := any(dst).(type) {
	case []float32:
		philox.UniformF32(dst, k.key, first, float32(u.Low), float32(u.High))
	case []float64:
		philox.UniformF64(dst, k.key, first, u.Low, u.High)
	}
}

func keyedNormal[T float32 | float64](dst []T, k Key, first int64, n dist.Normal) {
	switch dst := any(dst).(type) {
	case []float32:
		philox.NormalF32(dst, k.key, first, float32(n.Mean), float32(n.Std))
	case []float64:
		philox.NormalF64(dst, k.key, first, n.Mean, n.Std)
	}
}
