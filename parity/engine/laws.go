package engine

import (
	"cmp"
	"context"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity/battery"
	"github.com/weightinit/weightinit/plan"
)

// LawsOptions tune [Laws].
type LawsOptions struct {
	Options
	// FamilyLimit is the chance of a single false alarm against one plan; 0
	// means [FamilyLimit].
	FamilyLimit float64
	// Memory is about how many bytes of values are held at once; 0 means
	// 384 MiB. Two lists of the largest section may pass it.
	Memory int64
	// Most, if above 0, is the most values of a tensor that are tested; of a
	// larger one as many, in whole rows, from places all over it.
	Most int64
}

// Laws holds a set of tensors against the laws of several plans, as [Stats] does
// against those of one, and gives each the result of a plan, by the plan's number.
// Every value is read once, and a tensor is tested once against each law that some
// plan declares of it.
// Where the moments of the values alone speak clearly against a law, the rest of
// the tests is left out.
//
// Values that stand twice in the set (T10) are looked for once for all plans. What
// [Stats] does not do: the singular values of matrices are looked at (T13).
func Laws(ctx context.Context, candidate checkpoint.Set, plans []*plan.Plan, opts LawsOptions, each func(number int, r Result)) error {
	if opts.Workers <= 0 {
		opts.Workers = runtime.GOMAXPROCS(0)
	}
	if opts.FamilyLimit == 0 {
		opts.FamilyLimit = FamilyLimit
	}
	if opts.Memory == 0 {
		opts.Memory = 384 << 20
	}
	m := &lawsRun{opts: opts, set: candidate}
	for _, p := range plans {
		r := &statsRun{opts: StatsOptions{Options: opts.Options, Declared: p, FamilyLimit: opts.FamilyLimit}, candidate: candidate, laws: map[string]law{}, most: opts.Most}
		r.prepare()
		m.runs = append(m.runs, r)
	}
	m.group()
	if err := m.run(ctx); err != nil {
		return err
	}
	m.findReuse()
	for i, r := range m.runs {
		if err := r.runPools(ctx); err != nil {
			return err
		}
		result, err := r.result(ctx)
		if err != nil {
			return err
		}
		each(i, result)
		m.runs[i] = nil // of very many tensors, results are large
	}
	return nil
}

// Certainty is how much a declared law says of values.
type Certainty int

// The certainties.
const (
	// Untold leaves them open: nothing can be tested without a reference.
	Untold Certainty = iota
	// Fixed leaves nothing to chance.
	Fixed
	// Random is a law that values can be held against.
	Random
)

// CertaintyOf tells how much a law says of a tensor of that shape; known is false
// when none is declared. A tensor of which a part is left open is [Untold].
func CertaintyOf(d dist.Dist, known bool, shape []int64) Certainty {
	out := Fixed
	for _, s := range sectionsOf(d, known, shape) {
		switch s.method {
		case byReference, byLength, byBits:
			return Untold
		case byLaw:
			if _, constant := s.law.Constant(); !constant && s.count > 0 {
				out = Random
			}
		case bySparse, byOrthogonality:
			out = Random
		}
	}
	return out
}

// lawsRun is one run of Laws.
type lawsRun struct {
	opts LawsOptions
	set  checkpoint.Set
	runs []*statsRun
	// lists are the lists of values that are read, each with its jobs.
	lists []*lawsList
	// shared has the shelves and the search for reuse.
	shared statsRun
}

// place is a list of values in the set.
type place struct {
	name         string
	first, count int64
}

// lawsList is a list of values with the different tests that some plan wants.
type lawsList struct {
	place
	jobs []*lawsJob
	// again tells that other lists hold values of this one, and that those are
	// searched for what stands twice.
	again bool
}

// lawsJob is a job, and its like in other runs.
type lawsJob struct {
	*job
	run   *statsRun
	twins []*job
}

// same reports whether the job would find the same of the same values. Jobs that
// add to what their run knows of all tensors are alone.
func (j *lawsJob) same(other *job) bool {
	return j.method == byLaw && other.method == byLaw && j.law == other.law && j.label == other.label && slices.Equal(j.shape, other.shape)
}

// group puts the jobs of all runs together by what they read.
func (m *lawsRun) group() {
	at := map[place]*lawsList{}
	for _, r := range m.runs {
		for _, j := range r.jobs {
			where := place{j.name, j.first, j.count}
			list := at[where]
			if list == nil {
				list = &lawsList{place: where}
				at[where] = list
				m.lists = append(m.lists, list)
			}
			i := slices.IndexFunc(list.jobs, func(have *lawsJob) bool { return have.same(j) })
			if i >= 0 {
				list.jobs[i].twins = append(list.jobs[i].twins, j)
			} else {
				list.jobs = append(list.jobs, &lawsJob{job: j, run: r})
			}
		}
	}
	m.searchOnce()
	total := int64(0)
	for _, list := range m.lists {
		total += list.count
	}
	m.shared.reuse[candidateSide] = battery.NewReuse(total)
}

// searchOnce keeps lists out of the search for values that stand twice which hold
// values of a larger one: plans may cut a tensor in different ways.
func (m *lawsRun) searchOnce() {
	byName := map[string][]*lawsList{}
	for _, list := range m.lists {
		byName[list.name] = append(byName[list.name], list)
	}
	for _, lists := range byName {
		slices.SortStableFunc(lists, func(a, b *lawsList) int { return cmp.Compare(b.count, a.count) })
		for i, list := range lists {
			list.again = slices.ContainsFunc(lists[:i], func(larger *lawsList) bool {
				return !larger.again && list.first < larger.first+larger.count && larger.first < list.first+list.count
			})
		}
	}
}

// run reads and tests all lists, the largest first, as many at once as workers
// and memory allow.
func (m *lawsRun) run(ctx context.Context) error {
	order := make([]int, len(m.lists))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(m.lists[b].count, m.lists[a].count) })
	memory := semaphore.NewWeighted(m.opts.Memory)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(m.opts.Workers)
	for _, number := range order {
		list := m.lists[number]
		weight := min(2*list.jobs[0].weight(), m.opts.Memory)
		if memory.Acquire(ctx, weight) != nil {
			break // stopped, or a list failed
		}
		group.Go(func() error {
			defer memory.Release(weight)
			if list.jobs[0].wide() {
				return testList[float64](ctx, m, number)
			}
			return testList[float32](ctx, m, number)
		})
	}
	stopped := context.Cause(ctx)
	if err := group.Wait(); err != nil {
		return err
	}
	return stopped
}

// testList runs the different tests of a list.
func testList[T battery.Float](ctx context.Context, m *lawsRun, number int) error {
	list := m.lists[number]
	tensor, _ := m.set.Lookup(list.name)
	shelf := shelfOf[T](&m.shared)
	var values, work []T
	for _, j := range list.jobs {
		if j.method == byBits {
			if err := j.run.testBits(ctx, j.job); err != nil {
				return err
			}
			continue
		}
		typ, _ := typeOf(j.dtype)
		if values == nil {
			values, work = shelf.take(list.count), shelf.take(list.count)
			defer shelf.give(values)
			defer shelf.give(work)
			if err := read(ctx, values, tensor, list.first); err != nil {
				return err
			}
			m.addReuse(number, func(j *job) { lookForReuse(&m.shared, j, candidateSide, values) })
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		testCopy(j, values, work, typ)
		for _, twin := range j.twins {
			twin.results = append(twin.results, j.results...)
			for side, small := range j.small {
				twin.small[side] = slices.Clone(small)
			}
		}
	}
	if m.opts.Progress != nil {
		m.opts.Progress(list.count)
	}
	return nil
}

// testCopy runs the tests of a job on a copy of the values, which they may sort.
func testCopy[T battery.Float](j *lawsJob, values, work []T, typ battery.Type) {
	if j.method == byLaw && j.count >= poolBelow {
		if tests, rejected := battery.Screen(battery.Sample[T]{Values: values, Law: j.law, Type: typ}); rejected {
			j.add(candidateSide, tests...)
			return
		}
	}
	copy(work, values)
	testValues(j.run, j.job, [2][]T{candidateSide: work}, 1, typ)
	if _, constant := j.law.Constant(); j.method == byLaw && !constant {
		for _, rows := range j.flattened() {
			if t, ok := battery.Singular(values, rows, len(values)/rows); ok {
				j.add(candidateSide, t)
				return
			}
		}
	}
}

// flattened returns the numbers of rows with which a section may be taken as a
// matrix: that of its last dimension, and of its first.
func (s section) flattened() []int {
	if rows, _ := s.matrix(); rows > 0 {
		return []int{rows, int(s.shape[0])}
	}
	return nil
}

// addReuse gives the values of a list to the search for those that stand twice,
// if some plan has a law for them that is no constant.
func (m *lawsRun) addReuse(number int, add func(*job)) {
	if m.lists[number].again {
		return
	}
	for _, j := range m.lists[number].jobs {
		if _, constant := j.law.Constant(); j.method == byLaw && constant {
			continue
		}
		one := *j.job
		one.number = number
		add(&one)
		return
	}
}

// findReuse tells every run what stands twice in the set, but where its plan
// declares constants.
func (m *lawsRun) findReuse() {
	found := m.shared.reuse[candidateSide].Find()
	for _, r := range m.runs {
		r.found = map[string][]tested{}
		random := map[string]bool{}
		for _, j := range r.jobs {
			if _, constant := j.law.Constant(); j.method != byLaw || !constant {
				random[j.name] = true
			}
		}
		for _, f := range found {
			a, b := m.lists[f.A], m.lists[f.B]
			if !random[a.name] || !random[b.name] {
				continue
			}
			t := battery.FactOf("T10 stream reuse", int(b.count), int(b.first+f.PositionB), "", reusedText(f, a.name, b.name, a.first, b.first))
			r.found[b.name] = append(r.found[b.name], tested{tensor: b.name, tests: []battery.Test{t}})
		}
	}
}
