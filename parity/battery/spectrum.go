package battery

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"gonum.org/v1/gonum/dsp/fourier"
)

const (
	// spectrumValues is how many values of a tensor are correlated.
	spectrumValues = 1 << 16
	// spectrumSize is the length of a transform: zeros behind the values keep
	// the end of one tensor from standing beside the start of the other.
	spectrumSize = 2 * spectrumValues
)

// Spectrum is the Fourier transform of the first values of a tensor, for
// [Correlate]. It takes 1 MiB.
type Spectrum struct {
	n            int
	coefficients []complex128
}

// transformer holds what a transform works in, which is not to be shared.
type transformer struct {
	fft     *fourier.FFT
	values  []float64
	product []complex128
}

var transformers = sync.Pool{New: func() any {
	return &transformer{fourier.NewFFT(spectrumSize), make([]float64, spectrumSize), make([]complex128, spectrumSize/2+1)}
}}

// NewSpectrum transforms the first 65,536 values, standardised by the law. The
// values must be finite and the law no constant.
func NewSpectrum[T Float](values []T, l Law) *Spectrum {
	t := transformers.Get().(*transformer)
	defer transformers.Put(t)
	n := min(len(values), spectrumValues)
	mean, std := l.Mean(), l.Std()
	for i, v := range values[:n] {
		t.values[i] = (float64(v) - mean) / std
	}
	clear(t.values[n:])
	return &Spectrum{n, t.fft.Coefficients(nil, t.values)}
}

// Correlate tests whether the values of two tensors are correlated at any
// distance, as they are when both come from one stream though by different
// laws. Only distances at which a quarter of the shorter one's values overlap
// are looked at. The distance told is that by which a place of b is farther on
// than the place of a that it goes with.
func Correlate(a, b *Spectrum) Test {
	t := transformers.Get().(*transformer)
	defer transformers.Put(t)
	for i, x := range a.coefficients {
		y := b.coefficients[i]
		// The conjugate of x times y, in products that no processor fuses.
		re := float64(real(x)*real(y)) + float64(imag(x)*imag(y))
		im := float64(real(x)*imag(y)) - float64(imag(x)*real(y))
		t.product[i] = complex(re, im)
	}
	sums := t.fft.Sequence(t.values, t.product)
	const scale = 1.0 / spectrumSize // the library's inverse leaves it out
	least := max(1, min(a.n, b.n)/4)
	best, at, lags := 0.0, 0, 0
	for lag := least - a.n; lag <= b.n-least; lag++ {
		// b[i+lag] stands beside a[i].
		overlap := min(a.n, b.n-lag) - max(0, -lag)
		if overlap < least {
			continue
		}
		lags++
		c := sums[(lag+spectrumSize)%spectrumSize] * scale
		if z2 := float64(c*c) / float64(overlap); z2 > best {
			best, at = z2, lag
		}
	}
	z := math.Copysign(math.Sqrt(best), sums[(at+spectrumSize)%spectrumSize])
	test := newTest("T10 cross-correlation", a.n+b.n, z, most(TwoSided(z), lags), true)
	test.EffectText = fmt.Sprintf("z=%.3g at distance %d", z, at)
	return test
}

// Uniform tests whether p-values are uniform, as those of a test on many sets
// of equal data are: T12. Those that are no numbers are left out.
func Uniform(p []float64) Test {
	sorted := slices.DeleteFunc(slices.Sorted(slices.Values(p)), math.IsNaN)
	n, distance := float64(len(sorted)), 0.0
	for i, v := range sorted {
		distance = max(distance, (float64(i)+1)/n-v, v-float64(i)/n)
	}
	return newTest("T12 uniformity", len(sorted), distance, Kolmogorov(distance, n), true)
}
