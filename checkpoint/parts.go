package checkpoint

import (
	"strings"

	"github.com/weightinit/weightinit/checkpoint/npy"
	"github.com/weightinit/weightinit/internal/atomicfile"
)

// PartOf tells by its name what a file of a checkpoint folder is, for the
// writer of one that replaces another.
func PartOf(name string) atomicfile.Part {
	switch {
	case name == npy.ManifestName, strings.HasSuffix(name, ".index.json"):
		return atomicfile.Index
	case strings.HasSuffix(name, ".safetensors"), strings.HasSuffix(name, ".npy"):
		return atomicfile.Data
	}
	return atomicfile.Foreign
}
