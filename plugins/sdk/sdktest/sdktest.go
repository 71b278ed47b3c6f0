// Package sdktest runs the conformance kit from a plugin's own Go tests: on
// the modes in the test's process ([Modes]), on a program that is there
// ([Program]), or on the package in the current folder, built first
// ([Package]).
//
// The checks are those of "weightinit plugins test" (package conformance).
package sdktest

import (
	"context"
	"net"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/test/bufconn"

	"github.com/weightinit/weightinit/plugins"
	"github.com/weightinit/weightinit/plugins/conformance"
	"github.com/weightinit/weightinit/plugins/internal/rpc"
	"github.com/weightinit/weightinit/plugins/internal/wire"
	"github.com/weightinit/weightinit/plugins/sdk"
)

// Package builds the main package in the current folder, which for a test is
// its own, and runs every check on the program, each as a subtest. It needs
// the go command.
func Package(t *testing.T) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "plugin")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	cmd := exec.Command("go", "build", "-o", program, ".")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("sdktest: go build: %v\n%s", err, out)
	}
	Program(t, program)
}

// Program runs every check on a plugin on disk, each as a subtest: a program,
// or a plugin folder.
func Program(t *testing.T, path string) {
	t.Helper()
	c, err := plugins.Discover(path)
	if err != nil {
		t.Fatal(err)
	}
	report, err := conformance.Run(t.Context(), c, conformance.Options{})
	if err != nil {
		t.Fatal(err)
	}
	show(t, report)
}

// Modes serves p in the test's own process and runs the checks that need no
// other, each as a subtest: for a debugger, for coverage and for the race
// detector.
func Modes(t *testing.T, p sdk.Plugin) {
	t.Helper()
	report, err := conformance.InProcess(t.Context(), Connect(t, p), conformance.Options{})
	if err != nil {
		t.Fatal(err)
	}
	show(t, report)
}

// Connect serves p over an in-memory connection until the test ends.
func Connect(t testing.TB, p sdk.Plugin) grpc.ClientConnInterface {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer(grpc.MaxRecvMsgSize(wire.MaxMessage), grpc.MaxSendMsgSize(wire.MaxMessage))
	if err := sdk.Register(server, p); err != nil {
		t.Fatal(err)
	}
	serving := health.NewServer()
	serving.SetServingStatus(wire.HealthService, grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(server, serving)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	conn, err := grpc.NewClient("passthrough:///plugin",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithDefaultCallOptions(rpc.CallOptions()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		<-done
	})
	return conn
}

// show makes a subtest of each check.
func show(t *testing.T, report conformance.Report) {
	t.Helper()
	for _, r := range report.Results {
		t.Run(r.Name, func(t *testing.T) {
			switch r.Status {
			case conformance.Fail:
				t.Error(r.Reason)
			case conformance.Skip:
				t.Skip(r.Reason)
			}
		})
	}
}
