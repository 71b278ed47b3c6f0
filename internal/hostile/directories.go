package hostile

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	shard1    = "model-00001-of-00002.safetensors"
	shard2    = "model-00002-of-00002.safetensors"
	indexFile = "model.safetensors.index.json"
	baseIndex = `{"metadata":{"total_size":32},"weight_map":{"alpha":"` + shard1 + `","beta":"` + shard2 + `"}}`
)

// shardOf is a file with the format's metadata and the named tensors, each the
// base tensor.
func shardOf(names ...string) []byte {
	members := []string{`"__metadata__":{"format":"pt"}`}
	for i, name := range names {
		members = append(members, entry(name, "F32", "[2,2]", 16*i, 16*i+16))
	}
	return stored(object(members...), 16*len(names))
}

// tree is a directory: names (with / for folders) and contents.
type tree map[string][]byte

func baseTree() tree {
	return tree{
		"config.json": []byte(`{"model_type":"gpt2"}`),
		shard1:        shardOf("alpha"),
		shard2:        shardOf("beta"),
		indexFile:     []byte(baseIndex),
	}
}

func (files tree) write(dir string) error {
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o666); err != nil {
			return err
		}
	}
	return nil
}

// Directories returns the rows X01 to X11, X12c, X14 to X37 and VX01 to VX03.
// X12a and X12b need a pipe and a device, X13 a file that changes: the tests of
// the readers make them.
func Directories() []Case {
	var cases []Case
	// change is a case that is the base directory after a change.
	change := func(id string, v Verdict, mustName, name string, f func(files tree)) {
		cases = append(cases, Case{ID: id, Name: name, Verdict: v, MustName: words(mustName), write: func(dir string) (string, error) {
			files := baseTree()
			f(files)
			path := filepath.Join(dir, id)
			return path, files.write(path)
		}})
	}
	index := func(id string, v Verdict, mustName, name, old, new string) {
		change(id, v, mustName, name, func(files tree) {
			files[indexFile] = []byte(strings.Replace(baseIndex, old, new, 1))
		})
	}
	file := func(id, mustName, name, ext string, content func() []byte) {
		cases = append(cases, Case{ID: id, Name: name, Verdict: Refuse, MustName: words(mustName), Bytes: content, ext: ext})
	}
	shardRows(change, index)
	linkRows(func(id string, v Verdict, mustName, name string, write func(dir string) (string, error)) {
		if runtime.GOOS != "windows" { // links need a privilege there
			cases = append(cases, Case{ID: id, Name: name, Verdict: v, MustName: words(mustName), write: write})
		}
	})
	file("X11a", "LFS", "a Git LFS pointer", ".safetensors", func() []byte {
		return []byte("version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("5e", 32) + "\nsize 548105171\n")
	})
	file("X11b", "HTML", "an HTML page", ".safetensors", func() []byte {
		return []byte("<!DOCTYPE html>\n<html><head><title>404</title></head><body>Not found</body></html>\n")
	})
	cases = append(cases,
		Case{ID: "X12c", Name: "an empty directory", Verdict: Refuse, write: func(dir string) (string, error) {
			path := filepath.Join(dir, "X12c.safetensors")
			return path, os.Mkdir(path, 0o777)
		}},
		Case{ID: "X16", Name: "a directory without tensors", Verdict: Refuse, write: func(dir string) (string, error) {
			path := filepath.Join(dir, "X16")
			return path, tree{"readme.txt": []byte("hello")}.write(path)
		}},
		Case{ID: "X17a", Name: "no such path", Verdict: Refuse, write: func(dir string) (string, error) {
			return filepath.Join(dir, "X17a"), nil
		}},
		Case{ID: "X17b", Name: "no such path, with a newline", Verdict: Refuse, write: func(dir string) (string, error) {
			return filepath.Join(dir, "X17b\nfile.safetensors"), nil
		}},
	)
	archiveRows(file, func(id string, v Verdict, mustName, name string, content func() []byte) {
		cases = append(cases, Case{ID: id, Name: name, Verdict: v, MustName: words(mustName), Bytes: content, ext: ".npz"})
	})
	return cases
}

func shardRows(
	change func(id string, v Verdict, mustName, name string, f func(files tree)),
	index func(id string, v Verdict, mustName, name, old, new string),
) {
	change("VX01", Accept, "", "a sound directory", func(tree) {})
	change("VX02", Accept, "", "one file without an index", func(files tree) {
		clear(files)
		files["config.json"] = []byte(`{"model_type":"gpt2"}`)
		files["model.safetensors"] = shardOf("alpha")
	})
	change("X01", Refuse, shard2, "a shard is missing", func(files tree) { delete(files, shard2) })
	outside := func(id, name, target string) {
		index(id, Refuse, "weight_map, beta", name, `"beta":"`+shard2, `"beta":"`+target)
	}
	change("X02a", Refuse, "weight_map, beta", "a file above the directory", func(files tree) {
		files[indexFile] = []byte(strings.Replace(baseIndex, `"beta":"`+shard2, `"beta":"../outside.safetensors`, 1))
		files["../outside.safetensors"] = shardOf("beta")
	})
	outside("X02b", "a file by its absolute path", "/tmp/outside.safetensors")
	change("X02c", Refuse, "weight_map, beta", "a file in a folder below", func(files tree) {
		files[indexFile] = []byte(strings.Replace(baseIndex, `"beta":"`+shard2, `"beta":"sub/inner.safetensors`, 1))
		files["sub/inner.safetensors"] = shardOf("beta")
	})
	outside("X02d", "the folder above", "..")
	index("X04", Refuse, "duplicate, alpha, weight_map", "a tensor twice in the index", `"alpha":`, `"alpha":"`+shard1+`","alpha":`)
	index("X05", Refuse, "gamma, "+shard2, "a tensor that no shard has", `"beta":`, `"gamma":"`+shard2+`","beta":`)
	index("X06", Warn, shard2, "a shard that the index does not name", `,"beta":"`+shard2+`"`, "")
	change("X06b", Warn, "gamma", "a tensor that the index does not name", func(files tree) { files[shard1] = shardOf("alpha", "gamma") })
	change("X07", Warn, "beta", "a tensor in two shards", func(files tree) { files[shard1] = shardOf("alpha", "beta") })
	change("X08", Accept, "", "two shards of three", func(files tree) {
		for _, old := range []string{shard1, shard2} {
			files[strings.Replace(old, "of-00002", "of-00003", 1)] = files[old]
			delete(files, old)
		}
		files[indexFile] = []byte(strings.ReplaceAll(baseIndex, "of-00002", "of-00003"))
	})
	index("X09", Warn, "total_size", "a wrong total_size", `:32}`, `:999}`)
	change("X10", Warn, "stray.safetensors", "a file that the index does not name", func(files tree) { files["stray.safetensors"] = shardOf("delta") })
	index("X15a", Refuse, "weight_map", "an index without weight_map", "weight_map", "weights")
	index("X15b", Refuse, "weight_map", "weight_map is a list", baseIndex, `{"weight_map":["alpha"]}`)
	index("X15c", Refuse, "weight_map, alpha", "a number for a file", `"alpha":"`+shard1+`"`, `"alpha":1`)
	index("X15d", Refuse, indexFile, "an index that is cut off", baseIndex, `{"weight_map":`)
	index("X22", Accept, "", "a total_size that is a float", `:32}`, `:32.0}`)
	change("X23", Accept, "", "shards counted from 0", func(files tree) { files.rename("00001-of", "00000-of", "00002-of-00002", "00001-of-00002") })
	change("X24", Accept, "", "a set that is a variant", func(files tree) { files.rename("model-", "model.fp16-", "index.json", "index.fp16.json") })
	change("X25", Refuse, "bf16, fp16, choose one", "two variants", func(files tree) {
		clear(files)
		files["model.fp16.safetensors"], files["model.bf16.safetensors"] = shardOf("alpha"), shardOf("alpha")
	})
	change("X26", Warn, "fp16", "a variant beside the set", func(files tree) { files["model.fp16.safetensors"] = shardOf("alpha", "beta") })
	change("X27", Warn, indexFile, "one file and an index", func(files tree) { files["model.safetensors"] = shardOf("alpha", "beta") })
	change("X18", Refuse, shard2+", beta, data_offsets", "a shard with a hole", func(files tree) {
		files[shard2] = stored(object(entry("beta", "F32", "[2,2]", 8, 24)), 24)
	})
}

// rename replaces texts in names, and in the index.
func (files tree) rename(oldNew ...string) {
	r := strings.NewReplacer(oldNew...)
	files[indexFile] = []byte(r.Replace(string(files[indexFile])))
	old := maps.Clone(files)
	clear(files)
	for name, content := range old {
		files[r.Replace(name)] = content
	}
}

func linkRows(add func(id string, v Verdict, mustName, name string, write func(dir string) (string, error))) {
	add("X03", Accept, "", "a link that leaves the directory", func(dir string) (string, error) {
		path := filepath.Join(dir, "X03")
		files := baseTree()
		files["../secret/"+shard2] = files[shard2]
		delete(files, shard2)
		if err := files.write(path); err != nil {
			return "", err
		}
		return path, os.Symlink("../secret/"+shard2, filepath.Join(path, shard2))
	})
	// link is the base directory with a link for its second shard.
	link := func(id string, v Verdict, mustName, name, target string) {
		add(id, v, mustName, name, func(dir string) (string, error) {
			path := filepath.Join(dir, id)
			files := baseTree()
			delete(files, shard2)
			if err := files.write(path); err != nil {
				return "", err
			}
			return path, os.Symlink(target, filepath.Join(path, shard2))
		})
	}
	link("X28", Refuse, shard2+", symlink", "a link to itself", shard2)
	link("X29", Refuse, shard2+", directory", "a link to a directory", "..")
	link("X30", Refuse, shard2+", device", "a link to a device", "/dev/zero")
	link("X31", Refuse, shard2+", symlink", "a link to nothing", "gone")
	add("VX03", Accept, "", "the layout of the Hugging Face cache", func(dir string) (string, error) {
		root := filepath.Join(dir, "VX03")
		path := filepath.Join(root, "snapshots", "0a1b2c")
		if err := os.MkdirAll(path, 0o777); err != nil {
			return "", err
		}
		i := 0
		for name, content := range baseTree() {
			blob := strings.Repeat(string(rune('a'+i)), 40)
			if err := (tree{"blobs/" + blob: content}).write(root); err != nil {
				return "", err
			}
			if err := os.Symlink("../../blobs/"+blob, filepath.Join(path, name)); err != nil {
				return "", err
			}
			i++
		}
		return path, nil
	})
}

// member is one file of an archive; the fields of its directory entry may lie.
type member struct {
	name     string
	method   uint16
	stored   []byte
	size     uint64
	checksum uint32
}

func plainMember(name string, content []byte) member {
	return member{name, zip.Store, content, uint64(len(content)), crc32.ChecksumIEEE(content)}
}

// archive writes the members without looking at them.
func archive(members ...member) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		f, err := w.CreateRaw(&zip.FileHeader{
			Name: m.name, Method: m.method, CRC32: m.checksum,
			CompressedSize64: uint64(len(m.stored)), UncompressedSize64: m.size,
		})
		if err == nil {
			_, err = f.Write(m.stored)
		}
		if err != nil {
			panic("hostile: " + err.Error())
		}
	}
	if err := w.Close(); err != nil {
		panic("hostile: " + err.Error())
	}
	return b.Bytes()
}

// deflated compresses content followed by zeros.
func deflated(content []byte, zeros int) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err == nil {
		_, err = w.Write(content)
	}
	for block := make([]byte, 1<<16); err == nil && zeros > 0; zeros -= len(block) {
		_, err = w.Write(block[:min(len(block), zeros)])
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic("hostile: " + err.Error())
	}
	return b.Bytes()
}

func archiveRows(
	file func(id, mustName, name, ext string, content func() []byte),
	accept func(id string, v Verdict, mustName, name string, content func() []byte),
) {
	base := array(1, pad(npyBase, 1, 64), floats(24, 6))
	file("X14a", "../evil.npy", "a member that leaves the folder", ".npz", func() []byte {
		return archive(plainMember("../evil.npy", base))
	})
	file("X14b", "", "1,000 members at one place", ".npz", overlapping)
	file("X14c", "w.npy", "a member with 256 MiB behind its end", ".npz", func() []byte {
		zeros := 256 << 20
		if Race {
			zeros = 1 << 20
		}
		return archive(member{"w.npy", zip.Deflate, deflated(base, zeros), uint64(len(base)), crc32.ChecksumIEEE(base)})
	})
	file("X14d", "w.npy", "a member that ends after 1 MiB of 1 GiB", ".npz", func() []byte {
		header := []byte(array(1, pad(shaped("(268435456,)"), 1, 64), nil))
		return archive(member{"w.npy", zip.Deflate, deflated(header, 1<<20), 1<<30 + uint64(len(header)), 0})
	})
	text := array(1, pad(described("'<U1'", "()"), 1, 64), []byte("x\x00\x00\x00"))
	accept("X32", Warn, "config.npy, text, skipped", "a member that holds text", func() []byte {
		return archive(plainMember("w.npy", base), plainMember("config.npy", text))
	})
	accept("X33", Warn, "README.txt, skipped", "a member that is no array", func() []byte {
		return archive(plainMember("w.npy", base), plainMember("README.txt", []byte("hello")))
	})
	accept("X34", Accept, "", "an array without the ending, and a folder", func() []byte {
		return archive(plainMember("dir/", nil), plainMember("w", base))
	})
	file("X35", "config.npy, text", "nothing but text", ".npz", func() []byte { return archive(plainMember("config.npy", text)) })
	file("X36", "bfloat16, v.npy", "a member of bfloat16", ".npz", func() []byte {
		return archive(plainMember("w.npy", base), plainMember("v.npy", array(1, pad(described("'|V2'", "(1,)"), 1, 64), []byte{0, 0})))
	})
	file("X37", "duplicate, w", "a member with and without the ending", ".npz", func() []byte {
		return archive(plainMember("w.npy", base), plainMember("w", base))
	})
	file("X19", "duplicate, w.npy", "a member twice", ".npz", func() []byte {
		return archive(plainMember("w.npy", base), plainMember("w.npy", base))
	})
	file("X20", "w.npy, shape", "a member with the fault of N14", ".npz", func() []byte {
		return archive(plainMember("w.npy", array(1, pad(shaped("(1099511627776,)"), 1, 64), floats(24, 6))))
	})
	file("X21", "", "an archive without its end", ".npz", func() []byte {
		b := archive(plainMember("w.npy", base))
		return b[:len(b)-30]
	})
}

// overlapping is an archive whose directory lists 1,000 members that all start
// at the same local header.
func overlapping() []byte {
	content := array(1, pad(npyBase, 1, 64), floats(24, 6))
	one := archive(plainMember("w000.npy", content))
	end := bytes.LastIndex(one, []byte("PK\x05\x06"))
	start := bytes.LastIndex(one[:end], []byte("PK\x01\x02"))
	directory := one[start:end]
	var b bytes.Buffer
	b.Write(one[:start])
	for i := range 1000 {
		entry := bytes.Clone(directory)
		copy(entry[46:], "w"+string([]byte{byte('0' + i/100), byte('0' + i/10%10), byte('0' + i%10)}))
		b.Write(entry)
	}
	size := b.Len() - start
	tail := bytes.Clone(one[end:])
	tail[8], tail[9], tail[10], tail[11] = 0xe8, 3, 0xe8, 3 // 1,000 members
	for i := range 4 {
		tail[12+i] = byte(size >> (8 * i))
	}
	b.Write(tail)
	return b.Bytes()
}

// Archive returns a sound .npz with the arrays under the names w.npy (stored)
// and folder/v.npy (deflated).
func Archive() []byte {
	base := array(1, pad(npyBase, 1, 64), floats(24, 6))
	return archive(plainMember("w.npy", base),
		member{"folder/v.npy", zip.Deflate, deflated(base, 0), uint64(len(base)), crc32.ChecksumIEEE(base)})
}
