package hf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/weightinit/weightinit/internal/formula"
)

// item is a line of a table: a loop with the lines in it, or a leaf.
type item struct {
	loop *loop
	leaf *leaf
}

// loop is "layer PREFIX VAR N".
type loop struct {
	prefix string // of the names in it; without the outer loop's if own
	own    bool
	name   string
	count  *formula.Expr
	when   *formula.Expr
	body   []item
}

// leaf is one tensor, or a draw that is thrown away: what constructs it, what
// its init draws, and what it holds.
type leaf struct {
	name string // "" for a drop
	own  bool   // without the loop's prefix
	dims []*formula.Expr
	when *formula.Expr
	// make and init are the draw of the constructor and that of the init pass.
	make, init *drawRule
	value      *formula.Expr // a constant
	table      string
	tied       bool
	pad        *formula.Expr
	steps      []step
	dtype      string // of the tensor; "" for the model's
	buffer     bool
	declare    bool // the line says what the tensor holds
}

// drawRule is a draw of a leaf.
type drawRule struct {
	op   string
	nums []*formula.Expr
	when *formula.Expr
	of   []*formula.Expr // its shape, where it is not the tensor's
	as   string          // its type, "" for the model's
}

// step is what is done to drawn values.
type step struct {
	op   string
	as   string // of cast
	nums []*formula.Expr
}

// parseLines reads the lines of a table into parts.
func parseLines(lines []string, sigma string) ([][]item, error) {
	parts := [][]item{nil}
	var stack []*loop
	add := func(it item) {
		if len(stack) > 0 {
			top := stack[len(stack)-1]
			top.body = append(top.body, it)
			return
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], it)
	}
	for _, line := range lines {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case line == "part":
			if len(stack) > 0 {
				return nil, fmt.Errorf("line %q: a layer is open", line)
			}
			parts = append(parts, nil)
		case line == "end":
			if len(stack) == 0 {
				return nil, fmt.Errorf("line %q: no layer is open", line)
			}
			stack = stack[:len(stack)-1]
		case strings.HasPrefix(line, "layer "):
			l, err := parseLoop(line)
			if err != nil {
				return nil, fmt.Errorf("line %q: %w", line, err)
			}
			add(item{loop: l})
			stack = append(stack, l)
		default:
			leaves, err := parseLeaf(line, sigma)
			if err != nil {
				return nil, fmt.Errorf("line %q: %w", line, err)
			}
			for _, l := range leaves {
				add(item{leaf: l})
			}
		}
	}
	if len(stack) > 0 {
		return nil, fmt.Errorf("a layer without an end")
	}
	return parts, nil
}

// options cuts a line at " ; "; the first part is what stands before.
func options(line string) (head string, opts []string) {
	parts := strings.Split(line, " ; ")
	for _, p := range parts[1:] {
		opts = append(opts, strings.TrimSpace(p))
	}
	return strings.TrimSpace(parts[0]), opts
}

// option finds an option by its key; the rest of it is text.
func option(opts []string, key string) (text string, found bool) {
	for _, o := range opts {
		if o == key {
			return "", true
		}
		if rest, ok := strings.CutPrefix(o, key+" "); ok {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}

func parseLoop(line string) (*loop, error) {
	head, opts := options(line)
	words := strings.Fields(head)
	if len(words) < 4 {
		return nil, fmt.Errorf("want layer PREFIX VAR N")
	}
	l := &loop{name: words[2]}
	l.prefix, l.own = strings.CutPrefix(words[1], "~")
	var err error
	if l.count, err = formula.Parse(strings.Join(words[3:], " ")); err != nil {
		return nil, err
	}
	l.when, err = optional(opts, "if")
	return l, err
}

// optional reads the expression of an option, nil if the option is not there.
func optional(opts []string, key string) (*formula.Expr, error) {
	text, found := option(opts, key)
	if !found {
		return nil, nil
	}
	return formula.Parse(text)
}

// splitList cuts a text at its outer commas and reads the parts.
func splitList(text string) ([]*formula.Expr, error) {
	var out []*formula.Expr
	depth, start := 0, 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) {
			switch text[i] {
			case '(', '[':
				depth++
			case ')', ']':
				depth--
			}
			if text[i] != ',' || depth > 0 {
				continue
			}
		}
		e, err := formula.Parse(strings.TrimSpace(text[start:i]))
		if err != nil {
			return nil, err
		}
		out, start = append(out, e), i+1
	}
	return out, nil
}

// parseLeaf reads a line into the tensors that it stands for: weight and bias,
// or one.
func parseLeaf(line, sigma string) ([]*leaf, error) {
	head, opts := options(line)
	words := strings.SplitN(head, " ", 3)
	if len(words) < 2 {
		return nil, fmt.Errorf("want NAME KIND DIMS")
	}
	base := leaf{declare: true}
	base.name, base.own = strings.CutPrefix(words[0], "~")
	if len(words) == 3 && strings.TrimSpace(words[2]) != "-" {
		dims, err := splitList(strings.TrimSpace(words[2]))
		if err != nil {
			return nil, err
		}
		base.dims = dims
	}
	var err error
	if base.when, err = optional(opts, "if"); err != nil {
		return nil, err
	}
	if words[1] == "t" || words[1] == "drop" {
		err := base.parseTensor(words[1] == "drop", opts)
		return []*leaf{&base}, err
	}
	std := sigma
	if text, found := option(opts, "std"); found {
		std = text
	}
	return parseModule(base, words[1], std, opts)
}

// normal is the draw of an init with this std; nil where there is no std.
func normal(std string) (*drawRule, error) {
	if std == "" {
		return nil, fmt.Errorf("no std")
	}
	return parseDraw("normal 0.0, " + std)
}

// parseModule is the leaves of a kind of module.
func parseModule(base leaf, kind, std string, opts []string) ([]*leaf, error) {
	weight, bias := base, base
	weight.name, bias.name = base.name+".weight", base.name+".bias"
	var err error
	constant := func(l *leaf, text string) {
		if err == nil {
			l.value, err = formula.Parse(text)
		}
	}
	drawn := func(l *leaf, made string) {
		if made != "" {
			l.make = &drawRule{op: made}
		}
		if err == nil {
			l.init, err = normal(std)
		}
	}
	both := []*leaf{&weight, &bias}
	switch kind {
	case "lin", "conv":
		drawn(&weight, "uniform")
		bias.make = &drawRule{op: "uniform"}
	case "c1d":
		drawn(&weight, "normal")
	case "emb":
		drawn(&weight, "normal")
		if err == nil {
			weight.pad, err = optional(opts, "pad")
		}
		both = both[:1]
	case "ln":
		constant(&weight, "1.0")
	case "rms", "rms0":
		constant(&weight, map[string]string{"rms": "1.0", "rms0": "0.0"}[kind])
		both = both[:1]
	case "par", "zero", "one":
		weight.name, both = base.name, both[:1]
		switch kind {
		case "par":
			drawn(&weight, "")
		default:
			constant(&weight, map[string]string{"zero": "0.0", "one": "1.0"}[kind])
		}
	default:
		return nil, fmt.Errorf("unknown kind %q", kind)
	}
	if len(both) == 2 {
		constant(&bias, "0.0")
		if both, err = withBias(both, kind, opts, err); err != nil {
			return nil, err
		}
	}
	return both, err
}

// withBias gives the bias its shape and condition, or takes it away.
func withBias(both []*leaf, kind string, opts []string, err error) ([]*leaf, error) {
	if err != nil {
		return nil, err
	}
	bias := both[1]
	text, found := option(opts, "bias")
	switch kind {
	case "lin", "conv":
		bias.dims = bias.dims[:min(1, len(bias.dims))]
		if !found {
			return both[:1], nil
		}
	case "c1d":
		bias.dims = bias.dims[min(1, len(bias.dims)):]
	}
	if text == "" {
		return both, nil
	}
	when, err := formula.Parse(text)
	if err != nil {
		return nil, err
	}
	if bias.when != nil {
		if when, err = formula.Parse("(" + bias.when.String() + ") and (" + text + ")"); err != nil {
			return nil, err
		}
	}
	bias.when = when
	return both, nil
}

// parseDraw reads "OP a, b".
func parseDraw(text string) (*drawRule, error) {
	op, nums, _ := strings.Cut(text, " ")
	counts := map[string][]int{"uniform": {0, 2}, "normal": {0, 2}, "trunc_normal": {4}}
	d := &drawRule{op: op}
	if nums != "" {
		var err error
		if d.nums, err = splitList(nums); err != nil {
			return nil, err
		}
	}
	if !slices.Contains(counts[op], len(d.nums)) {
		return nil, fmt.Errorf("draw %q with %d numbers", op, len(d.nums))
	}
	return d, nil
}

// parsePhase reads the draw of a phase with its options.
func parsePhase(phase string, opts []string) (*drawRule, error) {
	text, found := option(opts, phase)
	if !found {
		return nil, nil
	}
	d, err := parseDraw(text)
	if err != nil {
		return nil, err
	}
	if d.when, err = optional(opts, phase+"-if"); err != nil {
		return nil, err
	}
	if of, found := option(opts, phase+"-of"); found {
		if d.of, err = splitList(of); err != nil {
			return nil, err
		}
	}
	d.as, _ = option(opts, phase+"-as")
	return d, nil
}

// parseTensor reads the options of a "t" or "drop" line.
func (l *leaf) parseTensor(drop bool, opts []string) error {
	var err error
	if l.make, err = parsePhase("make", opts); err != nil {
		return err
	}
	if l.init, err = parsePhase("init", opts); err != nil {
		return err
	}
	_, undeclared := option(opts, "nodecl")
	l.declare = !drop && !undeclared
	if drop {
		l.name = ""
	}
	if text, found := option(opts, "="); found {
		table, isTable := strings.CutPrefix(text, "table ")
		switch {
		case isTable:
			l.table = table
		case text == "tied":
			l.tied = true
		default:
			if l.value, err = formula.Parse(text); err != nil {
				return err
			}
		}
	}
	l.dtype, _ = option(opts, "dtype")
	_, l.buffer = option(opts, "buffer")
	if l.pad, err = optional(opts, "pad"); err != nil {
		return err
	}
	for _, o := range opts {
		text, ok := strings.CutPrefix(o, "step ")
		if !ok {
			continue
		}
		s, err := parseStep(text)
		if err != nil {
			return err
		}
		l.steps = append(l.steps, s)
	}
	return nil
}

func parseStep(text string) (step, error) {
	op, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	s := step{op: op}
	if op == "cast" {
		s.as = rest
		return s, nil
	}
	want, known := map[string]int{"log": 0, "exp": 0, "neg": 0, "expm1": 0, "isp": 0, "mul": 1, "add": 1, "sub": 1, "div": 1, "clamp": 2, "clamp_min": 1}[op]
	if !known {
		return s, fmt.Errorf("unknown step %q", op)
	}
	if rest != "" {
		var err error
		if s.nums, err = splitList(rest); err != nil {
			return s, err
		}
	}
	if len(s.nums) != want {
		return s, fmt.Errorf("step %q with %d numbers", op, len(s.nums))
	}
	return s, nil
}
