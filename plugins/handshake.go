package plugins

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/weightinit/weightinit/internal/shown"
	"github.com/weightinit/weightinit/plugins/internal/wire"
)

// The names and values of the environment that the protocol fixes.
const (
	cookieName  = wire.CookieKey
	cookieValue = wire.CookieValue
	runIDName   = wire.RunIDKey
	// protocolVersion is the major version of the protocol: field 2 of the
	// handshake line.
	protocolVersion = wire.Version
	// protocolName is the protocol's package, as a lock file names it.
	protocolName = "weightinit.mode.v1"
)

const onlyHandshake = "; a plugin must print nothing else on stdout"

// handshake is a checked first line of stdout.
type handshake struct {
	network, address string
	// line is the text without its newline, made of the checked fields only.
	line string
}

// parseHandshake checks the first line, without its newline, of a plugin that
// runs in runDir.
func parseHandshake(line, runDir string, now time.Time) (handshake, error) {
	var h handshake
	refuse := func(format string, args ...any) (handshake, error) {
		return handshake{}, fail(ErrHandshake, fmt.Sprintf(format, args...))
	}
	fields := strings.Split(strings.TrimSuffix(line, "\r"), "|")
	if len(fields) < 4 || !allDigits(fields[0]) || !allDigits(fields[1]) {
		return refuse("first output line is not a handshake: %s%s", said(line), onlyHandshake)
	}
	if fields[0] != "1" {
		return refuse("handshake: core protocol %s in field 1, this weightinit speaks 1: rebuild the plugin with the SDK", said(fields[0]))
	}
	if version, err := strconv.Atoi(fields[1]); err != nil || version != protocolVersion {
		return refuse("speaks protocol %s, this weightinit speaks %d: take a version of the plugin, or of weightinit, that fits the other", shown.Cut(fields[1], 40), protocolVersion)
	}
	if len(fields) < 5 || fields[4] != "grpc" {
		got := "nothing"
		if len(fields) >= 5 {
			got = said(fields[4])
		}
		return refuse("handshake: field 5 must be \"grpc\", found %s: rebuild the plugin with the SDK", got)
	}
	h.network, h.address = fields[2], fields[3]
	if problem := checkAddress(h.network, h.address, runDir); problem != "" {
		return refuse("handshake: %s", problem)
	}
	if len(fields) < 6 || fields[5] == "" {
		return refuse("handshake: no certificate in field 6: the plugin must serve TLS, rebuild it with the SDK")
	}
	if problem := checkCertificate(fields[5], now); problem != "" {
		return refuse("handshake: certificate in field 6: %s", problem)
	}
	h.line = strings.Join(fields[:6], "|")
	return h, nil
}

func allDigits(s string) bool {
	return s != "" && len(s) <= 9 && strings.Trim(s, "0123456789") == ""
}

// checkAddress says why the host must not connect to an address, or "".
func checkAddress(network, address, runDir string) string {
	if runtime.GOOS == "windows" {
		host, port, err := net.SplitHostPort(address)
		if network != "tcp" || err != nil || host != "127.0.0.1" || !allDigits(port) {
			return fmt.Sprintf("address %s of network %s is not a port of 127.0.0.1 over tcp", said(address), said(network))
		}
		return ""
	}
	if network != "unix" {
		return fmt.Sprintf("network %s in field 3 must be \"unix\"", said(network))
	}
	switch {
	case len(address) > maxSocketPath:
		return fmt.Sprintf("the socket's path %s has %d bytes, the limit is %d", said(address), len(address), maxSocketPath)
	case !filepath.IsAbs(address) || filepath.Clean(address) != address || filepath.Dir(address) != runDir:
		return fmt.Sprintf("the socket %s does not lie in the plugin's working directory", said(address))
	}
	info, err := os.Lstat(address)
	if err != nil || info.Mode()&fs.ModeSocket == 0 {
		return fmt.Sprintf("no socket at %s", said(address))
	}
	return ""
}

// checkCertificate says why a certificate cannot be the plugin's, or "". What
// it proves is that the peer of the connection is who wrote the line; nobody
// else vouches for it.
func checkCertificate(text string, now time.Time) string {
	der, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if err != nil {
		return "not base64 without padding"
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return "not a certificate: " + said(err.Error())
	}
	// A plugin may round its times to seconds.
	if now.Add(time.Second).Before(cert.NotBefore) || now.After(cert.NotAfter) {
		return fmt.Sprintf("valid from %s to %s, not now", cert.NotBefore.UTC().Format(time.RFC3339), cert.NotAfter.UTC().Format(time.RFC3339))
	}
	if cert.VerifyHostname("localhost") != nil {
		return "not for the name \"localhost\""
	}
	return ""
}
