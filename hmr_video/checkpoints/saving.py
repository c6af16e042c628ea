"""Our own weight files, written and verified; `hmr_video.checkpoints.store` tells what is in them, and reads it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from hmr_video.assets import OTHER_WEIGHTS, WEIGHTS_FORMAT, open_weights, read_metadata
from hmr_video.errors import AssetError
from hmr_video.files import replacing
from hmr_video.model import HMMR


def save_model(
    path: Path,
    model: HMMR,
    metadata: Mapping[str, str],
    extra: Mapping[str, Tensor] | None = None,
    dtype: torch.dtype = torch.float32,
    overwrite: bool = False,
) -> None:
    """Writes a model, its config and ``extra`` tensors (fully named) as ``dtype``. Raises OutputError."""
    named = {f"model.{name}": tensor for name, tensor in model.state_dict().items()} | dict(extra or {})
    tensors = {
        name: (tensor.to(dtype) if tensor.is_floating_point() else tensor).detach().cpu().contiguous()
        for name, tensor in named.items()
    }
    header = dict(metadata) | {
        "format": WEIGHTS_FORMAT,
        "config": json.dumps(asdict(model.config), sort_keys=True),
        "tensors_sha256": checksum(tensors),
    }
    with replacing(path, overwrite) as temporary:
        save_file(tensors, temporary, header)


def verify(path: Path) -> None:
    """Reads every number of a weight file and compares their checksum with the recorded one. Raises AssetError."""
    recorded = read_metadata(path)["tensors_sha256"]
    with open_weights(path) as stream:
        found = checksum({name: stream.get_tensor(name) for name in stream.keys()})  # noqa: SIM118
    if found != recorded:
        raise AssetError(f"{path} is damaged: its numbers do not have the checksum recorded with them.", OTHER_WEIGHTS)


def checksum(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and bytes, in the order of names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
