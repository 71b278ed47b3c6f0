//go:build linux

package plugins

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/weightinit/weightinit/plugins/protocol/modev1"
)

// ownCert makes a certificate that ends after a while, which may be negative.
func ownCert(valid time.Duration, host string) tls.Certificate {
	key, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotBefore: now.Add(-2 * time.Hour), NotAfter: now.Add(valid),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func certText(c tls.Certificate) string {
	return base64.RawStdEncoding.EncodeToString(c.Certificate[0])
}

func listen() (net.Listener, string) {
	path := filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(9)
	}
	return l, path
}

// actLine prints a line of its own making while a socket is there.
func actLine(args []string) {
	_, path := listen()
	_ = os.Symlink("/dev/log", filepath.Join(filepath.Dir(path), "link"))
	_ = os.WriteFile(filepath.Join(filepath.Dir(path), "file"), nil, 0o600)
	_ = os.Mkdir(filepath.Join(filepath.Dir(path), "sub"), 0o700)
	line := strings.NewReplacer(
		"{sock}", path, "{dir}", filepath.Dir(path), "{cert}", certText(ownCert(time.Hour, "localhost")),
		"{expired}", certText(ownCert(-time.Hour, "localhost")), "{other}", certText(ownCert(time.Hour, "example.org")),
		"{long}", strings.Repeat("a", 100), "{esc}", "\x1b[2J\x1b]0;owned\x07", "{nul}", "\x00", "{nl}", "\n",
	).Replace(args[0])
	fmt.Print(line + "\n")
	forever()
}

// announce prints a sound handshake line and lets use have the listener.
func announce(use func(l net.Listener)) {
	l, path := listen()
	fmt.Printf("1|1|unix|%s|grpc|%s\n", path, certText(ownCert(time.Hour, "localhost")))
	use(l)
}

func acceptAll(l net.Listener, use func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go use(c)
	}
}

func serverTLS(cert tls.Certificate) *tls.Config {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(os.Getenv("PLUGIN_CLIENT_CERT")))
	return &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, NextProtos: []string{"h2"}}
}

// bare is a gRPC server without go-plugin's own services, and with gRPC's
// usual limit of 4 MiB.
func bare(creds credentials.TransportCredentials, withHealth bool, s *server, state ...grpc_health_v1.HealthCheckResponse_ServingStatus) *grpc.Server {
	var options []grpc.ServerOption
	if creds != nil {
		options = append(options, grpc.Creds(creds))
	}
	g := grpc.NewServer(options...)
	if withHealth {
		h := health.NewServer()
		h.SetServingStatus("plugin", append(state, grpc_health_v1.HealthCheckResponse_SERVING)[0])
		grpc_health_v1.RegisterHealthServer(g, h)
	}
	if s != nil {
		modev1.RegisterModeServer(g, s)
	}
	return g
}

// serveOwn announces one certificate and serves with another.
func serveOwn(announced tls.Certificate, make func(credentials.TransportCredentials) *grpc.Server, served tls.Certificate) {
	l, path := listen()
	fmt.Printf("1|1|unix|%s|grpc|%s\n", path, certText(announced))
	_ = make(credentials.NewTLS(serverTLS(served))).Serve(l)
}

func serveOwnServer(withHealth bool, s *server, state ...grpc_health_v1.HealthCheckResponse_ServingStatus) {
	cert := ownCert(time.Hour, "localhost")
	serveOwn(cert, func(c credentials.TransportCredentials) *grpc.Server { return bare(c, withHealth, s, state...) }, cert)
}

// serveHTTP serves HTTP/2 over TLS that need not be gRPC.
func serveHTTP(handler http.HandlerFunc) {
	cert := ownCert(time.Hour, "localhost")
	l, path := listen()
	fmt.Printf("1|1|unix|%s|grpc|%s\n", path, certText(cert))
	s := &http.Server{Handler: handler, TLSConfig: serverTLS(cert)}
	_ = s.ServeTLS(l, "", "")
}

func healthOK(w http.ResponseWriter, r *http.Request) bool {
	if !strings.Contains(r.URL.Path, "Health") {
		return false
	}
	grpcReply(w, []byte{8, 1})
	return true
}

func grpcReply(w http.ResponseWriter, message []byte) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status")
	frame := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	_, _ = w.Write(append(frame, message...))
	w.Header().Set("Grpc-Status", "0")
}
