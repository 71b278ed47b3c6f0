"""Build TransformerLens native models with the real TransformerLens code.

Version 1 of the modes is TransformerLens 3.7.3, version 2 is 4.3.0. One
process can hold one of them only; load() chooses which.

Only the package's own `native` modules and config are run. The package
`__init__` files, which pull in all of transformers, are skipped: empty
packages with the right search path stand in for them.
"""

import importlib
import importlib.util
import os
import sys
import types

RELEASES = {1: "3.7.3", 2: "4.3.0"}
MODES = ("gpt2", "kaiming_normal", "kaiming_uniform", "xavier_normal", "xavier_uniform")
_PACKAGES = (
    "transformer_lens",
    "transformer_lens.model_bridge",
    "transformer_lens.model_bridge.sources",
    "transformer_lens.model_bridge.sources.native",
)


class ReferenceFailure(Exception):
    """A failure to report in one line: bad input or a missing environment."""


def environment():
    """The folder that `scripts/reference/setup` fills."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.environ.get("WEIGHTINIT_REFERENCE") or os.path.join(cache, "weightinit", "reference")


def python():
    """The environment's interpreter."""
    return os.path.join(environment(), "v4", "bin", "python")


class Reference:
    """TransformerLens at one version: call build() for a model."""

    def __init__(self, version):
        if version not in RELEASES:
            raise ReferenceFailure(f'version "{version}": must be 1 or 2')
        if version == 1:
            sys.path.insert(0, os.path.join(environment(), "tl37"))
        try:
            spec = importlib.util.find_spec("transformer_lens")
            if spec is None:
                raise ImportError("transformer_lens is not installed")
            root = os.path.dirname(spec.origin)
            self.release = _release(os.path.dirname(root))
            if self.release != RELEASES[version]:
                raise ImportError(f"found {self.release}, want {RELEASES[version]}")
            for name in _PACKAGES:
                package = types.ModuleType(name)
                package.__path__ = [os.path.join(root, *name.split(".")[1:])]
                sys.modules[name] = package
            self.torch = importlib.import_module("torch")
            self._init = importlib.import_module(_PACKAGES[-1] + ".init")
            self._model = importlib.import_module(_PACKAGES[-1] + ".model")
            self._config = importlib.import_module("transformer_lens.config")
        except ImportError as err:
            raise ReferenceFailure(
                f"cannot load TransformerLens {RELEASES[version]}: {err}; run scripts/reference/setup"
            ) from err
        self.torch.set_num_threads(1)

    def build(self, config, mode, seed):
        """A NativeModel with its weights drawn; config has TransformerLens field names."""
        fields = dict(config, init_mode=mode)
        try:
            cfg = self._config.TransformerBridgeConfig(**fields)
            # nn.Linear and nn.Embedding draw from the global generator first;
            # those values are all overwritten, so its state does not matter.
            model = self._model.NativeModel(cfg)
            self._init.initialize_native_model(model, cfg, seed=seed)
        except Exception as err:  # whatever the reference refuses, in one line
            text = " ".join(str(err).split())
            raise ReferenceFailure(f"the reference refuses the config: {text}") from err
        return model

    def parameters(self, model):
        """The state dict's entries that are parameters, in state-dict order."""
        names = {name for name, _ in model.named_parameters()}
        return {k: v.detach() for k, v in model.state_dict().items() if k in names}


def _release(folder):
    """The version of the transformer_lens distribution installed in folder."""
    from importlib import metadata

    for dist in metadata.distributions(path=[folder]):
        if (dist.metadata["Name"] or "").replace("-", "_").lower() == "transformer_lens":
            return dist.version
    return "unknown"
