package strictjson

import "hash/maphash"

// nameSet holds the names of one object. Most objects have a handful, for which
// a list is quickest. For an object of millions it is a table of the places of
// the names in the text, a few bytes a name, that the garbage collector need not
// look into; two names are compared only when their hashes agree.
type nameSet struct {
	count int
	few   [fewNames]string
	fewAt [fewNames]int

	seed  maphash.Seed
	slots []uint64 // 0, or part of the hash and the place plus 1
}

const (
	fewNames  = 8
	placeBits = 40
	placeMask = 1<<placeBits - 1
)

// add reports whether a name was not in the set. at is where its opening quote
// stands in data.
func (s *nameSet) add(data []byte, name string, at int) bool {
	if s.slots == nil {
		for i := range s.count {
			if s.few[i] == name {
				return false
			}
		}
		if s.count < fewNames {
			s.few[s.count], s.fewAt[s.count] = name, at
			s.count++
			return true
		}
		s.seed = maphash.MakeSeed()
		s.slots = make([]uint64, 8*fewNames)
		for i, other := range s.few {
			s.insert(data, other, s.fewAt[i])
		}
	}
	if 4*s.count >= 3*len(s.slots) {
		s.grow(data)
	}
	if !s.insert(data, name, at) {
		return false
	}
	s.count++
	return true
}

// insert puts a name into the table unless it is there.
func (s *nameSet) insert(data []byte, name string, at int) bool {
	hash := maphash.String(s.seed, name)
	mask := uint64(len(s.slots) - 1)
	entry := hash&^placeMask | uint64(at+1)
	for i := hash & mask; ; i = (i + 1) & mask {
		switch slot := s.slots[i]; {
		case slot == 0:
			s.slots[i] = entry
			return true
		case slot&^placeMask == entry&^placeMask && nameAt(data, slot) == name:
			return false
		}
	}
}

func (s *nameSet) grow(data []byte) {
	old := s.slots
	s.slots = make([]uint64, 2*len(old))
	mask := uint64(len(s.slots) - 1)
	for _, slot := range old {
		if slot == 0 {
			continue
		}
		i := maphash.String(s.seed, nameAt(data, slot)) & mask
		for s.slots[i] != 0 {
			i = (i + 1) & mask
		}
		s.slots[i] = slot
	}
}

// nameAt reads again a name that was read before.
func nameAt(data []byte, slot uint64) string {
	p := Parser{data: data, pos: int(slot&placeMask) - 1}
	name, err := p.text()
	if err != nil {
		return ""
	}
	return name
}
