// Command weightinit creates the starting weights of neural networks, bit for
// bit the numbers that PyTorch would draw.
package main

import (
	"os"

	"github.com/weightinit/weightinit/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
