package rng_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/rng"
)

func never() error { return nil }

// bytesOf is the little-endian form of values, hexOf that of one, most
// significant digit first.
func bytesOf[T float32 | float64](values []T) []byte {
	var out []byte
	for _, v := range values {
		switch v := any(v).(type) {
		case float32:
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
		case float64:
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
		}
	}
	return out
}

func hexOf[T float32 | float64](v T) string {
	if narrow, ok := any(v).(float32); ok {
		return fmt.Sprintf("%08x", math.Float32bits(narrow))
	}
	return fmt.Sprintf("%016x", math.Float64bits(float64(v)))
}

func TestKeyOfAParameterIsTorchs(t *testing.T) {
	for _, c := range []struct {
		name         string
		seed         uint64
		first, other uint64
	}{
		{"tok_embed.weight", 0, 0xbb7bec131fd0587a, 0x3e04c6f09f1e3670},
		{"layers.11.attn.q.weight", 42, 0x6a4ea84811b3778c, 0xef71df436da2d131},
		{"größe", 1<<64 - 1, 0x9adcbcb381d18fa9, 0xbc3922c09ff3602a},
	} {
		k := rng.NewKey(c.seed).Named(c.name)
		require.Equal(t, rng.KeyOf(c.first, c.other), k, c.name)
		seed, offset := k.Pair()
		require.Equal(t, [2]uint64{c.first, c.other}, [2]uint64{seed, offset})
	}
}

// keyedVectors are 1,000 elements each as torch 2.15.0 gives them: the first
// four, element 777, and the SHA-256 of all.
var keyedVectors = []struct {
	name   string
	seed   uint64
	draw   dist.Draw
	wide   bool
	first  string
	middle string
	sha    string
}{
	{"tok_embed.weight", 0, dist.Normal{Mean: 0, Std: 1}, false, "bebb0875 bf1c387a 3ef4bb5e 3f90f73e", "be17601c", "15d3c309b38645c52fdaa4016584d538d8d1e0a5ababa78647b6def3f7af7569"},
	{"tok_embed.weight", 0, dist.Normal{Mean: 0.1, Std: 0.02}, false, "3dbdd65d 3db3ce01 3de060e9 3dfb3066", "3dc6beb7", "ef63eb5530f81086a3be3ebf0ae7c7aceffaa850540089d8fe95144844ec8d03"},
	{"tok_embed.weight", 0, dist.Uniform{Low: -0.05, High: 0.05}, false, "3cef91e2 bd437c52 bcc929b3 3cbaef02", "bd0d81c2", "063d08bc3a6441f8c6cc57d79377c3be14211e239690ca0255d7ae89c5beca25"},
	{"tok_embed.weight", 0, dist.Normal{Mean: 0, Std: 1}, true, "bfe6595759f0927e 3fc133cb0deb91df 3ff056f1ed6dd5d7 bff84379ca56197a", "3fc501f4007a8d1c", "168c0a5f5a8d6120f4ddc20031e53f43a0653bc1ed6746978392ef99298830eb"},
	{"tok_embed.weight", 0, dist.Uniform{Low: 0, High: 1}, true, "3fd5bb2d540ba49a 3fa22f82fba6ab10 3f9e8e7ff1c77680 3fc6e01635a44838", "3fe970cca2871569", "d626c4ecf8cc132010339f45452e5f65592a797fba1265aeacfc1e46e8ad9555"},
	{"layers.11.attn.q.weight", 42, dist.Normal{Mean: 0, Std: 1}, false, "bfd75fb9 3fea447c bfbb5580 3c75e06c", "bf184c45", "112791129100c4b2b0227faba8846b5b3c8dbfcf39cdbbcac51dadf635e831a6"},
	{"layers.11.attn.q.weight", 42, dist.Normal{Mean: 0.1, Std: 0.02}, false, "3d87e15e 3e0be200 3d90da67 3dcd6a29", "3db46eae", "f4c2316630e93cac378091abd4bfe866afe1cd1438e624fda2f0afbcaca025cb"},
	{"layers.11.attn.q.weight", 42, dist.Uniform{Low: -0.05, High: 0.05}, false, "3c6b1b9c bcacdc07 3caf3bca 3c06b8b8", "bcdf87ba", "cc591232a2c56c618c920d69841506c8e3994325e24a0e0223d3489409ad8454"},
	{"layers.11.attn.q.weight", 42, dist.Normal{Mean: 0, Std: 1}, true, "bff5dde4463cb873 40009d450f7823c1 3fc7c164da73c74a bfdefa7a835a08a7", "bfe4023d15a492ce", "7a83f3d855c8845a7bbd0cb9fdb0d8939cfe7c92d827724eb84a317b9491d758"},
	{"layers.11.attn.q.weight", 42, dist.Uniform{Low: 0, High: 1}, true, "3fc2f1417927ecf8 3fe6c2af7f950cdd 3fe00a1bfe2de130 3fd5c69ed9498e00", "3fee9ab3c1413613", "2e18727872336724093a021c1b2ef5b8fb3696c5b827faded39267f9f8a98f0d"},
	{"größe", 1<<64 - 1, dist.Normal{Mean: 0, Std: 1}, false, "3f671e93 3f492cd7 bf148c7f 3f1a959d", "bfb13a5d", "3299ee0474bc243c52a4865095c084010774ba2934f0341fd6d31f29cc772bbb"},
	{"größe", 1<<64 - 1, dist.Normal{Mean: 0.1, Std: 0.02}, false, "3df1c774 3decfcef 3db5083e 3de58894", "3d941649", "ec26efd438a412a71eb0814dbd123599c341d5fd7197f235dd617d184b00c1d1"},
	{"größe", 1<<64 - 1, dist.Uniform{Low: -0.05, High: 0.05}, false, "bd3039aa bd0225b4 bcb4dd07 bcfee1fa", "3d382943", "14db55ba038e195166b8084dc06a656fe25adb03277a1b5769d66a74575b6e07"},
	{"größe", 1<<64 - 1, dist.Normal{Mean: 0, Std: 1}, true, "bfd5bbd4f3be391c bff25d1d13e31133 4002fa6e9ffdcc2b 3fd7febad25248ff", "bfd518e6a53401f5", "1f812ed87263130bccf4c1912c83f33aed808c63f06618d31a3cc62761e194d4"},
	{"größe", 1<<64 - 1, dist.Uniform{Low: 0, High: 1}, true, "3fe1dbf61d2ea870 3fcdebb97cc16588 3fdf471357805042 3fb767cde854aa98", "3fda6a55a1b31d90", "781896ce246a070dfba6503d132f4fef862b301c3ac3b1189f3f00033a64db8b"},
}

func TestKeyedVectorsOfTorch(t *testing.T) {
	for _, v := range keyedVectors {
		what := fmt.Sprintf("%s %#v", v.name, v.draw)
		if v.wide {
			checkKeyedVector[float64](t, what, rng.NewKey(v.seed).Named(v.name), v.draw, v.first, v.middle, v.sha)
		} else {
			checkKeyedVector[float32](t, what, rng.NewKey(v.seed).Named(v.name), v.draw, v.first, v.middle, v.sha)
		}
	}
}

func checkKeyedVector[T float32 | float64](t *testing.T, what string, k rng.Key, draw dist.Draw, first, middle, sha string) {
	values := make([]T, 1000)
	rng.FillKeyed(values, k, dist.Dist{Draw: draw}, 0)
	var texts []string
	for _, v := range values[:4] {
		texts = append(texts, hexOf(v))
	}
	require.Equal(t, first, strings.Join(texts, " "), what)
	require.Equal(t, middle, hexOf(values[777]), what)
	hash := sha256.Sum256(bytesOf(values))
	require.Equal(t, sha, hex.EncodeToString(hash[:]), what)
}

// TestKeyedFixturesOfTorch is rng/testdata/keyed.json, which
// scripts/reference/keyed --vectors writes: any key, offsets that run over 2^32
// and 2^64, odd sizes, odd numbers.
func TestKeyedFixturesOfTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/keyed.json")
	require.NoError(t, err)
	var file struct {
		Cases []keyedCase
	}
	require.NoError(t, json.Unmarshal(text, &file))
	require.Len(t, file.Cases, 64)
	for _, c := range file.Cases {
		if c.Wide {
			checkKeyedCase[float64](t, c)
		} else {
			checkKeyedCase[float32](t, c)
		}
	}
}

type keyedCase struct {
	Seed, Offset uint64 `json:",string"`
	Draw         string
	A, B         float64
	Wide         bool
	N            int
	First, Last  string
	SHA256       string
}

func (c keyedCase) dist() dist.Dist {
	if c.Draw == "normal" {
		return dist.Dist{Draw: dist.Normal{Mean: c.A, Std: c.B}}
	}
	return dist.Dist{Draw: dist.Uniform{Low: c.A, High: c.B}}
}

func checkKeyedCase[T float32 | float64](t *testing.T, c keyedCase) {
	values := make([]T, c.N)
	rng.FillKeyed(values, rng.KeyOf(c.Seed, c.Offset), c.dist(), 0)
	require.Equal(t, []string{c.First, c.Last}, []string{hexOf(values[0]), hexOf(values[c.N-1])}, "%+v", c)
	hash := sha256.Sum256(bytesOf(values))
	require.Equal(t, c.SHA256, hex.EncodeToString(hash[:]), "%+v", c)
}

func TestAnySliceOfAKeyedTensorEqualsTheWhole(t *testing.T) {
	t.Run("f32", rapid.MakeCheck(anySlice[float32]))
	t.Run("f64", rapid.MakeCheck(anySlice[float64]))
}

func anySlice[T float32 | float64](t *rapid.T) {
	n := rapid.IntRange(1, 5000).Draw(t, "n")
	first := rapid.IntRange(0, n-1).Draw(t, "first")
	count := rapid.IntRange(0, n-first).Draw(t, "count")
	k := rng.KeyOf(rapid.Uint64().Draw(t, "seed"), rapid.Uint64().Draw(t, "offset"))
	draw := rapid.SampledFrom([]dist.Draw{
		dist.Normal{Mean: 0.1, Std: 0.02}, dist.Uniform{Low: -1, High: 3}, dist.Constant{Value: 2},
		dist.TruncNormal{Std: 1, A: -1, B: 2}, dist.TruncNormal{Std: 1, A: 1, B: 3},
		dist.TruncNormal{Mean: 3, Std: 0.5, A: -1, B: 1, Algorithm: dist.UnitThenScale},
	}).Draw(t, "draw")
	fill := func(dst []T, first int) {
		if cut, ok := draw.(dist.TruncNormal); ok {
			if _, err := rng.FillKeyedTruncated(dst, k, cut, int64(first), never); err != nil {
				t.Fatal(err)
			}
			return
		}
		rng.FillKeyed(dst, k, dist.Dist{Draw: draw, Post: []dist.Post{dist.Multiply{By: 1.7}, dist.Divide{By: 3}}}, int64(first))
	}
	whole, part := make([]T, n), make([]T, count)
	fill(whole, 0)
	fill(part, first)
	for i, v := range part {
		if hexOf(v) != hexOf(whole[first+i]) {
			t.Fatalf("element %d: %s in the slice, %s in the whole", first+i, hexOf(v), hexOf(whole[first+i]))
		}
	}
}

func TestKeyedDrawsThatAreNonePanic(t *testing.T) {
	for _, d := range []dist.Dist{
		{}, {Draw: dist.Eye{}}, {Draw: dist.Constant{Value: 1}, Post: []dist.Post{dist.ZeroRows{}}},
	} {
		require.Panics(t, func() { rng.FillKeyed([]float32{1, 2, 3}, rng.NewKey(1), d, 0) }, "%#v", d)
	}
}

// TestKeyedNumbersBeyondTheType has torch's bits: x86's NaN for infinity less
// infinity, infinities else.
func TestKeyedNumbersBeyondTheType(t *testing.T) {
	dst := make([]float32, 4)
	rng.FillKeyed(dst, rng.NewKey(1), dist.Dist{Draw: dist.Normal{Mean: 1e39, Std: 1e39}}, 0)
	require.Equal(t, []string{"7f800000", "ffc00000", "ffc00000", "ffc00000"}, []string{hexOf(dst[0]), hexOf(dst[1]), hexOf(dst[2]), hexOf(dst[3])})
}

func TestKeyedTruncatedTakesTheFirstValueInTheCut(t *testing.T) {
	const n, first = 500, 77
	k, cut := rng.NewKey(9).Named("w"), dist.TruncNormal{Mean: 0.5, Std: 2, A: -1, B: 1.25}
	got := make([]float32, n)
	passes, err := rng.FillKeyedTruncated(got, k, cut, first, never)
	require.NoError(t, err)
	longest := 0
	for i, v := range got {
		one, j := []float32{9}, 0
		for ; one[0] < -1 || one[0] > 1.25; j++ {
			rng.FillKeyed(one, k.FoldIn(uint64(j)), dist.Dist{Draw: dist.Normal{Mean: 0.5, Std: 2}}, int64(first+i))
		}
		longest = max(longest, j)
		require.Equal(t, one[0], v, "element %d after %d passes", i, j)
	}
	require.EqualValues(t, longest, passes)
}

func TestKeyedTruncatedStopsWhenToldTo(t *testing.T) {
	gone, asked := errors.New("gone"), 0
	stop := func() error {
		if asked++; asked > 5 {
			return gone
		}
		return nil
	}
	narrow := dist.TruncNormal{Std: 1e-9, A: 1e-9, B: 1e9} // a peak that proposals do not find
	passes, err := rng.FillKeyedTruncated(make([]float32, 10), rng.NewKey(1), narrow, 0, stop)
	require.ErrorIs(t, err, gone)
	require.EqualValues(t, 5, passes)
}

func TestKeyedMaskOfARangeIsPartOfTheWhole(t *testing.T) {
	const rows, cols, zeros = 37, 5, 11
	k := rng.NewKey(4).Named("sparse")
	masked := func(low, high int64) []float32 {
		m, err := rng.NewKeyedMask(k, rows, cols, zeros, low, high, never)
		require.NoError(t, err)
		dst := make([]float32, rows*cols)
		for i := range dst {
			dst[i] = 1
		}
		rng.Zero(dst, 0, m)
		return dst
	}
	whole := masked(0, rows*cols)
	for col := range cols {
		count := 0
		for row := range rows {
			if whole[row*cols+col] == 0 {
				count++
			}
		}
		require.Equal(t, zeros, count, "zeros of column %d", col)
	}
	part := masked(50, 131)
	require.Equal(t, whole[50:131], part[50:131])
	require.NotContains(t, part[:50], float32(0))
	gone := errors.New("gone")
	_, err := rng.NewKeyedMask(k, rows, cols, zeros, 0, 9, func() error { return gone })
	require.ErrorIs(t, err, gone)
	for _, rows := range []int64{-1, 0, 1} {
		_, err := rng.NewKeyedMask(k, rows, 3, 5, 0, max(rows, 0)*3, never)
		require.NoError(t, err)
	}
}

func TestKeyedOrthogonalIsOrthogonal(t *testing.T) {
	for _, shape := range [][2]int64{{3, 7}, {7, 3}, {40, 40}, {1, 5}, {5, 1}} {
		rows, cols := shape[0], shape[1]
		q, err := rng.KeyedOrthogonal[float64](rng.NewKey(3), 2, rows, cols, never)
		require.NoError(t, err)
		count, inner := rows, cols
		at := func(i, j int64) float64 { return q[i*cols+j] }
		if rows > cols {
			count, inner = cols, rows
			at = func(i, j int64) float64 { return q[j*cols+i] }
		}
		for a := range count {
			for b := range count {
				sum, want := 0.0, 0.0
				for j := range inner {
					sum += float64(at(a, j) * at(b, j))
				}
				if a == b {
					want = 4
				}
				require.InDelta(t, want, sum, 1e-13, "%v: %d, %d", shape, a, b)
			}
		}
	}
	empty, err := rng.KeyedOrthogonal[float32](rng.NewKey(3), 1, 0, 4, never)
	require.NoError(t, err)
	require.Empty(t, empty)
	_, err = rng.KeyedOrthogonal[float32](rng.NewKey(3), 1, 1<<20, 1<<20, never)
	require.ErrorContains(t, err, "limit")
}
