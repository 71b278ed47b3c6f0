package plan

import (
	"fmt"
	"slices"
)

// maxPlanRuns bounds the runs of elements of all regions of a plan that are
// looked at one by one: half a gigabyte of them would only be an attack.
const maxPlanRuns = 1 << 23

// errRuns is the error of more.
var errRuns = fmt.Errorf("regions of more than %d rows together", maxPlanRuns)

// canvas is the elements of a parameter, of which more and more are painted. It
// is made of all runs that will be asked for, and a paint or a question costs
// what it paints, not what is painted already.
type canvas struct {
	edges []int64
	// next is the first segment from one on that is not painted: segment i lies
	// between edges i and i+1.
	next []int32
}

func newCanvas(runs []Run) *canvas {
	c := &canvas{edges: make([]int64, 0, 2*len(runs))}
	for _, r := range runs {
		c.edges = append(c.edges, r.First, r.End)
	}
	slices.Sort(c.edges)
	c.edges = slices.Compact(c.edges)
	c.next = make([]int32, len(c.edges)+1)
	for i := range c.next {
		c.next[i] = int32(i)
	}
	return c
}

func (c *canvas) find(i int32) int32 {
	for c.next[i] != i {
		c.next[i] = c.next[c.next[i]]
		i = c.next[i]
	}
	return i
}

// segments of a run: its edges are among those of the canvas.
func (c *canvas) segments(r Run) (first, end int32) {
	a, _ := slices.BinarySearch(c.edges, r.First)
	b, _ := slices.BinarySearch(c.edges, r.End)
	return int32(a), int32(b)
}

// bare returns the first element of a run that is not painted.
func (c *canvas) bare(r Run) (at int64, any bool) {
	first, end := c.segments(r)
	if i := c.find(first); i < end {
		return c.edges[i], true
	}
	return 0, false
}

// paint paints a run, and calls each with what of it was not painted before.
func (c *canvas) paint(r Run, each func(fresh Run)) {
	first, end := c.segments(r)
	for i := c.find(first); i < end; i = c.find(i) {
		if each != nil {
			each(Run{c.edges[i], c.edges[i+1]})
		}
		c.next[i] = i + 1
	}
}

// runCount counts the runs of all regions.
type runCount int

func (n *runCount) add(runs int) error {
	if *n += runCount(runs); *n > maxPlanRuns {
		return errRuns
	}
	return nil
}
