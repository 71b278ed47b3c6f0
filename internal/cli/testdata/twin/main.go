// Command twin is a plugin that serves the built-in modes: what it assigns must
// make the very files that the built-in ones make.
package main

import (
	"github.com/weightinit/weightinit/modes/native"
	"github.com/weightinit/weightinit/plugins/sdk"
)

func main() {
	p := sdk.Plugin{Name: "twin", Version: "1.0.0"}
	for _, info := range native.Infos() {
		p.Modes = append(p.Modes, sdk.Mode{
			ID: info.ID.Name, Version: info.ID.Version, Default: info.Default, Summary: info.Summary, New: info.New,
		})
	}
	sdk.Serve(p)
}
