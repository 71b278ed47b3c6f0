// Command scale shows that the cost of making weights grows with their number
// only: it draws models of 0.1, 1 and 10 billion parameters into a sink that
// counts and hashes, and prints time and peak memory.
//
//	go run ./scripts/scale
//	go run ./scripts/scale -billions 0.1,1
package main

import (
	"context"
	"flag"
	"fmt"
	"hash/crc32"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/weightinit/weightinit"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/model"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/rng"
)

func main() {
	billions := flag.String("billions", "0.1,1,10", "sizes, in billions of parameters")
	mode := flag.String("mode", "gpt2", "the mode")
	streams := flag.String("streams", "torch", "torch or keyed")
	flag.Parse()
	if err := run(*billions, *mode, *streams); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

// sink counts values and adds up checksums, which does not depend on the order.
type sink struct {
	bytes atomic.Int64
	sum   atomic.Uint64
}

func (s *sink) WriteValues(step int, first int64, data []byte) error {
	s.bytes.Add(int64(len(data)))
	s.sum.Add(uint64(crc32.ChecksumIEEE(data)) * uint64(2*first+1) * uint64(2*step+1))
	return nil
}

func run(billions, mode, streams string) error {
	isa, err := rng.ISA()
	if err != nil {
		return err
	}
	fmt.Printf("mode %s, streams %s, %s\n%12s %16s %10s %10s %12s %18s\n", mode, streams, isa, "billion", "values", "plan s", "draw s", "ns/value", "checksum")
	for text := range strings.SplitSeq(billions, ",") {
		size, err := strconv.ParseFloat(text, 64)
		if err != nil || !(size > 0 && size < 1000) {
			return fmt.Errorf("-billions %q: want numbers above 0 with commas between", billions)
		}
		if err := one(size, mode, plan.Streams(streams)); err != nil {
			return err
		}
	}
	peak, err := peakMemory()
	if err == nil {
		fmt.Printf("peak memory of all together: %s\n", peak)
	}
	return err
}

// one draws a model of about so many billions: layers of 50 million parameters
// behind a small vocabulary.
func one(size float64, mode string, streams plan.Streams) error {
	const perLayer = 12 * 2048 * 2048
	layers := max(1, int(size*1e9/perLayer))
	text := fmt.Sprintf(`{"d_model": 2048, "n_layers": %d, "n_heads": 16, "d_head": 128, "n_ctx": 128, "d_vocab": 256}`, layers)
	cfg, _, err := model.Parse("scale.json", []byte(text), model.JSON)
	if err != nil {
		return err
	}
	begin := time.Now()
	p, err := weightinit.Prepare(context.Background(), cfg, weightinit.Mode(mode), weightinit.Seed(1), weightinit.Streams(streams))
	if err != nil {
		return err
	}
	planned := time.Since(begin)
	var s sink
	begin = time.Now()
	if err := fill.Run(context.Background(), p.Plan, &s, fill.Options{}); err != nil {
		return err
	}
	took := time.Since(begin)
	if s.bytes.Load() != p.Bytes() {
		return fmt.Errorf("%d bytes were drawn, %d were planned", s.bytes.Load(), p.Bytes())
	}
	fmt.Printf("%12g %16d %10.3f %10.2f %12.3f %18x\n", size, p.Elements(), planned.Seconds(), took.Seconds(),
		float64(took.Nanoseconds())/float64(p.Elements()), s.sum.Load())
	return nil
}

// peakMemory returns the process's peak, as Linux tells it.
func peakMemory() (string, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return "", nil //nolint:nilerr // another system
	}
	for line := range strings.Lines(string(text)) {
		if peak, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(peak), nil
		}
	}
	return "not known", nil
}
