// Command half_laws_go reads the names of safetensors files from its standard
// input, holds each as a whole against the laws that its metadata says, and
// deletes it. It prints a line an alarm and a summary; the exit code is 1 after
// an alarm, 3 when a file cannot be read. scripts/reference/half_laws writes the
// files.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"

	"github.com/weightinit/weightinit/checkpoint"
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/parity/engine"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

// law is a law as the metadata says it.
type law struct {
	Kind            string
	Mean, Std, A, B float64
}

func (l law) draw() (dist.Draw, error) {
	switch l.Kind {
	case "uniform":
		return dist.Uniform{Low: l.A, High: l.B}, nil
	case "normal":
		return dist.Normal{Mean: l.Mean, Std: l.Std}, nil
	case "trunc_normal":
		return dist.TruncNormal{Mean: l.Mean, Std: l.Std, A: l.A, B: l.B}, nil
	}
	return nil, fmt.Errorf("law %q: unknown", l.Kind)
}

func main() {
	failed, err := judge(bufio.NewScanner(os.Stdin))
	if err != nil {
		fmt.Fprintln(os.Stderr, "half_laws_go:", err)
		os.Exit(3)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

// limits are those below which p-values are counted.
var limits = [3]float64{1e-2, 1e-3, 1e-4}

// judge returns the number of files with an alarm.
func judge(files *bufio.Scanner) (failed int, err error) {
	runs, tests, tensors := 0, 0, 0
	chances, below := 0, [3]int{}
	for files.Scan() {
		r, err := one(files.Text())
		if err := errors.Join(err, os.Remove(files.Text())); err != nil {
			return failed, err
		}
		runs++
		tests, tensors = r.Summary.Tests, r.Summary.Tensors
		if !r.Passed() {
			failed++
		}
		for _, f := range r.Findings {
			if f.Verdict != engine.Info && !math.IsNaN(f.P) {
				chances++
				for i, limit := range limits {
					if f.P < limit {
						below[i]++
					}
				}
			}
			if f.Verdict == engine.Fail {
				fmt.Printf("ALARM in run %d: %s %s: %s\n", runs, f.Tensor, f.Test, f.Why())
			}
		}
	}
	fmt.Printf("%d runs of %d tests of %d tensors: %d with an alarm at a family-wise limit of %g\n", runs, tests, tensors, failed, engine.FamilyLimit)
	for i, limit := range limits {
		fmt.Printf("p-values below %g: %.3g of them\n", limit, float64(below[i])/float64(chances))
	}
	return failed, files.Err()
}

func one(file string) (engine.Result, error) {
	set, err := checkpoint.Open(file)
	if err != nil {
		return engine.Result{}, err
	}
	defer set.Close()
	var laws map[string]law
	if err := json.Unmarshal([]byte(set.Metadata()["laws"]), &laws); err != nil {
		return engine.Result{}, fmt.Errorf("%s: laws: %w", file, err)
	}
	l := &layout.Layout{}
	var dists []dist.Dist
	for _, t := range set.Tensors() {
		draw, err := laws[t.Name].draw()
		if err != nil {
			return engine.Result{}, fmt.Errorf("%s: %s: %w", file, t.Name, err)
		}
		l.Params = append(l.Params, layout.Param{Name: t.Name, Shape: t.Shape})
		dists = append(dists, dist.Dist{Draw: draw})
	}
	declared, err := plan.Assigned(l, registry.ID{Name: "torch", Version: 1}, dists, plan.Options{})
	if err != nil {
		return engine.Result{}, fmt.Errorf("%s: %w", file, err)
	}
	return engine.Stats(context.Background(), nil, set, engine.StatsOptions{Declared: declared})
}
