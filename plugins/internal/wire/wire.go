// Package wire holds what both ends of the plugin protocol must agree on
// beside the messages: names in the environment, limits, features and the
// seed of a filled parameter.
//
// The messages are in plugins/protocol; package toproto makes them, package
// fromproto checks them, package rpc sends them.
package wire

import (
	"crypto/sha256"
	"regexp"
	"strconv"

	"github.com/weightinit/weightinit/dtype"
)

// Names and values of the handshake.
const (
	// CookieKey and CookieValue tell a program that it was started as a
	// plugin. They never change.
	CookieKey   = "WEIGHTINIT_PLUGIN"
	CookieValue = "b0a290f45eddece6c42d96756447d79438a2e554"
	// RunIDKey marks the plugin's process and its children.
	RunIDKey = "WEIGHTINIT_RUN_ID"
	// CertKey carries the host's one-time certificate as PEM.
	CertKey = "PLUGIN_CLIENT_CERT"
	// Version is the major version: field 2 of the handshake line, and the
	// digit in the protobuf package.
	Version = 1
	// PluginName is the one entry of go-plugin's plugin map.
	PluginName = "mode"
	// HealthService is the service whose health the host asks for.
	HealthService = "plugin"
	// ErrorTrailer is the trailer that carries a serialised ErrorDetail.
	ErrorTrailer = "weightinit-error-bin"
)

// The features of the first release. A plugin lists what it can do in
// Describe, the host what it understands in its request.
const (
	FeatureFill  = "fill"
	FeatureRange = "fill.range"
)

// HostFeatures are the features that this host understands.
func HostFeatures() []string { return []string{FeatureFill, FeatureRange} }

// Limits of messages and their fields. Lengths are bytes.
const (
	MaxHandshake   = 8 << 10
	MaxMessage     = 64 << 20
	MaxParams      = 500_000
	MaxParamName   = 512
	MaxDims        = 8
	MaxModes       = 256
	MaxFeatures    = 64
	MaxAliases     = 8
	MaxVersion     = 64
	MaxSDK         = 32
	MaxSummary     = 200
	MaxDescription = 16 << 10
	MaxSchema      = 64 << 10
	MaxCitation    = 1 << 10
	MaxOptions     = 64 << 10
	MaxProperties  = 64
	MaxConfig      = 1 << 20
	MaxPosts       = 8
	MaxFormula     = 200
	// MaxBlocks holds for one parameter, MaxAllBlocks for one reply. Ranges
	// of rows to zero count as blocks.
	MaxBlocks    = 65_536
	MaxAllBlocks = 1_000_000
	// MaxPieces holds for one parameter, MaxAllPieces for one request.
	MaxPieces    = 65_536
	MaxAllPieces = 1_000_000
)

// Sizes of the chunks of Fill, in bytes.
const (
	MinChunk     = 64 << 10
	DefaultChunk = 1 << 20
	MaxChunk     = 4 << 20
	SeedBytes    = sha256.Size
)

// The rules of names.
var (
	PluginRule  = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
	ModeRule    = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
	FeatureRule = regexp.MustCompile(`^[a-z][a-z0-9_.]{0,63}$`)
	OptionRule  = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)
)

// Reserved reports whether a plugin may not have the name because it means
// something else on the command line or in records.
func Reserved(name string) bool {
	return name == "weightinit" || name == "torch" || name == "std"
}

// FillSeed returns the seed from which a plugin makes the values of one
// parameter: it depends on the run's seed, the full id of the mode (as in
// "corp.wide@1"), the parameter's name and the compute type, and on nothing
// else, so neither order nor shards nor threads change the values.
func FillSeed(seed uint64, mode, param string, stored dtype.Type) [SeedBytes]byte {
	compute := "F32"
	if stored.Compute() == dtype.F64 {
		compute = "F64"
	}
	return sha256.Sum256([]byte("weightinit.fill.v1\n" + strconv.FormatUint(seed, 10) + "\n" + mode + "\n" + param + "\n" + compute + "\n"))
}
