package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/checkpoint/safetensors"
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity/battery"
	"github.com/weightinit/weightinit/plan"
)

// FamilyLimit is the chance of a single false alarm in a whole run of [Stats].
const FamilyLimit = 1e-6

// StatsOptions tune [Stats].
type StatsOptions struct {
	Options
	// Declared is the plan whose laws the tensors are said to follow, whatever
	// its seed; nil when none is known.
	Declared *plan.Plan
	// FamilyLimit is the chance of a single false alarm in the whole run; 0
	// means [FamilyLimit].
	FamilyLimit float64
	// Margin, if set, returns the margin of equivalence of a tensor's mean (in
	// standard deviations) and standard deviation (as a share); 0 means 0.01.
	Margin func(name string) float64
	// CrossCorrelation also looks for one seed used for two families, which
	// takes about 8 ms for each pair of the largest sections.
	CrossCorrelation bool
	// Memory is about how many bytes of values are held at once; 0 means
	// 384 MiB. A single list of values may pass it.
	Memory int64
}

// Stats tests whether two sets of tensors follow the same laws: every tensor
// of the candidate, and of the reference, against the law that is declared of
// it, and the two against each other; without a declared law only the latter.
// reference may be nil when laws are declared.
//
// A tensor fails when a fact does not hold (its shape, its type, a constant, a
// bound, a pattern), when the same values are found at two places of one set,
// or when a p-value passes Holm's limit over the run, which makes a false alarm
// in equal data at most once in 1/FamilyLimit runs. The error is one of reading.
func Stats(ctx context.Context, reference, candidate checkpoint.Set, opts StatsOptions) (Result, error) {
	if reference == nil && opts.Declared == nil {
		return Result{}, errors.New("parity: statistics need a reference or declared laws")
	}
	if opts.Workers <= 0 {
		opts.Workers = runtime.GOMAXPROCS(0)
	}
	if opts.FamilyLimit == 0 {
		opts.FamilyLimit = FamilyLimit
	}
	if opts.Memory == 0 {
		opts.Memory = 384 << 20
	}
	r := &statsRun{opts: opts, reference: reference, candidate: candidate, laws: map[string]law{}}
	r.prepare()
	if err := r.run(ctx); err != nil {
		return Result{}, err
	}
	if err := r.runPools(ctx); err != nil {
		return Result{}, err
	}
	return r.result(ctx)
}

// statsRun is one run of Stats.
type statsRun struct {
	opts                 StatsOptions
	reference, candidate checkpoint.Set
	laws                 map[string]law
	tensors              []statsTensor
	jobs                 []*job
	reuse                [2]*battery.Reuse // by side; nil for a side that is not there
	pools                []pool
	spectra              spectra
	signs                signs
	singles              shelf[float32]
	doubles              shelf[float64]
	// most, if above 0, is the most values of a tensor that are tested.
	most int64
	// found, if set, is what the search for reuse found: another's.
	found map[string][]tested
}

// The sides of a comparison.
const (
	candidateSide = iota
	referenceSide
)

// statsTensor is a tensor of the run: what is wrong with its structure, or its
// jobs.
type statsTensor struct {
	name    string
	shape   []int64
	problem *Finding
	jobs    []*job
}

// job is a section to be tested, and what came of it.
type job struct {
	*section    // shared by jobs of undeclared tensors of one shape
	name, dtype string
	hasRef      bool
	// number is the job's place in the run.
	number  int
	results []tested
	// fewKinds tells that the candidate's values are not looked for elsewhere.
	fewKinds bool
	// small are the values of a section that may be pooled, candidate's first.
	small [2][]float64
}

// law is what is declared of a tensor: its shape and, if known, what its values
// follow.
type law struct {
	shape []int64
	dist  dist.Dist
	known bool
}

// tested are tests on one list of values.
type tested struct {
	tensor  string
	members []string
	label   string
	side    int
	law     string
	tests   []battery.Test
}

// prepare pairs the tensors and settles how each is tested.
func (r *statsRun) prepare() {
	if r.opts.Declared != nil {
		for i, t := range r.opts.Declared.Tensors().All() {
			l := law{shape: t.Shape}
			l.dist, l.known = r.opts.Declared.Law(i)
			r.laws[t.Name] = l
		}
	}
	var paired *Report
	if r.reference == nil {
		paired = pair(r.sidesDeclared(), sidesOfSet(r.candidate), r.opts.Options)
	} else {
		paired = pair(sidesOfSet(r.reference), sidesOfSet(r.candidate), r.opts.Options)
	}
	var total int64
	r.tensors = make([]statsTensor, 0, len(paired.Tensors))
	r.jobs = make([]*job, 0, len(paired.Tensors))
	shared := map[string][]section{}
	for i := range paired.Tensors {
		t := &paired.Tensors[i]
		st := statsTensor{name: t.Name, shape: t.ReferenceShape}
		if t.Status != Equal {
			f := t.finding(string(t.Status))
			if r.reference == nil {
				f.Detail = r.structureDeclared(*t)
			}
			st.problem = &f
		} else {
			r.addJobs(&st, t, shared)
			total += product(t.ReferenceShape)
		}
		r.tensors = append(r.tensors, st)
	}
	r.reuse[candidateSide] = battery.NewReuse(total)
	if r.reference != nil {
		r.reuse[referenceSide] = battery.NewReuse(total)
		r.addUnheld()
	}
}

// sidesDeclared are the plan's tensors in the types that the candidate has.
func (r *statsRun) sidesDeclared() []side {
	var out []side
	for _, made := range r.opts.Declared.Tensors().All() {
		s := side{name: made.Name, shape: made.Shape}
		if t, ok := r.candidate.Lookup(s.name); ok {
			s.dtype = t.DType
		} else if name, err := safetensors.DTypeName(made.DType); err == nil {
			s.dtype = name
		}
		out = append(out, s)
	}
	return out
}

func (r *statsRun) structureDeclared(t Tensor) string {
	switch t.Status {
	case Missing:
		return "declared by " + r.opts.Declared.Mode() + ", and not there"
	case Extra:
		return "not declared by " + r.opts.Declared.Mode()
	case Shape:
		return "shape: declared " + places(t.ReferenceShape) + ", found " + places(t.CandidateShape)
	}
	return t.Describe()
}

// addUnheld adds a finding for what is declared and in neither set.
func (r *statsRun) addUnheld() {
	if r.opts.Declared == nil {
		return
	}
	for _, made := range r.opts.Declared.Tensors().All() {
		name := made.Name
		_, inReference := r.reference.Lookup(name)
		_, inCandidate := r.candidate.Lookup(name)
		if inReference || inCandidate || !r.opts.keep(name) {
			continue
		}
		t := Tensor{Name: name, Status: Missing}
		f := t.finding(string(Missing))
		f.Detail = "declared by " + r.opts.Declared.Mode() + ", and in neither set"
		r.tensors = append(r.tensors, statsTensor{name: t.Name, problem: &f})
	}
}

// addJobs adds the jobs of a tensor. shared has the sections of undeclared
// tensors by shape: there may be very many of few shapes.
func (r *statsRun) addJobs(st *statsTensor, t *Tensor, shared map[string][]section) {
	declared, found := r.laws[t.Name]
	if found && !slices.Equal(declared.shape, t.ReferenceShape) {
		f := t.finding(string(Shape))
		f.Verdict, f.Test = Fail, string(Shape)
		f.Detail = "shape: declared by " + r.opts.Declared.Mode() + " " + places(declared.shape) + ", found in both sets " + places(t.ReferenceShape)
		st.problem = &f
		return
	}
	j := job{name: t.Name, dtype: t.CandidateDType}
	if r.reference != nil {
		_, j.hasRef = r.reference.Lookup(t.Name)
	}
	sections := r.sections(t, declared, shared)
	first := len(r.jobs)
	for i := range sections {
		one := j
		one.section, one.number = &sections[i], len(r.jobs)
		r.jobs = append(r.jobs, &one)
	}
	st.jobs = r.jobs[first:len(r.jobs):len(r.jobs)]
}

func (r *statsRun) sections(t *Tensor, declared law, shared map[string][]section) []section {
	_, numbers := typeOf(t.ReferenceDType)
	switch {
	case !numbers:
		return []section{{count: product(t.ReferenceShape), shape: t.ReferenceShape, method: byBits}}
	case declared.known:
		return thinned(sectionsOf(declared.dist, true, t.ReferenceShape), r.most)
	}
	key := places(t.ReferenceShape)
	if shared[key] == nil {
		shared[key] = sectionsOf(declared.dist, false, t.ReferenceShape)
	}
	return shared[key]
}

// run does all jobs, the largest first, as many at once as workers and memory
// allow.
func (r *statsRun) run(ctx context.Context) error {
	order := slices.Clone(r.jobs)
	slices.SortStableFunc(order, func(a, b *job) int { return cmp.Compare(b.weight(), a.weight()) })
	r.spectra.choose(r)
	memory := semaphore.NewWeighted(r.opts.Memory)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.opts.Workers)
	for _, j := range order {
		weight := min(j.weight(), r.opts.Memory)
		if memory.Acquire(ctx, weight) != nil {
			break // stopped, or a job failed
		}
		group.Go(func() error {
			defer memory.Release(weight)
			if j.wide() {
				return test[float64](ctx, r, j)
			}
			return test[float32](ctx, r, j)
		})
	}
	stopped := context.Cause(ctx)
	if err := group.Wait(); err != nil {
		return err
	}
	return stopped
}

// wide reports whether the values need float64.
func (j *job) wide() bool { return j.dtype == "F64" }

// weight is how many bytes the values of a job take.
func (j *job) weight() int64 {
	if j.method == byBits {
		return 2 * chunkBytes
	}
	n := j.count * 4
	if j.wide() {
		n *= 2
	}
	if j.hasRef {
		n *= 2
	}
	return n
}

// test runs the tests of one job.
func test[T battery.Float](ctx context.Context, r *statsRun, j *job) error {
	if j.method == byBits {
		return r.testBits(ctx, j)
	}
	typ, _ := typeOf(j.dtype)
	var values [2][]T
	cand, _ := r.candidate.Lookup(j.name)
	tensors := []checkpoint.Tensor{candidateSide: cand}
	if j.hasRef {
		ref, _ := r.reference.Lookup(j.name)
		tensors = append(tensors, ref)
	}
	sides := len(tensors)
	lists := shelfOf[T](r)
	for side, t := range tensors {
		values[side] = lists.take(j.count)
		defer lists.give(values[side])
		if err := read(ctx, values[side], t, j.first); err != nil {
			return err
		}
	}
	if r.opts.Progress != nil {
		defer r.opts.Progress(j.count)
	}
	for side := range sides {
		lookForReuse(r, j, side, values[side])
	}
	testValues(r, j, values, sides, typ)
	return nil
}

// testValues runs the tests of a job on its values, which they may sort.
func testValues[T battery.Float](r *statsRun, j *job, values [2][]T, sides int, typ battery.Type) {
	switch j.method {
	case byLaw:
		testLaw(j, values, sides, typ)
	case byPattern:
		for side := range sides {
			j.add(side, patternTest(*j.section, values[side], typ))
		}
	case bySparse:
		testSparse(j, values, sides, typ)
	case byOrthogonality:
		testOrthogonal(r, j, values, sides, typ)
	case byLength, byReference:
		if j.method == byLength {
			for side := range sides {
				j.add(side, lengthTest(*j.section, values[side], typ))
			}
		}
		if sides == 2 {
			testReference(j, values, typ)
			break
		}
		at, bad := battery.Finite(values[candidateSide]), ""
		if at >= 0 {
			bad = "not finite"
		}
		j.add(candidateSide, battery.FactOf("T0 finite", int(j.count), at, "all values are finite; no law is declared", bad))
	}
}

// add adds tests of a side.
func (j *job) add(side int, tests ...battery.Test) {
	j.results = append(j.results, tested{tensor: j.name, label: j.label, side: side, law: j.lawText(), tests: tests})
}

func (j *job) lawText() string {
	if j.method == byLaw || j.method == bySparse {
		return j.law.String()
	}
	return ""
}

// testBits compares values that are no floating-point numbers to test. Without
// a reference there is only a law, which they cannot follow.
func (r *statsRun) testBits(ctx context.Context, j *job) error {
	if !j.hasRef {
		j.add(candidateSide, battery.FactOf("T0 type", int(j.count), -1, "", "values of "+j.dtype+" follow no declared law"))
		return nil
	}
	ref, _ := r.reference.Lookup(j.name)
	cand, _ := r.candidate.Lookup(j.name)
	one := &collector{report: &Report{Tensors: []Tensor{{Name: j.name, Status: Equal, ReferenceDType: ref.DType, ReferenceShape: ref.Shape}}}, opts: r.opts.Options}
	if err := one.readBoth(ctx, 0, ref, cand); err != nil {
		return err
	}
	t := one.report.Tensors[0]
	fact := battery.FactOf("T0 equal", int(t.Values), -1, "all values equal; "+t.ReferenceDType+" is compared by its bits", "")
	if t.Status != Equal {
		fact = battery.FactOf("T0 equal", int(t.Values), int(t.First.Index), "", t.Describe())
	}
	j.add(candidateSide, fact)
	return nil
}

// testLaw holds both sides against a declared law, and against each other.
func testLaw[T battery.Float](j *job, values [2][]T, sides int, typ battery.Type) {
	if _, constant := j.law.Constant(); !constant && j.count < poolBelow && finite(values, sides) {
		for side := range sides {
			j.small[side] = widen(values[side])
		}
		return
	}
	rows, cols := j.matrix()
	ok := true
	for side := range sides {
		tests := battery.OneSample(battery.Sample[T]{Values: values[side], Law: j.law, Type: typ, Rows: rows, Cols: cols})
		ok = ok && !slices.ContainsFunc(tests, func(t battery.Test) bool { return t.Failed })
		j.add(side, tests...)
	}
	if _, constant := j.law.Constant(); sides == 2 && ok && !constant {
		j.add(candidateSide, battery.Between(values[referenceSide], values[candidateSide])...)
	}
}

func finite[T battery.Float](values [2][]T, sides int) bool {
	for side := range sides {
		if battery.Finite(values[side]) >= 0 {
			return false
		}
	}
	return true
}

func widen[T battery.Float](values []T) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v)
	}
	return out
}

// testReference compares the two sides, of which no law is known. What is not
// finite in the reference must be the same in the candidate.
func testReference[T battery.Float](j *job, values [2][]T, typ battery.Type) {
	if battery.Finite(values[referenceSide]) < 0 {
		j.add(candidateSide, battery.TwoSample(values[referenceSide], values[candidateSide], typ, j.shape...)...)
		return
	}
	at := -1
	for i, want := range values[referenceSide] {
		if got := values[candidateSide][i]; got != want && (got == got || want == want) {
			at = i
			break
		}
	}
	wrong := ""
	if at >= 0 {
		wrong = fmt.Sprintf("the reference has values that are not finite, so both must be equal: at index %d reference %s, candidate %s", at,
			short(float64(values[referenceSide][at])), short(float64(values[candidateSide][at])))
	}
	j.add(candidateSide, battery.FactOf("T0 equal", int(j.count), at, "all values equal; some are not finite", wrong))
}
