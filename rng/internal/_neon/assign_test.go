package main

import (
	"strings"
	"testing"
)

// newFunction begins a function of a generator of its own.
func newFunction() *gen {
	g := &gen{offsets: map[[lanes]uint32]int{}}
	g.start("f", "n int", "")
	return g
}

func TestValuesThatLiveTogetherHaveTheirOwnRegisters(t *testing.T) {
	g := newFunction()
	before := g.bits(1)
	var inside, other vec
	g.loop("again", "R2", 1, func() {
		inside = g.and(before, before)
		other = g.xor(inside, before) // the last use of both in the text
		g.store(other, "R0", 0)
	})
	given, err := g.assign()
	if err != nil {
		t.Fatal(err)
	}
	if given[before] == given[inside] || given[before] == given[other] {
		t.Errorf("the loop overwrites what it needs the next time: %v", given)
	}
	if given[inside] != given[other] {
		t.Errorf("a register that is read for the last time can be written: %v", given)
	}
}

func TestTwoValuesOfOneInstructionHaveTwoRegisters(t *testing.T) {
	g := newFunction()
	a, b := g.loadPair("R0", 0)
	g.store(g.and(a, b), "R0", 0)
	given, err := g.assign()
	if err != nil {
		t.Fatal(err)
	}
	if given[a] == given[b] {
		t.Error("one register for both")
	}
}

func TestTooManyValuesAreAnError(t *testing.T) {
	for _, count := range []int{registers, registers + 1} {
		g := newFunction()
		var all []vec
		for i := range count {
			all = append(all, g.bits(uint32(i)))
		}
		for _, v := range all {
			g.store(v, "R0", 0)
		}
		_, err := g.assign()
		switch {
		case count == registers && err != nil:
			t.Error(err)
		case count > registers && (err == nil || !strings.Contains(err.Error(), "one more than 32")):
			t.Errorf("%d values: %v", count, err)
		}
	}
}

func TestAValueThatNothingMadeIsAnError(t *testing.T) {
	g := newFunction()
	g.store(g.value(), "R0", 0)
	if _, err := g.assign(); err == nil {
		t.Error("no error")
	}
}

func TestSequencesAbreastKeepTheirOrder(t *testing.T) {
	g := newFunction()
	g.lines = nil
	g.abreast(
		func() { g.raw("a1"); g.raw("a2"); g.raw("a3"); g.raw("a4") },
		func() { g.raw("b1"); g.raw("b2") })
	var got []string
	for _, l := range g.lines {
		got = append(got, l.text(nil))
	}
	if text := strings.Join(got, " "); text != "a1 b1 a2 a3 b2 a4" {
		t.Error(text)
	}
}
