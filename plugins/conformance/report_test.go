package conformance_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/plugins/conformance"
)

var report = conformance.Report{
	Plugin: "corp", Version: "1.0.0", Path: "./corp",
	Results: []conformance.Result{
		{Name: "start.line", Status: conformance.Pass, Duration: 31 * time.Millisecond},
		{Name: "assign.pure", Status: conformance.Fail, Reason: `mode "a<b": differs`, Duration: time.Second},
		{Name: "fill.range", Status: conformance.Skip, Reason: "no feature"},
	},
}

func TestTextHasALineACheck(t *testing.T) {
	var out bytes.Buffer
	for _, r := range report.Results {
		require.NoError(t, conformance.WriteText(&out, r))
	}
	require.NoError(t, conformance.WriteSummary(&out, report))
	require.Equal(t, "pass  start.line\n"+
		"fail  assign.pure           mode \"a<b\": differs\n"+
		"skip  fill.range            no feature\n"+
		"corp 1.0.0: 1 passed, 1 failed, 1 skipped\n", out.String())
}

func TestJSONHasEverything(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, conformance.WriteJSON(&out, report))
	require.JSONEq(t, `{"plugin":"corp","version":"1.0.0","path":"./corp","passed":1,"failed":1,"skipped":1,"checks":[
		{"name":"start.line","status":"pass","seconds":0.031},
		{"name":"assign.pure","status":"fail","reason":"mode \"a<b\": differs","seconds":1},
		{"name":"fill.range","status":"skip","reason":"no feature","seconds":0}]}`, out.String())
	out.Reset()
	require.NoError(t, conformance.WriteJSON(&out, conformance.Report{}))
	require.True(t, json.Valid(out.Bytes()))
	require.Contains(t, out.String(), `"checks": []`)
}

func TestJUnitIsXMLWithTheReasons(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, conformance.WriteJUnit(&out, report))
	var suite struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Skipped  int `xml:"skipped,attr"`
		Cases    []struct {
			Name    string `xml:"name,attr"`
			Failure *struct {
				Message string `xml:"message,attr"`
			} `xml:"failure"`
			Skipped *struct{} `xml:"skipped"`
		} `xml:"testcase"`
	}
	require.NoError(t, xml.Unmarshal(out.Bytes(), &suite))
	require.Equal(t, []int{3, 1, 1}, []int{suite.Tests, suite.Failures, suite.Skipped})
	require.Equal(t, `mode "a<b": differs`, suite.Cases[1].Failure.Message)
	require.Nil(t, suite.Cases[0].Failure)
	require.NotNil(t, suite.Cases[2].Skipped)
}
