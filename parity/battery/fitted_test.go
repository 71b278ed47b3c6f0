package battery_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/parity/battery"
	"github.com/weightinit/weightinit/rng"
)

// A law that is far off is moved to the values, so that values of another
// scale do not look like copies of each other; one that fits stays as it is.
func TestALawThatIsFarOffIsFitted(t *testing.T) {
	values := make([]float32, 1<<16)
	rng.Fill(rng.New(1), dist.Dist{Draw: dist.Normal{Std: 1}}, values)
	fits, _ := battery.LawOf(dist.Dist{Draw: dist.Normal{Std: 1.01}})
	same, ok := battery.Fitted(fits, values)
	require.True(t, ok)
	require.Equal(t, fits, same)
	wrong, _ := battery.LawOf(dist.Dist{Draw: dist.Normal{Mean: 5, Std: 0.01}})
	moved, ok := battery.Fitted(wrong, values)
	require.True(t, ok)
	require.InDelta(t, 0, moved.Mean(), 0.02)
	require.InDelta(t, 1, moved.Std(), 0.02)
	require.InDelta(t, 0.5, moved.CDF(moved.Mean()), 1e-9)
	_, ok = battery.Fitted(wrong, make([]float32, 20))
	require.False(t, ok, "equal values have no law")

	other := make([]float32, 1<<16)
	rng.Fill(rng.New(2), dist.Dist{Draw: dist.Normal{Std: 1}}, other)
	r := battery.NewReuse(1 << 17)
	battery.Add(r, 0, values, moved)
	fitted, _ := battery.Fitted(wrong, other)
	battery.Add(r, 1, other, fitted)
	require.Empty(t, r.Find())
}
