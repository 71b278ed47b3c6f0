// Command calibrate measures the statistical battery of parity: how often it
// raises a false alarm on equal data, whether the p-values of each test are
// uniform there, and how often it finds the defects that are hardest to find.
// The tables of docs and specifications come from it; no test runs it, because
// it takes minutes.
//
//	go run ./scripts/calibrate           # 2,000 runs of the whole check
//	go run ./scripts/calibrate -sizes    # the battery's tests, size by size
//	go run ./scripts/calibrate -power    # three defects, 200 seeds each
//
// All values are drawn by package rng, as torch draws them. It prints its seed,
// with which it can be repeated, and exits with status 1 after a false alarm of
// a whole run, or if the p-values of a test at one place are not uniform by T12
// at 1e-6.
package main

import (
	"crypto/rand"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity/battery"
	"github.com/weightinit/weightinit/rng"
)

// family is the chance of a single false alarm that a run may have.
const family = 1e-6

func main() {
	runs := flag.Int("runs", 2000, "runs on equal data")
	sizes := flag.Bool("sizes", false, "measure the battery's tests size by size instead of whole runs")
	find := flag.Bool("power", false, "count how often defects are found instead")
	defects := flag.Int("defects", 200, "seeds of each defect")
	seed := flag.Uint64("seed", 0, "first seed, of 32 bits; 0 takes a fresh one")
	flag.Parse()
	if *seed == 0 {
		*seed = fresh()
	}
	fmt.Printf("seed %d\n\n", *seed)
	start := time.Now()
	bad, err := measure(&seeds{uint32(*seed)}, *runs, *sizes, *find, *defects)
	if err != nil {
		fmt.Fprintln(os.Stderr, "calibrate:", err)
		os.Exit(3)
	}
	fmt.Printf("\n%.0f s\n", time.Since(start).Seconds())
	if bad > 0 {
		os.Exit(1)
	}
}

// measure returns the number of alarms and of tests that are off.
func measure(s *seeds, runs int, sizes, find bool, defects int) (bad int, err error) {
	switch {
	case find:
		return 0, power(defects, s)
	case sizes:
		return nulls(runs, s)
	}
	alarms, off, err := wholes(runs, s)
	return alarms + off, err
}

// fresh returns a seed of 32 bits, all that a stream takes of one.
func fresh() uint64 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // it never fails
	return max(1, uint64(binary.LittleEndian.Uint32(b[:])))
}

// seeds hands out seeds, each once. A stream takes 32 bits of a seed, so a
// count in higher ones would repeat.
type seeds struct{ next uint32 }

func (s *seeds) stream() *rng.Stream {
	s.next++
	return rng.New(uint64(s.next))
}

// law is a law to draw from and to be tested against.
type law struct {
	name string
	draw dist.Draw
	law  battery.Law
}

func lawOf(name string, d dist.Draw) law {
	l, ok := battery.LawOf(dist.Dist{Draw: d})
	if !ok {
		panic("calibrate: no law: " + name) // a constant of this program
	}
	return law{name, d, l}
}

func laws() []law {
	return []law{
		lawOf("normal", dist.Normal{Std: 0.02}),
		lawOf("uniform", dist.Uniform{Low: -0.05, High: 0.05}),
		lawOf("cut", dist.TruncNormal{Std: 0.02, A: -0.04, B: 0.04}),
	}
}

// fill draws a whole tensor of float32.
func fill(dst []float32, s *rng.Stream, d dist.Draw) error {
	cut, ok := d.(dist.TruncNormal)
	if !ok {
		rng.Fill(s, dist.Dist{Draw: d}, dst)
		return nil
	}
	t := rng.BeginTruncated[float32](s, cut, int64(len(dst)))
	_, err := t.Next(dst, func() error { return nil })
	return err
}
