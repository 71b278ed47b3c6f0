package native

import (
	"bytes"
	"cmp"
	"math"
	"path/filepath"
	"strings"

	"github.com/weightinit/weightinit/internal/inputfile"
	"github.com/weightinit/weightinit/internal/limits"
)

// Syntax is the language of a config text.
type Syntax uint8

const (
	// AnySyntax chooses by the file's name: .json is JSON, .yaml and .yml are
	// YAML; with any other name the first character that is no white space
	// decides, "{" for JSON.
	AnySyntax Syntax = iota
	// JSON is strict JSON.
	JSON
	// YAML is one YAML document without tags, merge keys and directives, in
	// which nothing means something else in YAML 1.1 than in YAML 1.2.
	YAML
)

// Load reads the config file at path, which may be a pipe with a writer, and
// is [Parse] of its contents.
func Load(path string) (c *Config, warnings []string, err error) {
	data, err := Read(path)
	if err != nil {
		return nil, nil, err
	}
	return Parse(path, data, AnySyntax)
}

// Read returns the text of a config file, as far as one may be long.
func Read(path string) ([]byte, error) {
	limit := int64(limits.ConfigJSON)
	if syntaxOf(path) == YAML {
		limit = limits.ConfigYAML
	}
	return inputfile.ReadAll(path, limit, true)
}

// SyntaxOf is the syntax in which [Parse] reads a text.
func SyntaxOf(name string, data []byte, syntax Syntax) Syntax {
	if syntax != AnySyntax {
		return syntax
	}
	text, _, fault := decodeText(data)
	if fault != nil {
		return AnySyntax
	}
	return cmp.Or(syntaxOf(name), firstSyntax(text))
}

// Parse reads a config text. name is the file's name as the user gave it: it
// chooses the syntax and stands in messages. The text is UTF-8, with or
// without a byte order mark, of at most 4 MiB in JSON and 64 KiB in YAML.
//
// The config is complete: every default is resolved, and at least one version
// has a layout for it. Its init_mode is not looked up. Warnings are lines
// without a prefix about values that are accepted but hardly meant. The error
// is an *Error.
func Parse(name string, data []byte, syntax Syntax) (c *Config, warnings []string, err error) {
	r, fault := parse(name, data, syntax)
	if fault != nil {
		fault.File = name
		return nil, nil, fault
	}
	return &r.Config, r.warnings, nil
}

// result is a config that is read and checked.
type result struct {
	Config
	warnings []string
}

func parse(name string, data []byte, syntax Syntax) (*result, *Error) {
	text, mark, fault := decodeText(data)
	if fault != nil {
		return nil, fault
	}
	if syntax == AnySyntax {
		syntax = cmp.Or(syntaxOf(name), firstSyntax(text))
	}
	var doc *document
	if syntax == YAML {
		doc, fault = readYAML(text)
	} else {
		doc, fault = readJSON(text, mark)
	}
	if fault != nil {
		return nil, fault
	}
	return doc.config(name)
}

// syntaxOf returns the syntax that a file's name asks for.
func syntaxOf(name string) Syntax {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".json":
		return JSON
	case ".yaml", ".yml":
		return YAML
	}
	return AnySyntax
}

func firstSyntax(text []byte) Syntax {
	if bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte{'{'}) {
		return JSON
	}
	return YAML
}

// decodeText removes a UTF-8 byte order mark, of which mark is the length, and
// recognises other encodings. That the text is UTF-8 is checked by the
// readers, which know the place.
func decodeText(data []byte) (text []byte, mark int64, fault *Error) {
	if len(data) > limits.ConfigJSON {
		return nil, 0, tooLarge(len(data), limits.ConfigJSON, "config")
	}
	utf16 := ""
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		utf16 = "UTF-16LE with a byte order mark"
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		utf16 = "UTF-16BE with a byte order mark"
	case len(data) >= 4 && data[0] != 0 && data[1] == 0 && data[2] != 0 && data[3] == 0:
		utf16 = "UTF-16LE"
	case len(data) >= 4 && data[0] == 0 && data[1] != 0 && data[2] == 0 && data[3] != 0:
		utf16 = "UTF-16BE"
	}
	if utf16 != "" {
		return nil, 0, badText(place{offset: 0}, "this text is %s: save it as UTF-8", utf16)
	}
	if text, ok := bytes.CutPrefix(data, []byte("\xef\xbb\xbf")); ok {
		return text, 3, nil
	}
	return data, 0, nil
}

func tooLarge(found, limit int, what string) *Error {
	return badText(nowhere, "the text has %d bytes, the limit of a %s is %d: is this the right file?", found, what, limit)
}

// document is a config text as its syntax gives it: the known members in the
// order of the text, and what the reader noticed about the others.
type document struct {
	entries []entry
	// huggingFace is where the key model_type stands, nil if it does not.
	huggingFace *place
	// unknown are the first unknown keys, unknownLeft the number of the others.
	unknown     []entry
	unknownLeft int
}

type entry struct {
	key   string
	at    place // of the key
	value value
}

// note sorts a key in. It reports whether the document wants its value.
func (d *document) note(key string, at place) bool {
	if key == "model_type" {
		d.huggingFace = &at
		return false
	}
	if _, known := fields[key]; known {
		return true
	}
	if len(d.unknown) < maxTold {
		d.unknown = append(d.unknown, entry{key: key, at: at})
	} else {
		d.unknownLeft++
	}
	return false
}

// config decodes the members and checks them together.
func (d *document) config(name string) (*result, *Error) {
	if d.huggingFace != nil {
		return nil, (&Error{Field: "model_type", Problem: "this is a Hugging Face config, which must be JSON: give its config.json, or a config with TransformerLens field names (d_model, n_layers, ...)"}).at(*d.huggingFace)
	}
	r := &reading{Config: *Defaults(), initWeights: true, useAttnScale: true, attnScale: -1}
	r.source = name
	if fault := joined(d.read(r), d.unknownLeft); fault != nil {
		return nil, fault
	}
	if fault := joined(d.located(append(r.checks(), r.Config.checks()...)), 0); fault != nil {
		return nil, fault
	}
	c, err := r.Normalized()
	if err != nil {
		return nil, d.locate(err.(*Error))
	}
	return &result{*c, append(r.warnings, d.warnings(r, c)...)}, nil
}

// read stores the values of all members. It returns everything that is wrong
// with single fields: unknown ones, values of another type, missing ones.
func (d *document) read(r *reading) (faults []*Error) {
	for _, e := range d.unknown {
		if e.key == "" {
			faults = append(faults, badText(e.at, "a field without a name: remove it, or name it"))
			continue
		}
		faults = append(faults, badField(e.key, "", "unknown field%s", cmp.Or(suggestion(e.key, fieldNames()), ": remove it, or correct its name")).at(e.at))
	}
	for i := range d.entries {
		e := &d.entries[i]
		f := fields[e.key]
		problem := e.read(r, f)
		switch {
		case problem == "":
		case f.inert() && e.value.form != unclearForm:
			r.warn(badField(e.key, e.value.written(), "%s; this field decides nothing here", problem).at(e.value.at))
		default:
			faults = append(faults, badField(e.key, e.value.written(), "%s", problem).at(e.value.at))
		}
	}
	for _, name := range fieldNames() {
		if fields[name].required && d.find(name) == nil {
			next := "add this field"
			if name == "n_heads" {
				next += " (-1 stands for d_model/d_head)"
			}
			faults = append(faults, badField(name, "", "missing: %s", next))
		}
	}
	return faults
}

// warn keeps a warning of the file.
func (r *reading) warn(w *Error) {
	if w.File = r.source; len(r.warnings) < maxTold {
		r.warnings = append(r.warnings, w.Error())
	}
}

// read stores the value of one field.
func (e *entry) read(r *reading, f field) (problem string) {
	if e.value.form == nullForm && f.nullable {
		if f.clear != nil {
			f.clear(r)
		}
		return ""
	}
	if problem := e.value.decode(f); problem != "" {
		return problem
	}
	if f.set != nil {
		f.set(r, e.value)
	}
	return ""
}

func (d *document) find(key string) *entry {
	for i := range d.entries {
		if d.entries[i].key == key {
			return &d.entries[i]
		}
	}
	return nil
}

// locate adds the place and the value as it is written to the error of a field.
func (d *document) locate(fault *Error) *Error {
	name, member, _ := strings.Cut(fault.Field, ".")
	e := d.find(name)
	if e == nil {
		return fault
	}
	v := e.value
	if member != "" {
		v = v.members[member]
	}
	fault.Value = v.written()
	return fault.at(v.at)
}

// located is locate for several errors.
func (d *document) located(faults []*Error) []*Error {
	for _, fault := range faults {
		d.locate(fault)
	}
	return faults
}

// setNormalization takes the reference's reading: what it does not know is
// LayerNorm.
func (r *reading) setNormalization(text string) {
	switch text = strings.ToUpper(text); text {
	case NormLN, NormLNPre, NormRMS, NormRMSPre:
		r.NormalizationType = text
	default:
		r.NormalizationType = NormLN
	}
}

// checks refuses the values that the reference refuses and that [Config] does
// not keep. Like the reference it looks at attention only when there is a
// layer.
func (r *reading) checks() (faults []*Error) {
	if r.architecture != "" && r.architecture != NativeArchitecture {
		faults = append(faults, badField("architecture", "", "this is not the native architecture: use null or %s", NativeArchitecture))
	}
	rotary := strings.EqualFold(r.PositionalEmbeddingType, PosRotary)
	if rotary && r.rotaryDimIsZero {
		faults = append(faults, badField("rotary_dim", "", "must be positive and even: give one, or null for d_head"))
	}
	switch scaled := r.NLayers > 0 && r.useAttnScale; {
	case scaled && r.attnScaleIsNull:
		faults = append(faults, badField("attn_scale", "", "with use_attn_scale the reference refuses null: use -1 for sqrt(d_head)"))
	case scaled && r.DHead > 1 && isOne(r.attnScale):
		faults = append(faults, badField("attn_scale", "", "with d_head %d a scale of 1 leaves attention unscaled, and the reference refuses it: use -1 for sqrt(d_head)", r.DHead))
	}
	if rotary && r.ropeScaling != nil {
		dim := r.RotaryDim
		if dim == 0 {
			dim = r.DHead
		}
		if fault := checkRope(r.ropeScaling, dim); fault != nil {
			faults = append(faults, fault)
		}
	}
	return faults
}

// isOne is Python's math.isclose(v, 1.0, abs_tol=1e-9).
func isOne(v float64) bool {
	return math.Abs(v-1) <= 1e-9*max(math.Abs(v), 1)
}

// warnings lists what is accepted and hardly meant, in every version.
func (d *document) warnings(r *reading, c *Config) []string {
	var list []string
	warn := func(field, problem string) {
		w := d.locate(badField(field, "", "%s", problem))
		w.File = c.source
		list = append(list, w.Error())
	}
	if e := d.find("normalization_type"); e != nil && e.value.form == textForm {
		switch strings.ToUpper(e.value.text) {
		case NormLN, NormLNPre, NormRMS, NormRMSPre:
		default:
			warn("normalization_type", "not one of LN, LNPre, RMS, RMSPre, null: read as LN, as the reference does")
		}
	}
	if c.PositionalEmbeddingType == PosRotary && c.RotaryDim > c.DHead {
		warn("rotary_dim", "larger than d_head "+integer(c.DHead)+": the reference builds this model and cannot run it")
	}
	if !r.initWeights {
		w := d.locate(badField("init_weights", "", "the reference would leave the weights as PyTorch makes them; the mode is applied all the same"))
		w.File = c.source
		c.unmade = w.Error()
	}
	return list
}
