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

// common is what a and b have in common.
func common(a, b []Run) []Run {
	var out []Run
	for len(a) > 0 && len(b) > 0 {
		if first, end := max(a[0].First, b[0].First), min(a[0].End, b[0].End); first < end {
			out = append(out, Run{first, end})
		}
		if a[0].End < b[0].End {
			a = a[1:]
		} else {
			b = b[1:]
		}
	}
	return out
}

// union is what is in a or in b.
func union(a, b []Run) []Run {
	var out []Run
	for len(a) > 0 || len(b) > 0 {
		from := &a
		if len(a) == 0 || len(b) > 0 && b[0].First < a[0].First {
			from = &b
		}
		next := (*from)[0]
		*from = (*from)[1:]
		if n := len(out); n > 0 && next.First <= out[n-1].End {
			out[n-1].End = max(out[n-1].End, next.End)
			continue
		}
		out = append(out, next)
	}
	return out
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

// missing is the first element of runs that is not in have.
func missing(runs, have []Run) (at int64, any bool) {
	for _, r := range runs {
		for len(have) > 0 && have[0].End <= r.First {
			have = have[1:]
		}
		if len(have) == 0 || have[0].First > r.First {
			return r.First, true
		}
		if have[0].End < r.End {
			return have[0].End, true // runs that touch are one
		}
	}
	return 0, false
}
