package planfiles

import (
	"bytes"
	"fmt"
	"strings"
)

func documents(t *table) {
	good := sound().text()
	t.text("nothing", "", "byte 0")
	t.text("no object", "[]", "object")
	t.text("cut", good[:len(good)/2], "the text ends")
	t.text("two documents", good+good, "may follow")
	t.text("not UTF-8", strings.Replace(good, `"w"`, "\"\xff\"", 1), "UTF-8")
	t.text("a key twice", strings.Replace(good, `"steps":`, `"memory":[],"steps":`, 1), `duplicate name "memory"`)
	t.text("a key of a step twice", strings.Replace(good, `"low":0`, `"low":0,"low":0`, 1), `duplicate name "low"`)
	t.text("deep", strings.Repeat(`{"info":`, 100)+"1"+strings.Repeat("}", 100), "nested deeper")
	t.with("no format", func(d *doc) { d.format = `"info":{}` }, `"format"|weightinit.plan/1`)
	t.with("a format to come", func(d *doc) { d.format = `"format":"weightinit.plan/2"` }, `weightinit.plan/2|reads`)
	t.with("a format of numbers", func(d *doc) { d.format = `"format":1` }, "format|string")
	t.with("an unknown key", func(d *doc) { d.more = `,"loops":[]` }, `unknown key "loops"`)
	t.with("a key with an escape sequence", func(d *doc) { d.more = `,"\u001b[31m\u202e":1` }, `unknown key`)
	t.with("info that is a list", func(d *doc) { d.more = `,"info":[]` }, "info|object")
	t.with("info of numbers", func(d *doc) { d.more = `,"info":{"torch":2.15}` }, `info|"torch"|string`)
	t.text("steps that are an object", strings.Replace(good, `"steps":[`+draw+`]`, `"steps":{}`, 1), "steps|array")
	t.text("memory that is null", strings.Replace(sound().text(), `"memory":[`+sound().memory+`]`, `"memory":null`, 1), "memory|array")
	t.with("no tensors", func(d *doc) { d.tensors = "" }, "no tensors")
	t.text("no key tensors", `{"format":"weightinit.plan/1"}`, "no tensors")
	t.with("nothing saved", func(d *doc) { d.more = `,"saved":[]` }, "saved|empty")
	for _, m := range []struct{ name, text, must string }{
		{"memory of an unknown type", `{"dtype":"complex64","elements":1}`, `memory 0|dtype|"complex64"`},
		{"memory of a type in other words", `{"dtype":"f32","elements":1}`, `memory 0|dtype|"f32"|float32`},
		{"memory without a type", `{"elements":1}`, `memory 0|"dtype"`},
		{"memory without elements", `{"dtype":"float32"}`, `memory 0|"elements"`},
		{"memory of less than nothing", `{"dtype":"float32","elements":-1}`, "memory 0|elements|-1"},
		{"memory of half an element", `{"dtype":"float32","elements":1.5}`, "memory 0|elements|1.5"},
		{"memory of 2^63 elements", `{"dtype":"float32","elements":9223372036854775808}`, "memory 0|elements|9223372036854775808"},
		{"memory with a name", `{"dtype":"float32","elements":24,"name":"w"}`, `memory 0|unknown key "name"`},
		{"memory that is a number", `24`, "memory 0|object"},
	} {
		t.with(m.name, func(d *doc) { d.memory = m.text; d.literals = "" }, m.must)
	}
	t.with("memory of 2^63-1 elements", func(d *doc) { d.memory += `,{"dtype":"float32","elements":9223372036854775807}` }, "2^63-1")
	t.with("memories of 2^62 bytes each", func(d *doc) {
		d.memory += strings.Repeat(`,{"dtype":"float64","elements":576460752303423488}`, 3)
	}, "2^63-1")
	t.list = append(t.list,
		Case{Name: "gzip cut short", Bytes: func() []byte { b := gzipped([]byte(good)); return b[:len(b)/2] }, MustName: words("gzip|ends too early")},
		Case{Name: "gzip with a wrong checksum", Bytes: func() []byte { b := gzipped([]byte(good)); b[len(b)-6] ^= 1; return b }, MustName: words("gzip|checksum")},
		Case{Name: "gzip of nothing", Bytes: func() []byte { return gzipped(nil) }, MustName: words("byte 0")},
		Case{Name: "gzip with something behind", Bytes: func() []byte { return append(gzipped([]byte(good)), "tail"...) }, MustName: words("gzip")},
		Case{Name: "two bytes of gzip", Bytes: func() []byte { return []byte("\x1f\x8b") }, MustName: words("gzip")},
		Case{Name: "gzip in gzip", Bytes: func() []byte { return gzipped(gzipped([]byte(good))) }, MustName: words("byte 0")},
		Case{Name: "zeros", Bytes: func() []byte { return make([]byte, 1000) }, MustName: words("byte 0")},
	)
}

func literals(t *table) {
	zeros := literal("int64", 4, make([]byte, 32))
	for _, l := range []struct{ name, text, must string }{
		{"a literal with too few bytes", literal("int64", 4, make([]byte, 31)), "literal 0|31 bytes|32"},
		{"a literal with too many bytes", literal("int64", 4, make([]byte, 33)), "literal 0|more than the 32 bytes"},
		{"a literal that is no base64", `{"dtype":"int64","elements":4,"zlib":"!"}`, "literal 0|zlib|base64"},
		{"a literal with a line break", strings.Replace(zeros, `"zlib":"`, `"zlib":"\n`, 1), "literal 0|zlib|line break"},
		{"a literal that is no zlib", `{"dtype":"int64","elements":4,"zlib":"AAAA"}`, "literal 0|zlib|broken"},
		{"a literal of nothing", `{"dtype":"int64","elements":4,"zlib":""}`, "literal 0|zlib|end too early"},
		{"a literal cut short", cutLiteral(), "literal 0|zlib"},
		{"a literal with something behind", behindLiteral(), "literal 0|zlib|follow"},
		{"a literal with a wrong checksum", wrongLiteral(), "literal 0|zlib|checksum"},
		{"a literal of an unknown type", strings.Replace(zeros, "int64", "float8", 1), `literal 0|dtype|"float8"`},
		{"a literal without a type", `{"elements":4,"zlib":""}`, `literal 0|"dtype"`},
		{"a literal without elements", `{"dtype":"int64","zlib":""}`, `literal 0|"elements"`},
		{"a literal without bytes", `{"dtype":"int64","elements":4}`, `literal 0|"zlib"`},
		{"a literal with a shape", `{"dtype":"int64","elements":4,"zlib":"","shape":[4]}`, `literal 0|unknown key "shape"`},
		{"a literal above the limit", `{"dtype":"int64","elements":8388609,"zlib":""}`, "literal 0|elements|8388609|67108864"},
		{"a literal of 2^63-1 elements", `{"dtype":"int8","elements":9223372036854775807,"zlib":""}`, "literal 0|limit"},
	} {
		t.with(l.name, func(d *doc) { d.literals = l.text }, l.must)
	}
	t.step("a literal that is not there", `{"do":"literal","literal":1,"to":{"memory":1}}`, "step 1|literal 1|has 1")
	t.step("a literal of another type", `{"do":"literal","literal":0,"to":{"memory":0}}`, "step 1|float32|int64")
	t.step("a literal of another size", `{"do":"literal","literal":0,"to":{"memory":1,"shape":[3]}}`, "step 1|3 elements|4")
	t.step("a literal that is no number", `{"do":"literal","literal":"0","to":{"memory":1}}`, "step 1|literal|number")
	t.step("a literal added to floats", `{"do":"add","from":[{"memory":0},{"literal":0}],"to":{"memory":0}}`, "step 1 (add)|int64|float32")
}

func draws(t *table) {
	normal := func(mean, std string) string {
		return fmt.Sprintf(`{"do":"normal","mean":%s,"std":%s,"dtype":"float32","shape":[24]}`, mean, std)
	}
	to := func(region string) string {
		return `{"do":"normal","mean":0,"std":1,"dtype":"float32","shape":[24],"to":` + region + `}`
	}
	for _, s := range []struct{ name, text, must string }{
		{"a std of NaN", normal("0", `"nan"`), "step 1 (normal)|std NaN"},
		{"a std below 0", normal("0", "-1"), "step 1 (normal)|std -1"},
		{"a std of -inf", normal("0", `"-inf"`), "step 1 (normal)|std -Inf"},
		{"an infinite mean", normal(`"inf"`, "1"), "step 1 (normal)|mean +Inf"},
		{"a std beyond float64", normal("0", "1e999"), "step 1|std|1e999|float64"},
		{"a std in words", normal("0", `"one"`), `step 1|std|"one"`},
		{"a std in digits", normal("0", `"1"`), `step 1|std|"1"`},
		{"a std that is null", normal("0", "null"), "step 1|std|number"},
		{"a std that is true", normal("0", "true"), "step 1|std|number"},
		{"a std that is a list", normal("0", "[1]"), "step 1|std|number"},
		{"no std", `{"do":"normal","mean":0,"dtype":"float32","shape":[24]}`, `step 1 (normal)|no "std"`},
		{"no shape", `{"do":"normal","mean":0,"std":1,"dtype":"float32"}`, `step 1 (normal)|no "shape"`},
		{"no type", `{"do":"normal","mean":0,"std":1,"shape":[24]}`, `step 1 (normal)|no "dtype"`},
		{"a draw in whole numbers", `{"do":"normal","mean":0,"std":1,"dtype":"int64","shape":[4]}`, "step 1 (normal)|int64"},
		{"a draw with a number of another", `{"do":"normal","mean":0,"std":1,"low":0,"dtype":"float32","shape":[24]}`, `step 1 (normal)|"low"|no such key`},
		{"a draw with a source", `{"do":"normal","mean":0,"std":1,"from":[],"dtype":"float32","shape":[24]}`, `step 1 (normal)|"from"`},
		{"a draw of 65 dimensions", `{"do":"normal","mean":0,"std":1,"dtype":"float32","shape":[` + strings.Repeat("1,", 64) + `1]}`, "step 1|shape|64"},
		{"a draw of 2^64 elements", `{"do":"normal","mean":0,"std":1,"dtype":"float32","shape":[4294967296,4294967296]}`, "step 1|shape|2^63-1"},
		{"a draw with a negative size", `{"do":"normal","mean":0,"std":1,"dtype":"float32","shape":[-1]}`, "step 1|shape|-1"},
		{"a draw with half a size", `{"do":"normal","mean":0,"std":1,"dtype":"float32","shape":[1e1]}`, "step 1|shape|1e1"},
		{"a draw from high to low", `{"do":"uniform","low":1,"high":0,"dtype":"float32","shape":[24]}`, "step 1 (uniform)|low 1|high 0"},
		{"a draw beyond its type", `{"do":"uniform","low":0,"high":70000,"dtype":"float16","shape":[24]}`, "step 1 (uniform)|high 70000"},
		{"a cut that keeps nothing", `{"do":"trunc_normal","mean":0,"std":1,"a":2,"b":-2,"dtype":"float32","shape":[24]}`, "step 1 (trunc_normal)|a 2"},
		{"a cut without its end", `{"do":"trunc_normal","mean":0,"std":1,"a":-2,"dtype":"float32","shape":[24]}`, `step 1 (trunc_normal)|no "b"`},
		{"a share above 1", `{"do":"sparse","sparsity":1.5,"std":1,"dtype":"float32","shape":[4,6]}`, "step 1 (sparse)|1.5"},
		{"a sparse vector", `{"do":"sparse","sparsity":0.5,"std":1,"dtype":"float32","shape":[24]}`, "step 1 (sparse)|shape|2 dimensions"},
		{"an orthogonal vector", `{"do":"orthogonal","gain":1,"dtype":"float32","shape":[24]}`, "step 1 (orthogonal)|2 dimensions"},
		{"no groups", `{"do":"dirac","groups":0,"dtype":"float32","shape":[4,2,3]}`, "step 1 (dirac)|groups 0"},
		{"an eye of one dimension", `{"do":"eye","dtype":"float32","shape":[24]}`, "step 1 (eye)|2 dimensions"},
		{"a draw to no memory", to(`{}`), `step 1|to|no "memory"`},
		{"a draw to memory 9", to(`{"memory":9}`), "step 1|to|memory 9|has 3"},
		{"a draw to another type", to(`{"memory":2}`), "step 1 (normal)|to|bfloat16|float32"},
		{"a draw to too few elements", to(`{"memory":0,"shape":[23]}`), "step 1 (normal)|to|23|24"},
		{"a draw to a strided region", `{"do":"normal","mean":0,"std":1,"dtype":"float32","shape":[4],"to":{"memory":0,"shape":[4],"strides":[6]}}`, "step 1 (normal)|to|strides|contiguous"},
		{"a draw to a transposed region", to(`{"memory":0,"shape":[6,4],"strides":[1,6]}`), "step 1 (normal)|to|strides"},
		{"a draw of an unknown stream", `{"do":"normal","mean":0,"std":1,"dtype":"float32","shape":[24],"stream":1,"to":{"memory":0}}`, "step 1|stream 1"},
		{"a stream below 0", `{"do":"normal","mean":0,"std":1,"dtype":"float32","shape":[24],"stream":-1}`, "step 1|stream|-1"},
		{"a stream beyond the limit", `{"do":"seed","seed":1,"stream":1048577}`, "step 1|stream|1048577"},
	} {
		t.step(s.name, s.text, s.must)
	}
}

func steps(t *table) {
	for _, s := range []struct{ name, text, must string }{
		{"a step that does nothing", `{}`, `step 1|no "do"`},
		{"an unknown step", `{"do":"bernoulli","p":0.5}`, `step 1|unknown key "p"`},
		{"an unknown step without keys", `{"do":"bernoulli"}`, `step 1|"bernoulli"|no such step|uniform`},
		{"a step with an unknown key", `{"do":"set","value":0,"alpha":1,"to":{"memory":0}}`, `step 1|unknown key "alpha"`},
		{"a step that is a text", `"set"`, "step 1|object"},
		{"a step of numbers", `{"do":1}`, "step 1|do|string"},
		{"a step in capitals", `{"do":"Set","value":0,"to":{"memory":0}}`, `step 1|"Set"`},
		{"a draw by its inner name", `{"do":"draw","from":[{"memory":0}],"to":{"memory":0}}`, `step 1|"draw"`},
		{"set without a value", `{"do":"set","to":{"memory":0}}`, `step 1 (set)|no "value"`},
		{"set without a target", `{"do":"set","value":0}`, `step 1 (set)|no "to"`},
		{"set beyond the type", `{"do":"set","value":1e39,"to":{"memory":0}}`, "step 1 (set)|value|1e+39|float32"},
		{"half of a whole number", `{"do":"set","value":0.5,"to":{"memory":1}}`, "step 1 (set)|value|0.5|int64"},
		{"an infinite whole number", `{"do":"set","value":"inf","to":{"memory":1}}`, "step 1 (set)|value|Inf|int64"},
		{"copy of a value", `{"do":"copy","from":[{"value":1}],"to":{"memory":0}}`, `step 1 (copy)|from|"set"`},
		{"copy of two", `{"do":"copy","from":[{"memory":0},{"memory":0}],"to":{"memory":0}}`, "step 1 (copy)|from|2 operands"},
		{"copy of none", `{"do":"copy","from":[],"to":{"memory":0}}`, "step 1 (copy)|from|0 operands"},
		{"copy from no list", `{"do":"copy","from":{"memory":0},"to":{"memory":0}}`, "step 1|from|array"},
		{"copy to whole numbers", `{"do":"copy","from":[{"memory":0,"shape":[4]}],"to":{"memory":1}}`, "step 1 (copy)|from|float32|int64"},
		{"copy of another shape", `{"do":"copy","from":[{"memory":0}],"to":{"memory":0,"shape":[4,6]}}`, "step 1 (copy)|shape [24]|[4 6]"},
		{"add one", `{"do":"add","from":[{"memory":0}],"to":{"memory":0}}`, "step 1 (add)|from|1 operands|2"},
		{"add three", `{"do":"add","from":[{"memory":0},{"value":1},{"value":1}],"to":{"memory":0}}`, "step 1|from|two"},
		{"add in whole numbers", `{"do":"add","from":[{"memory":1},{"value":1}],"to":{"memory":1}}`, "step 1 (add)|to|int64"},
		{"add another type", `{"do":"add","from":[{"memory":0},{"memory":2}],"to":{"memory":0}}`, "step 1 (add)|operand 1|bfloat16|float32"},
		{"add with alpha", `{"do":"add","alpha":2,"from":[{"memory":0},{"memory":0}],"to":{"memory":0}}`, `step 1|unknown key "alpha"`},
		{"an operand of two kinds", `{"do":"add","from":[{"memory":0,"value":1},{"value":1}],"to":{"memory":0}}`, "step 1|from|operand 0"},
		{"an operand of no kind", `{"do":"add","from":[{},{"value":1}],"to":{"memory":0}}`, "step 1|from|operand 0"},
		{"a value with an offset", `{"do":"add","from":[{"memory":0},{"value":1,"offset":1}],"to":{"memory":0}}`, "step 1|from|operand 1"},
		{"an operand with a dtype", `{"do":"add","from":[{"memory":0},{"value":1,"dtype":"float32"}],"to":{"memory":0}}`, `step 1|operand 1|unknown key "dtype"`},
		{"clamp to nothing", `{"do":"clamp","from":[{"memory":0}],"to":{"memory":0}}`, `step 1 (clamp)|"low"|"high"`},
		{"clamp to NaN", `{"do":"clamp","low":"nan","from":[{"memory":0}],"to":{"memory":0}}`, "step 1 (clamp)|low|NaN"},
		{"the norm of a value", `{"do":"norm","dims":[],"from":[{"value":1}],"to":{"memory":0,"shape":[1]}}`, "step 1 (norm)|region"},
		{"a norm along no dimension", `{"do":"norm","dims":[2],"from":[{"memory":0,"shape":[4,6]}],"to":{"memory":0,"shape":[4]}}`, "step 1 (norm)|dims|[2]"},
		{"a norm along one twice", `{"do":"norm","dims":[0,0],"from":[{"memory":0,"shape":[4,6]}],"to":{"memory":0,"shape":[16]}}`, "step 1 (norm)|dims"},
		{"a norm of another size", `{"do":"norm","dims":[0],"from":[{"memory":0,"shape":[4,6]}],"to":{"memory":0,"shape":[6]}}`, "step 1 (norm)|to|6 elements|4"},
		{"a norm of another type", `{"do":"norm","dims":[0],"from":[{"memory":0,"shape":[4,6]}],"to":{"memory":2,"shape":[4]}}`, "step 1 (norm)|float32|bfloat16"},
		{"a seed in words", `{"do":"seed","seed":"mine"}`, `step 1|seed|"mine"`},
		{"a seed beyond 2^64", `{"do":"seed","seed":18446744073709551616}`, "step 1|seed|18446744073709551616"},
		{"a seed below -2^63", `{"do":"seed","seed":-9223372036854775809}`, "step 1|seed"},
		{"half a seed", `{"do":"seed","seed":0.5}`, "step 1|seed|0.5"},
		{"a seed of null", `{"do":"seed","seed":null}`, "step 1|seed|number"},
		{"a seed to memory", `{"do":"seed","seed":1,"to":{"memory":0}}`, `step 1 (seed)|"to"`},
		{"load of what was never saved", `{"do":"load","slot":0}`, "step 1|slot 0"},
		{"save of an unknown stream", `{"do":"save","slot":0,"stream":7}`, "step 1|stream 7"},
		{"save without a slot", `{"do":"save"}`, `step 1 (save)|no "slot"`},
		{"a slot below 0", `{"do":"save","slot":-1}`, "step 1|slot|-1"},
		{"reading what was never written", `{"do":"copy","from":[{"memory":2}],"to":{"memory":0}}`, "step 1|copy|never written"},
		{"reading itself unwritten", `{"do":"exp","from":[{"memory":2}],"to":{"memory":2}}`, "step 1|never written"},
	} {
		t.step(s.name, s.text, s.must)
	}
	t.with("reading before writing", func(d *doc) {
		d.steps = `{"do":"log","from":[{"memory":0}],"to":{"memory":0}},` + draw
	}, "step 0|log|never written")
	t.with("a tensor that is never written", func(d *doc) { d.steps = "" }, `"w"|never`)
	t.with("a tensor written but for one element", func(d *doc) {
		d.steps = strings.ReplaceAll(strings.Replace(draw, `"to":{"memory":0}`, `"to":{"memory":0,"shape":[23]}`, 1), `"shape":[24]`, `"shape":[23]`)
	}, `"w"|element 23`)
}

func regions(t *table) {
	set := func(region string) string { return `{"do":"set","value":0,"to":` + region + `}` }
	for _, s := range []struct{ name, text, must string }{
		{"a region that is a number", `0`, "step 1|to|object"},
		{"a region with an unknown key", `{"memory":0,"size":[1]}`, `step 1|to|unknown key "size"`},
		{"a region of memory -1", `{"memory":-1}`, "step 1|to|memory|-1"},
		{"a region of memory 2^40", `{"memory":1099511627776}`, "step 1|to|memory 1099511627776"},
		{"a region behind its memory", `{"memory":0,"offset":24,"shape":[1]}`, "step 1|to|offset 24|24 elements of memory 0"},
		{"a region half behind its memory", `{"memory":0,"offset":20,"shape":[5]}`, "step 1|to|offset 20|24 elements"},
		{"an empty region behind its memory", `{"memory":0,"offset":25,"shape":[0]}`, "step 1|to|offset 25"},
		{"a region at -1", `{"memory":0,"offset":-1,"shape":[1]}`, "step 1|to|offset|-1"},
		{"a region at 2^63-1", `{"memory":0,"offset":9223372036854775807,"shape":[24]}`, "step 1|to|offset 9223372036854775807"},
		{"an offset without a shape", `{"memory":0,"offset":1}`, "step 1|to|offset|shape"},
		{"strides without a shape", `{"memory":0,"strides":[1]}`, "step 1|to|strides|shape"},
		{"strides for another shape", `{"memory":0,"shape":[4,6],"strides":[1]}`, "step 1|to|1 strides|2 sizes"},
		{"strides of 0", `{"memory":0,"shape":[4,6],"strides":[0,1]}`, "step 1|to|overlaps"},
		{"strides that overlap", `{"memory":0,"shape":[4,6],"strides":[3,1]}`, "step 1|to|overlaps"},
		{"strides below 0", `{"memory":0,"shape":[4],"strides":[-1]}`, "step 1|to|strides|-1"},
		{"strides beyond the memory", `{"memory":0,"shape":[4,2],"strides":[6,6]}`, "step 1|to|overlaps"},
		{"strides behind the memory", `{"memory":0,"shape":[4,2],"strides":[8,1]}`, "step 1|to|strides [8 1]|24 elements"},
		{"strides of 2^63-1", `{"memory":0,"shape":[3,2],"strides":[9223372036854775807,9223372036854775807]}`, "step 1|to"},
		{"strides whose sum passes 2^63", `{"memory":0,"shape":[2,2,2,2,2],"strides":[4611686018427387904,2305843009213693952,1152921504606846976,576460752303423488,1]}`, "step 1|to|strides"},
		{"a region of 2^64 elements", `{"memory":0,"shape":[4294967296,4294967296]}`, "step 1|to|shape|2^63-1"},
		{"a region of 65 dimensions", `{"memory":0,"shape":[` + strings.Repeat("1,", 64) + `1]}`, "step 1|to|shape|64"},
	} {
		t.step(s.name, set(s.text), s.must)
	}
}

func tensors(t *table) {
	for _, s := range []struct{ name, text, must string }{
		{"a tensor without a name", `{"dtype":"float32","shape":[2],"value":0}`, `tensor 1|no "name"`},
		{"a tensor with an empty name", `{"name":"","dtype":"float32","shape":[2],"value":0}`, `tensor 1|empty`},
		{"a name twice", tensor, `tensor 1 "w"|name|number 0`},
		{"a tensor without a shape", `{"name":"a","dtype":"float32","value":0}`, `tensor 1 "a"|no "shape"`},
		{"a tensor without a type", `{"name":"a","shape":[2],"value":0}`, `tensor 1 "a"|no "dtype"`},
		{"a tensor of nothing", `{"name":"a","dtype":"float32","shape":[2]}`, `tensor 1 "a"|memory, value, literal, same_as`},
		{"a tensor of two kinds", `{"name":"a","dtype":"float32","shape":[2],"value":0,"memory":0}`, `tensor 1 "a"|2 of the keys`},
		{"a tensor with an unknown key", `{"name":"a","dtype":"float32","shape":[2],"value":0,"requires_grad":true}`, `tensor 1 "a"|unknown key "requires_grad"`},
		{"a tie to nothing", `{"name":"a","same_as":"b"}`, `tensor 1 "a"|same_as|"b"`},
		{"a tie to itself", `{"name":"a","same_as":"a"}`, `tensor 1 "a"|same_as|"a"`},
		{"a tie to a later one", `{"name":"a","same_as":"b"},{"name":"b","dtype":"float32","shape":[2],"value":0}`, `tensor 1 "a"|same_as|"b"`},
		{"a tie of another shape", `{"name":"a","same_as":"w","shape":[24]}`, `tensor 1 "a"|same_as|"w"|shape`},
		{"a tie of another type", `{"name":"a","same_as":"w","dtype":"float16"}`, `tensor 1 "a"|same_as|"w"|dtype`},
		{"a tensor of another type", `{"name":"a","dtype":"float16","shape":[24],"memory":0}`, `tensor 1 "a"|dtype|float16|float32`},
		{"a tensor larger than its memory", `{"name":"a","dtype":"float32","shape":[25],"memory":0}`, `tensor 1 "a"|24 elements of memory 0`},
		{"a tensor behind its memory", `{"name":"a","dtype":"float32","shape":[2],"memory":0,"offset":23}`, `tensor 1 "a"|offset 23`},
		{"a tensor that overlaps itself", `{"name":"a","dtype":"float32","shape":[2,6],"strides":[0,1],"memory":0}`, `tensor 1 "a"|overlaps`},
		{"a tensor of memory 9", `{"name":"a","dtype":"float32","shape":[2],"memory":9}`, `tensor 1 "a"|memory 9`},
		{"a value with an offset", `{"name":"a","dtype":"float32","shape":[2],"value":0,"offset":1}`, `tensor 1 "a"|offset`},
		{"a value beyond its type", `{"name":"a","dtype":"float16","shape":[2],"value":65505}`, `tensor 1 "a"|value|65505|float16`},
		{"a truth of 2", `{"name":"a","dtype":"bool","shape":[2],"value":2}`, `tensor 1 "a"|value|2|bool`},
		{"a byte of 256", `{"name":"a","dtype":"uint8","shape":[2],"value":256}`, `tensor 1 "a"|value|256|uint8`},
		{"a byte of -0", `{"name":"a","dtype":"uint8","shape":[2],"value":"-0.0"}`, `tensor 1 "a"|value|uint8`},
		{"a literal of another type", `{"name":"a","dtype":"int32","shape":[4],"literal":0}`, `tensor 1 "a"|dtype|int32|int64`},
		{"a literal of another shape", `{"name":"a","dtype":"int64","shape":[5],"literal":0}`, `tensor 1 "a"|shape|5|4`},
		{"a literal that is not there", `{"name":"a","dtype":"int64","shape":[4],"literal":1}`, `tensor 1 "a"|literal 1`},
		{"a parameter in words", `{"name":"a","dtype":"float32","shape":[2],"value":0,"parameter":"yes"}`, `tensor 1 "a"|parameter|boolean`},
		{"an exact tensor with a bound", `{"name":"a","dtype":"float32","shape":[2],"value":0,"ulp":2}`, `tensor 1 "a"|ulp`},
		{"a bound of 0", `{"name":"a","dtype":"float32","shape":[2],"value":0,"exact":false,"ulp":0}`, `tensor 1 "a"|ulp|0`},
		{"a tensor of 2^64 elements", `{"name":"a","dtype":"float32","shape":[4294967296,4294967296],"value":0}`, `tensor 1 "a"|shape|2^63-1`},
		{"a tensor of 2^63-1 elements", `{"name":"a","dtype":"float32","shape":[9223372036854775807],"value":0}`, `2^63-1`},
		{"a tensor that is a text", `"w"`, "tensor 1|object"},
		{"a tensor of unwritten memory", `{"name":"a","dtype":"bfloat16","shape":[24],"memory":2}`, `"a"|never`},
		{"a view of unwritten memory", `{"name":"a","dtype":"bfloat16","shape":[6,4],"strides":[1,6],"memory":2}`, `never`},
	} {
		t.tensor(s.name, s.text, s.must)
	}
	for _, s := range []struct{ name, text, must string }{
		{"a saved name twice", tensor + "," + tensor, `saved tensor 1 "w"|name|number 0`},
		{"a saved tie to a tensor of the state dict", `{"name":"a","same_as":"w"}`, `saved tensor 0 "a"|same_as`},
		{"a saved tensor outside", `{"name":"a","dtype":"float32","shape":[25],"memory":0}`, `saved tensor 0 "a"|24 elements`},
		{"a saved tensor that is never written", `{"name":"a","dtype":"bfloat16","shape":[24],"memory":2}`, `"a"|never`},
	} {
		t.with(s.name, func(d *doc) { d.more = `,"saved":[` + s.text + `]` }, s.must)
	}
}

// bombs are files that ask for more than they are.
func bombs(t *table) {
	bomb := deflated(make([]byte, 64<<20))
	t.with("a literal that is a bomb", func(d *doc) {
		d.literals = packed(bomb)
	}, "literal 0|zlib|more than the 32 bytes")
	t.list = append(t.list,
		Case{Name: "literals of 320 MiB", Bytes: func() []byte {
			d := sound()
			one := `{"dtype":"int8","elements":67108864,"zlib":"` + encoded(bomb) + `"}`
			d.literals = strings.Join([]string{one, one, one, one, one}, ",")
			return []byte(d.text())
		}, MustName: words("literal 4|elements|268435456"), Large: true},
		Case{Name: "a gzip bomb", Bytes: func() []byte { return gzipped(bytes.Repeat([]byte(" "), 256<<20+1)) }, MustName: words("limit|268435456"), Large: true},
		Case{Name: "more than 2^22 steps", Bytes: func() []byte {
			d := sound()
			d.steps = strings.Repeat(`{"do":"save","slot":0},`, 4<<20) + draw
			return gzipped([]byte(d.text()))
		}, MustName: words("steps|4194304"), Large: true},
		Case{Name: "more than 2^20 memories", Bytes: func() []byte {
			d := sound()
			d.memory += strings.Repeat(`,{"dtype":"float32","elements":1}`, 1<<20)
			return gzipped([]byte(d.text()))
		}, MustName: words("memory|1048576"), Large: true},
	)
}

// accepted are odd files that are sound.
func accepted(t *table) {
	t.text("the base", sound().text(), "")
	t.list = append(t.list, Case{Name: "gzip", Bytes: func() []byte { return gzipped([]byte(sound().text())) }})
	t.text("space around it", " \n"+sound().text()+"\n\n", "")
	t.step("a discard", `{"do":"normal","mean":0,"std":1,"dtype":"bfloat16","shape":[5,5]}`, "")
	t.step("a draw of nothing", `{"do":"normal","mean":0,"std":1,"dtype":"float32","shape":[0,5],"to":{"memory":0,"offset":24,"shape":[0]}}`, "")
	t.step("a set through columns", `{"do":"set","value":0,"to":{"memory":0,"offset":1,"shape":[4,1],"strides":[6,1]}}`, "")
	t.step("a set of -0", `{"do":"set","value":"-0.0","to":{"memory":0}}`, "")
	t.step("a set of minus infinity", `{"do":"set","value":"-inf","to":{"memory":0,"shape":[3]}}`, "")
	t.step("whole numbers that nobody wants", `{"do":"set","value":-9,"to":{"memory":1}}`, "")
	t.step("another stream", `{"do":"seed","seed":-1,"stream":4},{"do":"uniform","low":0,"high":1,"dtype":"float32","shape":[24],"stream":4,"to":{"memory":0}}`, "")
	t.tensor("a scalar", `{"name":"n","dtype":"int64","shape":[],"parameter":false,"value":0}`, "")
	t.tensor("an empty tensor", `{"name":"n","dtype":"float32","shape":[0,3],"memory":0,"offset":24}`, "")
	t.tensor("a name of signs", `{"name":"a b/ö\u001b","dtype":"float32","shape":[2],"value":1}`, "")
	t.tensor("the name of a memory", `{"name":"memory 1","dtype":"float32","shape":[2],"value":1}`, "")
	t.tensor("a tie", `{"name":"v","same_as":"w","parameter":true}`, "")
}
