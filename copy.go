package weightinit

import (
	"context"
	"fmt"
	"slices"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/checkpoint/place"
	"github.com/weightinit/weightinit/checkpoint/safetensors"
	"github.com/weightinit/weightinit/checkpoint/target"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/shown"
)

// copyBytes is how many bytes of a tensor are copied at once.
const copyBytes = 1 << 20

// CopySafetensors writes the tensors of a set, bits and order as they are, and
// its metadata into one safetensors file, which appears under its name only when
// it is whole. Complex numbers, whole numbers without sign of more than 8 bits
// and those of less than a byte are an error.
func CopySafetensors(ctx context.Context, set checkpoint.Set, path string, opts ...Option) error {
	all, err := entriesOf(set)
	if err != nil {
		return err
	}
	t, err := target.Safetensors(all, set.Metadata())
	if err != nil {
		return err
	}
	return copySet(ctx, set, t, path, opts)
}

// CopyNPY writes the tensors of a set and its metadata into a folder, one
// NAME.npy a tensor and a manifest.json, as [Plan.WriteNPY] does. The same types as
// in [CopySafetensors] are taken.
func CopyNPY(ctx context.Context, set checkpoint.Set, dir string, opts ...Option) error {
	all, err := entriesOf(set)
	if err != nil {
		return err
	}
	t, err := target.NPY(all, set.Metadata())
	if err != nil {
		return err
	}
	return copySet(ctx, set, t, dir, opts)
}

func entriesOf(set checkpoint.Set) ([]target.Entry, error) {
	out := make([]target.Entry, len(set.Tensors()))
	for i, t := range set.Tensors() {
		stored, err := storedType(t)
		if err != nil {
			return nil, err
		}
		out[i] = target.Entry{Name: t.Name, DType: stored, Shape: t.Shape}
	}
	return out, nil
}

// storedType returns the type of a tensor as one that can be written.
func storedType(t checkpoint.Tensor) (dtype.Type, error) {
	for _, d := range slices.Concat(dtype.All(), dtype.Stored()) {
		if name, err := safetensors.DTypeName(d); err == nil && name == t.DType {
			return d, nil
		}
	}
	return 0, fmt.Errorf("tensor %s: values of %s cannot be written, only F32, F64, BF16, F16, I64, I32, I16, I8, U8 and BOOL", shown.Quote(t.Name), t.DType)
}

// copySet writes the values of a set into a target at path.
func copySet(ctx context.Context, set checkpoint.Set, t *target.Target, path string, opts []Option) error {
	s, err := collect(writes, opts)
	if err != nil {
		return err
	}
	out, err := place.Create(t, path, s.place)
	if err != nil {
		return err
	}
	for i, tensor := range set.Tensors() {
		if err := copyTensor(ctx, tensor, i, out, s.fill.Progress); err != nil {
			return out.Abort(err)
		}
	}
	return out.Finish(ctx)
}

// copyTensor writes the values of t, entry number i.
func copyTensor(ctx context.Context, t checkpoint.Tensor, i int, out *place.Output, progress func(int64)) error {
	buffer := make([]byte, min(copyBytes, t.Bytes()))
	for done := int64(0); done < t.Bytes(); done += int64(len(buffer)) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		buffer = buffer[:min(int64(len(buffer)), t.Bytes()-done)]
		if err := t.ReadAt(buffer, done); err != nil {
			return err
		}
		if err := out.Write(i, buffer, done); err != nil {
			return err
		}
		if progress != nil {
			progress(int64(len(buffer)))
		}
	}
	return nil
}
