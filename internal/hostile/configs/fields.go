package configs

// fieldCases are the rows about one value of one field.
func fieldCases() []Case {
	warn := func(id string, p pairs, mustName ...string) Case {
		return Case{ID: id, File: "config.json", Bytes: bytesOf(p.json()), Verdict: Warn, MustName: mustName}
	}
	byMode := func(c Case) Case {
		c.ByMode = true
		return c
	}
	rotary := base.with("positional_embedding_type", `"rotary"`)
	return []Case{
		refuse("C01", base.with("d_modle", "64").json(), "d_modle", "d_model"),
		refuse("C02", base.with("D_MODEL", "64").json(), "D_MODEL"),
		refuse("C03", base.without("d_vocab").json(), "d_vocab"),
		changed("C04", "d_model", `"64"`),
		changed("C05", "d_model", "64.0"),
		changed("C06", "d_model", "64.5"),
		changed("C07", "n_layers", "true"),
		changed("C08", "d_model", "null"),
		changed("C09", "d_model", "[64]"),
		changed("C10", "attn_only", `"no"`),
		changed("C11", "gated_mlp", "1"),
		changed("C12", "d_model", "-64", "-64"),
		changed("C13", "d_model", "0"),
		changed("C14", "d_head", "0"),
		changed("C15", "n_heads", "0"),
		changed("C16", "n_ctx", "0"),
		changed("C17", "d_vocab", "-1"),
		byMode(changed("C18", "n_layers", "0")),
		refuse("C19", base.with("n_layers", "-1", "init_mode", `"xavier_uniform"`).json(), "n_layers", "-1"),
		changed("C20", "d_mlp", "-5", "-5"),
		changed("C21", "d_model", "9223372036854775808"),
		changed("C22", "d_model", "99999999999999999999"),
		changed("C23", "d_model", "1e3"),
		changed("C28", "n_key_value_heads", "3"),
		changed("C29", "n_key_value_heads", "8"),
		changed("C30", "n_key_value_heads", "-2", "-2"),
		refuse("C31", rotary.with("rotary_dim", "7").json(), "rotary_dim", "7"),
		refuse("C32", rotary.with("rotary_dim", "0").json(), "rotary_dim"),
		refuse("C33", rotary.with("d_head", "15").json(), "rotary_dim"),
		warn("C34", rotary.with("rotary_dim", "18"), "rotary_dim"),
		refuseYAML("C35", base.with("initializer_range", ".nan").yaml(), "initializer_range"),
		refuseYAML("C36", base.with("initializer_range", ".inf").yaml(), "initializer_range"),
		refuse("C37", base.with("initializer_range", "NaN").json()),
		changed("C38", "initializer_range", "1e999"),
		changed("C39", "initializer_range", "1e39"),
		changed("C40", "initializer_range", `"0.02"`),
		changed("C55", "seed", "18446744073709551616", "18446744073709551616"),
		changed("C56", "seed", "-9223372036854775809", "-9223372036854775809"),
		changed("C57", "seed", "1.5"),
		changed("C58", "seed", "7.0"),
		changed("C59", "seed", `"7"`),
		changed("C60", "seed", "true"),
		byMode(refuse("C61", base.with("init_mode", `"gpt3"`).json(),
			"gpt3", "gpt2", "kaiming_normal", "kaiming_uniform", "xavier_normal", "xavier_uniform")),
		changed("C62", "init_mode", "5"),
		byMode(refuse("C63", base.with("init_mode", `" gpt2"`).json())),
		changed("C82", "positional_embedding_type", `"shortformer"`, "shortformer"),
		changed("C83", "act_fn", `"foo"`, "foo"),
		warn("C84", base.with("normalization_type", `"FOO"`), "normalization_type"),
		changed("C85", "architecture", `"GPT2LMHeadModel"`),
		changed("C86", "attn_scale", "1.0"),
		refuse("C94", base.with("d_model", "0100").json()),
		refuseYAML("C95", base.with("d_model", "0100").yaml(), "d_model"),
		refuseYAML("C96", base.with("attn_only", "yes").yaml(), "attn_only"),
		refuse("C97", base.with("n_heads", "-1", "d_model", "65").json(), "d_model", "d_head"),
	}
}

// sizeCases are the rows about models that are too large.
func sizeCases() []Case {
	sizes := func(id string, changes ...string) Case { return refuse(id, base.with(changes...).json()) }
	c24 := sizes("C24", "d_model", "4294967296", "d_vocab", "4294967296")
	c24.MustName = []string{"d_vocab"}
	return []Case{
		c24,
		sizes("C25", "d_model", "2147483648", "d_vocab", "2147483648"),
		sizes("C26", "d_model", "268435456", "d_mlp", "1073741824", "n_layers", "32"),
		changed("C27", "n_layers", "1000000000"),
	}
}

// controls are the rows that a reader must accept.
func controls() []Case {
	planOnly := func(c Case) Case {
		c.PlanOnly = true
		return c
	}
	face := func(id string, p pairs) Case {
		return Case{ID: id, File: "config.json", Bytes: bytesOf(p.json()), Verdict: Accept,
			HuggingFace: true, Seed: "1"}
	}
	return []Case{
		accept("VC01", base),
		acceptYAML("VC02", base.yaml()),
		{ID: "VC03", File: "config.json", Bytes: bytesOf(mark + base.json()), Verdict: Accept},
		acceptYAML("VC04", replaceAll(base.yaml(), "\n", "\r\n")),
		acceptYAML("VC05", mark+"# a comment\n---\n"+base.yaml()+"...\n"),
		acceptYAML("VC06", replaceAll(base.yaml(), "d_vocab: 100", "d_vocab: &v 100")+"d_vocab_out: -1\n"),
		accept("VC07", base.with("seed", "18446744073709551615")),
		accept("VC08", base.with("seed", "-9223372036854775808")),
		accept("VC09", base.with("seed", "9007199254740993")),
		accept("VC10", base.with("seed", "null")),
		accept("VC11", base.with("init_mode", `"GPT2"`)),
		accept("VC12", base.with("init_mode", "null")),
		accept("VC13", base.with("rotary_dim", "7")),
		accept("VC14", base.with("n_layers", "0", "init_mode", `"xavier_uniform"`)),
		accept("VC15", base.with("positional_embedding_type", `"rotary"`, "n_ctx", "1000000")),
		accept("VC16", base.with("n_heads", "2")),
		accept("VC17", base.with("initializer_range", "-1.0")),
		accept("VC18", base.with("initializer_range", "1")),
		accept("VC19", base.with("d_mlp", "0", "n_key_value_heads", "null")),
		accept("VC20", base.with("normalization_type", "null")),
		accept("VC21", base.with("device", `"cpu"`, "eps", "1e-5", "model_name", `"custom"`,
			"tokenizer_name", "null", "use_attn_result", "false", "default_prepend_bos", "true")),
		planOnly(accept("VC22", base.with("d_model", "16384", "n_layers", "310", "n_heads", "128",
			"d_head", "128", "d_vocab", "50257", "n_ctx", "2048"))),
		face("VC23", hugging),
		face("VC24", hugging.with("id2label", manyLabels(22_000), "task_specific_params", `{"a":{"b":[1,2]}}`)),
		{ID: "VC25", File: "link.json", Verdict: Accept, Write: linkTo(base.json())},
		// 16 tensors a layer, and tok_embed, ln_out and head: no pos, and no bias of ln_out.
		planOnly(accept("VC26", base.with("n_layers", "2000", "d_model", "4", "d_head", "2", "n_heads", "2",
			"positional_embedding_type", `"rotary"`, "final_rms", "true"))),
		acceptYAML("VC27", base.yaml()+repeat("# a comment of fifty-four bytes, with its line's end\n", 1000)),
	}
}

// hugging is a small Hugging Face config.
var hugging = pairs{
	{"model_type", `"gpt2"`}, {"vocab_size", "100"}, {"n_positions", "32"}, {"n_embd", "64"}, {"n_layer", "2"}, {"n_head", "4"},
}
