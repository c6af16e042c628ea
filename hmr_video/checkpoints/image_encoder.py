"""The image encoder in a weight file of the paper's model, which reads pictures."""

from pathlib import Path

import torch
from torch import Tensor

from hmr_video.assets import OTHER_WEIGHTS
from hmr_video.checkpoints.saving import checksum
from hmr_video.checkpoints.store import load_tensors
from hmr_video.errors import AssetError
from hmr_video.features.resnet50 import ResNet50

IMAGE_ENCODER = "image_encoder."


def load_image_encoder(path: Path) -> ResNet50:
    """The image encoder in a weight file, ready for inference. Raises AssetError when the file has none."""
    state = _image_encoder_tensors(path)
    with torch.device("meta"):
        encoder = ResNet50()
    counters = {name: torch.zeros((), dtype=torch.long) for name in encoder.state_dict() if name.endswith("num_batches_tracked")}
    try:
        encoder.load_state_dict(state | counters, assign=True)
    except RuntimeError as error:
        raise AssetError(f"The image encoder in {path} is not a ResNet-v2-50.", OTHER_WEIGHTS) from error
    return encoder.for_inference()


def image_encoder_hash(path: Path) -> str:
    """SHA-256 of the image encoder in a weight file, whatever else that holds. Raises AssetError when it has none."""
    return checksum(_image_encoder_tensors(path))


def _image_encoder_tensors(path: Path) -> dict[str, Tensor]:
    state = load_tensors(path, IMAGE_ENCODER)
    if not state:
        raise AssetError(
            f"{path} holds no image encoder, which the paper's model reads video with.",
            "Import it again with --hmr and the prefix of HMR's checkpoint.",
        )
    return state
