package rawhost

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"

	"github.com/weightinit/weightinit/plugins/internal/wire"
)

// Carriers returns the processes whose environment carries a run id; ok tells
// whether the system can say.
func Carriers(runID string) (pids []int, ok bool) {
	list, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil, false
	}
	mark := []byte(wire.RunIDKey + "=" + runID)
	for _, path := range list {
		env, err := os.ReadFile(path)
		if err != nil {
			continue // another user's, or gone
		}
		for _, v := range bytes.Split(env, []byte{0}) {
			if bytes.Equal(v, mark) {
				pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
				pids = append(pids, pid)
			}
		}
	}
	return pids, true
}
