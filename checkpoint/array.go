package checkpoint

import "github.com/weightinit/weightinit/checkpoint/npy"

// Array returns the .npy array that holds the tensor; ok is false when another
// format does. A manifest may give the tensor another DType, such as "BF16" for
// an array of "U16".
func (t Tensor) Array() (f *npy.File, ok bool) {
	s, ok := t.source.(npySource)
	return s.File, ok
}
