package dist_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/dist"
)

func TestNewIsTheInverseOfNumbers(t *testing.T) {
	for _, family := range dist.Families() {
		numbers := dist.Numbers(family)
		for i := range numbers {
			switch numbers[i].Value.(type) {
			case float64:
				numbers[i].Value = -1.5 - float64(i)
			case int64:
				numbers[i].Value = int64(7 + i)
			case []int64:
				numbers[i].Value = []int64{3, 2}
			case string:
				numbers[i].Value = "unit_then_scale"
			case []dist.Part:
				numbers[i].Value = []dist.Part{{Rows: 2, Dist: dist.Dist{Draw: dist.Eye{}}}}
			case []dist.Dist:
				numbers[i].Value = []dist.Dist{{Draw: dist.Eye{}}}
			default:
				require.Fail(t, "no test of this number", "%s: %v", family.Kind(), numbers[i])
			}
		}
		made, err := dist.New(family.Kind(), numbers)
		require.NoError(t, err)
		require.IsType(t, family, made)
		require.Equal(t, numbers, dist.Numbers(made))
		one, other := dist.Dist{Draw: made}, dist.Dist{Draw: family}
		require.True(t, one.Equal(one))
		require.Equal(t, len(numbers) == 0, one.Equal(other), family.Kind())
	}
}

func TestNumbersThatAFamilyDoesNotHaveAreErrors(t *testing.T) {
	for _, c := range []struct {
		kind, name string
		value      any
		text       string
	}{
		{"gumbel", "mean", 1.0, "no such distribution"},
		{"normal", "width", 1.0, `no number is called "width"`},
		{"normal", "std", int64(1), "std is a float64, not a int64"},
		{"normal", "std", nil, "std is a float64"},
		{"trunc_normal", "algorithm", "other", `unknown algorithm "other"`},
	} {
		_, err := dist.New(c.kind, []dist.Number{{Name: c.name, Value: c.value}})
		require.ErrorContains(t, err, c.text)
	}
	_, err := dist.NewPost("add", 1.0)
	require.ErrorContains(t, err, "no such step")
	_, err = dist.NewPost("multiply", int64(1))
	require.ErrorContains(t, err, "float64")
	p, err := dist.NewPost("divide", 2.0)
	require.NoError(t, err)
	require.Equal(t, dist.Divide{By: 2}, p)
}

func TestZerosOfDifferentSignAreNotEqual(t *testing.T) {
	zero, minus := dist.Dist{Draw: dist.Constant{}}, dist.Dist{Draw: dist.Constant{Value: math.Copysign(0, -1)}}
	require.False(t, zero.Equal(minus))
	require.True(t, minus.Equal(minus))
	require.False(t, zero.Equal(dist.Dist{}))
}
