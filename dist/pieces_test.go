package dist_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
)

func TestPieces(t *testing.T) {
	normal, eye := dist.Of(dist.Normal{Std: 1}, "n"), dist.Of(dist.Eye{}, "e", dist.Multiply{By: 2})
	require.Equal(t, dist.Dist{Draw: dist.Eye{}, Formula: "e", Post: []dist.Post{dist.Multiply{By: 2}}}, eye)
	of := func(dists ...dist.Dist) dist.Dist { return dist.Dist{Draw: dist.Pieces{Dists: dists}} }
	require.NoError(t, of(normal, eye).Check(math.MaxFloat32))
	for fault, d := range map[string]dist.Dist{
		"pieces: there are none":   of(),
		"piece 1 is fill":          of(normal, dist.Of(dist.Filled{}, "")),
		"piece 0 is pieces":        of(of(normal)),
		"piece 0 is blocks":        of(dist.Of(dist.Blocks{Parts: []dist.Part{{Rows: 1, Dist: normal}}}, "")),
		"piece 1: dist: normal":    of(normal, dist.Of(dist.Normal{Std: -1}, "")),
		"piece 0: dist: no distri": of(dist.Dist{}),
		"block 0 is pieces, which": dist.Of(dist.Blocks{Parts: []dist.Part{{Rows: 1, Dist: of(normal)}}}, ""),
	} {
		require.ErrorContains(t, d.Check(math.MaxFloat32), fault)
	}
	require.True(t, of(normal, eye).Equal(of(normal, eye)))
	require.False(t, of(normal, eye).Equal(of(eye, normal)))
	require.False(t, of(normal).Equal(of(normal, eye)))
	require.False(t, of(normal).Equal(normal))
	require.False(t, normal.Equal(of(normal)))
}
