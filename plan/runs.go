package plan

import (
	"cmp"
	"slices"

	"github.com/weightinit/weightinit/layout"
)

// Run is the elements [First, End) of a parameter.
type Run struct{ First, End int64 }

// The functions below take and return lists of runs that are sorted, apart
// from each other and not empty.

// runsOf lists the runs of a region.
func runsOf(r layout.Region) []Run {
	if r.Elements() == 0 {
		return nil
	}
	if r.Contiguous() {
		return []Run{{r.First, r.First + r.Elements()}}
	}
	out := make([]Run, r.Rows)
	for i := range out {
		first := r.First + int64(i)*r.Stride
		out[i] = Run{first, first + r.Row}
	}
	return out
}

func total(runs []Run) int64 {
	n := int64(0)
	for _, r := range runs {
		n += r.End - r.First
	}
	return n
}

// without is what is in a and not in b, which lies in a.
func without(a, b []Run) []Run {
	var out []Run
	for _, r := range a {
		for len(b) > 0 && b[0].First < r.End {
			if b[0].First > r.First {
				out = append(out, Run{r.First, b[0].First})
			}
			if r.First = b[0].End; b[0].End > r.End {
				b[0].First = r.End // goes on in the next run, which touches
				r.First = r.End
				break
			}
			b = b[1:]
		}
		if r.First < r.End {
			out = append(out, r)
		}
	}
	return joined(out)
}

// Without calls do with the parts of the elements [first, end) that are not in
// runs, in order, until it returns an error.
func Without(runs []Run, first, end int64, do func(first, end int64) error) error {
	low, high := 0, len(runs) // the first run that ends after first
	for low < high {
		if middle := (low + high) / 2; runs[middle].End <= first {
			low = middle + 1
		} else {
			high = middle
		}
	}
	for _, r := range runs[low:] {
		if r.First >= end {
			break
		}
		if first < r.First {
			if err := do(first, r.First); err != nil {
				return err
			}
		}
		first = r.End
	}
	if first < end {
		return do(first, end)
	}
	return nil
}

func sortRuns(runs []Run) {
	slices.SortFunc(runs, func(a, b Run) int { return cmp.Compare(a.First, b.First) })
}

// joined puts runs that touch together.
func joined(runs []Run) []Run {
	var out []Run
	for _, r := range runs {
		if n := len(out); n > 0 && r.First <= out[n-1].End {
			out[n-1].End = max(out[n-1].End, r.End)
			continue
		}
		out = append(out, r)
	}
	return out
}
