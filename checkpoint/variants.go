package checkpoint

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/weightinit/weightinit/internal/shown"
)

const (
	shardExt   = ".safetensors"
	indexExt   = ".json"
	indexMark  = shardExt + ".index."
	modelStem  = "model"
	singleName = modelStem + shardExt
	indexName  = modelStem + indexMark + "json"
)

// stems are those that transformers, diffusers and peft write.
var stems = []string{modelStem, "diffusion_pytorch_model", "adapter_model"}

// shardPattern is the name of one of several files: stem, count, variant. The
// variant stands before the number, or in older releases behind it.
var shardPattern = regexp.MustCompile(`^(.*)-[0-9]{5}-of-([0-9]{5})(\.[^.]+)?\.safetensors$`)

// candidate is one way to read a Hugging Face directory: one file, or the files
// of an index. Files of one model have one stem; a variant stands between the
// stem and the ending, as in model.fp16.safetensors and
// model.safetensors.index.fp16.json.
type candidate struct {
	file          string
	index         bool
	stem, variant string
}

func isIndexName(name string) bool {
	stem, rest, ok := strings.Cut(name, indexMark)
	return ok && stem != "" && (rest == "json" || strings.HasSuffix(rest, indexExt) && rest != indexExt)
}

// candidates lists the sets that the names of the files promise. A file that is
// one of several counts only through an index.
func (d *directory) candidates() []candidate {
	var all []candidate
	for _, name := range d.indexes {
		stem, rest, _ := strings.Cut(name, indexMark)
		variant := strings.TrimSuffix(strings.TrimSuffix(rest, "json"), ".")
		all = append(all, candidate{file: name, index: true, stem: stem, variant: variant})
	}
	there := setOf(d.shards)
	for _, name := range d.shards {
		if shardPattern.MatchString(name) {
			continue
		}
		c := candidate{file: name, stem: strings.TrimSuffix(name, shardExt)}
		for i := range c.stem {
			if c.stem[i] == '.' && (slices.Contains(stems, c.stem[:i]) || there[c.stem[:i]+shardExt]) {
				c.stem, c.variant = c.stem[:i], c.stem[i+1:]
				break
			}
		}
		all = append(all, c)
	}
	// As in transformers: the stem "model" first, and one file before an index.
	rank := func(c candidate) int {
		r := 0
		if c.stem != modelStem {
			r += 2
		}
		if c.index {
			r++
		}
		return r
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(rank(a), rank(b)) })
	return all
}

// openShards opens a Hugging Face directory: one of its sets, as transformers
// would choose.
func (d *directory) openShards() error {
	if len(d.arrays) > 0 {
		d.warn(fmt.Sprintf("%d .npy files beside the .safetensors files are not read", len(d.arrays)))
	}
	all := d.candidates()
	chosen, err := d.choose(all)
	if err != nil {
		return err
	}
	if chosen.index {
		err = d.openIndex(chosen.file)
	} else {
		err = d.openSingle(chosen.file)
	}
	if err == nil {
		d.warnOfOthers(all, chosen)
	}
	return err
}

func (d *directory) openSingle(name string) error {
	d.used = map[string]bool{name: true}
	f, err := d.openShard(name)
	if err != nil {
		return err
	}
	d.set.addSafetensors(f)
	d.set.metadata = f.Metadata()
	return nil
}

// choose returns the set to read.
func (d *directory) choose(all []candidate) (candidate, error) {
	variants := variantsOf(all)
	variant := d.variant
	plain := slices.ContainsFunc(all, func(c candidate) bool { return c.variant == "" })
	switch {
	case variant != "" && len(variants) == 0:
		return candidate{}, d.fault(NoVariant, "", "", "no variant "+shown.Quote(variant)+": the files of this directory have none in their names")
	case variant != "" && !slices.Contains(variants, variant):
		return candidate{}, d.fault(NoVariant, "", "", "no variant "+shown.Quote(variant)+": there is "+quoted(variants))
	case variant == "" && !plain && len(variants) > 1:
		return candidate{}, d.fault(NoVariant, "", "", "the variants "+quoted(variants)+" and no files without one: choose one")
	case variant == "" && !plain && len(variants) == 1:
		variant = variants[0]
	}
	all = slices.DeleteFunc(slices.Clone(all), func(c candidate) bool { return c.variant != variant })
	if len(all) == 0 {
		if len(d.shards) == 1 {
			return d.onlyShard(d.shards[0])
		}
		return candidate{}, d.severalFiles()
	}
	first := all[0]
	if first.stem == modelStem || len(all) == 1 && (first.index || len(d.shards) == 1) {
		return first, nil
	}
	var indexes, singles []candidate
	for _, c := range all {
		if c.index {
			indexes = append(indexes, c)
		} else {
			singles = append(singles, c)
		}
	}
	switch {
	case len(indexes) == 1:
		return indexes[0], nil
	case len(indexes) > 1:
		return candidate{}, d.fault(NothingFound, "", indexes[1].file, fmt.Sprintf("two indexes, %s and %s: name one of the .safetensors files, or remove an index", shown.Quote(indexes[0].file), shown.Quote(indexes[1].file)))
	case len(singles) == 1:
		return singles[0], nil
	}
	return candidate{}, d.severalFiles()
}

// onlyShard decides about a single file that is one of several by its name.
func (d *directory) onlyShard(name string) (candidate, error) {
	if m := shardPattern.FindStringSubmatch(name); m != nil && m[2] != "00001" {
		return candidate{}, d.fault(WrongShards, "", name, fmt.Sprintf("%s is one of several files and there is no index: restore %s, or name the file", shown.Quote(name), indexName))
	}
	return candidate{file: name}, nil
}

func (d *directory) severalFiles() error {
	return d.fault(NothingFound, "", d.shards[0], fmt.Sprintf("%d .safetensors files and no index: restore %s, or name one of the files", len(d.shards), indexName))
}

func variantsOf(all []candidate) []string {
	var names []string
	for _, c := range all {
		if c.variant != "" {
			names = append(names, c.variant)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func quoted(names []string) string {
	const most = 8
	var parts []string
	for i, name := range names {
		if i == most {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, shown.Quote(name))
	}
	return strings.Join(parts, ", ")
}

// warnOfOthers tells what else is there: variants by their names, other files
// one by one.
func (d *directory) warnOfOthers(all []candidate, chosen candidate) {
	var strays []string
	var variants []candidate
	for _, c := range all {
		switch {
		case c.variant != chosen.variant:
			variants = append(variants, c)
		case c.index && c.file != chosen.file:
			strays = append(strays, c.file)
		}
	}
	for _, name := range d.shards {
		if !d.used[name] && !slices.ContainsFunc(variants, func(c candidate) bool { return c.owns(name) }) {
			strays = append(strays, name)
		}
	}
	why := " is not part of the set: it is not read"
	if chosen.index {
		why = " is not in the index: it is not read"
	}
	for i, name := range strays {
		strays[i] = shown.Quote(name)
	}
	d.warnOfEach(strays, "files", why)
	if d.variant != "" {
		return // the others are known
	}
	names := variantsOf(variants)
	if slices.ContainsFunc(variants, func(c candidate) bool { return c.variant == "" }) {
		d.warn("the files without a variant are not read")
	}
	if len(names) > 0 {
		d.warn("not read: the variant " + quoted(names) + ", which is read when it is chosen")
	}
}

// owns reports whether a file belongs to a candidate by its name.
func (c candidate) owns(name string) bool {
	if c.file == name {
		return true
	}
	m := shardPattern.FindStringSubmatch(name)
	if !c.index || m == nil {
		return false
	}
	if c.variant == "" {
		return m[1] == c.stem && m[3] == ""
	}
	return m[1] == c.stem+"."+c.variant && m[3] == "" || m[1] == c.stem && m[3] == "."+c.variant
}
