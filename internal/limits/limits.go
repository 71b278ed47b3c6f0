// Package limits names, in one place, how large the parts of an input file may
// be. A message about a limit says "limit", its value and the value found.
//
// What a limit is checked against, and when, belongs to the reader of each
// format; the limits of a model in memory are in package layout.
package limits

// Limits of input files. A reader checks them before it allocates.
const (
	// SafetensorsHeader is the longest header text, in bytes: the limit of the
	// format's own reader.
	SafetensorsHeader = 100_000_000
	// NPYHeader is the longest header text, in bytes: the limit of NumPy.
	NPYHeader = 10_000
	// Dims is the most dimensions of a tensor, as in NumPy 2.
	Dims = 64
	// Depth is how many arrays and objects of JSON or YAML may be open at once.
	Depth = 64
	// Index is the largest index or manifest of a directory, in bytes.
	Index = 100_000_000
	// ConfigJSON and ConfigYAML are the largest configs, in bytes.
	ConfigJSON = 4 << 20
	ConfigYAML = 64 << 10
	// RulesYAML is the largest rule file, in bytes, and Rules the most rules.
	RulesYAML = 192 << 10
	Rules     = 2048
	// WantJSON is the largest list of regions, in bytes.
	WantJSON = 64 << 20
	// YAMLAliasNodes is how many nodes aliases may add to a config.
	YAMLAliasNodes = 10_000
	// Tensors is the most tensors of a file, a directory or a model.
	Tensors = 1_000_000
	// TensorName is the longest name, in bytes, that may become a file name.
	TensorName = 240
	// PlanText is the longest text of a plan file, in bytes; PlanSteps the most
	// steps, PlanTensors the most of anything else that it lists.
	PlanText    = 256 << 20
	PlanSteps   = 4 << 20
	PlanTensors = 1 << 20
	// PlanLiteral is the largest literal of a plan file, in bytes, and
	// PlanLiterals that of all together.
	PlanLiteral  = 64 << 20
	PlanLiterals = 256 << 20
	// Warnings is how many findings of one kind a reader lists one by one.
	Warnings = 20
)
