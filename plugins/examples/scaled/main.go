// Command scaled is an example plugin with two declarative modes: both scale
// with the width that goes in, and make what is added to the residual stream
// smaller, one by the number of layers and one by the layer's own place.
//
// It draws nothing: each mode returns one distribution a parameter, and the
// host makes the numbers. README.md walks through it.
package main

import "github.com/weightinit/weightinit/plugins/sdk"

func main() { sdk.Serve(plugin) }
