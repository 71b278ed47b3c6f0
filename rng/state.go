package rng

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/rng/internal/kernel"
)

// ErrState is the cause of every error about a state that no stream has.
var ErrState = errors.New("not the state of a stream")

// State is a stream's state at one moment: what decides all later draws, the
// cached normal included. Two states are equal (==) exactly if the streams
// had drawn as many words, of the same generator, and hold the same normal.
// The zero State is the state of no stream.
type State struct {
	words [kernel.N]uint32
	drawn int64
	cache cache
}

// State returns the state of s. Later draws do not change it.
func (s *Stream) State() State {
	return State{words: *s.engine.Words(), drawn: s.drawn, cache: s.cache}
}

// FromState returns a stream in the given state. An error wraps [ErrState].
func FromState(state State) (*Stream, error) {
	if err := state.check(); err != nil {
		return nil, err
	}
	s := &Stream{drawn: state.drawn, cache: state.cache}
	*s.engine.Words() = state.words
	s.engine.SetNext(nextOf(state.drawn))
	return s, nil
}

// Position returns where a stream in this state stands.
func (s State) Position() dist.Position {
	return dist.Position{Words: s.drawn, Cached: s.cache.full, CachedAt: s.cache.at}
}

// nextOf returns the index of the next word after drawn ones: blocks begin at
// multiples of N, and a block that is used up stays until the next draw.
func nextOf(drawn int64) int {
	if drawn == 0 {
		return kernel.N
	}
	return int((drawn-1)%kernel.N) + 1
}

// maxNormal is above every unscaled normal: the radius is at most
// sqrt(2 * 53 * log 2).
const maxNormal = 8.6

// maxDrawn is far beyond what can be drawn, and far enough below the largest
// int64 that counting on does not overflow.
const maxDrawn = 1 << 62

func (s State) check() error {
	// The recurrence reads only the top bit of the oldest word.
	anyBit := s.words[0] >> 31
	for _, w := range s.words[1:] {
		anyBit |= w
	}
	switch v := math.Float64frombits(s.cache.bits); {
	case anyBit == 0:
		return fmt.Errorf("rng: engine without a bit set: %w", ErrState)
	case s.drawn < 0 || s.drawn > maxDrawn:
		return fmt.Errorf("rng: %d words drawn: %w", s.drawn, ErrState)
	case !s.cache.full && s.cache != cache{}:
		return fmt.Errorf("rng: parts of a cached normal, but none is held: %w", ErrState)
	case s.cache.full && (s.cache.at < 0 || s.cache.at > s.drawn-4):
		return fmt.Errorf("rng: cached normal of word %d, but %d words drawn: %w", s.cache.at, s.drawn, ErrState)
	case !(math.Abs(v) <= maxNormal):
		return fmt.Errorf("rng: cached normal %v: %w", v, ErrState)
	}
	return nil
}

// The layout of an encoded state, all numbers little-endian: eight bytes of
// name and version, words drawn (8), 1 or 0 for a cached normal (1), the
// normal (8), its word (8), the engine's words (4 each), CRC-32 (IEEE) of all
// that (4).
const (
	stateMagic = "wi-rng\x00\x01"
	stateSize  = len(stateMagic) + 8 + 1 + 8 + 8 + 4*kernel.N + 4
)

// MarshalBinary implements [encoding.BinaryMarshaler]. The error is always
// nil. The bytes do not depend on the machine.
func (s State) MarshalBinary() ([]byte, error) {
	dst := make([]byte, 0, stateSize)
	dst = append(dst, stateMagic...)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(s.drawn))
	if s.cache.full {
		dst = append(dst, 1)
	} else {
		dst = append(dst, 0)
	}
	dst = binary.LittleEndian.AppendUint64(dst, s.cache.bits)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(s.cache.at))
	for _, w := range s.words {
		dst = binary.LittleEndian.AppendUint32(dst, w)
	}
	return binary.LittleEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst)), nil
}

// UnmarshalBinary implements [encoding.BinaryUnmarshaler]. It accepts exactly
// what MarshalBinary gives for the state of a stream; an error wraps
// [ErrState] and leaves s as it was.
func (s *State) UnmarshalBinary(data []byte) error {
	if len(data) < len(stateMagic) || string(data[:len(stateMagic)]) != stateMagic {
		return fmt.Errorf("rng: state: not of a version this program knows: %w", ErrState)
	}
	if len(data) != stateSize {
		return fmt.Errorf("rng: state: %d bytes instead of %d: %w", len(data), stateSize, ErrState)
	}
	body := data[:stateSize-4]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(data[stateSize-4:]) {
		return fmt.Errorf("rng: state: checksum does not match: %w", ErrState)
	}
	body = body[len(stateMagic):]
	if body[8] > 1 {
		return fmt.Errorf("rng: state: flag %d instead of 0 or 1: %w", body[8], ErrState)
	}
	v := State{
		drawn: int64(binary.LittleEndian.Uint64(body)),
		cache: cache{
			full: body[8] == 1,
			bits: binary.LittleEndian.Uint64(body[9:]),
			at:   int64(binary.LittleEndian.Uint64(body[17:])),
		},
	}
	for i := range v.words {
		v.words[i] = binary.LittleEndian.Uint32(body[25+4*i:])
	}
	if err := v.check(); err != nil {
		return err
	}
	*s = v
	return nil
}
