package elementary

import (
	"github.com/weightinit/weightinit/dist"
	"github.com/weightinit/weightinit/registry"
)

const bilinear = "(1 - |x/u - c|) (1 - |y/u - c|), u = ceil(k/2), c = (2u - 1 - u mod 2) / (2u)"

// elsewhere describes the schemes that torch.nn.init does not have.
func elsewhere() []row {
	return []row{
		{"bilinear", 1, "bilinear_upsample", bilinear, []string{
			"4 dimensions [out, in, k, k]: the upsampling kernel of width k, the same for every pair of channels",
			"for odd k the kernel is not symmetric (u mod 2 where k mod 2 is meant): kept, as the name promises MXNet's",
		}, func() registry.Mode { return &fixed{bilinear, dist.Bilinear{}} }, "MXNet, the Bilinear initializer"},
	}
}
