// Package standard registers every built-in mode with [registry.Default] when
// it is imported:
//
//	import _ "github.com/weightinit/weightinit/modes/standard"
package standard

import (
	"github.com/weightinit/weightinit/modes/hf"
	"github.com/weightinit/weightinit/modes/native"
	"github.com/weightinit/weightinit/registry"
)

func init() {
	for _, info := range append(native.Infos(), hf.Infos()...) {
		registry.Register(info)
	}
}
