package battery

import (
	"math"
	"sync"
)

// The serial products of all distances up to 64 come from power spectra: values
// are cut into blocks, the spectrum of each block (padded with 64 zeros) has
// the products within it, and the products over the cuts are added one by one.
const (
	waveLength = 1024 // a power of 4
	waveBlock  = waveLength - lags
)

// wave is a complex signal, its parts apart.
type wave struct{ re, im [waveLength]float64 }

// rotations are exp(-2 pi i k / waveLength).
var rotations = sync.OnceValue(func() *wave {
	w := new(wave)
	for k := range waveLength {
		w.im[k], w.re[k] = math.Sincos(-2 * math.Pi * float64(k) / waveLength)
	}
	return w
})

// transform replaces w by its Fourier transform, whose order is that of
// [spectrumPlace]: sums of 4 values a quarter apart, then the same of each
// quarter.
func (w *wave) transform(rotate *wave) {
	for quarter := waveLength / 4; quarter > 1; quarter /= 4 {
		step := waveLength / 4 / quarter
		for start := 0; start < waveLength; start += 4 * quarter {
			re0, im0 := w.re[start:][:quarter], w.im[start:][:quarter]
			re1, im1 := w.re[start+quarter:][:quarter], w.im[start+quarter:][:quarter]
			re2, im2 := w.re[start+2*quarter:][:quarter], w.im[start+2*quarter:][:quarter]
			re3, im3 := w.re[start+3*quarter:][:quarter], w.im[start+3*quarter:][:quarter]
			for j := range re0 {
				a, b := re0[j]+re2[j], im0[j]+im2[j]
				c, d := re0[j]-re2[j], im0[j]-im2[j]
				e, f := re1[j]+re3[j], im1[j]+im3[j]
				g, h := re1[j]-re3[j], im1[j]-im3[j]
				re0[j], im0[j] = a+e, b+f
				k := uint(j * step)
				re1[j], im1[j] = times(c+h, d-g, rotate.re[k%waveLength], rotate.im[k%waveLength])
				re2[j], im2[j] = times(a-e, b-f, rotate.re[2*k%waveLength], rotate.im[2*k%waveLength])
				re3[j], im3[j] = times(c-h, d+g, rotate.re[3*k%waveLength], rotate.im[3*k%waveLength])
			}
		}
	}
	for i := 0; i+3 < waveLength; i += 4 {
		re, im := (*[4]float64)(w.re[i:]), (*[4]float64)(w.im[i:])
		a, b := re[0]+re[2], im[0]+im[2]
		c, d := re[0]-re[2], im[0]-im[2]
		e, f := re[1]+re[3], im[1]+im[3]
		g, h := re[1]-re[3], im[1]-im[3]
		re[0], im[0] = a+e, b+f
		re[1], im[1] = c+h, d-g
		re[2], im[2] = a-e, b-f
		re[3], im[3] = c-h, d+g
	}
}

// times is a complex product, no part of which may be fused.
func times(a, b, c, d float64) (float64, float64) {
	return float64(a*c) - float64(b*d), float64(a*d) + float64(b*c)
}

// spectrumPlace returns the frequency that stands at place i after transform:
// its digits in base 4, reversed.
func spectrumPlace(i int) int {
	at := 0
	for n := waveLength; n > 1; n /= 4 {
		at = at<<2 | i&3
		i >>= 2
	}
	return at
}

// serialProducts returns the sums of the products of deviations from the mean
// that are 0 to 64 places apart.
func serialProducts[T Float](values []T, mean float64) *[lags + 1]float64 {
	var power [waveLength]float64
	var products [lags + 1]float64
	// before are the last deviations of the block before, at its end.
	var w wave
	var before [lags]float64
	rotate := rotations()
	for start := 0; start < len(values); start += 2 * waveBlock {
		// Two blocks at once: the real and the imaginary part. The power of
		// both together has the products of both.
		load(w.re[:], values, start, mean)
		load(w.im[:], values, start+waveBlock, mean)
		if start > 0 {
			across(&products, &before, w.re[:lags])
		}
		copy(before[:], w.re[waveBlock-lags:waveBlock])
		across(&products, &before, w.im[:lags])
		copy(before[:], w.im[waveBlock-lags:waveBlock])
		w.transform(rotate)
		for i := range power {
			power[i] += float64(w.re[i]*w.re[i]) + float64(w.im[i]*w.im[i])
		}
	}
	for i, p := range power {
		f := spectrumPlace(i)
		p /= waveLength
		for k := range products {
			products[k] += float64(p * rotate.re[f*k%waveLength])
		}
	}
	return &products
}

// load sets dst to the deviations of a block, and to 0 where there are none.
func load[T Float](dst []float64, values []T, start int, mean float64) {
	n := max(0, min(waveBlock, len(values)-start))
	for i := range n {
		dst[i] = float64(values[start+i]) - mean
	}
	clear(dst[n:])
}

// across adds the products over the cut between two blocks.
func across(products *[lags + 1]float64, before *[lags]float64, after []float64) {
	for k := 1; k <= lags; k++ {
		earlier, later := before[lags-k:], after[:k]
		earlier = earlier[:len(later)]
		sum := 0.0
		for i, v := range later {
			sum += float64(v * earlier[i])
		}
		products[k] += sum
	}
}
