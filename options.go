package weightinit

import (
	"fmt"
	"slices"

	"github.com/weightinit/weightinit/checkpoint/place"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/fill"
	"github.com/weightinit/weightinit/plan"
	"github.com/weightinit/weightinit/registry"
)

// Option is an option of a call. An option that a call has no use for is an
// error: each says whose it is.
type Option struct {
	name string
	of   []use
	set  func(*settings)
}

// use is a kind of call.
type use string

const (
	prepares use = "Prepare"
	programs use = "PrepareProgram"
	fills    use = "Fill"
	writes   use = "a writer"
)

// settings are what options set.
type settings struct {
	mode     string
	registry *registry.Registry
	values   []string // of the mode's options, "key=value"
	plan     plan.Options
	place    place.Options
	fill     fill.Options
	shard    int64
	overflow func(*fill.OverflowError) error
}

func collect(of use, opts []Option) (settings, error) {
	s := settings{registry: registry.Default()}
	for _, o := range opts {
		if !slices.Contains(o.of, of) {
			return s, fmt.Errorf("weightinit: option %s is of no use to %s", o.name, of)
		}
		o.set(&s)
	}
	return s, nil
}

// Seed is the seed, as torch.manual_seed takes it; without it that of the config,
// else 0. Of [Prepare], [PrepareProgram] and [Fill].
func Seed[T ~int | ~int64 | ~uint64](n T) Option {
	return Option{"Seed", []use{prepares, programs, fills}, func(s *settings) { s.plan.Seed, s.plan.SeedText = uint64(n), fmt.Sprint(n) }}
}

// Set sets an option of the mode or the scheme. Of [Prepare] and [Fill].
func Set(name string, value any) Option {
	return Option{"Set", []use{prepares, fills}, func(s *settings) { s.values = append(s.values, fmt.Sprintf("%s=%v", name, value)) }}
}

// Mode is the mode by its name, with or without version; without it that of the
// config, else "gpt2". Of [Prepare].
func Mode(name string) Option {
	return Option{"Mode", []use{prepares}, func(s *settings) { s.mode = name }}
}

// Modes is where the mode is looked up; the default registry without it. Of
// [Prepare].
func Modes(r *registry.Registry) Option {
	return Option{"Modes", []use{prepares}, func(s *settings) { s.registry = r }}
}

// DType is the type of the tensors in files; float32 without it. For [Fill] it
// says what a []uint16 holds. Of [Prepare], [PrepareProgram] and [Fill].
func DType(t dtype.Type) Option {
	return Option{"DType", []use{prepares, programs, fills}, func(s *settings) { s.plan.DType = t }}
}

// Drawn is the type in which values are drawn; without it float32, or float64
// for float64. A half type has draws of its own in torch: see plan.Options. Of
// [Prepare] and [Fill].
func Drawn(t dtype.Type) Option {
	return Option{"Drawn", []use{prepares, fills}, func(s *settings) { s.plan.Drawn = t }}
}

// Streams says how the random numbers of the parameters hang together;
// [plan.Torch] without it. Of [Prepare] and [PrepareProgram].
func Streams(of plan.Streams) Option {
	return Option{"Streams", []use{prepares, programs}, func(s *settings) { s.plan.Streams = of }}
}

// Workers is the number of goroutines that draw; one a core without it. It
// changes no value. Of [Fill] and the writers.
func Workers(n int) Option {
	return Option{"Workers", []use{fills, writes}, func(s *settings) { s.fill.Workers = n }}
}

// WorkMemory is the most bytes of parameters that are held in memory at once
// because they are computed of each other; fill.DefaultWorkMemory without it. Of
// the writers.
func WorkMemory(bytes int64) Option {
	return Option{"WorkMemory", []use{writes}, func(s *settings) { s.fill.WorkMemory = bytes }}
}

// Force replaces an existing output; without it that is an error. Of the
// writers.
func Force() Option {
	return Option{"Force", []use{writes}, func(s *settings) { s.place.Force = true }}
}

// NoSync leaves out the syncs that make the output survive a power cut; it
// appears under its name at once and whole all the same. Of the writers.
func NoSync() Option {
	return Option{"NoSync", []use{writes}, func(s *settings) { s.place.NoSync = true }}
}

// Progress calls f from several goroutines with the number of values that were
// just written. Of the writers.
func Progress(f func(values int64)) Option {
	return Option{"Progress", []use{writes}, func(s *settings) { s.fill.Progress = f }}
}

// Filler makes the values of parameters that a plugin fills itself. Of the
// writers.
func Filler(f fill.Filler) Option {
	return Option{"Filler", []use{writes}, func(s *settings) { s.fill.Filler = f }}
}

// Overflow calls f when all values are written and some of them do not fit the
// stored type, before the output appears; an error of f ends the writing, and
// nothing appears. Of the writers.
func Overflow(f func(*fill.OverflowError) error) Option {
	return Option{"Overflow", []use{writes}, func(s *settings) { s.overflow = f }}
}

// MaxShardSize is the most bytes of values in one file of a folder; without it
// 5 GB, as in Hugging Face's libraries. Of [Plan.WriteCheckpoint].
func MaxShardSize(bytes int64) Option {
	return Option{"MaxShardSize", []use{writes}, func(s *settings) { s.shard = bytes }}
}
