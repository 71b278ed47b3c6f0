package identify

import (
	"bytes"
	"context"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/plan"
)

// withoutTied returns the set without the tensors that are, bit for bit, those to
// which a plan ties them: some files hold a tied weight twice.
func withoutTied(ctx context.Context, set checkpoint.Set, plans []*plan.Plan) (checkpoint.Set, error) {
	tied, stored := map[string]string{}, map[string]bool{}
	for _, p := range plans {
		for _, param := range p.Params().All() {
			if param.Tied != "" {
				tied[param.Name] = param.Tied
			}
		}
		for _, t := range p.Tensors().All() {
			stored[t.Name] = true
		}
	}
	twice := map[string]bool{}
	for name, to := range tied {
		a, found := set.Lookup(name)
		b, other := set.Lookup(to)
		if !found || !other || stored[name] {
			continue
		}
		same, err := sameBytes(ctx, a, b)
		if err != nil {
			return nil, err
		}
		twice[name] = same
	}
	if len(twice) == 0 {
		return set, nil
	}
	return engine.Select(set, func(name string) bool { return !twice[name] }), nil
}

// sameBytes reports whether two tensors hold the same values in the same type.
func sameBytes(ctx context.Context, a, b checkpoint.Tensor) (bool, error) {
	if a.DType != b.DType || a.Bytes() != b.Bytes() {
		return false, nil
	}
	const piece = 1 << 20
	x, y := make([]byte, piece), make([]byte, piece)
	for at := int64(0); at < a.Bytes(); at += piece {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		n := min(piece, a.Bytes()-at)
		if err := a.ReadAt(x[:n], at); err != nil {
			return false, err
		}
		if err := b.ReadAt(y[:n], at); err != nil {
			return false, err
		}
		if !bytes.Equal(x[:n], y[:n]) {
			return false, nil
		}
	}
	return true, nil
}
