package plugins

import (
	"os"
	"runtime"
	"strconv"
)

// environment is all that a plugin gets to know of its host's environment. It
// is made from nothing, so that no secret of the user leaks; pass names the
// variables that the user hands through.
func environment(runID, runDir, certificate string, pass []string) []string {
	env := []string{
		cookieName + "=" + cookieValue,
		runIDName + "=" + runID,
		"PLUGIN_PROTOCOL_VERSIONS=" + strconv.Itoa(protocolVersion),
		"PLUGIN_CLIENT_CERT=" + certificate,
		"PLUGIN_UNIX_SOCKET_DIR=" + runDir,
		"TMPDIR=" + runDir,
		"PATH=" + os.Getenv("PATH"),
		"LC_ALL=C.UTF-8",
		"TZ=UTC",
		"PYTHONDONTWRITEBYTECODE=1",
	}
	if runtime.GOOS == "windows" {
		env = append(env,
			"SYSTEMROOT="+os.Getenv("SYSTEMROOT"), "TEMP="+runDir, "TMP="+runDir,
			"PLUGIN_MIN_PORT=0", "PLUGIN_MAX_PORT=1")
	}
	own := map[string]bool{}
	for _, name := range ownVariables {
		own[name] = true
	}
	for _, name := range pass {
		if value, ok := os.LookupEnv(name); ok && !own[name] {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// ownVariables cannot be handed through: the protocol gives them their values.
var ownVariables = []string{
	cookieName, runIDName, "PLUGIN_PROTOCOL_VERSIONS", "PLUGIN_CLIENT_CERT",
	"PLUGIN_UNIX_SOCKET_DIR", "TMPDIR", "PATH", "LC_ALL", "TZ",
	"PYTHONDONTWRITEBYTECODE", "SYSTEMROOT", "TEMP", "TMP", "PLUGIN_MIN_PORT", "PLUGIN_MAX_PORT",
}
