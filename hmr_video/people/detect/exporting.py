"""A YOLO pose network taken apart for CPUs: a trunk for OpenVINO, and what `hmr_video.people.detect.heads` computes.

Not ultralytics' own export: with that, `convert --landmarks none` takes 15 to 19 % more processor time on the samples in
bfloat16, which rounds off coordinates (bodies differ by 5 mm), and 60 to 68 % more in float32.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hmr_video.errors import AssetError
from hmr_video.people.detect.heads import LAYERS
from hmr_video.people.detect.openvino import import_openvino, unreported
from hmr_video.people.detect.ultralytics import import_ultralytics, refuse_other_keypoints, silence

_EXAMPLE = (1, 3, 64, 96)


def export(weights: Path, trunk: Path, heads: Path) -> None:
    """Writes the parts of a YOLO pose network: an OpenVINO model, and matrices as NPZ. Raises AssetError for other networks."""
    import_ultralytics()
    openvino = import_openvino()
    from ultralytics.models import YOLO
    from ultralytics.nn.modules.head import Pose

    with silence():
        model: Any = YOLO(str(weights), task="pose").model
        network = model.float().eval().fuse()
    head = network.model[-1]
    refuse_other_keypoints(weights, getattr(head, "kpt_shape", None))
    if type(head) is not Pose or getattr(head, "end2end", False):
        raise AssetError(
            f"{weights.name} ends in layers of another kind than YOLOv8's and YOLO11's, which alone run in OpenVINO here.",
            "Use --detector-engine torch.",
        )
    with silence(), unreported():
        converted = openvino.convert_model(_Trunk(network).eval(), example_input=torch.rand(_EXAMPLE), input=[-1, 3, -1, -1])
        openvino.save_model(_with_byte_images(converted), trunk, compress_to_fp16=False)
    arrays: dict[str, Any] = {"strides": head.stride.numpy().astype(np.float64)}
    for name, branches in (("box", head.cv2), ("pose", head.cv4)):
        for level, branch in enumerate(branches):
            arrays |= _layers(branch, f"{name}{level}")
    np.savez(heads, **arrays)


class _Trunk(nn.Module):
    """Images (N, 3, H, W) in 0..1 -> the best class's logit (N, A) at the places of all levels, and the levels' feature maps."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        *self.layers, head = network.model
        self.body, self.scores = nn.ModuleList(self.layers), head.cv3
        self.levels, self.saved = head.f, set(network.save)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        saved: dict[int, Tensor] = {}
        value: Any = images
        for layer in self.layers:
            if layer.f != -1:  # it reads other layers' than the one before it
                value = saved[layer.f] if isinstance(layer.f, int) else [value if at == -1 else saved[at] for at in layer.f]
            value = layer(value)
            if layer.i in self.saved:
                saved[layer.i] = value
        maps = [saved[at] for at in self.levels]
        logits = [branch(level).flatten(2) for branch, level in zip(self.scores, maps, strict=True)]
        return (torch.cat(logits, 2).amax(1), *maps)


def _with_byte_images(model: Any) -> Any:
    """The model, but reading (N, H, W, 3) bytes where it read (N, 3, H, W) in 0..1."""
    from openvino import Layout, Type
    from openvino.preprocess import PrePostProcessor

    images = PrePostProcessor(model)
    images.input().tensor().set_element_type(Type.u8).set_layout(Layout("NHWC"))
    images.input().preprocess().convert_element_type(Type.f32).scale(255.0)
    images.input().model().set_layout(Layout("NCHW"))
    return images.build()


def _layers(branch: Any, name: str) -> dict[str, Any]:
    """A branch's three layers as matrices (C_in, C_out): places row by row, then channels."""
    arrays = {}
    for number in range(LAYERS):
        convolution = getattr(branch[number], "conv", branch[number])
        weight = convolution.weight.detach().permute(2, 3, 1, 0).flatten(0, 2)
        arrays[f"{name}_{number}_weight"] = weight.contiguous().numpy()
        arrays[f"{name}_{number}_bias"] = convolution.bias.detach().numpy()
    return arrays
