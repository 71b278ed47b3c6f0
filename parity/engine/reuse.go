package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/parity/battery"
)

// lookForReuse gives the values of a section to the search for values that
// stand at two places (T10). Values without a law of their own, and those of
// structured tensors, are left out.
func lookForReuse[T battery.Float](r *statsRun, j *job, side int, values []T) {
	if len(values) < 16 || battery.Finite(values) >= 0 {
		return
	}
	if j.method != byLaw && j.method != byReference && j.method != byLength {
		return
	}
	if _, constant := j.law.Constant(); constant && j.method == byLaw {
		return
	}
	law, ok := battery.Fitted(j.law, values)
	if ok {
		if !battery.Add(r.reuse[side], j.number, values, law) && side == candidateSide {
			j.fewKinds = true
		}
		r.spectra.add(j, side, func() *battery.Spectrum { return battery.NewSpectrum(values, law) })
	}
}

// reusedText says where the values of a section of b stand in one of a.
func reusedText(f battery.Reused, a, b string, firstA, firstB int64) string {
	what := "of " + shown.Quote(a)
	if a == b {
		what = "of its own"
	}
	return fmt.Sprintf("from index %d on it has values %s from index %d on (%d keys of 16 values found twice)",
		firstB+f.PositionB, what, firstA+f.PositionA, f.Keys)
}

// shared is a pair of sections that share values, without their number.
type shared struct {
	a, b int
	by   int64
}

// sampledSurely is the number of values from which the keys that T10 keeps surely
// show a copy.
const sampledSurely = 1 << 16

// meant reports whether the reference shares in the same way what the candidate
// shares; found are what the search in the whole reference found, which keeps some
// keys only: of few values it can miss a copy, so all keys of these are compared.
func (r *statsRun) meant(ctx context.Context, found map[shared]bool, f battery.Reused) (bool, error) {
	by := f.PositionB - f.PositionA
	if found[shared{f.A, f.B, by}] {
		return true, nil
	}
	jobs := [2]*job{r.jobs[f.A], r.jobs[f.B]}
	first := [2]int64{max(0, -by), max(0, by)}
	count := min(jobs[0].count-first[0], jobs[1].count-first[1])
	if !jobs[0].hasRef || !jobs[1].hasRef || count > sampledSurely {
		return false, nil
	}
	var every battery.Reuse
	for i, j := range jobs {
		values := make([]float64, count)
		t, _ := r.reference.Lookup(j.name)
		if err := read(ctx, values, t, j.first+first[i]); err != nil {
			return false, err
		}
		if law, ok := battery.Fitted(j.law, values); ok {
			battery.Add(&every, i, values, law)
		}
	}
	return slices.ContainsFunc(every.Find(), func(f battery.Reused) bool {
		return f.A == 0 && f.B == 1 && f.PositionA == f.PositionB
	}), nil
}

// reused makes the findings of T10, by the tensor in which the values stand for
// the second time. What the reference shares in the same way is meant to be
// shared, such as tied weights, and is only told.
func (r *statsRun) reused(ctx context.Context) (map[string][]tested, error) {
	if r.found != nil {
		return r.found, nil
	}
	out := map[string][]tested{}
	inReference := map[shared]bool{}
	if r.reuse[referenceSide] != nil {
		for _, f := range r.reuse[referenceSide].Find() {
			inReference[shared{f.A, f.B, f.PositionB - f.PositionA}] = true
		}
	}
	found := map[string]bool{}
	for _, f := range r.reuse[candidateSide].Find() {
		a, b := r.jobs[f.A], r.jobs[f.B]
		text := reusedText(f, a.name, b.name, a.first, b.first)
		t := battery.FactOf("T10 stream reuse", int(b.count), int(b.first+f.PositionB), "", text)
		meant, err := r.meant(ctx, inReference, f)
		if err != nil {
			return nil, err
		}
		if meant {
			t = battery.FactOf("T10 stream reuse", int(b.count), -1, text+", as in the reference", "")
		}
		found[b.name] = true
		out[b.name] = append(out[b.name], tested{tensor: b.name, tests: []battery.Test{t}})
	}
	for _, st := range r.tensors {
		if found[st.name] || !slices.ContainsFunc(st.jobs, func(j *job) bool { return j.method == byLaw || j.method == byReference }) {
			continue
		}
		n, text := 0, "no values stand at a second place"
		for _, j := range st.jobs {
			n += int(j.count)
			if j.fewKinds {
				text = "not looked for: so few kinds of values are equal by chance"
			}
		}
		if n < 16 {
			continue // a key is of 16 values
		}
		t := battery.FactOf("T10 stream reuse", n, -1, text, "")
		out[st.name] = append(out[st.name], tested{tensor: st.name, tests: []battery.Test{t}})
	}
	return out, nil
}

// spectra are the transforms of the first values of some sections, for the
// cross-correlation that sees one seed used for two families.
type spectra struct {
	mu     sync.Mutex
	chosen map[int]int // job number to place
	jobs   []*job
	made   []*battery.Spectrum
	of     int // how many there would have been
}

// maxSpectra bounds time and memory: 2 MB each, and every pair is correlated.
const maxSpectra = 64

// choose takes the largest sections, in the order of the run.
func (s *spectra) choose(r *statsRun) {
	if !r.opts.CrossCorrelation {
		return
	}
	var fit []*job
	for _, j := range r.jobs {
		_, constant := j.law.Constant()
		if j.count >= poolBelow && (j.method == byReference || j.method == byLaw && !constant) {
			fit = append(fit, j)
		}
	}
	s.of = len(fit)
	slices.SortStableFunc(fit, func(a, b *job) int { return cmp.Compare(b.count, a.count) })
	fit = fit[:min(len(fit), maxSpectra)]
	slices.SortFunc(fit, func(a, b *job) int { return cmp.Compare(a.number, b.number) })
	s.jobs, s.made, s.chosen = fit, make([]*battery.Spectrum, len(fit)), map[int]int{}
	for i, j := range fit {
		s.chosen[j.number] = i
	}
}

func (s *spectra) add(j *job, side int, make func() *battery.Spectrum) {
	at, ok := s.chosen[j.number]
	if !ok || side != candidateSide {
		return
	}
	made := make()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made[at] = made
}

// correlate correlates every pair.
func (s *spectra) correlate() []tested {
	var out []tested
	for b := range s.made {
		var worst battery.Test
		var with *job
		pairs := 0
		for a := range b {
			if s.made[a] == nil || s.made[b] == nil {
				continue
			}
			t := battery.Correlate(s.made[a], s.made[b])
			pairs++
			if with == nil || t.P < worst.P {
				worst, with = t, s.jobs[a]
			}
		}
		if with == nil {
			continue
		}
		worst.P = min(1, worst.P*float64(pairs))
		worst.EffectText += " with " + shown.Quote(with.name)
		if s.of > len(s.jobs) {
			worst.EffectText += fmt.Sprintf(" (the %d largest of %d sections are correlated)", len(s.jobs), s.of)
		}
		out = append(out, tested{tensor: s.jobs[b].name, label: s.jobs[b].label, tests: []battery.Test{worst}})
	}
	return out
}

// signs counts the signs of the diagonals of all orthogonal matrices.
type signs struct {
	mu                  sync.Mutex
	negative, diagonals [2]int64
	members             [2][]string
}

func (s *signs) tests() []tested {
	var out []tested
	for side := range 2 {
		if s.diagonals[side] == 0 {
			continue
		}
		slices.Sort(s.members[side])
		members := slices.Compact(s.members[side])
		out = append(out, tested{tensor: fmt.Sprintf("%d orthogonal tensors", len(members)), members: members, side: side,
			tests: []battery.Test{battery.SignBalance(s.negative[side], s.diagonals[side])}})
	}
	return out
}
