package faultfs

import (
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/weightinit/weightinit/internal/atomicfile"
)

// Mem is a file system in memory that knows, for every file and folder, what
// was made durable: the content by Sync, the names by SyncDir, each on its own
// as POSIX has it. Crash returns what a power cut would leave.
type Mem struct {
	mu   sync.Mutex
	root *node
	// RenameNewUnsupported makes RenameNew fail as on an old kernel, Link too
	// when LinkUnsupported is set.
	RenameNewUnsupported, LinkUnsupported bool
}

// node is a file or a folder. Operations that are not durable yet are kept in
// their order beside the durable state.
type node struct {
	dir     bool
	data    []byte
	durable []byte
	pending []edit // not yet synced changes of the data, or of the names

	names        map[string]*node
	durableNames map[string]*node

	owner *opening // who holds the lock
}

// edit is one change that is not durable: of a file's data, or of one name or,
// by a rename, two names of a folder.
type edit struct {
	off  int64 // data: bytes at off; with nil data the file becomes off long
	data []byte

	put  string // names: put leads to node, drop leads nowhere
	node *node
	drop string
}

// NewMem returns an empty file system.
func NewMem() *Mem { return &Mem{root: newDir()} }

func newDir() *node {
	return &node{dir: true, names: map[string]*node{}, durableNames: map[string]*node{}}
}

// Keep tells Crash whether an operation that was not made durable survives
// nevertheless: disks write in their own order. name tells whether it changes
// names, not data.
type Keep func(name bool) bool

// Forget keeps nothing that was not synced; KeepNames keeps every change of a
// name, but no data; KeepAll is a crash of the process alone.
func Forget(bool) bool         { return false }
func KeepNames(name bool) bool { return name }
func KeepAll(bool) bool        { return true }

// Crash returns the file system as it comes up after a power cut. Locks are
// gone. m is not changed.
func (m *Mem) Crash(keep Keep) *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Mem{root: crash(m.root, keep, map[*node]*node{}),
		RenameNewUnsupported: m.RenameNewUnsupported, LinkUnsupported: m.LinkUnsupported}
}

func crash(n *node, keep Keep, seen map[*node]*node) *node {
	if c := seen[n]; c != nil {
		return c
	}
	if !n.dir {
		c := &node{data: slices.Clone(n.durable)}
		seen[n] = c
		for _, e := range n.pending {
			if keep(false) {
				c.data = e.apply(c.data)
			}
		}
		c.durable = slices.Clone(c.data)
		return c
	}
	c := newDir()
	seen[n] = c
	names := maps.Clone(n.durableNames)
	for _, e := range n.pending {
		if !keep(true) {
			continue
		}
		delete(names, e.drop)
		if e.put != "" {
			names[e.put] = e.node
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		c.names[name] = crash(names[name], keep, seen)
	}
	c.durableNames = maps.Clone(c.names)
	return c
}

func (e edit) apply(data []byte) []byte {
	end := e.off + int64(len(e.data))
	if e.data == nil {
		data = data[:min(e.off, int64(len(data)))]
		end = e.off
	}
	if grow := end - int64(len(data)); grow > 0 {
		data = append(data, make([]byte, grow)...)
	}
	copy(data[e.off:], e.data)
	return data
}

// change makes an edit of a folder's names now, and durable later.
func (n *node) change(e edit) {
	delete(n.names, e.drop)
	if e.put != "" {
		n.names[e.put] = e.node
	}
	n.pending = append(n.pending, e)
}

// Files returns the path and content of every file, folders as "NAME/" with
// nil content.
func (m *Mem) Files() map[string][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string][]byte{}
	var walk func(prefix string, n *node)
	walk = func(prefix string, n *node) {
		for name, child := range n.names {
			if child.dir {
				all[prefix+name+"/"] = nil
				walk(prefix+name+"/", child)
			} else {
				all[prefix+name] = slices.Clone(child.data)
			}
		}
	}
	walk("", m.root)
	return all
}

// Put makes a durable file, and its folder.
func (m *Mem) Put(name string, data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.root
	parts := strings.Split(path.Clean(name), "/")
	for _, part := range parts[:len(parts)-1] {
		child := n.names[part]
		if child == nil {
			child = newDir()
			n.names[part], n.durableNames[part] = child, child
		}
		n = child
	}
	f := &node{data: slices.Clone(data), durable: slices.Clone(data)}
	n.names[parts[len(parts)-1]], n.durableNames[parts[len(parts)-1]] = f, f
}

// find returns the node of a name, or nil, and the folder that it is in.
func (m *Mem) find(op, name string) (parent *node, base string, n *node, err error) {
	n = m.root
	clean := path.Clean(name)
	if clean == "." {
		return nil, ".", n, nil
	}
	parts := strings.Split(clean, "/")
	for i, part := range parts {
		if n == nil {
			return nil, "", nil, &fs.PathError{Op: op, Path: name, Err: syscall.ENOENT}
		}
		if !n.dir {
			return nil, "", nil, &fs.PathError{Op: op, Path: name, Err: syscall.ENOTDIR}
		}
		parent, base, n = n, part, n.names[parts[i]]
	}
	return parent, base, n, nil
}

// get is find for a name that must be there.
func (m *Mem) get(op, name string) (parent *node, base string, n *node, err error) {
	parent, base, n, err = m.find(op, name)
	if err == nil && n == nil {
		err = &fs.PathError{Op: op, Path: name, Err: syscall.ENOENT}
	}
	return parent, base, n, err
}

// Create and the other methods are those of atomicfile.FS.
func (m *Mem) Create(name string) (atomicfile.Handle, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	parent, base, n, err := m.find("create", name)
	if err != nil {
		return nil, err
	}
	if n != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: syscall.EEXIST}
	}
	n = &node{}
	parent.change(edit{put: base, node: n})
	return newOpening(m, n), nil
}

func (m *Mem) Open(name string, create bool) (atomicfile.Handle, error) {
	m.mu.Lock()
	_, _, n, err := m.get("open", name)
	m.mu.Unlock()
	if create && err != nil {
		return m.Create(name)
	}
	if err != nil {
		return nil, err
	}
	if n.dir {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EISDIR}
	}
	return newOpening(m, n), nil
}

func (m *Mem) Stat(name string) (fs.FileMode, error) { return m.Lstat(name) }

func (m *Mem) Lstat(name string) (fs.FileMode, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _, n, err := m.get("lstat", name)
	if err != nil {
		return 0, err
	}
	return n.kind(), nil
}

func (n *node) kind() fs.FileMode {
	if n.dir {
		return fs.ModeDir
	}
	return 0
}

func (m *Mem) List(dir string) ([]atomicfile.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _, n, err := m.get("list", dir)
	if err != nil {
		return nil, err
	}
	if !n.dir {
		return nil, &fs.PathError{Op: "list", Path: dir, Err: syscall.ENOTDIR}
	}
	var entries []atomicfile.Entry
	for _, name := range slices.Sorted(maps.Keys(n.names)) {
		entries = append(entries, atomicfile.Entry{Name: name, Kind: n.names[name].kind()})
	}
	return entries, nil
}

func (m *Mem) Mkdir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	parent, base, n, err := m.find("mkdir", name)
	if err != nil {
		return err
	}
	if n != nil {
		return &fs.PathError{Op: "mkdir", Path: name, Err: syscall.EEXIST}
	}
	parent.change(edit{put: base, node: newDir()})
	return nil
}

func (m *Mem) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	parent, base, n, err := m.get("remove", name)
	if err != nil {
		return err
	}
	if n.dir && len(n.names) > 0 {
		return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOTEMPTY}
	}
	parent.change(edit{drop: base})
	return nil
}

// link puts the file at from under a second name, and with drop takes the
// first away, in one step.
func (m *Mem) link(op, from, to string, replace, drop bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	parent, base, n, err := m.get(op, from)
	if err != nil {
		return err
	}
	target, final, there, err := m.find(op, to)
	if err != nil {
		return err
	}
	switch {
	case parent != target:
		err = syscall.EXDEV // the writers never leave a folder
	case there != nil && !replace:
		err = syscall.EEXIST
	case there != nil && there.dir:
		err = syscall.EISDIR
	}
	if err != nil {
		return &fs.PathError{Op: op, Path: to, Err: err}
	}
	e := edit{put: final, node: n}
	if drop {
		e.drop = base
	}
	parent.change(e)
	return nil
}

func (m *Mem) Rename(from, to string) error { return m.link("rename", from, to, true, true) }

func (m *Mem) RenameNew(from, to string) error {
	if m.RenameNewUnsupported {
		return syscall.ENOSYS
	}
	return m.link("renamenew", from, to, false, true)
}

func (m *Mem) Link(from, to string) error {
	if m.LinkUnsupported {
		return syscall.EPERM
	}
	return m.link("link", from, to, false, false)
}

func (m *Mem) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _, n, err := m.get("syncdir", dir)
	if err != nil {
		return err
	}
	n.durableNames, n.pending = maps.Clone(n.names), nil
	return nil
}

func (m *Mem) Space(dir string) (atomicfile.Space, error) {
	return atomicfile.Space{Free: 1 << 40, Block: 4096}, nil
}

// opening is an open file: what a lock belongs to.
type opening struct {
	m    *Mem
	n    *node
	uses int
}

func newOpening(m *Mem, n *node) *opening { return &opening{m, n, 1} }

// locked runs do under the lock of the file system, on an open file only.
func (o *opening) locked(do func() error) error {
	o.m.mu.Lock()
	defer o.m.mu.Unlock()
	if o.uses <= 0 {
		return fs.ErrClosed
	}
	return do()
}

func (o *opening) edit(e edit) error {
	return o.locked(func() error {
		o.n.data = e.apply(o.n.data)
		o.n.pending = append(o.n.pending, e)
		return nil
	})
}

func (o *opening) ReadAt(p []byte, off int64) (n int, err error) {
	err = o.locked(func() error {
		if off < int64(len(o.n.data)) {
			n = copy(p, o.n.data[off:])
		}
		if n < len(p) {
			return io.EOF
		}
		return nil
	})
	return n, err
}

func (o *opening) WriteAt(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := o.edit(edit{off: off, data: slices.Clone(p)}); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (o *opening) Truncate(size int64) error { return o.edit(edit{off: size}) }

func (o *opening) Reserve(size int64) error {
	if size <= int64(len(o.n.data)) {
		return nil
	}
	return o.edit(edit{off: size})
}

func (o *opening) Sync() error {
	return o.locked(func() error {
		o.n.durable, o.n.pending = slices.Clone(o.n.data), nil
		return nil
	})
}

func (o *opening) StartSync() {}

func (o *opening) TryLock() error {
	return o.locked(func() error {
		if o.n.owner != nil && o.n.owner != o {
			return atomicfile.ErrLocked
		}
		o.n.owner = o
		return nil
	})
}

func (o *opening) KeepLock() (io.Closer, error) {
	err := o.locked(func() error { o.uses++; return nil })
	return o, err
}

func (o *opening) Is(name string) (same bool, err error) {
	err = o.locked(func() error {
		_, _, n, err := o.m.get("lstat", name)
		same = n == o.n
		return err
	})
	return same, err
}

func (o *opening) Close() error {
	return o.locked(func() error {
		if o.uses--; o.uses == 0 && o.n.owner == o {
			o.n.owner = nil
		}
		return nil
	})
}
