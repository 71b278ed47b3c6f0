package checkpoint

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/weightinit/weightinit/checkpoint/npy"
	"github.com/weightinit/weightinit/internal/inputfile"
	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
)

// archive is a .npz being opened: a zip file of arrays.
type archive struct {
	path string
	file *os.File
	set  set

	// skipped says of each member that is not read why.
	skipped []string
	spool   spool

	mu   sync.Mutex
	idle []*cursor
}

// openNPZ opens an archive. Every member is read once from start to end before
// the first value is given out: what a member says of its length and checksum
// is only known to be true then. Compressed members in Fortran order are
// inflated into a temporary file by that.
func openNPZ(path string) (Set, error) {
	f, size, err := inputfile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	a := &archive{path: path, file: f}
	a.set.closers = append(a.set.closers, f, &a.spool)
	if err := a.open(size); err != nil {
		_ = a.set.Close()
		return nil, err
	}
	return a.set.seal(), nil
}

func (a *archive) fault(reason Reason, member, what string) error {
	if member != "" {
		what = "member " + shown.Quote(member) + ": " + what
	}
	return &Error{Path: a.path, Reason: reason, File: member, What: what}
}

func (a *archive) open(size int64) error {
	// Offsets of the archive beyond the file are faults of the archive, which
	// the section says by io.EOF.
	r, err := zip.NewReader(io.NewSectionReader(a.file, 0, size), size)
	if err != nil {
		return a.failed("", "not a complete .npz (zip) archive", err)
	}
	if len(r.File) > limits.Tensors {
		return a.fault(TooMany, "", fmt.Sprintf("%d members, the limit is %d: split the archive", len(r.File), limits.Tensors))
	}
	if err := a.checkMembers(r.File, size); err != nil {
		return err
	}
	for _, m := range r.File {
		if strings.HasSuffix(m.Name, "/") && m.UncompressedSize64 == 0 {
			continue // a folder
		}
		if err := a.addMember(m); err != nil {
			return err
		}
	}
	if len(a.skipped) > 0 && len(a.set.tensors) == 0 {
		return a.fault(NothingFound, "", "no member holds numbers: "+a.skipped[0]+more(len(a.skipped)-1)+": name an archive of number arrays")
	}
	for i, what := range a.skipped {
		if i == limits.Warnings {
			what = fmt.Sprintf("%d more members hold no numbers: they are skipped", len(a.skipped)-i)
		} else {
			what += ": it is skipped"
		}
		a.set.warnings = append(a.set.warnings, "checkpoint: "+shown.Path(a.path)+": "+what)
		if i == limits.Warnings {
			break
		}
	}
	return a.checkNames()
}

// more says how many others there are.
func more(others int) string {
	if others == 0 {
		return ""
	}
	return fmt.Sprintf(", and %d more such", others)
}

// checkNames refuses two members that are one tensor by name, such as "w" and
// "w.npy".
func (a *archive) checkNames() error {
	seen := make(map[string]bool, len(a.set.tensors))
	for _, t := range a.set.tensors {
		if seen[t.Name] {
			return a.fault(Duplicate, t.Name+npy.Extension, "duplicate array "+shown.Quote(t.Name)+", with and without "+npy.Extension+": keep one")
		}
		seen[t.Name] = true
	}
	return nil
}

// addMember opens a member, or notes why it is skipped: it is no array, or one
// without numbers. A damaged array, and numbers of a type that is not read, are
// errors: they must not go missing.
func (a *archive) addMember(m *zip.File) error {
	array := strings.HasSuffix(m.Name, npy.Extension) && m.Name != npy.Extension
	if !array || isAppleDouble(m.Name) {
		if head, err := firstOfMember(m); err != nil || !strings.HasPrefix(head, npyMagic) {
			a.skip(m.Name, "is no array of numbers")
			return nil
		}
	}
	if problem := memberProblem(m); problem != "" {
		return a.fault(BadFileName, m.Name, problem)
	}
	t, err := a.openMember(m)
	var bad *npy.Error
	switch {
	case errors.As(err, &bad) && bad.NoNumbers != "":
		a.skip(m.Name, "holds "+bad.NoNumbers+", no numbers")
	case err != nil:
		return err
	default:
		a.set.tensors = append(a.set.tensors, t)
	}
	return nil
}

// skip notes a member that is not read.
func (a *archive) skip(member, why string) {
	a.skipped = append(a.skipped, "member "+shown.Quote(member)+" "+why)
}

const npyMagic = "\x93NUMPY"

// isAppleDouble reports whether macOS put a member beside another one.
func isAppleDouble(name string) bool {
	return strings.HasPrefix(name, "__MACOSX/") || strings.HasPrefix(name[strings.LastIndexByte(name, '/')+1:], "._")
}

// firstOfMember returns the first bytes of a member.
func firstOfMember(m *zip.File) (string, error) {
	r, err := m.Open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	head := make([]byte, len(npyMagic))
	n, err := io.ReadFull(r, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return string(head[:n]), err
}

// checkMembers looks at names and places before any member is read.
func (a *archive) checkMembers(members []*zip.File, size int64) error {
	type span struct {
		begin, end int64
		name       string
	}
	var spans []span
	seen := make(map[string]bool, len(members))
	for _, m := range members {
		if seen[m.Name] {
			return a.fault(Duplicate, m.Name, "duplicate member "+shown.Quote(m.Name)+": keep one")
		}
		seen[m.Name] = true
		begin, err := m.DataOffset()
		if err != nil {
			return a.failed(m.Name, "no header where the archive's directory says", err)
		}
		if begin < 0 || begin > size || m.CompressedSize64 > uint64(size-begin) {
			return a.fault(BadArchive, m.Name, fmt.Sprintf("its %d bytes end beyond the file: is the archive complete?", m.CompressedSize64))
		}
		spans = append(spans, span{begin, begin + int64(m.CompressedSize64), m.Name})
	}
	slices.SortFunc(spans, func(x, y span) int { return cmp.Or(cmp.Compare(x.begin, y.begin), cmp.Compare(x.end, y.end)) })
	for i := 1; i < len(spans); i++ {
		if spans[i].begin < spans[i-1].end {
			return a.fault(BadArchive, spans[i].name, "overlaps with member "+shown.Quote(spans[i-1].name)+": write the archive again")
		}
	}
	return nil
}

// memberProblem says why a member is none of an archive of arrays.
func memberProblem(m *zip.File) string {
	switch {
	case strings.ContainsAny(m.Name, "\\\x00") || strings.HasPrefix(m.Name, "/"):
		return "the name would leave the archive's folder as a path"
	case m.Flags&1 != 0:
		return "it is encrypted: decrypt it first"
	case m.Method != zip.Store && m.Method != zip.Deflate:
		return fmt.Sprintf("compression method %d is not read: write the archive again with NumPy", m.Method)
	}
	for part := range strings.SplitSeq(m.Name, "/") {
		if part == ".." {
			return "the name would leave the archive's folder as a path"
		}
	}
	return ""
}

// openMember checks one array and reads it to its end.
func (a *archive) openMember(m *zip.File) (Tensor, error) {
	if m.UncompressedSize64 > 1<<62 {
		return Tensor{}, a.fault(BadArchive, m.Name, fmt.Sprintf("says that it has %d bytes", m.UncompressedSize64))
	}
	r := &memberReader{archive: a, file: m}
	f, err := npy.NewFile(r, int64(m.UncompressedSize64), a.path+"/"+m.Name)
	if r.failure != nil {
		return Tensor{}, r.failure
	}
	if err != nil {
		return Tensor{}, err
	}
	a.set.closers = append(a.set.closers, f)
	finish := r.finish
	if f.Strided() && m.Method != zip.Store {
		finish = r.spool
	}
	if err := finish(); err != nil {
		return Tensor{}, err
	}
	t := npyTensor(strings.TrimSuffix(m.Name, npy.Extension), f)
	t.sequential = m.Method != zip.Store && !f.Strided()
	return t, nil
}

// failed is an error of the archive's bytes, or of the system that read them.
func (a *archive) failed(member, what string, err error) error {
	var system *os.PathError
	if errors.As(err, &system) {
		return fmt.Errorf("checkpoint: %w", inputfile.Classify(a.path, err))
	}
	return a.fault(BadArchive, member, what+" ("+shown.Cut(err.Error(), shown.MaxText)+"): is the file complete?")
}

// maxCursors is how many streams of an archive stay open between reads.
const maxCursors = 16

// cursor is a member being inflated, and how far.
type cursor struct {
	reader *memberReader
	stream io.ReadCloser
	at     int64
}

// take returns the idle cursor that is nearest before byte off of a member, or
// a new one at its start.
func (a *archive) take(r *memberReader, off int64) (*cursor, error) {
	a.mu.Lock()
	best := -1
	for i, c := range a.idle {
		if c.reader == r && c.at <= off && (best < 0 || c.at > a.idle[best].at) {
			best = i
		}
	}
	if best >= 0 {
		c := a.idle[best]
		a.idle = slices.Delete(a.idle, best, best+1)
		a.mu.Unlock()
		return c, nil
	}
	a.mu.Unlock()
	stream, err := r.file.Open()
	if err != nil {
		return nil, err
	}
	return &cursor{reader: r, stream: stream}, nil
}

// give keeps a cursor for later, and closes the one that waits for longest when
// there are too many.
func (a *archive) give(c *cursor) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.idle = append(a.idle, c)
	if len(a.idle) > maxCursors {
		a.idle[0].stream.Close()
		a.idle = slices.Delete(a.idle, 0, 1)
	}
}

// memberReader gives random access to a member. One that is stored without
// compression is read where it lies once it was checked; another is inflated
// up to the place, from the nearest place before it where a read has ended.
type memberReader struct {
	archive *archive
	file    *zip.File
	checked bool
	// spooled says that the bytes are in the archive's spool, from byte at on.
	spooled bool
	at      int64
	failure error // of a read before the member was checked
}

// ReadAt reads from the uncompressed bytes.
func (r *memberReader) ReadAt(dst []byte, off int64) (int, error) {
	if r.spooled {
		return r.archive.spool.file.ReadAt(dst, r.at+off)
	}
	if r.checked && r.file.Method == zip.Store {
		begin, err := r.file.DataOffset()
		if err != nil {
			return 0, err
		}
		return r.archive.file.ReadAt(dst, begin+off)
	}
	n, err := r.inflate(dst, off)
	if err != nil && !r.checked {
		r.failure = r.archive.failed(r.file.Name, "the data cannot be read", err)
	}
	return n, err
}

func (r *memberReader) inflate(dst []byte, off int64) (int, error) {
	c, err := r.archive.take(r, off)
	if err != nil {
		return 0, err
	}
	skipped, err := io.CopyN(io.Discard, c.stream, off-c.at)
	c.at += skipped
	n := 0
	if err == nil {
		n, err = io.ReadFull(c.stream, dst)
		c.at += int64(n)
	}
	if err != nil {
		c.stream.Close()
		return n, err
	}
	r.archive.give(c)
	return n, nil
}

// finish reads the rest of the member, and reports whether it has the length
// and the checksum that the archive says.
func (r *memberReader) finish() error {
	size := int64(r.file.UncompressedSize64)
	c, err := r.archive.take(r, size)
	if err != nil {
		return r.archive.failed(r.file.Name, "cannot be opened", err)
	}
	defer c.stream.Close()
	n, err := io.Copy(io.Discard, io.LimitReader(c.stream, size-c.at+1))
	return r.check(c.at+n, err)
}

// spool is finish for bytes that are needed in another order: inflating them
// again for each part would cost more the larger the member is.
func (r *memberReader) spool() error {
	stream, err := r.file.Open()
	if err != nil {
		return r.archive.failed(r.file.Name, "cannot be opened", err)
	}
	defer stream.Close()
	at, n, failed, err := r.archive.spool.add(io.LimitReader(stream, int64(r.file.UncompressedSize64)+1))
	if failed != nil {
		return failed
	}
	if err := r.check(n, err); err != nil {
		return err
	}
	r.spooled, r.at = true, at
	return nil
}

// check judges a member that was read to its end.
func (r *memberReader) check(n int64, err error) error {
	size := int64(r.file.UncompressedSize64)
	if n > size {
		return r.archive.fault(BadArchive, r.file.Name, fmt.Sprintf("the data go on behind the %d bytes that the archive's directory says", size))
	}
	if err != nil {
		return r.archive.failed(r.file.Name, fmt.Sprintf("the data do not fit the %d bytes and the checksum that the archive's directory says", size), err)
	}
	r.checked = true
	return nil
}
