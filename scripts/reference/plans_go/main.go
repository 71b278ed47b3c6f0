// Command plans_go draws every plan file of the folders that are given, and
// compares with the sums beside it.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/weightinit/weightinit/internal/plansums"
)

func main() {
	total, plans, failed, without := plansums.Result{}, 0, 0, 0
	for _, dir := range os.Args[1:] {
		files, err := filepath.Glob(filepath.Join(dir, "*.json.gz"))
		if err != nil || len(files) == 0 {
			fmt.Fprintf(os.Stderr, "%s: no plan files: %v\n", dir, err)
			os.Exit(2)
		}
		for _, path := range files {
			if _, err := os.Stat(strings.TrimSuffix(path, ".json.gz") + ".sums.json"); err != nil {
				without++ // too large to construct
				continue
			}
			r, err := check(path)
			plans++
			if err != nil {
				failed++
				fmt.Printf("FAIL %s: %v\n", filepath.Base(path), err)
				continue
			}
			if len(r.Wrong) > 0 {
				failed++
				fmt.Printf("FAIL %s: %d wrong: %s\n", filepath.Base(path), len(r.Wrong), r.Wrong[0])
			}
			total.Exact, total.Within = total.Exact+r.Exact, total.Within+r.Within
			total.Unpromised, total.Unchecked = total.Unpromised+r.Unpromised, total.Unchecked+r.Unchecked
			total.Values, total.Off = total.Values+r.Values, total.Off+r.Off
		}
	}
	fmt.Printf("%d plans, %d failed; tensors: %d exact, %d within their bound (%d of %d values differ), %d without a promise, %d not checked\n",
		plans, failed, total.Exact, total.Within, total.Off, total.Values, total.Unpromised, total.Unchecked)
	if without > 0 {
		fmt.Printf("%d plans have no sums beside them\n", without)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

func check(path string) (*plansums.Result, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	sums, err := os.ReadFile(strings.TrimSuffix(path, ".json.gz") + ".sums.json")
	if err != nil {
		return nil, err
	}
	return plansums.Check(context.Background(), file, sums)
}
