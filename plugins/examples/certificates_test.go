package examples_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightinit/weightinit/internal/needs"
)

// go-plugin's own client certificate has a P-521 key, which grpcio does not
// take: the reason why the host makes its own. When this fails for P-521, a
// newer grpcio has learnt it, and the host may stay as it is.
func TestPythonTakesTheHostsKindOfCertificateAndNotGoPluginsOwn(t *testing.T) {
	if runtime.GOOS == "windows" {
		needs.Skip(t, "needs Unix sockets")
	}
	folder := pythonPlugin(t, "mup_py")
	for _, c := range []struct {
		curve elliptic.Curve
		taken bool
	}{{elliptic.P256(), true}, {elliptic.P521(), false}} {
		t.Run(c.curve.Params().Name, func(t *testing.T) {
			cert := clientCertificate(t, c.curve)
			err := dial(t, folder, cert)
			if c.taken {
				require.NoError(t, err)
			} else {
				require.Error(t, err)
			}
		})
	}
}

func clientCertificate(t *testing.T, curve elliptic.Curve) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// dial starts the plugin with the certificate and returns what its server says
// to a connection that shows it.
func dial(t *testing.T, folder string, cert tls.Certificate) error {
	t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]})
	cmd := exec.Command(needs.Python(t), "-I", "-B", folder)
	cmd.Env = []string{
		"WEIGHTINIT_PLUGIN=b0a290f45eddece6c42d96756447d79438a2e554", "PLUGIN_PROTOCOL_VERSIONS=1",
		"PLUGIN_UNIX_SOCKET_DIR=" + t.TempDir(), "PLUGIN_CLIENT_CERT=" + string(text),
	}
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer func() {
		_ = stdin.Close() // ends the plugin
		_ = cmd.Wait()
	}()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	fields := strings.Split(strings.TrimSpace(line), "|")
	require.Len(t, fields, 6)
	der, err := base64.RawStdEncoding.DecodeString(fields[5])
	require.NoError(t, err)
	server, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(server)

	raw, err := net.Dial("unix", fields[3])
	require.NoError(t, err)
	defer func() { _ = raw.Close() }()
	require.NoError(t, raw.SetDeadline(time.Now().Add(10*time.Second)))
	conn := tls.Client(raw, &tls.Config{
		RootCAs: roots, Certificates: []tls.Certificate{cert}, ServerName: "localhost", NextProtos: []string{"h2"},
	})
	// In TLS 1.3 the server judges the client's certificate after the client
	// is done; its first bytes, HTTP/2 settings or an alert, tell.
	if err := conn.Handshake(); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 1))
	return err
}
