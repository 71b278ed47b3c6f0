package weightinit

import (
	"context"
	"io"

	"github.com/weightinit/weightinit/fill"
)

// StreamInParts is [Plan.StreamRegions] in parts of so many bytes.
func (p *Plan) StreamInParts(ctx context.Context, w io.Writer, regions []Region, bytes int64) error {
	wanted, t, err := p.regions(regions)
	if err != nil {
		return err
	}
	s := newRegionStream(p.Plan, wanted, t, w, fill.Options{})
	s.limit = bytes
	return s.run(ctx)
}
