package plan

// Plugin names the plugin whose mode a plan was made with.
type Plugin struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// H1 is the hash of the plugin's files, "h1:" and base64.
	H1 string `json:"h1"`
}
