package fromproto

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

// firstUnknown returns the number of the first field of m that this program
// does not know, or 0.
func firstUnknown(m proto.Message) int32 {
	if m == nil || !m.ProtoReflect().IsValid() {
		return 0
	}
	n, _, length := protowire.ConsumeTag(m.ProtoReflect().GetUnknown())
	if length < 0 {
		return 0
	}
	return int32(n)
}

// budget counts the lists of a message before it is decoded: a list entry of
// two bytes becomes an object of a hundred.
type budget struct {
	dists, blocks int
}

// ScanAssign counts the lists of an undecoded AssignReply for the given
// parameters. It reads the bytes once and allocates nothing.
func ScanAssign(raw []byte, params []*modev1.Param) error {
	return scanAssign(raw, len(params), func(i int) string { return params[i].GetName() })
}

func scanAssign(raw []byte, params int, name func(i int) string) error {
	var b budget
	return fields("", raw, func(n protowire.Number, value []byte) error {
		if n != 1 {
			return nil
		}
		if b.dists++; b.dists > params {
			return bad("dists", "", "has more than %d entries, one for each parameter", params)
		}
		if err := b.dist(value, 0); err != nil {
			return ofParam(b.dists-1, name(b.dists-1), err)
		}
		return nil
	})
}

func (b *budget) dist(raw []byte, depth int) error {
	posts, blocks, pieces, ranges := 0, 0, 0, 0
	return fields("", raw, func(n protowire.Number, value []byte) error {
		switch n {
		case 9:
			if depth > 0 {
				return bad("blocks", "", "blocks cannot stand inside blocks or pieces")
			}
			return b.list("blocks", value, &blocks, func(block []byte) error {
				return fields("blocks", block, func(n protowire.Number, value []byte) error {
					if n != 2 {
						return nil
					}
					return b.dist(value, depth+1)
				})
			})
		case 18:
			if depth > 0 {
				return bad("pieces", "", "pieces cannot stand inside blocks or pieces")
			}
			return b.list("pieces", value, &pieces, func(piece []byte) error { return b.dist(piece, depth+1) })
		case 16:
			if posts++; posts > wire.MaxPosts {
				return tooMany("post", posts, wire.MaxPosts)
			}
			return fields("post", value, func(n protowire.Number, value []byte) error {
				if n != 3 {
					return nil
				}
				return b.list("zero_rows", value, &ranges, func([]byte) error { return nil })
			})
		}
		return nil
	})
}

// list counts the entries (field 1) of a message that is a list, in the list
// and in the whole reply.
func (b *budget) list(field string, raw []byte, count *int, each func(entry []byte) error) error {
	return fields(field, raw, func(n protowire.Number, value []byte) error {
		if n != 1 {
			return nil
		}
		*count++
		b.blocks++
		switch {
		case *count > wire.MaxBlocks:
			return tooMany(field, *count, wire.MaxBlocks)
		case b.blocks > wire.MaxAllBlocks:
			return bad(field, "", "passes %d entries in one reply", wire.MaxAllBlocks)
		}
		return each(value)
	})
}

// ScanDescribe counts the lists of an undecoded DescribeReply.
func ScanDescribe(raw []byte) error {
	features, modes := 0, 0
	return fields("", raw, func(n protowire.Number, value []byte) error {
		switch n {
		case 5:
			if features++; features > wire.MaxFeatures {
				return tooMany("features", features, wire.MaxFeatures)
			}
		case 6:
			if modes++; modes > wire.MaxModes {
				return tooMany("modes", modes, wire.MaxModes)
			}
			aliases := 0
			return fields("modes", value, func(n protowire.Number, _ []byte) error {
				if n != 8 {
					return nil
				}
				if aliases++; aliases > wire.MaxAliases {
					return tooMany(index("modes", modes-1)+".aliases", aliases, wire.MaxAliases)
				}
				return nil
			})
		}
		return nil
	})
}

// fields calls each for every field of a message that is a string, bytes or a
// message, and skips the others.
func fields(where string, raw []byte, each func(n protowire.Number, value []byte) error) error {
	for len(raw) > 0 {
		n, kind, length := protowire.ConsumeTag(raw)
		if length < 0 {
			return bad(orMessage(where), "", "is not protobuf: %s", protowire.ParseError(length))
		}
		raw = raw[length:]
		if kind != protowire.BytesType {
			if length = protowire.ConsumeFieldValue(n, kind, raw); length < 0 {
				return bad(orMessage(where), "", "is not protobuf: %s", protowire.ParseError(length))
			}
			raw = raw[length:]
			continue
		}
		value, length := protowire.ConsumeBytes(raw)
		if length < 0 {
			return bad(orMessage(where), "", "is not protobuf: %s", protowire.ParseError(length))
		}
		if err := each(n, value); err != nil {
			return err
		}
		raw = raw[length:]
	}
	return nil
}

func orMessage(where string) string {
	if where == "" {
		return "message"
	}
	return where
}
