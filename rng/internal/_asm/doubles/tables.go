package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"strconv"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
)

// table copies a table of package kernel, which has made it, into the
// read-only data of the assembly: the numbers of all its rows.
func (g *gen) table(name, file string) (operand.Mem, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		return operand.Mem{}, err
	}
	var numbers []float64
	ast.Inspect(parsed, func(n ast.Node) bool {
		if err != nil {
			return false
		}
		switch n := n.(type) {
		case *ast.ArrayType:
			return false // its length
		case *ast.UnaryExpr:
			var v float64
			v, err = number(n.X)
			numbers = append(numbers, -v)
			return false
		case *ast.BasicLit:
			var v float64
			v, err = number(n)
			numbers = append(numbers, v)
		}
		return true
	})
	if err != nil {
		return operand.Mem{}, fmt.Errorf("%s: %w", file, err)
	}
	m := g.StaticGlobal(name)
	g.DataAttributes(attr.RODATA | attr.NOPTR)
	for i, v := range numbers {
		g.AddDatum(8*i, operand.U64(math.Float64bits(v)))
	}
	return m, nil
}

func number(e ast.Expr) (float64, error) {
	literal, ok := e.(*ast.BasicLit)
	if !ok {
		return 0, fmt.Errorf("%T instead of a number", e)
	}
	return strconv.ParseFloat(literal.Value, 64)
}
