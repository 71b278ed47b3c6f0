package configs

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCasesCoverEveryRowOnce(t *testing.T) {
	var want, got []string
	for i := 1; i <= 101; i++ {
		want = append(want, fmt.Sprintf("C%02d", i))
	}
	for i := 1; i <= 27; i++ {
		want = append(want, fmt.Sprintf("VC%02d", i))
	}
	for _, c := range Cases() {
		got = append(got, c.ID)
		require.NotEmpty(t, c.File, c.ID)
		require.NotZero(t, c.Verdict, c.ID)
		require.NotEqual(t, c.Bytes == nil, c.Write == nil, "%s needs one of Bytes and Write", c.ID)
	}
	require.Equal(t, want, got)
}
