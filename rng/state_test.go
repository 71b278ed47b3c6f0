package rng_test

import (
	"bytes"
	"encoding"
	"encoding/binary"
	"hash/crc32"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/rng"
)

var (
	_ encoding.BinaryMarshaler   = rng.State{}
	_ encoding.BinaryUnmarshaler = (*rng.State)(nil)
)

func marshal(t require.TestingT, s rng.State) []byte {
	data, err := s.MarshalBinary()
	require.NoError(t, err)
	return data
}

func TestAStateRestoresTheStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawnStream(t)
		saved := s.State()
		data := marshal(t, saved)

		var state rng.State
		require.NoError(t, state.UnmarshalBinary(data))
		require.True(t, saved == state)
		restored, err := rng.FromState(state)
		require.NoError(t, err)
		require.Equal(t, s.Position(), restored.Position())
		require.Equal(t, s.Position(), state.Position())

		for _, n := range []int{1, 3, 700, 1} {
			a, b := make([]float32, n), make([]float32, n)
			rng.Fill(s, dist.Dist{Draw: normal(0, 1)}, a)
			rng.Fill(restored, dist.Dist{Draw: normal(0, 1)}, b)
			require.Equal(t, a, b)
		}
		require.True(t, s.State() == restored.State())
		require.True(t, saved == state, "a state changes with its stream")
	})
}

func TestStatesDifferByCachedNormalAlone(t *testing.T) {
	// Both streams have drawn four words; one of them holds a normal.
	a, b := rng.New(8), rng.New(8)
	rng.Fill(a, dist.Dist{Draw: normal(0, 1)}, make([]float64, 1))
	b.Advance(4)
	require.False(t, a.State() == b.State())
	require.NotEqual(t, marshal(t, a.State()), marshal(t, b.State()))
}

func TestTheEncodingOfAStateIsFixed(t *testing.T) {
	s := rng.New(3)
	rng.Fill(s, dist.Dist{Draw: normal(0, 1)}, make([]float64, 3))
	data := marshal(t, s.State())
	require.Len(t, data, 2533)
	require.Equal(t, "wi-rng\x00\x01", string(data[:8]))
	require.Equal(t, uint64(8), binary.LittleEndian.Uint64(data[8:]))
	require.Equal(t, byte(1), data[16])
	require.Equal(t, uint64(0xbfe3a393f2853e66), binary.LittleEndian.Uint64(data[17:]))
	require.Equal(t, uint64(4), binary.LittleEndian.Uint64(data[25:]))
}

// withChange returns the encoding with bytes put at an offset and a checksum
// that fits.
func withChange(data []byte, at int, put ...byte) []byte {
	out := bytes.Clone(data)
	copy(out[at:], put)
	body := out[:len(out)-4]
	binary.LittleEndian.PutUint32(out[len(body):], crc32.ChecksumIEEE(body))
	return out
}

func littleEndian(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }

func TestUnmarshalRefusesWhatNoStreamHas(t *testing.T) {
	s := rng.New(3)
	rng.Fill(s, dist.Dist{Draw: normal(0, 1)}, make([]float64, 3))
	cached := marshal(t, s.State())
	plain := marshal(t, rng.New(3).State())
	flipped := bytes.Clone(plain)
	flipped[1000] ^= 4
	for _, c := range []struct {
		name string
		data []byte
		says string
	}{
		{"nothing", nil, "version"},
		{"other version", withChange(plain, 7, 2), "version"},
		{"one byte less", plain[:len(plain)-1], "2532 bytes instead of 2533"},
		{"one byte more", append(bytes.Clone(plain), 0), "2534 bytes"},
		{"a flipped bit", flipped, "checksum"},
		{"a flag of 2", withChange(plain, 16, 2), "flag 2"},
		{"negative words", withChange(plain, 8, littleEndian(1<<63)...), "words drawn"},
		{"more words than can be drawn", withChange(plain, 8, littleEndian(1<<62+1)...), "words drawn"},
		{"a normal without flag", withChange(plain, 17, 1), "none is held"},
		{"a place without flag", withChange(plain, 25, 1), "none is held"},
		{"a normal not yet drawn", withChange(cached, 25, littleEndian(5)...), "cached normal of word 5"},
		{"a normal before the start", withChange(cached, 25, littleEndian(math.MaxUint64)...), "cached normal of word -1"},
		{"a normal of NaN", withChange(cached, 17, littleEndian(math.Float64bits(math.NaN()))...), "cached normal NaN"},
		{"a normal of 9", withChange(cached, 17, littleEndian(math.Float64bits(9))...), "cached normal 9"},
		{"an engine of zeros", withChange(plain, 33, make([]byte, 4*624)...), "without a bit set"},
	} {
		t.Run(c.name, func(t *testing.T) {
			state := s.State()
			err := state.UnmarshalBinary(c.data)
			require.ErrorIs(t, err, rng.ErrState)
			require.ErrorContains(t, err, c.says)
			require.True(t, state == s.State(), "the receiver was changed")
		})
	}
	require.NoError(t, new(rng.State).UnmarshalBinary(withChange(plain, 0)))
}

func TestTheZeroStateIsNoState(t *testing.T) {
	_, err := rng.FromState(rng.State{})
	require.ErrorIs(t, err, rng.ErrState)
}

func FuzzUnmarshalState(f *testing.F) {
	s := rng.New(3)
	f.Add(marshal(f, s.State()))
	rng.Fill(s, dist.Dist{Draw: normal(0, 1)}, make([]float64, 3))
	f.Add(marshal(f, s.State()))
	f.Add([]byte("wi-rng\x00\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4 {
			data = withChange(data, 0) // a checksum that fits
		}
		var state rng.State
		if state.UnmarshalBinary(data) != nil {
			require.True(t, state == rng.State{})
			return
		}
		require.Equal(t, data, marshal(t, state), "accepted, but not what MarshalBinary gives")
		stream, err := rng.FromState(state)
		require.NoError(t, err)
		require.True(t, stream.State() == state)
		before := stream.Position()
		rng.Fill(stream, dist.Dist{Draw: normal(0, 1)}, make([]float32, 1001))
		rng.Fill(stream, dist.Dist{Draw: normal(0, 1)}, make([]float64, 3))
		require.Greater(t, stream.Position().Words, before.Words)
	})
}
