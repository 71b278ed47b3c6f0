package main

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/internal/fromproto"
	"github.com/weightinit/weightinit/plugins/internal/rpc"
	"github.com/weightinit/weightinit/plugins/internal/toproto"
	"github.com/weightinit/weightinit/plugins/sdk/sdktest"
)

func TestTheProgramConforms(t *testing.T) { sdktest.Package(t) }

func TestTheModesConform(t *testing.T) { sdktest.Modes(t, plugin) }

func TestHaarMatricesAreOrthogonal(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {7, 7}, {9, 4}, {4, 9}, {130, 70}} {
		rows, columns := size[0], size[1]
		q := orthogonal(rows, columns, 3, rand.New(rand.NewChaCha8([32]byte{1})))
		at := func(i, j int) float64 { return q[i*columns+j] }
		if rows < columns {
			at = func(i, j int) float64 { return q[j*columns+i] }
		}
		long, short := max(rows, columns), min(rows, columns)
		for a := range short {
			for b := range short {
				sum := 0.0
				for i := range long {
					sum += at(i, a) * at(i, b)
				}
				want := 0.0
				if a == b {
					want = 9
				}
				require.InDelta(t, want, sum, 1e-12, size)
			}
		}
	}
}

func TestTheSinusoidIsThatOfItsFormula(t *testing.T) {
	conn := sdktest.Connect(t, plugin)
	p := layout.Param{Name: "p", Shape: []int64{5, 6}, Role: layout.Position, Layer: layout.NoLayer}
	assign, err := toproto.AssignRequest("sinusoid", 1, []byte(`{"amplitude":2}`), &layout.Layout{Params: []layout.Param{p}}, dtype.F64)
	require.NoError(t, err)
	req := toproto.FillRequest(assign, 0, [32]byte{}, dtype.F64, 0, 30, 0)
	var got []byte
	require.NoError(t, rpc.Fill(t.Context(), conn, req, func(_ uint64, data []byte) error {
		got = append(got, data...)
		return nil
	}))
	var want []byte
	for position := range 5 {
		for i := range 6 {
			angle := float64(position) * math.Pow(10000, -float64(i/2*2)/6)
			v := 2 * math.Sin(angle)
			if i%2 == 1 {
				v = 2 * math.Cos(angle)
			}
			bits := math.Float64bits(v)
			for k := range 8 {
				want = append(want, byte(bits>>(8*k)))
			}
		}
	}
	require.Equal(t, want, got)
	require.NoError(t, fromproto.NewFilling("p", dtype.F64, 0, 30).Chunk(0, got))
}
