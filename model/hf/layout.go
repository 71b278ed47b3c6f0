package hf

import (
	"slices"
	"strconv"
	"strings"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/internal/formula"
	"github.com/weightinit/weightinit/layout"
)

// Kind implements model.Config.
func (c *Config) Kind() string { return Kind }

// Mode implements model.Config.
func (c *Config) Mode() string { return DefaultMode }

// SeedText implements model.Config: configs of transformers have no seed.
func (c *Config) SeedText() string { return "" }

// ModelType returns the config's model_type; of a wrapper, that of its text
// model.
func (c *Config) ModelType() string { return c.family.ModelType }

// Class returns the class of transformers that the config makes.
func (c *Config) Class() string { return c.family.Class }

// DType returns the type that the model is made in.
func (c *Config) DType() dtype.Type { return c.made }

// Warnings implements model.Config.
func (c *Config) Warnings(int) []string {
	g := c.fields.given["architectures"]
	if g == nil {
		return nil
	}
	list, _ := g.value.List()
	if len(list) == 0 || slices.ContainsFunc(list, formula.OfText(c.family.Class).Equal) {
		return nil
	}
	fault := g.fault("not what %s makes of this config: that is %s, whatever stands here", c.family.Auto, c.family.Class)
	fault.File = c.source
	return []string{fault.Error()}
}

// In returns the config of the same model made in another type, as
// from_config(config, dtype=t) makes it.
func (c *Config) In(t dtype.Type) *Config {
	if t == c.made {
		return c
	}
	out := *c
	out.made = t
	out.members = setType(c.members, t)
	return &out
}

// setType sets dtype and leaves no torch_dtype.
func setType(members []member, t dtype.Type) []member {
	text := strconv.Quote(t.Torch())
	has := slices.ContainsFunc(members, func(m member) bool { return m.key == "dtype" })
	var out []member
	for _, m := range members {
		switch {
		case m.key == "dtype":
			m.value = text
		case m.key == "torch_dtype" && has:
			continue
		case m.key == "torch_dtype":
			m, has = member{"dtype", text}, true
		}
		out = append(out, m)
	}
	if !has {
		out = append(out, member{"dtype", text})
	}
	return out
}

// Layout returns the parameters in the order of the state dict, and what
// transformers draws to make them. There is one version of each.
func (c *Config) Layout(int) (*layout.Layout, error) {
	e, err := c.expand()
	if err != nil {
		return nil, c.located(err)
	}
	l := &layout.Layout{DType: c.made}
	order := e.inOrder()
	at := make([]int, len(e.tensors))
	for place, i := range order {
		at[i] = place
		p, err := e.param(i)
		if err != nil {
			return nil, c.located(err)
		}
		l.Params = append(l.Params, p)
	}
	if l.Saved, err = e.entries(l.Params, order); err != nil {
		return nil, c.located(err)
	}
	l.Model = c.facts(l.Params)
	c.assignRoles(l)
	if err := e.replay(l, order, at); err != nil {
		return nil, c.located(err)
	}
	if err := l.Check(); err != nil {
		return nil, c.located(err)
	}
	return l, nil
}

// param is a tensor as a parameter of the layout.
func (e *expansion) param(i int) (layout.Param, error) {
	t := &e.tensors[i]
	p := layout.Param{Name: t.name, Shape: t.shape, Layer: layerOf(t.name), DType: t.dtype, Buffer: t.buffer, PaddingRow: t.pad}
	if t.to >= 0 {
		p.Tied = e.tensors[t.to].name
	}
	parts, keep, _, err := e.slicesOf(i)
	if err != nil {
		return p, err
	}
	if !keep && t.to < 0 && !(len(parts) == 1 && sameName(p, parts[0])) {
		p.Stored = parts
		if parts == nil {
			p.Stored = []layout.Slice{} // not saved
		}
	}
	return p, nil
}

// layerOf is the first number in a name.
func layerOf(name string) int {
	for part := range strings.SplitSeq(name, ".") {
		if part == "" || part[0] < '0' || part[0] > '9' {
			continue
		}
		if n, err := strconv.ParseInt(part, 10, 32); err == nil {
			return int(n)
		}
	}
	return layout.NoLayer
}

// usual are the fields that hold the sizes of a model, by fact, the first that
// a family has.
var usual = map[string][]string{
	"layers": {"num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers", "decoder_layers"},
	"model":  {"hidden_size", "d_model", "n_embd", "dim"},
	"heads":  {"num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads"},
	"kv":     {"num_key_value_heads", "num_kv_heads", "n_head_kv"},
	"head":   {"head_dim", "d_kv"},
	"mlp":    {"intermediate_size", "n_inner", "ffn_dim", "d_ff", "hidden_dim", "ffn_hidden_size", "encoder_ffn_dim", "moe_intermediate_size"},
	"vocab":  {"vocab_size"},
	"ctx":    {"max_position_embeddings", "n_positions", "max_seq_len"},
}

// facts are the sizes of the model.
func (c *Config) facts(params []layout.Param) layout.Facts {
	f := layout.Facts{
		Architecture: c.family.Class,
		Layers:       c.size("layers"), DModel: c.size("model"), Heads: c.size("heads"), KVHeads: c.size("kv"),
		DHead: c.size("head"), DMLP: c.size("mlp"), DVocab: c.size("vocab"), Ctx: c.size("ctx"),
		Config: c.Canonical(),
	}
	if f.KVHeads == 0 {
		f.KVHeads = f.Heads
	}
	if f.DHead == 0 && f.Heads > 0 {
		f.DHead = f.DModel / f.Heads
	}
	if f.Layers == 0 { // the deepest one that a name has
		for _, p := range params {
			f.Layers = max(f.Layers, int64(p.Layer)+1)
		}
	}
	if v, known, err := c.fields.Value("initializer_range"); known && err == nil && !v.IsNull() {
		if r, err := v.Float(); err == nil {
			f.InitializerRange = &r
		}
	}
	return f
}

// size is a size of the model as the config gives it; 0 if nothing does.
func (c *Config) size(fact string) int64 {
	for _, name := range usual[fact] {
		v, known, err := c.fields.Value(name)
		if g := c.fields.given[name]; !known && g != nil { // a field that no expression reads
			v, known, err = g.value, true, nil
		}
		if !known || err != nil {
			continue
		}
		if n, err := v.Int(); err == nil && n > 0 {
			return n
		}
	}
	return 0
}

// Canonical is the config as one line of JSON: keys in their order, values as
// they are written.
func (c *Config) Canonical() []byte { return joined(c.members) }

// joined writes members as a JSON object in one line.
func joined(members []member) []byte {
	var b strings.Builder
	for i, m := range members {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quoted(m.key) + ":" + compact(m.value))
	}
	return []byte("{" + b.String() + "}")
}

// File is the config.json beside the weights, in the type of the config itself.
func (c *Config) File() []byte { return c.FileIn(c.made) }

// FileIn is the config.json beside weights that are stored in a type: the
// config's keys in their order with the values as they are, but architectures
// and dtype, which say what was made.
func (c *Config) FileIn(t dtype.Type) []byte {
	members := setType(c.members, t)
	class := "[" + strconv.Quote(c.family.Class) + "]"
	i := slices.IndexFunc(members, func(m member) bool { return m.key == "architectures" })
	if i < 0 {
		members = append([]member{{"architectures", class}}, members...)
	} else {
		members = slices.Clone(members)
		members[i].value = class
	}
	return joined(members)
}
