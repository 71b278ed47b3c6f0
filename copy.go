package weightinit

import (
	"context"
	"fmt"
	"maps"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/checkpoint/npy"
	"github.com/weightinit/weightinit/checkpoint/safetensors"
	"github.com/weightinit/weightinit/internal/atomicfile"
	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/layout"
)

// copyBytes is how many bytes of a tensor are copied at once.
const copyBytes = 1 << 20

// CopySafetensors writes the tensors of a set, bits and order as they are, and
// its metadata into one safetensors file, which appears under its name only when
// it is whole. Types other than float32, float64, bfloat16 and float16 are an
// error.
func CopySafetensors(ctx context.Context, set checkpoint.Set, path string, opts WriteOptions) error {
	entries := make([]safetensors.Entry, len(set.Tensors()))
	for i, t := range set.Tensors() {
		dtype, err := storedType(t)
		if err != nil {
			return err
		}
		entries[i] = safetensors.Entry{Name: t.Name, DType: dtype, Shape: t.Shape}
	}
	header, offsets, total, err := safetensors.Header(entries, set.Metadata())
	if err != nil {
		return err
	}
	f, err := atomicfile.Create(atomicfile.OS(), path, total, opts.atomic())
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(header, 0); err != nil {
		return abort(f, err)
	}
	for i, t := range set.Tensors() {
		if err := copyTensor(ctx, t, offsets[i], f.WriteAt, opts); err != nil {
			return abort(f, err)
		}
	}
	return atomicfile.CommitContext(ctx, f)
}

// CopyNPY writes the tensors of a set and its metadata into a folder, one
// NAME.npy a tensor and a manifest.json, as [WriteNPY] does. The same types as
// in [CopySafetensors] are taken.
func CopyNPY(ctx context.Context, set checkpoint.Set, dir string, opts WriteOptions) error {
	manifest := npy.Manifest{Metadata: maps.Clone(set.Metadata())}
	var specs []atomicfile.Spec
	var headers [][]byte
	var names []string
	for _, t := range set.Tensors() {
		dtype, err := storedType(t)
		if err != nil {
			return err
		}
		header, err := npy.Header(dtype, t.Shape)
		if err != nil {
			return fmt.Errorf("tensor %s: %w", shown.Quote(t.Name), err)
		}
		file := t.Name + npy.Extension
		names, headers = append(names, t.Name), append(headers, header)
		specs = append(specs, atomicfile.Spec{Name: file, Size: int64(len(header)) + t.Bytes()})
		manifest.Tensors = append(manifest.Tensors, npy.ManifestTensor{Name: t.Name, File: file, DType: dtype.String(), Shape: t.Shape})
	}
	if err := npy.CheckNames(names); err != nil {
		return err
	}
	text, err := manifest.Encode()
	if err != nil {
		return err
	}
	specs = append(specs, atomicfile.Spec{Name: npy.ManifestName, Size: int64(len(text)), Order: 1})
	out, err := atomicfile.CreateSet(atomicfile.OS(), dir, specs, opts.atomic())
	if err != nil {
		return err
	}
	for i, t := range set.Tensors() {
		write := func(p []byte, off int64) (int, error) { return out.WriteAt(i, p, off) }
		if _, err := write(headers[i], 0); err != nil {
			return abort(out, err)
		}
		if err := copyTensor(ctx, t, int64(len(headers[i])), write, opts); err != nil {
			return abort(out, err)
		}
	}
	if err := out.Put(len(names), text); err != nil {
		return abort(out, err)
	}
	return atomicfile.CommitContext(ctx, out)
}

// storedType returns the type of a tensor as one that can be written.
func storedType(t checkpoint.Tensor) (layout.DType, error) {
	for _, d := range []layout.DType{layout.F32, layout.F64, layout.BF16, layout.F16} {
		if name, err := safetensors.DTypeName(d); err == nil && name == t.DType {
			return d, nil
		}
	}
	return 0, fmt.Errorf("tensor %s: values of %s cannot be written, only F32, F64, BF16 and F16", shown.Quote(t.Name), t.DType)
}

// copyTensor writes the values of t from offset on.
func copyTensor(ctx context.Context, t checkpoint.Tensor, offset int64, write func([]byte, int64) (int, error), opts WriteOptions) error {
	buffer := make([]byte, min(copyBytes, t.Bytes()))
	for done := int64(0); done < t.Bytes(); done += int64(len(buffer)) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		buffer = buffer[:min(int64(len(buffer)), t.Bytes()-done)]
		if err := t.ReadAt(buffer, done); err != nil {
			return err
		}
		if _, err := write(buffer, offset+done); err != nil {
			return err
		}
		if opts.Progress != nil {
			opts.Progress(int64(len(buffer)))
		}
	}
	return nil
}
