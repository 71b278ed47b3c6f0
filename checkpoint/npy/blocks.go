package npy

import (
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Values of a file in Fortran order come out of blocks: ranges of the values
// that are already in C order and little-endian. To fill a block, the file is
// read forwards once at most, so the larger the blocks, the fewer readings. All
// files share one cache, whose size does not depend on theirs.
const (
	leastBlock = 16 << 20
	mostBlock  = 32 << 20
	largeBlock = 128 << 20
	// blocksOfFile is how many blocks of one file are kept: two, because the
	// readers of one file may be on both sides of a border.
	blocksOfFile = 2
	// maxFillers is how many goroutines fill a block.
	maxFillers = 4
	// readersEach is how many files each goroutine reads at once: two sides.
	readersEach = 2
)

// blockLimit is the most bytes of a block. A machine with many cores reads many
// files at once, and takes smaller ones. A large file takes larger ones, or it
// would be read too often.
func blockLimit(file int64) int64 {
	limit := int64(max(leastBlock, min(mostBlock, (readersEach*mostBlock)/runtime.GOMAXPROCS(0))))
	return max(limit, min(file/8, largeBlock))
}

// cache holds the blocks of all files.
var cache blockCache

type blockCache struct {
	mu     sync.Mutex
	clock  int64
	blocks []*block
}

// block is one range of a file's values.
type block struct {
	file  *File
	index int64
	bytes []byte
	users int
	used  int64
}

// find returns a block that is there, for a reader that must release it.
func (c *blockCache) find(f *File, index int64) *block {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.blocks {
		if b.file == f && b.index == index {
			c.clock++
			b.users, b.used = b.users+1, c.clock
			return b
		}
	}
	return nil
}

func (c *blockCache) release(b *block) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b.users--
}

// room drops blocks for a new one of f, and returns the memory of one if it has
// size bytes.
func (c *blockCache) room(f *File, size int64) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	var memory []byte
	limit := (readersEach*runtime.GOMAXPROCS(0) + 2)
	for {
		ofFile := 0
		var oldest, own *block
		for _, b := range c.blocks {
			if b.file == f {
				ofFile++
			}
			if b.users > 0 {
				continue
			}
			if oldest == nil || b.used < oldest.used {
				oldest = b
			}
			if b.file == f && (own == nil || b.used < own.used) {
				own = b
			}
		}
		if ofFile >= blocksOfFile && own != nil {
			oldest = own
		} else if len(c.blocks) < limit || oldest == nil {
			break
		}
		if int64(cap(oldest.bytes)) >= size && cap(memory) == 0 {
			memory = oldest.bytes[:size]
		}
		c.blocks = slices.DeleteFunc(c.blocks, func(b *block) bool { return b == oldest })
	}
	if memory == nil {
		memory = make([]byte, size)
	}
	return memory
}

// add puts a block in, for a reader that must release it.
func (c *blockCache) add(b *block) *block {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock++
	b.users, b.used = 1, c.clock
	c.blocks = append(c.blocks, b)
	return b
}

// drop forgets the blocks of a file.
func (c *blockCache) drop(f *File) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocks = slices.DeleteFunc(c.blocks, func(b *block) bool { return b.file == f })
}

// readBlocks fills dst from the blocks of a file in Fortran order.
func (f *File) readBlocks(dst []byte, off int64) error {
	for len(dst) > 0 {
		b, err := f.block(off / f.blockBytes)
		if err != nil {
			return err
		}
		n := copy(dst, b.bytes[off%f.blockBytes:])
		cache.release(b)
		dst, off = dst[n:], off+int64(n)
	}
	return nil
}

// block returns a block of the file, which it fills if need be: one of a file
// at a time.
func (f *File) block(index int64) (*block, error) {
	if b := cache.find(f, index); b != nil {
		return b, nil
	}
	f.filling.Lock()
	defer f.filling.Unlock()
	if b := cache.find(f, index); b != nil {
		return b, nil
	}
	begin := index * f.blockBytes
	b := &block{file: f, index: index, bytes: cache.room(f, min(f.blockBytes, f.Bytes()-begin))}
	if err := f.fillBlock(b.bytes, begin); err != nil {
		return nil, err
	}
	return cache.add(b), nil
}

// fillBlock fills dst with the values from byte begin on, whole rows by several
// goroutines.
func (f *File) fillBlock(dst []byte, begin int64) error {
	const least = 4 << 20 // bytes that are worth a goroutine
	rows := (int64(len(dst)) + f.rowBytes - 1) / f.rowBytes
	parts := max(1, min(rows, int64(len(dst))/least, int64(runtime.GOMAXPROCS(0)), maxFillers))
	part := (rows + parts - 1) / parts * f.rowBytes
	var group errgroup.Group
	for from := int64(0); from < int64(len(dst)); from += part {
		piece := dst[from:min(from+part, int64(len(dst)))]
		group.Go(func() error {
			if err := f.gather(piece, (begin+from)/int64(f.dtype.Size)); err != nil {
				return err
			}
			if f.dtype.BigEndian {
				swap(piece, f.dtype.Part)
			}
			return nil
		})
	}
	return group.Wait()
}

// setBlockBytes chooses the size of a block: whole rows of the outermost
// dimension whose rows fit, so that a block falls into few boxes.
func (f *File) setBlockBytes(limit int64) {
	row := f.Bytes()
	for _, d := range f.shape {
		if row <= limit {
			break
		}
		row /= max(1, d)
	}
	row = max(1, row, int64(f.dtype.Size))
	f.rowBytes, f.blockBytes = row, max(1, limit/row)*row
}
