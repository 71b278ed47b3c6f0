package checkpoint

import (
	"context"
	"fmt"

	"github.com/weightinit/weightinit/internal/shown"
)

// eachValues is how many values [Tensor.Each] hands on at once.
const eachValues = 32 << 10

// Each calls f with all values in C order, decoded by [Decode], a piece at a
// time; the slice is valid until f returns. It ends with the first error, which
// is that of reading, of f, or the cause of ctx's end.
func (t Tensor) Each(ctx context.Context, f func(values []float64) error) error {
	return t.each(ctx, t.ReadAt, f)
}

// EachStored is [Tensor.Each] in the order of the file. Where that is not C
// order, it takes much less time.
func (t Tensor) EachStored(ctx context.Context, f func(values []float64) error) error {
	read := t.ReadAt
	if s, ok := t.source.(npySource); ok && s.Strided() {
		read = s.ReadStored
	}
	return t.each(ctx, read, f)
}

func (t Tensor) each(ctx context.Context, read func(dst []byte, off int64) error, f func(values []float64) error) error {
	elementBits, ok := bitsOf(t.DType)
	if !ok || !Decodable(t.DType) {
		return fmt.Errorf("checkpoint: tensor %s: values of %s are not decoded", shown.Quote(t.Name), shown.Quote(t.DType))
	}
	values := make([]float64, min(eachValues, t.elements))
	raw := make([]byte, min(eachValues*int64(elementBits)/8, t.bytes))
	for off := int64(0); off < t.bytes; off += int64(len(raw)) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		raw = raw[:min(int64(len(raw)), t.bytes-off)]
		if err := read(raw, off); err != nil {
			return err
		}
		piece := values[:len(raw)*8/elementBits]
		if err := Decode(piece, raw, t.DType); err != nil {
			return err
		}
		if err := f(piece); err != nil {
			return err
		}
	}
	return nil
}
