package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/parity/battery"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
	"github.com/weightinit/weightinit/rng"
)

// uneven is the p-value of uniformity (T12) below which a test is off.
const uneven = 1e-6

// declared is a tensor of the model that whole runs test.
type declared struct {
	name, dtype string
	shape       []int64
	dist        dist.Dist
}

// tensors are those of a small model with all families, types and sizes on both
// sides of every threshold.
func tensors() []declared {
	normal, uniform := dist.Dist{Draw: dist.Normal{Std: 0.02}}, dist.Dist{Draw: dist.Uniform{Low: -0.05, High: 0.05}}
	scaled := dist.Dist{Draw: dist.Normal{Std: 1}, Post: []dist.Post{dist.Multiply{By: 0.01}}}
	cut2, cut3 := dist.Dist{Draw: cutAt(0.02, 2)}, dist.Dist{Draw: cutAt(0.5, 3)}
	post := []dist.Post{dist.Multiply{By: 0.125}}
	all := []declared{
		{"embed", "F32", []int64{256, 256}, normal}, {"query", "F32", []int64{64, 64}, normal},
		{"vector", "F32", []int64{5000}, normal}, {"scaled", "F32", []int64{32, 128}, scaled},
		{"shifted", "F32", []int64{40, 60}, dist.Dist{Draw: dist.Normal{Mean: 1, Std: 0.1}}},
		{"normal.16", "F32", []int64{16}, normal}, {"normal.64", "F32", []int64{4, 16}, normal}, {"normal.255", "F32", []int64{255}, scaled},
		{"uniform", "F32", []int64{128, 96}, uniform}, {"uniform.scaled", "F32", []int64{50, 90}, dist.Dist{Draw: uniform.Draw, Post: post}},
		{"uniform.63", "F32", []int64{63}, uniform}, {"uniform.1000", "F32", []int64{20, 50}, uniform},
		{"cut2", "F32", []int64{96, 64}, cut2}, {"cut3", "F32", []int64{64, 80}, cut3},
		{"cut2.scaled", "F32", []int64{4096}, dist.Dist{Draw: cut2.Draw, Post: post}}, {"cut3.300", "F32", []int64{15, 20}, cut3},
		{"cut3.100", "F32", []int64{100}, cut3},
		{"ones", "F32", []int64{64}, dist.Dist{Draw: dist.Constant{Value: 1}}}, {"zeros", "BF16", []int64{64}, dist.Dist{Draw: dist.Constant{}}},
		{"orthogonal", "F32", []int64{48, 48}, dist.Dist{Draw: dist.Orthogonal{Gain: 1}}},
		{"orthogonal.wide", "F32", []int64{24, 40}, dist.Dist{Draw: dist.Orthogonal{Gain: 1.5}}},
	}
	for _, dtype := range []string{"BF16", "F16"} {
		all = append(all, declared{"normal." + dtype, dtype, []int64{64, 128}, normal}, declared{"uniform." + dtype, dtype, []int64{64, 64}, uniform},
			declared{"cut2." + dtype, dtype, []int64{70, 60}, cut2}, declared{"small.normal." + dtype, dtype, []int64{20, 20}, normal},
			declared{"small.uniform." + dtype, dtype, []int64{200}, uniform}, declared{"small.cut2." + dtype, dtype, []int64{30, 30}, cut2})
	}
	return all
}

// cutAt is a normal cut at c standard deviations on both sides.
func cutAt(std, c float64) dist.TruncNormal {
	return dist.TruncNormal{Std: std, A: -c * std, B: c * std}
}

// planOf declares the laws of the tensors.
func planOf(all []declared) *plan.Plan {
	l := &layout.Layout{}
	var dists []dist.Dist
	for _, t := range all {
		l.Params = append(l.Params, layout.Param{Name: t.name, Shape: t.shape})
		dists = append(dists, t.dist)
	}
	p, err := plan.Assigned(l, registry.ID{Name: "calibrate", Version: 1}, dists, plan.Options{})
	if err != nil {
		panic(err) // the laws are this program's own
	}
	return p
}

// set holds tensors in memory.
type set []checkpoint.Tensor

func (s set) Tensors() []checkpoint.Tensor { return s }

func (s set) Lookup(name string) (checkpoint.Tensor, bool) {
	i := slices.IndexFunc(s, func(t checkpoint.Tensor) bool { return t.Name == name })
	if i < 0 {
		return checkpoint.Tensor{}, false
	}
	return s[i], true
}

func (set) Metadata() map[string]string { return nil }
func (set) Warnings() []string          { return nil }
func (set) Close() error                { return nil }

// drawn draws all tensors, each from a seed of its own.
func drawn(all []declared, s *seeds) (set, error) {
	out := make(set, 0, len(all))
	for _, t := range all {
		values, err := t.values(s.stream())
		if err != nil {
			return nil, err
		}
		one, err := checkpoint.NewTensor(t.name, t.dtype, t.shape, bytes.NewReader(encode(t.dtype, values)))
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

func (t declared) values(s *rng.Stream) ([]float32, error) {
	n := int64(1)
	for _, size := range t.shape {
		n *= size
	}
	if o, ok := t.dist.Draw.(dist.Orthogonal); ok {
		return rng.Orthogonal[float32](s, o.Gain, t.shape[0], t.shape[1], func() error { return nil })
	}
	out := make([]float32, n)
	if _, ok := t.dist.Draw.(dist.TruncNormal); !ok {
		rng.Fill(s, t.dist, out)
		return out, nil
	}
	if err := fill(out, s, t.dist.Draw); err != nil {
		return nil, err
	}
	for _, p := range t.dist.Post {
		by := float32(p.(dist.Multiply).By) // no other is in the list
		for i := range out {
			out[i] *= by
		}
	}
	return out, nil
}

func encode(dtype string, values []float32) []byte {
	switch dtype {
	case "BF16", "F16":
		out := make([]byte, 2*len(values))
		if dtype == "BF16" {
			rng.BF16(out, values)
		} else {
			rng.F16(out, values)
		}
		return out
	}
	out := make([]byte, 0, 4*len(values))
	for _, v := range values {
		out = binary.LittleEndian.AppendUint32(out, math.Float32bits(v))
	}
	return out
}

// way is a use of the check of statistics.
type way struct {
	name              string
	reference, stated bool
}

var ways = []way{
	{"one-sample: candidate against declared laws", false, true},
	{"one-sample with a reference", true, true},
	{"two-sample: candidate against reference, no laws", true, false},
}

// place is a test at one tensor in one of the ways: over the runs its p-values
// depend on nothing, and not on each other.
type place struct {
	way          int
	tensor, test string
	n            int64
}

// wholes makes runs of [engine.Stats] on equal data, as users run it, and prints
// what came of them. It returns the number of runs that failed, and of tests
// whose p-values are not uniform.
func wholes(runs int, s *seeds) (alarms, off int, err error) {
	all := tensors()
	lawless := families()
	laws := planOf(all)
	seen := map[place][]float64{}
	var failures []string
	var tests, failed [3]int
	for range runs {
		var sides [2]set
		for i := range sides {
			if sides[i], err = drawn(all, s); err != nil {
				return alarms, off, err
			}
			for _, f := range lawless {
				one, err := f.drawn(s)
				if err != nil {
					return alarms, off, err
				}
				sides[i] = append(sides[i], one)
			}
		}
		for i, w := range ways {
			r, err := w.run(sides, laws)
			if err != nil {
				return alarms, off, err
			}
			tests[i] = r.Summary.Tests
			if !r.Passed() {
				failed[i]++
				alarms++
			}
			for _, f := range r.Findings {
				if f.Verdict == engine.Fail {
					failures = append(failures, fmt.Sprintf("%s: %s %s: %s", w.name, f.Tensor, f.Test, f.Why()))
				}
				if f.Verdict != engine.Info && !math.IsNaN(f.P) {
					at := place{i, f.Tensor, f.Test, f.N}
					seen[at] = append(seen[at], f.P)
				}
			}
		}
	}
	for i, w := range ways {
		fmt.Printf("%-50s %d runs of %d tests: %d with an alarm at a family-wise limit of %g\n", w.name, runs, tests[i], failed[i], family)
	}
	for _, f := range failures {
		fmt.Println("ALARM", f)
	}
	return alarms, printPlaces(seen), nil
}

func (w way) run(sides [2]set, laws *plan.Plan) (engine.Result, error) {
	opts := engine.StatsOptions{Options: engine.Options{Workers: 1}}
	if w.stated {
		opts.Declared = laws
		opts.Keep = func(name string) bool { return !strings.HasPrefix(name, lawlessPrefix) }
	}
	var reference checkpoint.Set
	if w.reference {
		reference = sides[1]
	}
	return engine.Stats(context.Background(), reference, sides[0], opts)
}

// baseOf is a test's name without the side and the part of the tensor.
func baseOf(test string) string {
	test, _, _ = strings.Cut(test, ", ")
	return strings.TrimSuffix(test, " of the reference")
}

// tied tells that the values of a tensor depend on each other, as those of an
// orthogonal matrix do, whose squares have a fixed sum: what is computed for
// independent ones gives p-values that are too large. Of the families without a
// law only the alarms are counted.
func (p place) tied() bool {
	return baseOf(p.test) == cautious || ways[p.way].reference && !ways[p.way].stated && strings.HasPrefix(p.tensor, "orthogonal") ||
		strings.HasPrefix(p.tensor, lawlessPrefix)
}

// lumpy tells that p-values take few values or are too large by design, so that
// T12 says nothing of them.
func (p place) lumpy() bool {
	for _, prefix := range []string{"T0'", "T7'", "T8", "T9' row", "T9' column", "T9' dimension", "T11 sign"} {
		if strings.HasPrefix(p.test, prefix) {
			return true
		}
	}
	return strings.HasPrefix(p.test, "T5'") && p.n < 2*4096
}

// line is a row of the table: a test at all places.
type line struct {
	count, places int
	below         [3]int
	smallest      float64
	where         string  // the tensor of the smallest
	least         float64 // T12's p, of the place where it is least
	at            place
}

var limits = [3]float64{1e-2, 1e-3, 1e-4}

// printPlaces prints a line a test. It returns how many places have p-values
// that are not uniform.
func printPlaces(seen map[place][]float64) (off int) {
	lines := map[string]*line{}
	for at, p := range seen {
		name := baseOf(at.test)
		l := lines[name]
		if l == nil {
			l = &line{smallest: 1, least: 2}
			lines[name] = l
		}
		l.count += len(p)
		if least := slices.Min(p); least < l.smallest {
			l.smallest, l.where = least, at.tensor
		}
		for i, limit := range limits {
			for _, v := range p {
				if v < limit {
					l.below[i]++
				}
			}
		}
		if at.lumpy() || at.tied() {
			continue
		}
		l.places++
		t := t12(name, p)
		if t < l.least {
			l.least, l.at = t, at
		}
		if t < uneven {
			off++
			fmt.Printf("NOT UNIFORM %s of %s (%s): T12 p=%.2g of %d\n", at.test, at.tensor, ways[at.way].name, t, len(p))
		}
	}
	names := make([]string, 0, len(lines))
	for name := range lines {
		names = append(names, name)
	}
	slices.SortFunc(names, cmp.Compare[string])
	fmt.Printf("\n%-28s %9s %8s %8s %8s %9s  %s\n", "test", "p-values", "<0.01", "<0.001", "<0.0001", "smallest", "T12: least p of so many places (tensor of the smallest)")
	for _, name := range names {
		l := lines[name]
		share := func(i int) float64 { return float64(l.below[i]) / float64(l.count) }
		uniform := "discrete"
		switch {
		case name == cautious:
			uniform = "cautious"
		case l.places > 0:
			uniform = fmt.Sprintf("%.2g of %d", l.least, l.places)
		}
		fmt.Printf("%-28s %9d %8.5f %8.5f %8.5f %9.1e  %s  (%s)\n", name, l.count, share(0), share(1), share(2), l.smallest, uniform, l.where)
	}
	return off
}

// t12 is the p-value of the uniformity of p-values; of the test that is capped
// only of those that are small, see [capped].
func t12(test string, p []float64) float64 {
	if !strings.HasPrefix(test, capped) {
		return battery.Uniform(p).P
	}
	var small []float64
	for _, v := range p {
		if v < cappedAt {
			small = append(small, v/cappedAt)
		}
	}
	return battery.Uniform(small).P
}
