// Command filled is an example plugin whose modes make values themselves,
// where the vocabulary of distributions cannot say what they want.
//
// README.md walks through it.
package main

import (
	"github.com/weightinit/weightinit/plugins/sdk"
	"github.com/weightinit/weightinit/registry"
)

var plugin = sdk.Plugin{
	Name: "filled", Version: "1.0.0", Ranges: true,
	Modes: []sdk.Mode{
		{
			ID: "sinusoid", Version: 1,
			Summary:     "a table of sines and cosines as position embedding, all else normal",
			Description: "position: amplitude * sin or cos of position / base^(2i / d), made by the plugin\nother matrices: normal(0, std); norm weights 1; biases 0",
			Fixed:       true,
			New:         func() registry.Mode { return new(sinusoid) },
		},
		{
			ID: "haar", Version: 1,
			Summary:     "orthogonal matrices by a QR decomposition in float64, made by the plugin",
			Description: "matrices: gain times a Haar distributed orthogonal matrix\nembeddings and lm_head: normal(0, std); norm weights 1; biases 0",
			New:         func() registry.Mode { return new(haar) },
		},
	},
}

func main() { sdk.Serve(plugin) }
