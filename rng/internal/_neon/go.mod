module github.com/weightinit/weightinit/rng/internal/_neon

go 1.26.0

require golang.org/x/arch v0.32.0
