package checkpoint

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/weightinit/weightinit/checkpoint/npy"
	"github.com/weightinit/weightinit/checkpoint/safetensors"
	"github.com/weightinit/weightinit/internal/limits"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/internal/strictjson"
)

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

// openIndex opens the files of an index. The index decides: what it names must
// be there, in the file that it says; what it does not name is not read.
func (d *directory) openIndex(name string) error {
	text, err := d.readText(name, limits.Index)
	if err != nil {
		return err
	}
	ix := index{path: d.join(name), fileOf: map[string]string{}}
	if err := ix.parse(text); err != nil {
		return err
	}
	d.used = map[string]bool{name: true}
	for _, file := range ix.fileOf {
		d.used[file] = true
	}
	there := setOf(d.shards)
	var bytes int64
	var unnamed []string
	for _, file := range slices.Sorted(maps.Keys(d.used)) {
		if file == name {
			continue
		}
		if !there[file] {
			return d.fault(MissingFile, "", file, fmt.Sprintf("%s names the file %s, which is not there: restore it", shown.Quote(name), shown.Quote(file)))
		}
		f, err := d.openShard(file)
		if err != nil {
			return err
		}
		first := len(d.set.tensors)
		d.set.addSafetensors(f)
		kept := slices.DeleteFunc(d.set.tensors[first:], func(t Tensor) bool {
			if ix.fileOf[t.Name] != file {
				unnamed = append(unnamed, "tensor "+shown.Quote(t.Name)+" in "+shown.Quote(file))
				return true
			}
			bytes += t.bytes
			delete(ix.fileOf, t.Name)
			return false
		})
		d.set.tensors = d.set.tensors[:first+len(kept)]
		d.mergeMetadata(f)
	}
	if len(ix.fileOf) > 0 {
		tensor := slices.Min(slices.Collect(maps.Keys(ix.fileOf)))
		return d.fault(WrongTensor, tensor, ix.fileOf[tensor], fmt.Sprintf("%s has tensor %s in %s, which has no such tensor: restore the file", shown.Quote(name), shown.Quote(tensor), shown.Quote(ix.fileOf[tensor])))
	}
	d.checkTotal(&ix, name, bytes)
	d.warnOfEach(unnamed, "tensors", " is not what the index names: it is not read")
	return nil
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}

func (d *directory) checkTotal(ix *index, indexFile string, bytes int64) {
	if ix.total == "" || ix.total == strconv.FormatInt(bytes, 10) {
		return
	}
	// Some publishers write a float, such as 40.0.
	if v, err := strconv.ParseFloat(ix.total, 64); err != nil || v != float64(bytes) {
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
