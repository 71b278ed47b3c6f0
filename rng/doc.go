/*
Package rng makes the numbers that PyTorch's CPU generator makes, bit for bit:
constants, uniforms and normals, in float32 and float64, what torch.nn.init makes
of them (truncated normals, sparse matrices, identities), and the roundings to
bfloat16 and binary16. Orthogonal matrices are made too, from torch's draws, but
not with torch's bits.

It does not decide what is drawn (package dist describes that, package plan
orders it), does not spread work over cores (package fill does), and offers no
other generator for them ([Key] is for keyed streams, which are another
thing). A [Stream] is one generator; [Fill] draws one tensor from it,
[Begin] the same tensor in pieces, [BeginTruncated] a truncated normal.

What follows is the specification. The judge is PyTorch 2.15.0 as its official
wheel runs on x86-64 Linux with AVX2 and glibc 2.36; scripts/reference/exhaustive
compares this package with it. PyTorch without AVX2, or on another processor,
gives other bits; this package gives these bits everywhere.

# Conventions

A word is one 32-bit output of the engine. Sums, products, quotients and square
roots round once, to nearest even, in the compute type of the section. fma(a, b,
c) is a·b + c with one rounding in the compute type. Hexadecimal numbers are bit
patterns. n is the number of elements of a tensor; its elements are in C order.

# Engine

MT19937. Of the seed only the low 32 bits count; a negative seed is its two's
complement. An empty tensor draws no word.

	size, middle        624, 397
	seeding             x[0] = seed, x[i] = 1812433253·(x[i-1] xor x[i-1]>>30) + i
	recurrence          x[k+624] = x[k+397] xor y>>1 xor (9908b0df if y is odd),
	                    y = top bit of x[k], other bits of x[k+1]
	tempering, in order y ^= y>>11, y ^= y<<7 & 9d2c5680,
	                    y ^= y<<15 & efc60000, y ^= y>>18
	first word          x[624], tempered

	seed   first words                            10,000th word
	0      8c7f0aac 97c4aa2f b716a675 d821ccc0    1543171712
	42     5fe1dc66 cbea3db3 f362035c 2ef5950e    1399405940
	-1     18fe69a3 1c924122 e991ec0c 900cac47    1117955853
	5489   d091bb5c 22ae9ef6 e7e1faee d5c31f79    4123659995

The engine's uniforms are

	u24   low 24 bits of a word, times 2^-24                 float32
	u53   low 53 bits of two words, the first one being the
	      high half of 64 bits, times 2^-53                  float64

Besides the engine a generator holds one cached normal, in float64 and not
scaled, or none. Seeding drops it. So a place in a stream is the number of words
drawn and the cached normal: [Stream.Position], [Stream.State].

# Uniform

For the range from low to high, both rounded to the compute type:

	float32   v = fma(u24, high - low, low)   one word an element
	float64   v = fma(u53, high - low, low)   two words an element

If v equals high, as a number, the element is low. So high itself never comes
out unless low equals it, and the range (-0, 0) gives -0 everywhere. In float32
this happens to 1 of the 2^24 values of u24 for (0.1, 0.3), to 64 for (100, 101).

# Normal, 16 or more elements, float32

Mean and std are rounded to float32. The tensor is made in blocks of 16, from
its start; each takes 16 words. In a block the first eight words are u1, the
other eight u2; the pair (j, j+8) gives the elements j and j+8:

	radius  = sqrt(-2·log(1 - u1))
	angle   = 40c90fdb · u2                   (2 pi)
	d[j]    = fma(radius·cos(angle), std, mean)
	d[j+8]  = fma(radius·sin(angle), std, mean)

If n is no multiple of 16, the n mod 16 elements after the last whole block draw
a word each, which is lost, because then the last 16 elements of the tensor,
some of which are already made, are made anew as a block of 16 fresh words. So a
tensor uses n words, or n + 16.

The logarithm of x = 1 - u1, which is exact: write x as 2^e·(1 + m) with 1 + m
from sqrt(1/2), 3f3504f3, up to twice that; z = m·m.

	y = P0, then y = fma(y, m, Pi) for i = 1 to 8
	y = fma(y·m, z, e·Q1)          the products y·m and e·Q1 round
	y = fma(-z, 0.5, y)
	log x = fma(e, Q2, m + y)

	P0 to P8  3d9021bb bdebd1b8 3def251a bdfe5d4f 3e11e9bf
	          be2aae50 3e4cceac be7ffffc 3eaaaaaa
	Q1, Q2    b95e8083 3f318000

Sine and cosine of the angle t:

	j = (integer part of t·F, plus 1) with the lowest bit cleared, y = j
	x = fma(y, D1, t), x = fma(y, D2, x), x = fma(y, D3, x), z = x·x
	c = fma(fma(C0, z, C1), z, C2)·z
	c = fma(c, z, -(z·0.5)) + 1
	s = fma(fma(S0, z, S1), z, S2)·z
	s = fma(s, x, x)
	j and 2 = 0: sin = s, cos = c; else sin = c, cos = s
	negate sin if j and 4 is not 0; negate cos if (j - 2) and 4 is 0

	F         3fa2f983
	D1 to D3  bf490000 b97da000 b3222169
	C0 to C2  37ccf5ce bab6061a 3d2aaaa5
	S0 to S2  b94ca1f9 3c08839e be2aaaa3

Which products are fused is a fact about the compiler of the wheel. Fusing the
other product in y = fma(y·m, z, e·Q1), or in c = fma(c, z, -(z·0.5)), changes
one value in some thousand.

# Normal, 16 or more elements, float64

The same blocks and the same rule for the end, with u53 in place of u24 (so 16
elements take 32 words and the end 32 more), the float64 numbers mean, std and
2 pi = 401921fb54442d18, and the functions of the section after the next.

# Normal, fewer than 16 elements

Float64 throughout, whatever the compute type; mean and std keep all their bits.
For each element in order, v is the cached normal, which is thereby used up; or,
if there is none, four words give u1 and then u2, both u53, and

	radius = sqrt(-2·log1p(-u2)), angle = 401921fb54442d18 · u1
	v      = radius·cos(angle)
	cached = radius·sin(angle)

The element is fma(v, std, mean), rounded to the compute type. Nothing but such
a draw, a seed or a restored state touches the cached normal: the next draw of
fewer than 16 uses it first, with its own numbers, whatever came in between.

# Functions in float64

log, log1p, sin and cos are glibc's, in the variant for processors with fused
multiply-add, ported in internal/kernel with glibc's coefficients: neither
correctly rounded values nor the functions of package math have the same bits.
For w(k) = k·2654435761 mod 2^32 and u = (w(k) + 0.5)·2^-32 they give

	             k = 1               k = 2               k = 1000
	log(u)       bfdecc2cb2013b90    bff719218771c2d6    c00b0de4b7c03cd0
	log1p(-u)    bfeecc2cac2719f7    bfd13bd35a2fdc98    bfa1b42cca407e75
	sin(2 pi u)  bfe59d9dcdb2273b    3fefe0a21615a2ad    3fcb20632654784a
	cos(2 pi u)  bfe79886a24c0dd0    3fb66188abbab812    3fef45ecbf50c794

# Truncated normals, sparse matrices, orthogonal matrices

The procedure of a truncated normal stands at [Truncated]. A sparse matrix is a
normal tensor followed, for each column, by a permutation of the rows r = 0, 1, …:
step i, from 0 to rows - 2, swaps r[i] with r[i + word mod (rows - i)], a word a
step whatever the compute type. The first ceil(sparsity·rows) entries, in
float64, are the rows set to +0: [NewMask]. What an orthogonal matrix is, and
what is not promised of it, stands at [Orthogonal].

	seed  draw                                    first three elements      SHA-256 of the bytes
	12    trunc_normal(0, 1, -2, 2), n = 2500     be072e63 be0072b9 3eb049b7  cdc57b174faee0bd…
	12    trunc_normal(0, 1, 2, 4), n = 1000      4010ab06 400a5795 400e3cbe  e6eab8ef690d1065…
	31    sparse(0.9) of 40 rows, 13 columns      00000000 bb546127 00000000  229557d6e612a682…

# Constants, steps after the draw, casts

A constant is rounded to the compute type and draws nothing. A multiply step
rounds its number to the compute type and multiplies each element, one rounding;
this is not the same as a draw with scaled numbers.

A divide step divides, it does not multiply by the inverse. Zeroed rows are +0.

bfloat16 and binary16 are rounded from finished float32 values, to nearest even:
[BF16], [F16]. That is what torch's module.to(dtype) does. Torch tensors that are
drawn directly in a half type have other values, which this package does not
make.

Numbers too large for the compute type become infinite, as in torch. A NaN that
arises from them has the bits of x86's invalid operations: ffc00000 in float32,
fff8000000000000 in float64, fe00 in binary16; in bfloat16 torch's conversion
makes it ffff.

# Arithmetic in Go

Go has no fused multiply-add for float32, and rounding a float64 one to float32
rounds twice: normal(1e-20, 3) would have 18 % wrong values. internal/kernel
rounds the float64 sum to odd where that can matter. Inside log, sin and cos of
the float32 normal the second rounding never shows, which has been tried for all
2^24 arguments of each.

Go itself fuses x*y + z on some processors and with GOAMD64=v3, across
statements too. So every product that is to round is written with a conversion:
float32(x*y) + z.
*/
package rng
