//go:build !amd64 || purego

package normal64

func blocks([]float64, []uint32, int, float64, float64, *Tables) int { return 0 }

func uniform([]float64, []uint32, int, float64, float64, float64) int { return 0 }
