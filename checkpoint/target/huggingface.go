package target

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// DefaultShardSize is the most bytes of values in one file of a folder, as in
// Hugging Face's libraries: 5 GB.
const DefaultShardSize = 5_000_000_000

// The names in a folder of the Hugging Face layout.
const (
	configFile = "config.json"
	singleFile = "model.safetensors"
	indexFile  = "model.safetensors.index.json"
)

// Folder is what a folder of the Hugging Face layout holds beside its tensors.
type Folder struct {
	// Config is the config.json, a JSON object; with nil there is none.
	Config []byte
	// MaxShard is the most bytes of values in one file; 0 means
	// [DefaultShardSize].
	MaxShard int64
	// Parameters is the number of values that are parameters, tied ones counted
	// once, which the index says; 0 where nobody knows it.
	Parameters int64
}

// HuggingFace is a folder with config.json beside model.safetensors or, when
// the values pass what one file may hold, beside numbered shards with an index.
// Every file of weights carries the metadata.
func HuggingFace(entries []Entry, metadata map[string]string, folder Folder) (*Target, error) {
	if folder.MaxShard <= 0 {
		folder.MaxShard = DefaultShardSize
	}
	shards, total, err := Split(entries, folder.MaxShard)
	if err != nil {
		return nil, err
	}
	t := &Target{Entries: entries, Values: make([]At, len(entries))}
	weightMap := map[string]string{}
	for i, shard := range shards {
		name := shardName(i, len(shards))
		if err := t.addSafetensors(name, shard, metadata); err != nil {
			return nil, err
		}
		for _, e := range shard {
			weightMap[entries[e].Name] = name
		}
	}
	if folder.Config != nil {
		text, err := indented(json.RawMessage(folder.Config))
		if err != nil {
			return nil, fmt.Errorf("target: the config is no JSON: %w", err)
		}
		t.addText(configFile, text, 1)
	}
	if len(shards) == 1 {
		return t, nil
	}
	said := map[string]int64{"total_size": total}
	if folder.Parameters > 0 {
		said["total_parameters"] = folder.Parameters
	}
	index, err := indented(map[string]any{"metadata": said, "weight_map": weightMap})
	if err != nil {
		return nil, err
	}
	t.addText(indexFile, index, 2)
	return t, nil
}

// Split spreads entries over files of at most so many bytes of values, by
// Hugging Face's rule: a file is closed before the tensor that would make it
// pass the limit, and a tensor larger than the limit gets a file of its own,
// before the one still open. Entries of one unit count as one tensor. There is
// at least one file. total is the size of all values.
func Split(entries []Entry, most int64) (files [][]int, total int64, err error) {
	var current []int
	size := int64(0)
	for i := 0; i < len(entries); {
		unit := []int{i}
		for i++; i < len(entries) && entries[i].Unit > 0 && entries[i].Unit == entries[unit[0]].Unit; i++ {
			unit = append(unit, i)
		}
		n := int64(0)
		for _, e := range unit {
			bytes, err := entries[e].bytes()
			if err != nil {
				return nil, 0, err
			}
			n += bytes
		}
		total += n
		if n > most {
			files = append(files, unit)
			continue
		}
		if size+n > most {
			files = append(files, current)
			current, size = nil, 0
		}
		current = append(current, unit...)
		size += n
	}
	if len(current) > 0 || len(files) == 0 {
		files = append(files, current)
	}
	return files, total, nil
}

func shardName(i, n int) string {
	if n == 1 {
		return singleFile
	}
	return fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, n)
}

// indented is a JSON text with keys sorted, as Hugging Face's libraries write
// theirs.
func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}
