package fromproto_test

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/internal/fromproto"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

func TestMem(t *testing.T) {
	list := make([]*modev1.Block, 62500)
	for i := range list {
		list[i] = &modev1.Block{Rows: 1, Dist: &modev1.Dist{Kind: &modev1.Dist_Normal{Normal: &modev1.Normal{Std: 1, Mean: 2}}}}
	}
	reply := &modev1.AssignReply{}
	params := make([]layout.Param, 16)
	for i := range params {
		params[i] = layout.Param{Name: "w", Shape: []int64{62500}}
		reply.Dists = append(reply.Dists, blocks(list...))
	}
	raw, err := proto.Marshal(reply)
	require.NoError(t, err)
	reply, list = nil, nil
	debug.FreeOSMemory()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	require.NoError(t, fromproto.ScanAssign(raw, make([]*modev1.Param, 16)))
	var m modev1.AssignReply
	require.NoError(t, proto.Unmarshal(raw, &m))
	got, err := fromproto.Dists(&m, params, fromproto.AssignRules{DType: layout.F32})
	require.NoError(t, err)
	runtime.ReadMemStats(&after)
	t.Log(len(raw)>>20, "MiB on the wire", (after.HeapAlloc-before.HeapAlloc)>>20, "MiB", time.Since(began), len(got))
}
