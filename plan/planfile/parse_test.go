package planfile_test

import (
	"bytes"
	"compress/gzip"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plan/planfile"
)

const example = `{
 "format": "weightinit.plan/1",
 "info": {"torch": "2.15.0", "made_by": "weightinit 0.2.0"},
 "memory": [{"dtype": "float32", "elements": 8192}, {"dtype": "float32", "elements": 48}],
 "steps": [
  {"do": "normal", "mean": 0.0, "std": 1.0, "dtype": "float32", "shape": [128, 64]},
  {"do": "normal", "mean": 0.0, "std": 0.02, "dtype": "float32", "shape": [128, 64], "to": {"memory": 0}},
  {"do": "set", "value": 0.0, "to": {"memory": 0, "offset": 192, "shape": [64]}},
  {"do": "uniform", "low": 0.001, "high": 0.1, "dtype": "float32", "shape": [48], "to": {"memory": 1}},
  {"do": "log", "from": [{"memory": 1}], "to": {"memory": 1}}
 ],
 "tensors": [
  {"name": "embed.weight", "dtype": "float32", "shape": [128, 64], "parameter": true, "memory": 0},
  {"name": "lm_head.weight", "same_as": "embed.weight", "parameter": true},
  {"name": "norm.weight", "dtype": "float32", "shape": [64], "parameter": true, "value": 1.0},
  {"name": "dt_bias", "dtype": "float32", "shape": [48], "parameter": true, "memory": 1, "exact": false},
  {"name": "rope.table", "dtype": "float32", "shape": [2, 3], "parameter": false, "literal": 0}
 ],
 "literals": [{"dtype": "float32", "elements": 6, "zlib": "eNpjYMAOAAAYAAE="}]
}`

func parse(t *testing.T, text string) *layout.Layout {
	t.Helper()
	d, err := planfile.Parse([]byte(text))
	require.NoError(t, err)
	require.NoError(t, d.Layout.Check())
	return d.Layout
}

func TestTheExampleOfTheFormat(t *testing.T) {
	l := parse(t, example)
	whole := layout.Whole
	require.Equal(t, []layout.Param{
		{Name: "embed.weight", Shape: []int64{128, 64}, DType: dtype.F32, Role: layout.Tensor, Layer: layout.NoLayer},
		{Name: "dt_bias", Shape: []int64{48}, DType: dtype.F32, Role: layout.Tensor, Layer: layout.NoLayer},
		{Name: "norm.weight", Shape: []int64{64}, DType: dtype.F32, Role: layout.Tensor, Layer: layout.NoLayer},
		{Name: "rope.table", Shape: []int64{2, 3}, DType: dtype.F32, Role: layout.Tensor, Layer: layout.NoLayer, Buffer: true},
	}, l.Params)
	draw := func(param int, d dist.Draw, into layout.Region, shape ...int64) layout.Event {
		return layout.Event{Param: param, Dist: dist.Dist{Draw: d}, Shape: shape, In: dtype.F32, Into: into}
	}
	logs := layout.View{Param: 1, Shape: []int64{48}}
	require.Equal(t, []layout.Event{
		draw(layout.Lost, dist.Normal{Std: 1}, layout.Region{}, 128, 64),
		draw(0, dist.Normal{Std: 0.02}, whole(8192), 128, 64),
		draw(0, dist.Constant{}, layout.Region{First: 192, Rows: 1, Row: 64, Stride: 64}, 64),
		draw(1, dist.Uniform{Low: 0.001, High: 0.1}, whole(48), 48),
		{Do: layout.Log, Param: layout.Lost, To: logs, From: []layout.Operand{{View: &logs}}},
		draw(2, dist.Constant{Value: 1}, layout.Region{}, 64),
		{
			Do: layout.Copy, Param: layout.Lost, To: layout.View{Param: 3, Shape: []int64{2, 3}},
			From: []layout.Operand{{Literal: &layout.Literal{DType: dtype.F32, Data: make([]byte, 24)}}},
		},
	}, l.Replay)
	require.Equal(t, []layout.Entry{
		{Name: "embed.weight", Shape: []int64{128, 64}},
		{Name: "lm_head.weight", Shape: []int64{128, 64}, SameAs: "embed.weight"},
		{Name: "norm.weight", Shape: []int64{64}, Param: 2},
		{Name: "dt_bias", Shape: []int64{48}, Param: 1},
		{Name: "rope.table", Shape: []int64{2, 3}, Param: 3, Buffer: true},
	}, l.StateDict)
	require.Nil(t, l.Saved)
	d, err := planfile.Parse([]byte(example))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"torch": "2.15.0", "made_by": "weightinit 0.2.0"}, d.Info)
}

func TestGzipIsSeenByContent(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(example))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	d, err := planfile.Parse(b.Bytes())
	require.NoError(t, err)
	require.Equal(t, parse(t, example), d.Layout)

	packed, err := planfile.Pack([]byte(example))
	require.NoError(t, err)
	again, err := planfile.Pack([]byte(example))
	require.NoError(t, err)
	require.Equal(t, packed, again)
	text, err := planfile.Text(packed)
	require.NoError(t, err)
	require.Equal(t, example, string(text))
}

// plan is a document with memory of 24 float32, in any order of members.
func plan(steps, tensors string) string {
	return `{"tensors":[` + tensors + `],"steps":[` + steps + `],"format":"weightinit.plan/1",` +
		`"memory":[{"elements":24,"dtype":"float32"},{"elements":4,"dtype":"int64"},{"elements":24,"dtype":"bfloat16"}],` +
		`"literals":[{"dtype":"int64","elements":4,"zlib":"eNpjYMAPAAAgAAE="}]}`
}

const (
	fill0 = `{"do":"uniform","low":0,"high":1,"dtype":"float32","shape":[24],"to":{"memory":0}}`
	one   = `{"name":"w","dtype":"float32","shape":[4,6],"memory":0}`
)

func TestWhatIsSetInARegion(t *testing.T) {
	set := func(value, region string) layout.Event {
		l := parse(t, plan(fill0+`,{"do":"set","value":`+value+`,"to":`+region+`}`, one))
		return l.Replay[1]
	}
	for _, c := range []struct {
		region string
		want   layout.Region
	}{
		{`{"memory":0}`, layout.Whole(24)},
		{`{"memory":0,"offset":6,"shape":[6]}`, layout.Region{First: 6, Rows: 1, Row: 6, Stride: 6}},
		{`{"memory":0,"offset":2,"shape":[4,2],"strides":[6,1]}`, layout.Region{First: 2, Rows: 4, Row: 2, Stride: 6}},
		{`{"memory":0,"shape":[2,4],"strides":[1,6]}`, layout.Region{Rows: 4, Row: 2, Stride: 6}},
		{`{"memory":0,"shape":[2,2,2],"strides":[12,6,1]}`, layout.Region{Rows: 4, Row: 2, Stride: 6}},
		{`{"memory":0,"shape":[4],"strides":[6]}`, layout.Region{Rows: 4, Row: 1, Stride: 6}},
		{`{"memory":0,"shape":[2,3,1],"strides":[3,1,99]}`, layout.Region{Rows: 1, Row: 6, Stride: 6}},
		{`{"memory":0,"offset":24,"shape":[0]}`, layout.Region{First: 24, Rows: 1}},
	} {
		e := set("0.5", c.region)
		require.Equal(t, layout.Draw, e.Do, c.region)
		require.Equal(t, c.want, e.Into, c.region)
		require.Equal(t, dist.Constant{Value: 0.5}, e.Dist.Draw)
	}
	e := set("1", `{"memory":0,"shape":[2,2,2],"strides":[12,4,1]}`)
	require.Equal(t, layout.Copy, e.Do)
	require.Equal(t, layout.View{Shape: []int64{2, 2, 2}, Strides: []int64{12, 4, 1}}, e.To)
	require.True(t, math.IsInf(set(`"-inf"`, `{"memory":0}`).From[0].Value, -1))
	require.True(t, math.Signbit(set(`"-0.0"`, `{"memory":0}`).Dist.Draw.(dist.Constant).Value))
	require.Equal(t, layout.Copy, set("-7", `{"memory":1}`).Do, "whole numbers are no draw")
}

func TestTensorsThatLieElsewhere(t *testing.T) {
	l := parse(t, plan(fill0, one+
		`,{"name":"t","dtype":"float32","shape":[6,4],"strides":[1,6],"memory":0}`+
		`,{"name":"half","dtype":"float32","shape":[2,6],"offset":12,"memory":0}`+
		`,{"name":"count","dtype":"int64","shape":[],"parameter":false,"value":-9007199254740992}`+
		`,{"name":"mask","dtype":"float32","shape":[2],"value":"-inf"}`+
		`,{"name":"tie","same_as":"t"},{"name":"tie2","same_as":"tie"}`))
	require.Equal(t, "w", l.Params[0].Name)
	require.True(t, l.Params[1].Unnamed)
	require.Equal(t, "memory 1", l.Params[1].Name)
	require.Equal(t, []int64{4}, l.Params[1].Shape)
	require.Equal(t, []layout.Entry{
		{Name: "w", Shape: []int64{4, 6}},
		{Name: "t", Shape: []int64{6, 4}, Param: 3},
		{Name: "half", Shape: []int64{2, 6}, First: 12},
		{Name: "count", Shape: []int64{}, Param: 4, Buffer: true},
		{Name: "mask", Shape: []int64{2}, Param: 5},
		{Name: "tie", Shape: []int64{6, 4}, SameAs: "t"},
		{Name: "tie2", Shape: []int64{6, 4}, SameAs: "t"},
	}, l.StateDict)
	require.Equal(t, layout.Event{
		Do: layout.Copy, Param: layout.Lost, To: layout.View{Param: 3, Shape: []int64{6, 4}},
		From: []layout.Operand{{View: &layout.View{Shape: []int64{6, 4}, Strides: []int64{1, 6}}}},
	}, l.Replay[1])
}

func TestSavedSharesWhatIsEqual(t *testing.T) {
	text := plan(fill0, one+`,{"name":"n","dtype":"float32","shape":[2],"value":1}`)
	text = text[:len(text)-1] + `,"saved":[{"name":"n","dtype":"float32","shape":[2],"value":1},{"name":"w.0","dtype":"float32","shape":[6],"memory":0},` +
		`{"name":"w","dtype":"float32","shape":[2],"value":1}]}`
	l := parse(t, text)
	require.Equal(t, []layout.Entry{
		{Name: "n", Shape: []int64{2}, Param: 3},
		{Name: "w.0", Shape: []int64{6}},
		{Name: "w", Shape: []int64{2}, Param: 4},
	}, l.Saved)
	require.Equal(t, "w (1)", l.Params[4].Name)
	require.Len(t, l.Replay, 3)
}

func TestEveryOtherStep(t *testing.T) {
	l := parse(t, plan(fill0+
		`,{"do":"trunc_normal","mean":0,"std":1,"a":-2,"b":2,"dtype":"float16","shape":[3]}`+
		`,{"do":"sparse","sparsity":0.5,"std":1,"dtype":"float32","shape":[4,6],"to":{"memory":0}}`+
		`,{"do":"orthogonal","gain":2,"dtype":"float32","shape":[4,6],"to":{"memory":0,"shape":[24]}}`+
		`,{"do":"dirac","groups":2,"dtype":"float32","shape":[4,2,3],"to":{"memory":0}}`+
		`,{"do":"eye","dtype":"float32","shape":[4,6],"to":{"memory":0}}`+
		`,{"do":"seed","seed":-1,"stream":3},{"do":"normal","mean":0,"std":1,"dtype":"float64","shape":[3],"stream":3}`+
		`,{"do":"seed","seed":"plan"},{"do":"save","slot":2},{"do":"load","slot":2,"stream":3}`+
		`,{"do":"literal","literal":0,"to":{"memory":1}},{"do":"copy","from":[{"memory":0}],"to":{"memory":2}}`+
		`,{"do":"clamp","from":[{"memory":0}],"to":{"memory":0},"low":1e-4}`+
		`,{"do":"subtract","from":[{"value":1},{"memory":0}],"to":{"memory":0}}`+
		`,{"do":"norm","from":[{"memory":0,"shape":[4,6]}],"dims":[0],"to":{"memory":0,"shape":[4]}}`, one))
	var does []layout.Do
	for _, e := range l.Replay {
		does = append(does, e.Do)
	}
	require.Equal(t, []layout.Do{
		layout.Draw, layout.Draw, layout.Draw, layout.Draw, layout.Draw, layout.Draw, layout.Seed, layout.Draw, layout.Seed, layout.Save, layout.Load,
		layout.Copy, layout.Copy, layout.Clamp, layout.Subtract, layout.Norm,
	}, does)
	require.Equal(t, uint64(math.MaxUint64), *l.Replay[6].Seed)
	require.Equal(t, 3, l.Replay[7].Stream)
	require.Nil(t, l.Replay[8].Seed)
	require.Equal(t, 2, l.Replay[10].Slot)
	require.Equal(t, 3, l.Replay[10].Stream)
	require.Equal(t, 1e-4, *l.Replay[13].Low)
	require.Nil(t, l.Replay[13].High)
	require.Equal(t, []layout.Operand{{Value: 1}, {View: &layout.View{Shape: []int64{24}}}}, l.Replay[14].From)
	require.Equal(t, []int{0}, l.Replay[15].Dims)
	require.Equal(t, dist.TruncNormal{Std: 1, A: -2, B: 2}, l.Replay[1].Dist.Draw)
}
