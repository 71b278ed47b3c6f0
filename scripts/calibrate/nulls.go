package main

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity/battery"
	"github.com/weightinit/weightinit/rng"
)

// sides are the sizes of the square matrices of a run.
var sides = []int{4, 8, 16, 32, 64, 256}

// statistic is a test at one size of tensor.
type statistic struct {
	test string
	n    int
}

// collected are the p-values of a statistic over all runs.
type collected struct {
	p        []float64
	gate     bool
	discrete bool
}

// collection are those of all statistics.
type collection struct {
	of map[statistic]*collected
	// run are the p-values of the current run, for Holm's rule.
	run []float64
	// facts are exact tests that failed.
	facts []string
	// signs of the diagonals of all orthogonal matrices.
	negative, diagonals int64
}

func (c *collection) add(n int, label string, tests []battery.Test) {
	for _, t := range tests {
		if t.Fact {
			if t.Failed {
				c.facts = append(c.facts, t.Name+label+": "+t.EffectText)
			}
			continue
		}
		key := statistic{t.Name + label, n}
		s := c.of[key]
		if s == nil {
			s = &collected{gate: t.Gate, discrete: t.Discrete}
			c.of[key] = s
		}
		s.p = append(s.p, t.P)
		if t.Gate {
			c.run = append(c.run, t.P)
		}
	}
}

// nulls makes runs on equal data and prints what came of them. It returns the
// number of runs with an alarm.
func nulls(runs int, s *seeds) (alarms int, err error) {
	c := &collection{of: map[statistic]*collected{}}
	tests := 0
	for range runs {
		c.run = c.run[:0]
		failed := len(c.facts)
		if err := c.one(s); err != nil {
			return alarms, err
		}
		_, fails, _ := battery.Holm(c.run, family)
		tests = len(c.run)
		if slices.Contains(fails, true) || len(c.facts) > failed {
			alarms++
		}
	}
	fmt.Printf("%d runs of %d p-values each: %d with an alarm at a family-wise limit of %g\n", runs, tests, alarms, family)
	for _, f := range c.facts {
		fmt.Println("a fact failed:", f)
	}
	c.print()
	return alarms, nil
}

// one is a run: every law at every size, against the law and against other
// values of it; narrow types; reuse, cross-correlation and orthogonality.
func (c *collection) one(s *seeds) error {
	var spectra []*battery.Spectrum
	reuse := battery.NewReuse(1 << 20)
	for k, l := range laws() {
		for i, side := range sides {
			n := side * side
			x, y := make([]float32, n), make([]float32, n)
			if err := fill(x, s.stream(), l.draw); err != nil {
				return err
			}
			if err := fill(y, s.stream(), l.draw); err != nil {
				return err
			}
			battery.Add(reuse, k*len(sides)+i, x, l.law)
			if n == 1<<16 {
				spectra = append(spectra, battery.NewSpectrum(x, l.law))
			}
			c.add(n, "", battery.OneSample(battery.Sample[float32]{Values: slices.Clone(x), Law: l.law, Rows: side, Cols: side}))
			c.add(n, "", battery.TwoSample(y, x, battery.F32))
		}
		if err := c.narrow(s, l); err != nil {
			return err
		}
	}
	for b := range spectra {
		for a := range b {
			c.add(1<<17, "", []battery.Test{battery.Correlate(spectra[a], spectra[b])})
		}
	}
	for _, f := range reuse.Find() {
		c.facts = append(c.facts, fmt.Sprintf("T10 stream reuse: %+v", f))
	}
	return c.orthogonal(s)
}

// narrow tests values that were rounded to a narrow type.
func (c *collection) narrow(s *seeds, l law) error {
	const side = 64
	for _, typ := range []struct {
		label string
		typ   battery.Type
		cast  func(dst []byte, src []float32)
		wide  func(uint16) float32
	}{{" bf16", battery.BF16, rng.BF16, func(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }}, {" f16", battery.F16, rng.F16, half}} {
		x := make([]float32, side*side)
		if err := fill(x, s.stream(), l.draw); err != nil {
			return err
		}
		bytes := make([]byte, 2*len(x))
		typ.cast(bytes, x)
		for i := range x {
			x[i] = typ.wide(binary.LittleEndian.Uint16(bytes[2*i:]))
		}
		c.add(len(x), typ.label, battery.OneSample(battery.Sample[float32]{Values: x, Law: l.law, Type: typ.typ, Rows: side, Cols: side}))
	}
	return nil
}

// half widens a finite number of half precision.
func half(b uint16) float32 {
	sign, exponent, fraction := 1.0, int(b>>10&31), float64(b&1023)
	if b>>15 != 0 {
		sign = -1
	}
	if exponent == 0 {
		return float32(sign * math.Ldexp(fraction, -24))
	}
	return float32(sign * math.Ldexp(1024+fraction, exponent-25))
}

func (c *collection) orthogonal(s *seeds) error {
	const side = 64
	q, err := rng.Orthogonal[float32](s.stream(), 1, side, side, func() error { return nil })
	if err != nil {
		return err
	}
	tests, negative, diagonals := battery.Orthogonal(q, side, side, 1, battery.F32)
	c.negative += negative
	c.diagonals += diagonals
	c.add(len(q), "", append(tests, battery.SignBalance(negative, diagonals)))
	return nil
}

// capped is the test whose p-value is four times the smallest of four chances,
// at most 1: it is uniform where it is small only, so that is what T12 looks at.
const (
	capped   = "T7 edges"
	cappedAt = 0.1
)

// cautious is the test of values that depend on each other: its p-values are
// too large by design.
const cautious = "T11 Haar marginal"

// uniformity is T12 of a statistic as text.
func (s *collected) uniformity(test string) string {
	switch {
	case s.discrete:
		return "discrete"
	case test == cautious:
		return "cautious"
	}
	return fmt.Sprintf("%.2g", t12(test, s.p))
}

// print prints a line a statistic: the share of p-values below three limits,
// and the p-value of their uniformity (T12), which means nothing for p-values
// that take few values.
func (c *collection) print() {
	order := make([]statistic, 0, len(c.of))
	for k := range c.of {
		order = append(order, k)
	}
	slices.SortFunc(order, func(a, b statistic) int { return cmp.Or(cmp.Compare(a.test, b.test), cmp.Compare(a.n, b.n)) })
	fmt.Printf("\n%-32s %7s %6s %8s %8s %8s %9s %9s\n", "test", "n", "runs", "<0.01", "<0.001", "<0.0001", "smallest", "T12")
	for _, k := range order {
		v := c.of[k]
		below := func(limit float64) float64 {
			count := 0
			for _, p := range v.p {
				if p < limit {
					count++
				}
			}
			return float64(count) / float64(len(v.p))
		}
		note := ""
		if !v.gate {
			note = " info"
		}
		fmt.Printf("%-32s %7d %6d %8.4f %8.5f %8.5f %9.1e %9s%s\n", k.test, k.n, len(v.p), below(0.01), below(0.001), below(0.0001), slices.Min(v.p), v.uniformity(k.test), note)
	}
	fmt.Printf("\nsigns of all diagonals: %s, p=%.2g\n", battery.SignBalance(c.negative, c.diagonals).EffectText, battery.SignBalance(c.negative, c.diagonals).P)
}

// defect is data that is not as declared.
type defect struct {
	name     string
	n        int
	draw     dist.Draw
	declared battery.Law
}

// limit is that of each of 500 tests.
const limit = family / 500

func defects() []defect {
	normal := lawOf("normal", dist.Normal{Std: 0.02}).law
	const spread = 0.02 / 0.986578392558107 // what is left after the cut has the declared one
	return []defect{
		{"normal, std +1%", 1 << 19, dist.Normal{Std: 0.0202}, normal},
		{"normal, mean +0.01 std", 1 << 20, dist.Normal{Mean: 0.0002, Std: 0.02}, normal},
		{"cut at 3 std for normal, same std", 1 << 14, dist.TruncNormal{Std: spread, A: -3 * spread, B: 3 * spread}, normal},
	}
}

// power counts how often each defect is found.
func power(count int, s *seeds) error {
	fmt.Printf("defects found by one-sample tests at %g:\n", limit)
	for _, d := range defects() {
		found, by := 0, map[string]int{}
		values := make([]float32, d.n)
		for range count {
			if err := fill(values, s.stream(), d.draw); err != nil {
				return err
			}
			seen := false
			for _, t := range battery.OneSample(battery.Sample[float32]{Values: values, Law: d.declared}) {
				if t.Failed || t.Gate && t.P < limit {
					by[t.Name]++
					seen = true
				}
			}
			if seen {
				found++
			}
		}
		fmt.Printf("%-36s n=%-8d %d of %d %v\n", d.name, d.n, found, count, by)
	}
	return nil
}
