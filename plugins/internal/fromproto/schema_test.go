package fromproto_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/internal/fromproto"
	"github.com/weightinit/weightinit/plugins/internal/toproto"
	"github.com/weightinit/weightinit/registry"
)

type stub struct{}

func (stub) Assign(context.Context, *layout.Layout) ([]dist.Dist, error) { return nil, nil }

func TestSchemasOfOptionsAreStandardJSONSchemas(t *testing.T) {
	options, err := registry.Options(new(every))
	require.NoError(t, err)
	text, err := toproto.Schema(options)
	require.NoError(t, err)
	schema := &jsonschema.Schema{}
	require.NoError(t, json.Unmarshal([]byte(text), schema))
	resolved, err := schema.Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true})
	require.NoError(t, err)
	for instance, ok := range map[string]bool{
		`{"must":"x"}`: true, `{"must":"x","gain":4}`: true, `{"must":"x","names":["a","b"]}`: true,
		`{}`: false, `{"must":"x","gain":0}`: false, `{"must":"x","count":-6}`: false, `{"must":"x","other":1}`: false,
		`{"must":"x","fan":"up"}`: false, `{"must":"x","sizes":[0]}`: false, `{"must":"x","names":["c"]}`: false, `{"must":1}`: false,
	} {
		var v any
		require.NoError(t, json.Unmarshal([]byte(instance), &v))
		require.Equal(t, ok, resolved.Validate(v) == nil, instance)
		parsed, err := fromproto.ParseSchema(text)
		require.NoError(t, err)
		if instance == `{}` {
			continue // what is missing is found by registry.Configure
		}
		_, err = parsed.Values(instance)
		require.Equal(t, ok, err == nil, "%s: %v", instance, err)
	}
}

// object wraps properties into a schema.
func object(properties string) string {
	return `{"type":"object","properties":{` + properties + `},"additionalProperties":false}`
}

func TestSchemasOutsideTheRestrictedFormAreRefused(t *testing.T) {
	for schema, want := range map[string]string{
		`[]`:                                "object",
		`{}`:                                `field type: must be "object"`,
		`{"type":"object"}`:                 "field additionalProperties: must be false",
		`{"type":"array"}`:                  `field type "array": must be "object"`,
		`{"type":"object","$ref":"#"}`:      `"$ref": is a keyword that options cannot use`,
		`{"type":"object","type":"object"}`: "type",
		`{"type":"object","additionalProperties":true}`:                                     "must be false",
		`{"type":"object","additionalProperties":false,"required":["x"]}`:                   `field required[0] "x": is not a property`,
		object(`"Gain":{"type":"number"}`):                                                  `field properties "Gain": must match`,
		object(`"a":{"type":"null"}`):                                                       `field properties.a.type "null": must be number`,
		object(`"a":{"type":"number","pattern":"x"}`):                                       `"pattern": is a keyword`,
		object(`"a":{"type":"number","default":"x"}`):                                       `field properties.a.default: "x" must be of type number`,
		object(`"a":{"type":"number","default":5,"maximum":4}`):                             "5 must be at most 4",
		object(`"a":{"type":"number","default":4,"exclusiveMaximum":4}`):                    "4 must be below 4",
		object(`"a":{"type":"integer","default":1.5}`):                                      "1.5 must be of type integer",
		object(`"a":{"type":"number","default":1e999}`):                                     "must be of type number",
		object(`"a":{"type":"string","minimum":1}`):                                         "only numbers have a minimum",
		object(`"a":{"type":"string","enum":[]}`):                                           "must list at least one value",
		object(`"a":{"type":"string","enum":[1]}`):                                          "properties.a.enum[0]: 1 must be of type string",
		object(`"a":{"type":"string","default":"c","enum":["a","b"]}`):                      `"c" must be one of "a", "b"`,
		object(`"a":{"type":"array"}`):                                                      "properties.a.items: is missing",
		object(`"a":{"type":"array","items":{"type":"array"}}`):                             "items.type",
		object(`"a":{"type":"array","items":{"type":"number","items":{}}}`):                 "arrays cannot stand inside arrays",
		object(`"a":{"type":"array","items":{"type":"number"},"minItems":2,"default":[1]}`): "must have at least 2 elements",
		object(`"a":{"type":"array","items":{"type":"number"},"maxItems":-1}`):              "must be a whole number",
		object(`"a":{"type":"number","minItems":1}`):                                        "only arrays have items",
		object(`"a":{"type":"number","default":null}`):                                      "null is not the value of an option",
		object(`"a":{"type":"number","description":"x\u001b"}`):                             "must not have control characters",
	} {
		_, err := fromproto.ParseSchema(schema)
		require.ErrorContains(t, err, want, schema)
		var field *fromproto.FieldError
		require.ErrorAs(t, err, &field)
	}
}

func TestNumericEnumsAndListLengthsAreChecked(t *testing.T) {
	s, err := fromproto.ParseSchema(object(`"n":{"type":"integer","enum":[1,3]},"l":{"type":"array","items":{"type":"number","maximum":2},"minItems":1,"maxItems":2}`))
	require.NoError(t, err)
	require.NoError(t, s.Check("n", int64(3)))
	require.ErrorContains(t, s.Check("n", int64(2)), "must be one of 1, 3")
	require.ErrorContains(t, s.Check("m", int64(2)), "no such option")
	require.NoError(t, s.Check("l", []any{1.0}))
	require.ErrorContains(t, s.Check("l", []any{}), "at least 1")
	require.ErrorContains(t, s.Check("l", []any{1.0, 1.0, 1.0}), "at most 2")
	require.ErrorContains(t, s.Check("l", []any{3.0}), "must be at most 2")
}

func TestOptionsOfARequestAreStrict(t *testing.T) {
	s, err := fromproto.ParseSchema(object(`"gain":{"type":"number","minimum":0},"n":{"type":"integer"}`))
	require.NoError(t, err)
	for options, want := range map[string]string{
		`{"gain":-1}`: "gain", `{"gain":"1"}`: "gain", `{"gian":1}`: "gian", `{"n":1.5}`: `"n"`, `{"gain":[1]}`: "gain",
	} {
		_, err := s.Values(options)
		var option *registry.OptionError
		require.ErrorAs(t, err, &option, options)
		require.ErrorContains(t, err, want)
	}
	for _, options := range []string{`[]`, `{"gain":1,"gain":2}`, `{"gain":}`, `{} x`, `{"gain":null}`} {
		_, err := s.Values(options)
		require.ErrorContains(t, err, "options_json", options)
	}
}

func FuzzSchema(f *testing.F) {
	options, err := registry.Options(new(every))
	require.NoError(f, err)
	text, err := toproto.Schema(options)
	require.NoError(f, err)
	f.Add(text)
	f.Add(object(`"a":{"type":"array","items":{"type":"number","enum":[1,2]},"minItems":2,"default":[1,2]}`))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := fromproto.ParseSchema(text)
		if err != nil {
			return
		}
		for _, o := range s.Options() {
			if o.Default != nil {
				require.NoError(t, s.Check(o.Name, o.Default))
			}
		}
		_, err = s.Values(text)
		_ = err
	})
}
