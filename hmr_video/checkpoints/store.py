"""Our own weight files, read: safetensors with the model's config, provenance and a checksum in the metadata.

Tensors are named ``model.*`` (HMMR's state dict); beside them may lie ``image_encoder.*``, ``discriminator.*`` and ``smpl.*``.
Metadata are strings. Required: ``format``, ``config`` (JSON of HMMRConfig), ``tensors_sha256``. Customary: ``name``, ``licence``,
``trained_on``, ``source``.
"""

import json
from pathlib import Path

import torch
from torch import Tensor

from hmr_video.assets import OTHER_WEIGHTS, open_weights, read_metadata
from hmr_video.errors import AssetError
from hmr_video.model import HMMR, HMMRConfig


def load_model(path: Path) -> tuple[HMMR, dict[str, str]]:
    """The model in a weight file, in float32 on the CPU and ready for inference, and the file's metadata.

    Raises AssetError when the file is missing, damaged, or does not fit its own config.
    """
    metadata = read_metadata(path)
    state = load_tensors(path, "model.")
    try:
        with torch.device("meta"):  # no memory and no time for an initialisation that is overwritten
            model = HMMR(HMMRConfig(**json.loads(metadata["config"])))
        model.load_state_dict(state, assign=True)
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise AssetError(f"The weights in {path} do not fit their configuration: {reason}.", OTHER_WEIGHTS) from error
    return model.eval().requires_grad_(False), metadata


def load_tensors(path: Path, prefix: str) -> dict[str, Tensor]:
    """The tensors of a weight file whose names begin with ``prefix``, without it; floats as float32. Raises AssetError."""
    with open_weights(path) as stream:
        tensors = {name: stream.get_tensor(name) for name in stream.keys() if name.startswith(prefix)}  # noqa: SIM118
    return {
        name.removeprefix(prefix): tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()
    }
