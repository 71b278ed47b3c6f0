package checkpoint

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/weightinit/weightinit/checkpoint/npy"
	"github.com/weightinit/weightinit/checkpoint/safetensors"
	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/strictjson"
)

const (
	singleName = "model" + shardExt
	indexName  = "model" + indexExt
)

// shardPattern is the name of one of several files: prefix, number, count.
var shardPattern = regexp.MustCompile(`^(.*)-([0-9]{5})-of-([0-9]{5})\.safetensors$`)

// openShards opens a Hugging Face directory: the files of an index, or else the
// one file there is.
func (d *directory) openShards() error {
	if len(d.arrays) > 0 {
		d.warn(fmt.Sprintf("%d .npy files beside the .safetensors files are not read", len(d.arrays)))
	}
	switch {
	case len(d.indexes) == 1:
		return d.openIndex(d.indexes[0])
	case slices.Contains(d.indexes, indexName):
		return d.openIndex(indexName)
	case len(d.indexes) > 1:
		return d.fault(NothingFound, "", d.indexes[1], fmt.Sprintf("two indexes, %s and %s: name one of the .safetensors files, or remove an index", shown.Quote(d.indexes[0]), shown.Quote(d.indexes[1])))
	}
	name := d.shards[0]
	if slices.Contains(d.shards, singleName) {
		name = singleName
	} else if len(d.shards) > 1 {
		return d.fault(NothingFound, "", name, fmt.Sprintf("%d .safetensors files and no index: restore %s, or name one of the files", len(d.shards), indexName))
	} else if m := shardPattern.FindStringSubmatch(name); m != nil && m[3] != "00001" {
		return d.fault(WrongShards, "", name, fmt.Sprintf("%s is one of several files and there is no index: restore %s, or name the file", shown.Quote(name), indexName))
	}
	f, err := d.openShard(name)
	if err != nil {
		return err
	}
	d.set.addSafetensors(f)
	d.set.metadata = f.Metadata()
	d.warnOfStrays(slices.DeleteFunc(slices.Clone(d.shards), func(s string) bool { return s == name }), "is not part of the set: it is not read")
	return nil
}

// openShard opens one file of the directory.
func (d *directory) openShard(name string) (*safetensors.File, error) {
	h, err := d.openFile(name)
	if err != nil {
		return nil, err
	}
	f, err := safetensors.NewFile(h, h.size, d.join(name))
	if err != nil {
		return nil, err
	}
	return f, d.room(len(f.Tensors()))
}

// openIndex opens the files of an index and compares them with it.
func (d *directory) openIndex(name string) error {
	text, err := d.readText(name, limits.Index)
	if err != nil {
		return err
	}
	ix := index{path: d.join(name), fileOf: map[string]string{}}
	if err := ix.parse(text); err != nil {
		return err
	}
	files := map[string]bool{}
	for _, file := range ix.fileOf {
		files[file] = true
	}
	if err := d.checkShardNames(files, name); err != nil {
		return err
	}
	there := setOf(d.shards)
	var bytes int64
	for _, file := range slices.Sorted(maps.Keys(files)) {
		if !there[file] {
			return d.fault(MissingFile, "", file, fmt.Sprintf("%s names the file %s, which is not there: restore it", shown.Quote(name), shown.Quote(file)))
		}
		f, err := d.openShard(file)
		if err != nil {
			return err
		}
		for _, t := range f.Tensors() {
			if err := d.placed(&ix, name, file, t.Name); err != nil {
				return err
			}
			bytes += t.End - t.Begin
			delete(ix.fileOf, t.Name)
		}
		d.set.addSafetensors(f)
		d.mergeMetadata(f)
	}
	if len(ix.fileOf) > 0 {
		tensor := slices.Min(slices.Collect(maps.Keys(ix.fileOf)))
		return d.fault(WrongTensor, tensor, ix.fileOf[tensor], fmt.Sprintf("%s has tensor %s in %s, which has no such tensor: restore the file", shown.Quote(name), shown.Quote(tensor), shown.Quote(ix.fileOf[tensor])))
	}
	d.checkTotal(&ix, name, bytes)
	d.warnOfStrays(slices.DeleteFunc(slices.Clone(d.shards), func(s string) bool { return files[s] }), "is not in the index: it is not read")
	return nil
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

// placed reports whether the index has a tensor in the file where it is.
func (d *directory) placed(ix *index, indexFile, file, tensor string) error {
	want, ok := ix.fileOf[tensor]
	if ok && want == file {
		return nil
	}
	what := fmt.Sprintf("%s has tensor %s, which %s does not name: restore both from one source", shown.Quote(file), shown.Quote(tensor), shown.Quote(indexFile))
	if ok {
		what = fmt.Sprintf("%s has tensor %s, which %s has in %s: restore both from one source", shown.Quote(file), shown.Quote(tensor), shown.Quote(indexFile), shown.Quote(want))
	} else if slices.ContainsFunc(d.set.tensors, func(t Tensor) bool { return t.Name == tensor }) {
		what = fmt.Sprintf("%s has tensor %s, which an earlier file of the set has too: restore both from one source", shown.Quote(file), shown.Quote(tensor))
	}
	return d.fault(WrongTensor, tensor, file, what)
}

// checkShardNames compares the files of an index with what their names say: of
// N files "-of-N" each must be there, in the index as in the directory.
func (d *directory) checkShardNames(files map[string]bool, indexFile string) error {
	type group struct{ prefix, count string }
	have := map[group]int{}
	for _, file := range slices.Sorted(maps.Keys(files)) {
		m := shardPattern.FindStringSubmatch(file)
		if m == nil {
			continue
		}
		if m[2] < "00001" || m[2] > m[3] {
			return d.fault(WrongShards, "", file, fmt.Sprintf("%s names the file %s, whose number is not in 1 to %s: restore the set", shown.Quote(indexFile), shown.Quote(file), m[3]))
		}
		have[group{m[1], m[3]}]++
	}
	for g, n := range have {
		count, _ := strconv.Atoi(g.count)
		if n == count {
			continue
		}
		for i := 1; i <= count; i++ {
			part := fmt.Sprintf("%s-%05d-of-%s%s", g.prefix, i, g.count, shardExt)
			if !files[part] {
				return d.fault(WrongShards, "", part, fmt.Sprintf("%s is a part of the set by its name, and %s does not name it: restore both from one source", shown.Quote(part), shown.Quote(indexFile)))
			}
		}
	}
	return nil
}

func (d *directory) checkTotal(ix *index, indexFile string, bytes int64) {
	if ix.total != "" && ix.total != strconv.FormatInt(bytes, 10) {
		d.warn(fmt.Sprintf("total_size in %s is %s, the tensors have %d bytes", shown.Quote(indexFile), shown.Cut(ix.total, shown.MaxText), bytes))
	}
}

// mergeMetadata joins the texts of the files; of two values the first stays.
func (d *directory) mergeMetadata(f *safetensors.File) {
	if d.set.metadata == nil {
		d.set.metadata = maps.Clone(f.Metadata())
		return
	}
	differ := 0
	for key, value := range f.Metadata() {
		if first, ok := d.set.metadata[key]; !ok {
			d.set.metadata[key] = value
		} else if first != value {
			differ++
		}
	}
	if differ > 0 {
		d.warn(fmt.Sprintf("%s has %d metadata texts that are others in an earlier file of the set", shown.Quote(f.Path()), differ))
	}
}

// index is a model.safetensors.index.json.
type index struct {
	path    string
	fileOf  map[string]string // tensor to file
	hasMap  bool
	total   string // as it is written; empty when there is none
	tensor  string
	reading string
}

func (ix *index) parse(text []byte) error {
	p := strictjson.New(text, limits.Depth)
	err := p.Object(func(key string, _ int64) error {
		ix.reading, ix.tensor = key, ""
		switch key {
		case "weight_map":
			ix.hasMap = true
			return ix.readMap(p)
		case "metadata":
			return ix.readMetadata(p)
		}
		return p.Skip()
	})
	if err == nil {
		ix.reading = ""
		err = p.End()
	}
	if err != nil {
		return ix.wrap(err)
	}
	switch {
	case !ix.hasMap:
		return &Error{Path: ix.path, Reason: BadIndex, What: "no weight_map: an index has the file of every tensor there"}
	case len(ix.fileOf) == 0:
		return &Error{Path: ix.path, Reason: BadIndex, What: "weight_map is empty: an index has the file of every tensor there"}
	}
	return nil
}

func (ix *index) readMap(p *strictjson.Parser) error {
	return p.Object(func(tensor string, _ int64) error {
		ix.tensor = tensor
		file, err := p.String()
		if err != nil {
			return err
		}
		ix.tensor = ""
		if len(ix.fileOf) >= limits.Tensors {
			return &Error{Path: ix.path, Reason: TooMany, What: fmt.Sprintf("weight_map: more than the limit of %d tensors", limits.Tensors)}
		}
		stem, ok := strings.CutSuffix(file, shardExt)
		if !ok || npy.CheckName(stem) != nil {
			return &Error{Path: ix.path, Reason: BadFileName, Tensor: tensor, File: file, What: fmt.Sprintf("weight_map.%s: %s is no name of a %s file in this directory", shown.Cut(tensor, shown.MaxText), shown.Quote(file), shardExt)}
		}
		ix.fileOf[tensor] = file
		return nil
	})
}

// readMetadata keeps total_size; publishers write it as a number of any kind.
func (ix *index) readMetadata(p *strictjson.Parser) error {
	kind, err := p.Peek()
	if err != nil {
		return err
	}
	if kind != strictjson.Object {
		return p.Skip()
	}
	return p.Object(func(key string, _ int64) error {
		kind, err := p.Peek()
		if err != nil {
			return err
		}
		if key != "total_size" || kind != strictjson.Number {
			return p.Skip()
		}
		ix.total, err = p.Number()
		return err
	})
}

// wrap puts the path and the key path to an error of the JSON parser.
func (ix *index) wrap(err error) error {
	var text *strictjson.Error
	if !errors.As(err, &text) {
		return err
	}
	e := &Error{Path: ix.path, Reason: BadIndex, Tensor: ix.tensor, What: text.Error(), Err: text}
	place := ""
	if ix.reading == "weight_map" {
		place = "weight_map"
		if ix.tensor != "" {
			place += "." + shown.Cut(ix.tensor, shown.MaxText)
		}
		place += ": "
	}
	if text.Reason == strictjson.Duplicate {
		e.Reason, e.Tensor = Duplicate, text.Key
	}
	e.What = place + e.What
	return e
}
