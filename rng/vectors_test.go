package rng_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/rng"
)

// The vectors of this file are torch 2.15.0's. They never change.

// fill is one tensor of a vector; its number type is that of the draw.
type fill struct {
	draw dist.Draw
	n    int
	wide bool
}

// vector is one or more tensors drawn from one generator and joined: the
// first three and the last element, and the SHA-256 of the bytes.
type vector struct {
	name  string
	seed  uint64
	fills []fill
	cast  func(dst []byte, src []float32)
	size  int // bytes of an element
	first string
	last  string
	sha   string
}

func normal(mean, std float64) dist.Normal   { return dist.Normal{Mean: mean, Std: std} }
func uniform(low, high float64) dist.Uniform { return dist.Uniform{Low: low, High: high} }

func one(d dist.Draw, n int) []fill  { return []fill{{draw: d, n: n}} }
func wide(d dist.Draw, n int) []fill { return []fill{{draw: d, n: n, wide: true}} }

// kaimingUniform is torch's kaiming_uniform_(a=sqrt 5) for a fan.
func kaimingUniform(fan float64) dist.Uniform {
	a := math.Sqrt(5)
	gain := math.Sqrt(2 / (1 + float64(a*a)))
	std := gain / math.Sqrt(fan)
	return uniform(-float64(math.Sqrt(3)*std), float64(math.Sqrt(3)*std))
}

func xavierStd(gain, fanIn, fanOut float64) float64 {
	return gain * math.Sqrt(2/(fanIn+fanOut))
}

func xavierUniform(fanIn, fanOut float64) dist.Uniform {
	c := math.Sqrt(3) * xavierStd(1, fanIn, fanOut)
	return uniform(-c, c)
}

func linearBias(in float64) dist.Uniform { return uniform(-1/math.Sqrt(in), 1/math.Sqrt(in)) }

var vectors = []vector{
	{"normal n=15, seed 0", 0, one(normal(0, 1), 15), nil, 4,
		"3fc53f5c be963c50 c00b7149", "bf891cab", "feb39d97c8afee245f21d052413d07b2de3a4973c2085d7ed18ba5070e9c7a28"},
	{"normal n=16, seed -1", math.MaxUint64, one(normal(0.1, 0.7), 16), nil, 4,
		"bfe1ebcb bf29ea79 3ed4ffae", "3e4b676d", "f36e2de8b542b1ef85a807e9255df4148befc88d6ba42153e03a61a3a8981b35"},
	{"normal n=17, seed 2^32+7", 1<<32 + 7, one(normal(0, 1), 17), nil, 4,
		"bf51f456 bea62d99 3ff6933b", "bf5de028", "db7ffaaa9d24272a840fac51b965b95089fcbfcd4b21026af17202352ebb3b9e"},
	{"normal(0, 0.02), seed 42", 42, one(normal(0, 0.02), 1000), nil, 4,
		"3d1dda57 3cf3ad37 3c9392d1", "bc8bd479", "08fcd534ca8f1a87530d2feb4a4dcbebb5436e1777f4bf30fb38d9afaab0d129"},
	{"normal(1e-20, 3), seed 1", 1, one(normal(1e-20, 3), 1000), nil, 4,
		"c092750b c0100b65 bffb20f0", "3e394b34", "96719d6c571a88ae9e49c340c777b58a470e68d3a52fb305dc6db0ae8aaa20bb"},
	{"uniform(-0.05, 0.05), seed 7", 7, one(uniform(-0.05, 0.05), 1000), nil, 4,
		"3b64de4d bcf6bd8d 3c826d1d", "3d44ab68", "691c78d699ed53d266254c8d20d5af918db0a04a932616789891ce9fb18445d2"},
	{"uniform(1, 1.000001), seed 4", 4, one(uniform(1, 1.000001), 1000), nil, 4,
		"3f800004 3f800004 3f800001", "3f800001", "504bc43b9d69a1ba0af794a8dd6b6fd69b31ffb3f677ebf344d6c1cdcecdb83b"},
	{"kaiming_uniform(a=sqrt 5) of [64,48], seed 21", 21, one(kaimingUniform(48), 3072), nil, 4,
		"bbfa060f 3d065219 be103b9b", "3d901ae1", "d6209994850dcadb0917de4980ad4bcc37d63992b09d62774d07118339fc85eb"},
	{"xavier_normal(gain=1.5) of [64,128], seed 3", 3, one(normal(0, xavierStd(1.5, 128, 64)), 8192), nil, 4,
		"bc403ec3 3d61abb2 bdf5307d", "be0e5a2c", "754da2ea199a5e621bda5836d2eb6e88e3cdd95b04403163aeda5da90b81da3b"},
	{"normal f64 n=5, seed 5", 5, wide(normal(0, 1), 5), nil, 8,
		"bfdf276a732875fe bfe35281a692942a bfe1dbeca06d12eb", "bfc944e5d496a2da", "05c8f901f3203363b40d3f524df962174a3276ab4131e3438ecb1bb2b038f16f"},
	{"normal f64 n=29, seed 5", 5, wide(normal(0.1, 0.7), 29), nil, 8,
		"3fe5a5e346a7a464 bfdad8e9beeeff23 bfd43af860b3bc43", "bfa6794900d95fad", "3512bea673ef6c4b98eb5b16a95b8af3de26fad9510355c71924a901ff698034"},
	{"normal(0, 0.02) then bf16, seed 42", 42, one(normal(0, 0.02), 1000), rng.BF16, 2,
		"3d1e 3cf4 3c94", "bc8c", "f9585d0cc1c8e28861fd4b147bc583449364200e04e1d8ad59a5ec4d81c1b4cb"},
	{"normal(0, 0.02) then f16, seed 42", 42, one(normal(0, 0.02), 1000), rng.F16, 2,
		"28ef 279d 249d", "a45f", "3332dbcc7b6266c8fb9548c8caf4558c2d7c27b06a9a31e3a792b18a7143238e"},
	{"normal n=3, uniform n=2, normal n=3 of one generator, seed 3", 3,
		[]fill{{draw: normal(0, 1), n: 3}, {draw: uniform(0, 1), n: 2}, {draw: normal(5, 2), n: 3}}, nil, 4,
		"3f4da380 3e330786 3db63a26", "408534e5", "7085bd11f5f6ecb7093b0d99a018a6c5a1d242f7f3b193ff4181d438daff5b1c"},
	{"normal n=3, 20, 1 of one generator, seed 3", 3,
		[]fill{{draw: normal(0, 1), n: 3}, {draw: normal(0, 1), n: 20}, {draw: normal(0, 1), n: 1}}, nil, 4,
		"3f4da380 3e330786 3db63a26", "bf1d1ca0", "969b157f9b6b34f73a5fdd69ed3d662c4159e4a3052a8c89e947e2f420b8728a"},
	{"nn.Linear(48, 64): weight, bias, seed 0", 0,
		[]fill{{draw: kaimingUniform(48), n: 3072}, {draw: linearBias(48), n: 64}}, nil, 4,
		"ba8da3e8 3d9e9313 bdf34b7e", "3e0d0457", "fd468e94a7e88d86c93702ff13f1d6a6cd7ffc830e80c9a6ca16dd66f33363f8"},
	// Long ones, for what shows in one argument of a thousand or less.
	{"long normal f32, seed 0", 0, one(normal(0.1, 0.7), 1<<20+3), nil, 4,
		"bf302687 bf34e727 bd9a6df0", "3e309459", "8e8c9733f52e38695b873baa62b0976ad0b9cdffaf30414ba6238c8ebc140b84"},
	{"long normal f64, seed 0", 0, wide(normal(0, 1), 1<<19+5), nil, 8,
		"c0027bb92e9262dc bfd7e35794939460 bff0f91ae8d685b6", "bff19997dcc413ac", "e58e7d712386505f36eb464613a1a568cb6fcaa816bae373b084dea794298e9c"},
	{"long uniform f64, seed 0", 0, wide(uniform(-0.3, 0.4), 100001), nil, 8,
		"3fd84224d479bb0e 3fc90549f6c50a19 3f9615f0049a75f4", "bfc3e5e13d5996bc", "5d751d4992812955daa2b95774d2f28eb628e33f5bd6a9e968c44df505c39fd8"},
	{"2^15 normals f64 of n=14, seed 0", 0, slices.Repeat(wide(normal(0, 1), 14), 1<<15), nil, 8,
		"3ff8a7eb8902be3a bfd2c78a087c6fea c0016e2920a70ee5", "bf8a9c8086cd037a", "5ea8264fe04c8042ccc45fe630ab30506085bc12a3c61d6391e9dc1c61876b09"},
}

func TestVectorsOfTorch(t *testing.T) {
	withISA(t, func(t *testing.T) {
		for _, v := range vectors {
			t.Run(v.name, func(t *testing.T) {
				v.check(t, v.draw())
			})
		}
	})
}

// draw returns the bytes of the vector's tensors, little-endian.
func (v vector) draw() []byte {
	s := rng.New(v.seed)
	var out []byte
	for _, f := range v.fills {
		out = append(out, f.bytes(s, v.cast)...)
	}
	return out
}

func (f fill) bytes(s *rng.Stream, cast func([]byte, []float32)) []byte {
	if f.wide {
		values := make([]float64, f.n)
		rng.Fill(s, dist.Dist{Draw: f.draw}, values)
		return encode(values)
	}
	values := make([]float32, f.n)
	rng.Fill(s, dist.Dist{Draw: f.draw}, values)
	if cast != nil {
		dst := make([]byte, 2*f.n)
		cast(dst, values)
		return dst
	}
	return encode(values)
}

func encode[T float32 | float64](values []T) []byte {
	data, err := binary.Append(nil, binary.LittleEndian, values)
	if err != nil {
		panic(err) // slices of numbers have a binary form
	}
	return data
}

func (v vector) check(t *testing.T, data []byte) {
	t.Helper()
	var first []string
	for i := range 3 {
		first = append(first, elementHex(data[i*v.size:(i+1)*v.size]))
	}
	require.Equal(t, v.first, strings.Join(first, " "))
	require.Equal(t, v.last, elementHex(data[len(data)-v.size:]))
	require.Equal(t, v.sha, fmt.Sprintf("%x", sha256.Sum256(data)))
}

// elementHex writes the most significant digit first.
func elementHex(little []byte) string {
	big := make([]byte, len(little))
	for i, b := range little {
		big[len(big)-1-i] = b
	}
	return hex.EncodeToString(big)
}

func TestMultiheadAttentionDrawsOutputProjectionFirst(t *testing.T) {
	// nn.MultiheadAttention(8, 2), seed 0; the vector joins in_proj_weight,
	// drawn last, and out_proj.weight, drawn first.
	s := rng.New(0)
	out := fill{draw: kaimingUniform(8), n: 64}.bytes(s, nil)
	fill{draw: linearBias(8), n: 8}.bytes(s, nil)
	in := fill{draw: xavierUniform(8, 24), n: 192}.bytes(s, nil)
	vector{
		size:  4,
		first: "3e2e4337 3eb7b104 3ec0ed59", last: "3ddabfb8",
		sha: "b4e82ae810f53ef5771696404bcd51db42db0424c3628abc718fdf0d86e213bc",
	}.check(t, append(in, out...))
}
