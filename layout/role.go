package layout

// Role says what a parameter does in a model. Rules of modes go by it.
//
// The roles of this package are all in one table, see [Roles]. Others are
// possible, such as those of a model of one's own: a mode that has no rule for a
// role must refuse it.
type Role string

// The known roles. A bias has the role of its matrix with "_bias" behind it.
const (
	Embedding Role = "embedding"  // rows of tokens
	Position  Role = "position"   // rows of learned positions
	TokenType Role = "token_type" // rows of segments
	Query     Role = "q"
	Key       Role = "k"
	Value     Role = "v"
	QKV       Role = "qkv" // q, k and v in one, see Param.Pieces
	AttnOut   Role = "attn_out"
	MLPIn     Role = "mlp_in"
	Gate      Role = "gate"
	GateUp    Role = "gate_up" // gate and mlp_in in one
	MLPOut    Role = "mlp_out"
	LMHead    Role = "lm_head"
	Router    Role = "router" // chooses the experts

	NormWeight Role = "norm_weight"
	NormBias   Role = "norm_bias"

	QueryBias   Role = "q_bias"
	KeyBias     Role = "k_bias"
	ValueBias   Role = "v_bias"
	QKVBias     Role = "qkv_bias"
	AttnOutBias Role = "attn_out_bias"
	MLPInBias   Role = "mlp_in_bias"
	GateBias    Role = "gate_bias"
	GateUpBias  Role = "gate_up_bias"
	MLPOutBias  Role = "mlp_out_bias"
	LMHeadBias  Role = "lm_head_bias"

	RelPosBias     Role = "rel_pos_bias" // a table of attention biases by distance
	ClsToken       Role = "cls_token"
	RegToken       Role = "reg_token" // registers of a vision transformer
	PatchEmbed     Role = "patch_embed"
	PatchEmbedBias Role = "patch_embed_bias"
	ValueEmbed     Role = "value_embed" // rows of tokens that are mixed into v
	ResidScale     Role = "resid_scale" // multiplies the residual stream
	X0Scale        Role = "x0_scale"    // multiplies the embedding that is mixed in again
	ResidGate      Role = "resid_gate"  // multiplies a branch, at first 0
	BranchScale    Role = "branch_scale"
	BranchBias     Role = "branch_bias"
	SmallGate      Role = "small_gate" // a gate of a few inputs

	// Tensor is the role of a tensor that belongs to no model: the one of
	// the command "weightinit tensor". It is not among the [Roles].
	Tensor Role = "tensor"
)

// Kind says what a parameter of a role is.
type Kind uint8

// The kinds of roles.
const (
	// UnknownKind is that of a role that is not among the [Roles].
	UnknownKind Kind = iota
	// Matrix takes vectors to vectors, or is a table of rows.
	Matrix
	// Vector has values along one width.
	Vector
	// Scalar is a single number, in a layer or at some place of it. A model
	// may store those of all layers in one parameter.
	Scalar
)

var kindNames = [...]string{"unknown", "matrix", "vector", "scalar"}

// String returns the name, such as "matrix".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return kindNames[UnknownKind]
}

// roles is the table of all known roles: one row each, biases with the role
// whose output they are added to.
var roles = []struct {
	role Role
	kind Kind
	of   Role
}{
	{Embedding, Matrix, ""},
	{Position, Matrix, ""},
	{TokenType, Matrix, ""},
	{Query, Matrix, ""},
	{Key, Matrix, ""},
	{Value, Matrix, ""},
	{QKV, Matrix, ""},
	{AttnOut, Matrix, ""},
	{MLPIn, Matrix, ""},
	{Gate, Matrix, ""},
	{GateUp, Matrix, ""},
	{MLPOut, Matrix, ""},
	{LMHead, Matrix, ""},
	{Router, Matrix, ""},
	{NormWeight, Vector, ""},
	{NormBias, Vector, NormWeight},
	{QueryBias, Vector, Query},
	{KeyBias, Vector, Key},
	{ValueBias, Vector, Value},
	{QKVBias, Vector, QKV},
	{AttnOutBias, Vector, AttnOut},
	{MLPInBias, Vector, MLPIn},
	{GateBias, Vector, Gate},
	{GateUpBias, Vector, GateUp},
	{MLPOutBias, Vector, MLPOut},
	{LMHeadBias, Vector, LMHead},
	{RelPosBias, Matrix, ""},
	{ClsToken, Vector, ""},
	{RegToken, Vector, ""},
	{PatchEmbed, Matrix, ""},
	{PatchEmbedBias, Vector, PatchEmbed},
	{ValueEmbed, Matrix, ""},
	{ResidScale, Scalar, ""},
	{X0Scale, Scalar, ""},
	{ResidGate, Scalar, ""},
	{BranchScale, Scalar, ""},
	{BranchBias, Scalar, ""},
	{SmallGate, Matrix, ""},
}

// Roles returns the known roles in a fixed order.
func Roles() []Role {
	out := make([]Role, len(roles))
	for i, row := range roles {
		out[i] = row.role
	}
	return out
}

// Kind returns what a parameter of the role is.
func (r Role) Kind() Kind {
	for _, row := range roles {
		if row.role == r {
			return row.kind
		}
	}
	return UnknownKind
}

// BiasOf returns the role of the weight whose output the bias r is added to;
// empty for a role that is no such bias.
func (r Role) BiasOf() Role {
	for _, row := range roles {
		if row.role == r {
			return row.of
		}
	}
	return ""
}
