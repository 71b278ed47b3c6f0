"""What transformers' save_pretrained writes of a model: for the program, and for real."""

import glob
import os
import tempfile


def names(model):
    """Name to tensor, of the model's own memory: ties left out, stacked experts as slices.

    The steps of save_pretrained before it writes, without its copies.
    """
    from transformers.core_model_loading import revert_weight_conversion
    from transformers.modeling_utils import remove_tied_weights_from_state_dict

    state = model.state_dict()
    for key in model._keys_to_ignore_on_save or ():
        state.pop(key, None)
    return dict(revert_weight_conversion(model, remove_tied_weights_from_state_dict(state, model)))


def file(model):
    """Name to tensor of the files that save_pretrained writes."""
    from safetensors.torch import load_file

    out = {}
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        for path in sorted(glob.glob(os.path.join(folder, "*.safetensors"))):
            out.update(load_file(path))
    return out
