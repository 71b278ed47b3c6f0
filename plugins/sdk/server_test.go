package sdk_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/weightinit/weightinit/dtype"
	"github.com/weightinit/weightinit/layout"
	"github.com/weightinit/weightinit/plugins/internal/fromproto"
	"github.com/weightinit/weightinit/plugins/internal/rpc"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/protocol/modev1"
	"github.com/weightinit/weightinit/plugins/sdk"
	"github.com/weightinit/weightinit/plugins/sdk/sdktest"
	"github.com/weightinit/weightinit/registry"
)

func TestErrorsOfModesBecomeTheProtocols(t *testing.T) {
	conn := sdktest.Connect(t, plugin)
	with := func(req *modev1.AssignRequest, change func(*modev1.AssignRequest)) *modev1.AssignRequest {
		change(req)
		return req
	}
	options := func(text string) *modev1.AssignRequest {
		return with(request("wide", "a"), func(r *modev1.AssignRequest) { r.OptionsJson = text })
	}
	for name, c := range map[string]struct {
		req     *modev1.AssignRequest
		code    codes.Code
		subject string
		want    string
	}{
		"mode":             {request("no_mode"), codes.NotFound, "no_mode@1", `unknown mode "no_mode@1"`},
		"version":          {with(request("wide"), func(r *modev1.AssignRequest) { r.ModeVersion = 2 }), codes.NotFound, "wide@2", "supported: "},
		"unknown option":   {options(`{"gian":1}`), codes.InvalidArgument, "gian", "no such option"},
		"value":            {options(`{"gain":9}`), codes.InvalidArgument, "gain", "must be at most 8"},
		"type":             {options(`{"gain":"1"}`), codes.InvalidArgument, "gain", "must be of type number"},
		"comma":            {options(`{"names":["a,b"]}`), codes.InvalidArgument, "names", "cannot have commas"},
		"options not JSON": {options(`{`), codes.FailedPrecondition, "", "options_json"},
		"no rule":          {with(request("wide", "a"), func(r *modev1.AssignRequest) { r.Params[0].Role = "unknown" }), codes.FailedPrecondition, "a", "no rule"},
		"layout error":     {request("layout_error", "a"), codes.FailedPrecondition, "a", "too small"},
		"bad layout":       {request("wide", "a", "a"), codes.FailedPrecondition, "", "duplicate parameter"},
		"plain":            {request("plain_error", "a"), codes.Internal, "", "no luck"},
		"canceled":         {request("canceled", "a"), codes.Canceled, "", "stopped"},
		"count":            {request("one", "a", "b"), codes.Internal, "", "1 distributions for 2 parameters"},
		"no draw":          {request("nothing", "a"), codes.Internal, "", "distribution 0: no distribution given"},
		"fill without":     {request("fills_without", "a"), codes.Internal, "", "it is no Filler"},
	} {
		_, err := rpc.Assign(t.Context(), conn, c.req)
		var f *wire.Failure
		require.ErrorAs(t, err, &f, name)
		require.Equal(t, c.code, f.Code, name)
		require.Equal(t, c.subject, f.Subject, name)
		require.Contains(t, f.Message, c.want, name)
	}
}

func TestOptionsReachTheMode(t *testing.T) {
	conn := sdktest.Connect(t, plugin)
	for text, want := range map[string]float64{`{}`: 1, ``: 1, `{"gain":0.1}`: 0.1, `{"gain":-0}`: 0, `{"gain":8,"names":[]}`: 8, `{"gain":5e-324,"names":["a","b"]}`: 5e-324} {
		req := request("wide", "a")
		req.OptionsJson = text
		got, err := rpc.Assign(t.Context(), conn, req)
		require.NoError(t, err, text)
		require.Equal(t, want, got.Dists[0].GetNormal().GetStd(), text)
	}
}

func fillRequest(name string, stored modev1.DType, first, count uint64) *modev1.FillRequest {
	return &modev1.FillRequest{
		Mode: "filling", ModeVersion: 2, OptionsJson: `{"gain":0.5}`, Seed: make([]byte, 32), Dtype: stored, First: first, Count: count,
		Param: &modev1.Param{Name: name, Shape: []int64{300, 100}},
	}
}

func TestFillWritesAnyRangeInAnyType(t *testing.T) {
	conn := sdktest.Connect(t, plugin)
	for _, stored := range []modev1.DType{modev1.DType_DTYPE_F32, modev1.DType_DTYPE_F64} {
		for _, r := range [][2]uint64{{0, 30000}, {29999, 1}, {17, 20001}, {5, 0}, {30000, 0}} {
			req := fillRequest("w", stored, r[0], r[1])
			req.ChunkBytes = 1 // a wish below the least
			next, largest := r[0], 0
			require.NoError(t, rpc.Fill(t.Context(), conn, req, func(first uint64, data []byte) error {
				require.Equal(t, next, first)
				largest = max(largest, len(data))
				for len(data) > 0 {
					got, size := float64(0), 8
					if stored == modev1.DType_DTYPE_F64 {
						got = math.Float64frombits(binary.LittleEndian.Uint64(data))
					} else {
						got, size = float64(math.Float32frombits(binary.LittleEndian.Uint32(data))), 4
					}
					require.Equal(t, 0.5+float64(next), got)
					data = data[size:]
					next++
				}
				return nil
			}))
			require.Equal(t, r[0]+r[1], next)
			require.LessOrEqual(t, largest, wire.MinChunk)
		}
	}
}

func TestFillsThatFailSayWhy(t *testing.T) {
	conn := sdktest.Connect(t, plugin)
	change := func(f func(*modev1.FillRequest)) *modev1.FillRequest {
		req := fillRequest("w", modev1.DType_DTYPE_F32, 0, 30000)
		f(req)
		return req
	}
	for name, c := range map[string]struct {
		req  *modev1.FillRequest
		code codes.Code
		want string
	}{
		"short":      {fillRequest("short", modev1.DType_DTYPE_F32, 0, 30000), codes.Internal, "1 are missing"},
		"long":       {fillRequest("long", modev1.DType_DTYPE_F32, 0, 30000), codes.Internal, "only 30000 are left"},
		"infinite":   {fillRequest("infinite", modev1.DType_DTYPE_F32, 0, 30000), codes.Internal, "element 0 is 1e+300, not a finite number"},
		"panics":     {fillRequest("panics", modev1.DType_DTYPE_F32, 0, 30000), codes.Internal, "the mode panicked: in Fill"},
		"outside":    {fillRequest("w", modev1.DType_DTYPE_F32, 1, 30000), codes.Internal, "are not in parameter"},
		"no mode":    {change(func(r *modev1.FillRequest) { r.Mode = "x" }), codes.NotFound, "unknown mode"},
		"no filler":  {change(func(r *modev1.FillRequest) { r.Mode, r.ModeVersion = "wide", 1 }), codes.Unimplemented, "fills nothing"},
		"short seed": {change(func(r *modev1.FillRequest) { r.Seed = r.Seed[:31] }), codes.Internal, "31 bytes"},
		"no name":    {change(func(r *modev1.FillRequest) { r.Param.Name = "" }), codes.FailedPrecondition, "name"},
	} {
		err := rpc.Fill(t.Context(), conn, c.req, func(uint64, []byte) error { return nil })
		var f *wire.Failure
		require.ErrorAs(t, err, &f, name)
		require.Equal(t, c.code, f.Code, name)
		require.Contains(t, f.Message, c.want, name)
	}
	// The host's side refuses to ask for other types; a plugin does as well.
	for _, stored := range []modev1.DType{modev1.DType_DTYPE_BF16, 0, 99} {
		stream, err := modev1.NewModeClient(conn).Fill(t.Context(), change(func(r *modev1.FillRequest) { r.Dtype = stored }))
		require.NoError(t, err)
		_, err = stream.Recv()
		require.Error(t, err)
	}
}

func TestRangesAreRefusedByPluginsThatDoNotHaveThem(t *testing.T) {
	whole := plugin
	whole.Ranges = false
	conn := sdktest.Connect(t, whole)
	none := func(uint64, []byte) error { return nil }
	require.NoError(t, rpc.Fill(t.Context(), conn, fillRequest("w", modev1.DType_DTYPE_F32, 0, 30000), none))
	err := rpc.Fill(t.Context(), conn, fillRequest("w", modev1.DType_DTYPE_F32, 0, 5), none)
	require.ErrorContains(t, err, "ranges are not supported")
	reply, err := rpc.Describe(t.Context(), conn, &modev1.DescribeRequest{})
	require.NoError(t, err)
	require.Equal(t, []string{"fill"}, reply.Features)
}

func TestPluginsThatBreakARuleAreRefusedWhenTheyStart(t *testing.T) {
	none := func(change func(*sdk.Plugin)) sdk.Plugin {
		p := sdk.Plugin{Name: "p", Version: "1.0.0", Modes: []sdk.Mode{mode("m", wide)}}
		change(&p)
		return p
	}
	for want, p := range map[string]sdk.Plugin{
		`field name "P"`:         none(func(p *sdk.Plugin) { p.Name = "P" }),
		"semantic version":       none(func(p *sdk.Plugin) { p.Version = "1" }),
		"1 to 256 entries":       none(func(p *sdk.Plugin) { p.Modes = nil }),
		"must be at least 1":     none(func(p *sdk.Plugin) { p.Modes[0].Version = 0 }),
		"has no New":             none(func(p *sdk.Plugin) { p.Modes[0].New = nil }),
		"New returned nil":       none(func(p *sdk.Plugin) { p.Modes[0].New = func() registry.Mode { return nil } }),
		"modes[0].summary":       none(func(p *sdk.Plugin) { p.Modes[0].Summary = "" }),
		"is listed twice":        none(func(p *sdk.Plugin) { p.Modes = append(p.Modes, p.Modes[0]) }),
		`already means the mode`: none(func(p *sdk.Plugin) { p.Modes = append(p.Modes, mode("n", wide)); p.Modes[1].Aliases = []string{"m"} }),
	} {
		require.ErrorContains(t, sdk.Register(grpc.NewServer(), p), want)
	}
}

func TestModesOfThePluginConform(t *testing.T) {
	only := plugin
	only.Modes = plugin.Modes[:1]
	sdktest.Modes(t, only)
}

// BenchmarkAssign goes through real gRPC and TLS to a process.
func BenchmarkAssign(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			conn := benchProcess(b)
			req := request("quiet")
			l := make([]layout.Param, n)
			for i := range n {
				l[i] = layout.Param{Name: fmt.Sprintf("model.layers.%d.self_attn.q_proj.weight", i), Shape: []int64{64, 64}}
				req.Params = append(req.Params, &modev1.Param{
					Name: l[i].Name, Shape: l[i].Shape, Dtype: modev1.DType_DTYPE_F32, Role: "q", FanIn: 64, FanOut: 64,
				})
			}
			b.ReportAllocs()
			for b.Loop() {
				reply, err := rpc.Assign(b.Context(), conn, req)
				require.NoError(b, err)
				_, err = fromproto.Dists(reply, l, fromproto.AssignRules{DType: dtype.F32})
				require.NoError(b, err)
			}
		})
	}
}

// BenchmarkFill is the throughput of 256 MiB, checked, over TLS.
func BenchmarkFill(b *testing.B) {
	conn := benchProcess(b)
	const elements = 64 << 20
	req := fillRequest("w", modev1.DType_DTYPE_F32, 0, elements)
	req.Mode, req.ModeVersion, req.Param.Shape, req.OptionsJson = "zeros", 1, []int64{elements}, ""
	b.SetBytes(4 * elements)
	for b.Loop() {
		require.NoError(b, rpc.Fill(b.Context(), conn, req, func(uint64, []byte) error { return nil }))
	}
}

// BenchmarkStart is from exec to the first reply of Describe.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		conn := benchProcess(b)
		_, err := rpc.Describe(b.Context(), conn, &modev1.DescribeRequest{})
		require.NoError(b, err)
	}
}

// BenchmarkSocketCopy is what BenchmarkFill can be measured against: the same
// bytes through a plain socket.
func BenchmarkSocketCopy(b *testing.B) {
	dir, err := os.MkdirTemp("", "wi")
	require.NoError(b, err)
	defer func() { require.NoError(b, os.RemoveAll(dir)) }()
	listener, err := net.Listen("unix", filepath.Join(dir, "s"))
	require.NoError(b, err)
	defer func() { _ = listener.Close() }()
	const size, chunk = 256 << 20, 1 << 20
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			block := make([]byte, chunk)
			for range size / chunk {
				if _, err := conn.Write(block); err != nil {
					break
				}
			}
			_ = conn.Close()
		}
	}()
	b.SetBytes(size)
	block := make([]byte, chunk)
	for b.Loop() {
		conn, err := net.Dial("unix", filepath.Join(dir, "s"))
		require.NoError(b, err)
		n := 0
		for n < size {
			got, err := conn.Read(block)
			require.NoError(b, err)
			n += got
		}
		_ = conn.Close()
	}
}
