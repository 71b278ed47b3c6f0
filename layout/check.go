package layout

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/weightinit/weightinit/dist"
)

// Limits of what is fused in one parameter.
const (
	// MaxPieces is the most pieces of a parameter.
	MaxPieces = 1 << 16
	// maxRuns is the most runs of elements of all regions that cover a parameter,
	// where these are not cut along one dimension.
	maxRuns = 1 << 20
)

// Check reports the first fault:
//
//   - too many parameters, or a number of elements or bytes (at 8 bytes an
//     element) beyond int64, in one parameter or in all together;
//   - an empty or repeated name, of a parameter or of a tensor in a file;
//   - a size below 0, or more than [MaxDims] dimensions;
//   - pieces that overlap, leave a gap, lie outside or have another number of
//     elements than their shape;
//   - a padding row or a stored slice outside the parameter;
//   - a parameter that is tied to itself, to none or to one that is tied;
//   - a vector or scalar that is said to be transposed.
//
// The draws of Replay are not checked: package plan does that.
func (l *Layout) Check() error {
	if len(l.Params) > MaxParams {
		return fmt.Errorf("layout: %d parameters: the limit is %d", len(l.Params), MaxParams)
	}
	number := make(map[string]int, len(l.Params))
	var total int64
	for i, p := range l.Params {
		if p.Name == "" {
			return fmt.Errorf("layout: a parameter of shape %v has no name", p.Shape)
		}
		if _, dup := number[p.Name]; dup {
			return fmt.Errorf("layout: duplicate parameter %q", p.Name)
		}
		number[p.Name] = i
		if err := p.Check(); err != nil {
			return fmt.Errorf("layout: parameter %q: %w", p.Name, err)
		}
		n := p.Elements()
		if n > math.MaxInt64/8-total {
			return fmt.Errorf("layout: parameter %q of shape %v: the model's bytes pass the limit of 2^63-1", p.Name, p.Shape)
		}
		total += n
	}
	return l.checkTensors(number)
}

// checkTensors checks what is tied and stored; number finds a parameter by its
// name.
func (l *Layout) checkTensors(number map[string]int) error {
	slices := 0
	for i := range l.Params {
		slices += len(l.Params[i].Stored)
	}
	stored := make(map[string]string, slices) // tensors of other names than their parameter's
	for i, p := range l.Params {
		if p.Tied != "" {
			to, known := number[p.Tied]
			switch {
			case !known:
				return fmt.Errorf("layout: parameter %q is tied to %q, which does not exist", p.Name, p.Tied)
			case to == i:
				return fmt.Errorf("layout: parameter %q is tied to itself", p.Name)
			case l.Params[to].Tied != "":
				return fmt.Errorf("layout: parameter %q is tied to %q, which is tied itself", p.Name, p.Tied)
			}
			continue
		}
		for _, s := range p.Stored {
			owner, dup := stored[s.Name]
			if other, known := number[s.Name]; !dup && known && other != i && l.Params[other].Stored == nil && l.Params[other].Tied == "" {
				owner, dup = s.Name, true
			}
			if dup {
				return fmt.Errorf("layout: parameter %q: tensor %q is one of parameter %q already", p.Name, s.Name, owner)
			}
			stored[s.Name] = p.Name
		}
	}
	return nil
}

// Check reports the first fault of p that shows without the other parameters.
func (p Param) Check() error {
	n, err := ElementsOf(p.Shape)
	if err != nil {
		return err
	}
	if p.Transposed && len(p.Shape) < 2 {
		return fmt.Errorf("shape %v is no matrix, and cannot be stored transposed", p.Shape)
	}
	if p.PaddingRow != nil && (len(p.Shape) == 0 || *p.PaddingRow < 0 || *p.PaddingRow >= p.Shape[0]) {
		return fmt.Errorf("padding row %d does not lie in shape %v", *p.PaddingRow, p.Shape)
	}
	if err := p.checkPieces(n); err != nil {
		return err
	}
	for _, s := range p.Stored {
		if s.Name == "" {
			return fmt.Errorf("a tensor of shape %v has no name", s.Shape)
		}
		count, err := ElementsOf(s.Shape)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", s.Name, err)
		}
		if s.First < 0 || s.First > n || count > n-s.First {
			return fmt.Errorf("tensor %q: elements %d and %d more do not lie in the parameter's %d", s.Name, s.First, count, n)
		}
	}
	return nil
}

// checkPieces checks that the pieces cover n elements without overlap.
func (p Param) checkPieces(n int64) error {
	if len(p.Pieces) == 0 {
		return nil
	}
	if len(p.Pieces) > MaxPieces {
		return fmt.Errorf("%d pieces: the limit is %d", len(p.Pieces), MaxPieces)
	}
	for i, piece := range p.Pieces {
		count, err := ElementsOf(piece.Shape)
		if err != nil {
			return fmt.Errorf("piece %d: %w", i, err)
		}
		if !piece.At.within(n) {
			return fmt.Errorf("piece %d: region %+v does not lie in %d elements", i, piece.At, n)
		}
		if at := piece.At.Elements(); at != count {
			return fmt.Errorf("piece %d: shape %v has %d elements, its region %+v has %d", i, piece.Shape, count, piece.At, at)
		}
	}
	return p.checkCover(n)
}

// within tells whether r is a sound region of n elements.
func (r Region) within(n int64) bool {
	if r.First < 0 || r.Rows < 1 || r.Row < 0 || r.Stride < r.Row || r.First > n || r.Row > n-r.First {
		return false
	}
	return r.Rows == 1 || r.Stride == 0 || r.Rows-1 <= (n-r.First-r.Row)/r.Stride
}

// checkCover checks that sound pieces cover n elements, each once.
func (p Param) checkCover(n int64) error {
	regions := make([]Region, len(p.Pieces))
	for i, piece := range p.Pieces {
		regions[i] = piece.At
	}
	c, err := Cover(n, regions)
	switch {
	case err != nil:
		return fmt.Errorf("pieces: %w", err)
	case c.Twice:
		return fmt.Errorf("piece %d: element %d is one of piece %d already", c.Second, c.At, c.First)
	case c.Gap:
		return fmt.Errorf("element %d of %d lies in no piece", c.At, n)
	}
	return nil
}

// Covered says how regions cover some elements: neither Twice nor Gap means
// that each element lies in exactly one of them.
type Covered struct {
	// Twice tells that the element At lies in the regions of the numbers First
	// and Second; Gap, that it lies in none.
	Twice, Gap    bool
	At            int64
	First, Second int
}

// run is the elements from first on, up to and without end, of a region.
type run struct {
	first, end int64
	region     int
}

// Cover finds the first of n elements that does not lie in exactly one of the
// regions, each of which must lie in these elements. It is an error when that
// would take too long: regions that are cut along several dimensions may have
// 1,048,576 runs together.
func Cover(n int64, regions []Region) (Covered, error) {
	window, runs, err := runsOf(n, regions)
	if err != nil {
		return Covered{}, err
	}
	slices.SortFunc(runs, func(a, b run) int { return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.end, b.end)) })
	at, last := int64(0), -1
	for _, r := range runs {
		if r.first == r.end {
			continue
		}
		if r.first < at {
			return Covered{Twice: true, At: r.first, First: last, Second: r.region}, nil
		}
		if r.first > at {
			break
		}
		at, last = r.end, r.region
	}
	return Covered{Gap: at < window, At: at}, nil
}

// runsOf returns the runs of all regions that begin in the first window
// elements. Regions that are cut along one dimension repeat in each of its
// strides, so the first one says all.
func runsOf(n int64, regions []Region) (window int64, runs []run, err error) {
	grid := len(regions) > 0
	total := int64(0)
	for _, r := range regions {
		first := regions[0]
		grid = grid && r.Rows > 1 && r.Rows == first.Rows && r.Stride == first.Stride && r.First <= r.Stride-r.Row &&
			r.Stride > 0 && n%r.Stride == 0 && n/r.Stride == r.Rows
		if !r.Contiguous() {
			total = min(total+r.Rows, maxRuns+1)
		}
	}
	window = n
	if grid {
		window = regions[0].Stride
	}
	if !grid && total > maxRuns {
		return 0, nil, fmt.Errorf("cut along several dimensions, with more than %d runs of elements", maxRuns)
	}
	for i, r := range regions {
		switch {
		case grid:
			runs = append(runs, run{r.First, r.First + r.Row, i})
		case r.Contiguous():
			runs = append(runs, run{r.First, r.First + r.Elements(), i})
		default:
			for row := range r.Rows {
				at := r.First + row*r.Stride
				runs = append(runs, run{at, at + r.Row, i})
			}
		}
	}
	return window, runs, nil
}

// RowPieces tells whether the pieces are whole rows along dimension 0, one
// after the other: each as a tensor of its own is a slice of the parameter.
func (p Param) RowPieces() bool {
	if len(p.Pieces) == 0 || len(p.Shape) == 0 {
		return false
	}
	at := int64(0)
	for _, piece := range p.Pieces {
		if len(piece.Shape) != len(p.Shape) || !slices.Equal(piece.Shape[1:], p.Shape[1:]) || !piece.At.Contiguous() || piece.At.First != at {
			return false
		}
		at += piece.At.Elements()
	}
	return true
}

// CheckDist reports why d cannot fill p, which must be sound itself: a family
// that needs another shape, or pieces that are not those of p. Numbers are
// [dist.Dist.Check]'s.
func (p Param) CheckDist(d dist.Dist) error {
	if _, ok := d.Draw.(dist.Pieces); ok {
		shapes := make([][]int64, len(p.Pieces))
		for i, piece := range p.Pieces {
			shapes[i] = piece.Shape
		}
		return d.CheckPieces(shapes)
	}
	return d.CheckShape(p.Shape)
}
