package hf

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
)

// maxTable is the most values of a table that are kept in memory.
const maxTable = 1 << 26

// tableEvents leaves a table in a parameter. Where each row is the same, one is
// given, and the others are copies of it.
func (e *expansion) tableEvents(t *tensor, param int) ([]layout.Event, error) {
	n, _ := layout.ElementsOf(t.shape)
	width := int64(1)
	if len(t.shape) > 0 {
		width = t.shape[len(t.shape)-1]
	}
	if width > maxTable || n > maxTable && !sameRows(t.table) {
		return nil, fmt.Errorf("a table of shape %v: the limit is %d values", t.shape, maxTable)
	}
	if sameRows(t.table) {
		row, err := e.rowOf(t, width)
		if err != nil {
			return nil, err
		}
		first := layout.View{Param: param, Shape: []int64{width}}
		out := []layout.Event{{Do: layout.Copy, Param: layout.Lost, To: first, From: []layout.Operand{{Literal: row}}}}
		if rows := n / width; rows > 1 {
			from := layout.View{Param: param, Shape: []int64{rows - 1, width}, Strides: []int64{0, 1}}
			to := layout.View{Param: param, Offset: width, Shape: []int64{rows - 1, width}}
			out = append(out, layout.Event{Do: layout.Copy, Param: layout.Lost, To: to, From: []layout.Operand{{View: &from}}})
		}
		return out, nil
	}
	values, err := tableValues(t)
	if err != nil {
		return nil, err
	}
	whole := layout.View{Param: param, Shape: t.shape}
	return []layout.Event{{Do: layout.Copy, Param: layout.Lost, To: whole, From: []layout.Operand{{Literal: float32s(values)}}}}, nil
}

// sameRows tells whether a table is the same along its last dimension for all
// the others.
func sameRows(table string) bool { return strings.Contains(table, "arange") }

// rowOf is a row of a table that has the same in each.
func (e *expansion) rowOf(t *tensor, width int64) (*layout.Literal, error) {
	values := make([]float64, width)
	for i := range values {
		values[i] = float64(i)
		switch t.table {
		case "arange":
		case "arange+1":
			values[i]++
		case "arange+2":
			values[i] += 2
		case "log(arange+1)":
			values[i] = float64(log32(i + 1))
		case "log(arange+1) in D":
			if e.c.made == dtype.F64 {
				return float64s(func(i int) float64 { return math.Log(float64(i + 1)) }, width), nil
			}
			values[i] = float64(log32(int(round(float64(i+1), e.c.made))))
		default:
			return nil, fmt.Errorf("table %q is not known", t.table)
		}
	}
	if t.dtype.Whole() {
		return wholes(values, t.dtype), nil
	}
	return float32s(values), nil
}

// wholes are whole numbers in a type that holds nothing else.
func wholes(values []float64, t dtype.Type) *layout.Literal {
	l := &layout.Literal{DType: t}
	for _, v := range values {
		l.Data = append(l.Data, binary.LittleEndian.AppendUint64(nil, uint64(int64(v)))[:t.Size()]...)
	}
	return l
}

// round is v in a half type.
func round(v float64, t dtype.Type) float64 {
	bits := map[dtype.Type]int{dtype.BF16: 8, dtype.F16: 11}[t]
	if bits == 0 || v == 0 {
		return v
	}
	_, exponent := math.Frexp(v)
	unit := math.Ldexp(1, exponent-bits)
	return math.RoundToEven(v/unit) * unit
}

// tableValues are the values of a table with rows of its own.
func tableValues(t *tensor) ([]float64, error) {
	if list, ok := strings.CutPrefix(t.table, "const "); ok {
		var out []float64
		for text := range strings.SplitSeq(list, ",") {
			v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	}
	if len(t.shape) != 2 {
		return nil, fmt.Errorf("table %q of shape %v", t.table, t.shape)
	}
	rows, width := int(t.shape[0]), int(t.shape[1])
	out := make([]float64, 0, rows*width)
	for p := range rows {
		for column := range width {
			j := column
			switch t.table {
			case "sinusoid pairs":
			case "sinusoid halves":
				even := (width + 1) / 2
				if j = 2 * column; column >= even {
					j = 2*(column-even) + 1
				}
			default:
				return nil, fmt.Errorf("table %q is not known", t.table)
			}
			angle := float64(p) / math.Pow(10000, 2*float64(j/2)/float64(width))
			if j%2 == 0 {
				out = append(out, math.Sin(angle))
			} else {
				out = append(out, math.Cos(angle))
			}
		}
	}
	return out, nil
}

// float32s are values rounded to float32.
func float32s(values []float64) *layout.Literal {
	l := &layout.Literal{DType: dtype.F32}
	for _, v := range values {
		l.Data = binary.LittleEndian.AppendUint32(l.Data, math.Float32bits(float32(v)))
	}
	return l
}

func float64s(value func(i int) float64, n int64) *layout.Literal {
	l := &layout.Literal{DType: dtype.F64}
	for i := range int(n) {
		l.Data = binary.LittleEndian.AppendUint64(l.Data, math.Float64bits(value(i)))
	}
	return l
}

// log32 is the logarithm of a whole number in float32.
func log32(n int) float32 { return float32(math.Log(float64(n))) }
