package isa

import (
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSupportedAreThoseThatNothingLacks(t *testing.T) {
	all := Supported()
	require.Equal(t, Generic, all[0])
	for i := range ISA(len(names)) {
		require.Equal(t, slices.Contains(all, i), lacking(i) == "", i.String())
	}
}

func TestNoProcessorHasTheInstructionsOfAnother(t *testing.T) {
	all := Supported()
	foreign := map[string][]ISA{"amd64": {NEON}, "arm64": {AVX2, AVX512}}
	of, known := foreign[runtime.GOARCH]
	if !known {
		of = []ISA{AVX2, AVX512, NEON}
	}
	for _, i := range of {
		require.NotContains(t, all, i, i.String())
		_, err := Parse(i.String())
		require.ErrorContains(t, err, `instruction set "`+i.String()+`": this build has no kernels`)
	}
}

func TestNamesAreReadBack(t *testing.T) {
	for _, i := range Supported() {
		got, err := Parse(i.String())
		require.NoError(t, err)
		require.Equal(t, i, got)
	}
	got, err := Parse("auto")
	require.NoError(t, err)
	require.Equal(t, Supported()[len(Supported())-1], got)
	require.Equal(t, "ISA(9)", ISA(9).String())
}
