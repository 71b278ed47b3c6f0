package hf

import "github.com/weightinit/weightinit/layout"

func (c *Config) assignRole(p *layout.Param) {}
