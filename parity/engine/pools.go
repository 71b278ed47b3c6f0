package engine

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/weightinit/weightinit/parity/battery"
)

// poolBelow is the number of values from which a section is tested by itself
// alone. Smaller ones of the same law up to place and scale are tested
// together, too.
const poolBelow = 4096

// pool is a group of small sections.
type pool struct {
	jobs    []*job
	results []tested
}

// poolKey tells which sections may be pooled.
type poolKey struct {
	shape string
	wide  bool
	sides bool
}

// runPools groups the small sections in the order of the run, and tests each
// group. A group of one is no pool: it is tested like any other section.
func (r *statsRun) runPools(ctx context.Context) error {
	places := map[poolKey]int{}
	for _, j := range r.jobs {
		if j.small[candidateSide] == nil {
			continue
		}
		key := poolKey{j.law.Shape(), j.wide(), j.hasRef}
		at, ok := places[key]
		if !ok {
			at = len(r.pools)
			places[key] = at
			r.pools = append(r.pools, pool{})
		}
		r.pools[at].jobs = append(r.pools[at].jobs, j)
	}
	group, _ := errgroup.WithContext(ctx)
	group.SetLimit(r.opts.Workers)
	for i := range r.pools {
		group.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			r.pools[i].run()
			return nil
		})
	}
	return group.Wait()
}

func (p *pool) run() {
	sides := 1
	if p.jobs[0].hasRef {
		sides = 2
	}
	if len(p.jobs) == 1 {
		p.jobs[0].alone(sides, true)
		return
	}
	typ := battery.F32
	if p.jobs[0].wide() {
		typ = battery.F64
	}
	law := p.jobs[0].law.Standardised()
	var values [2][]float64
	var members []string
	for _, j := range p.jobs {
		for side := range sides {
			values[side] = append(values[side], j.standardised(side)...)
		}
		if len(members) == 0 || members[len(members)-1] != j.name {
			members = append(members, j.name)
		}
		j.alone(sides, false)
	}
	name := fmt.Sprintf("pool of %d tensors, %s", len(members), p.jobs[0].law.Shape())
	add := func(side int, tests []battery.Test) {
		p.results = append(p.results, tested{tensor: name, members: members, side: side, law: "standardised " + p.jobs[0].law.Shape(), tests: tests})
	}
	for side := range sides {
		add(side, battery.OneSample(battery.Sample[float64]{Values: values[side], Law: law, Type: typ, Pooled: true}))
	}
	if sides == 2 {
		add(candidateSide, battery.Between(values[referenceSide], values[candidateSide]))
	}
}

// standardised returns the values of a side minus the law's mean, by its
// standard deviation; those of a narrow type are made smooth first.
func (j *job) standardised(side int) []float64 {
	out := append([]float64(nil), j.small[side]...)
	typ, _ := typeOf(j.dtype)
	battery.Jitter(out, j.law, typ)
	for i, v := range out {
		out[i] = (v - j.law.Mean()) / j.law.Std()
	}
	return out
}

// alone tests a small section by itself: in full, or as the member of a pool
// by the tests that mean something for few values.
func (j *job) alone(sides int, full bool) {
	typ, _ := typeOf(j.dtype)
	rows, cols := j.matrix()
	for side := range sides {
		s := battery.Sample[float64]{Values: j.small[side], Law: j.law, Type: typ, Rows: rows, Cols: cols}
		if full {
			j.add(side, battery.OneSample(s)...)
		} else {
			j.add(side, battery.Alone(s)...)
		}
	}
	if full && sides == 2 && len(j.small[0]) > 0 {
		j.add(candidateSide, battery.Between(j.small[referenceSide], j.small[candidateSide])...)
	}
	j.small = [2][]float64{}
}
