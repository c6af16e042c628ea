"""Networks of RTMPose's kind (Jiang et al., 2023; MMPose, Apache-2.0): a user's ONNX file, read as it is by OpenVINO.

They say for each point how likely each column and each line of the crop is, at twice its resolution (SimCC, Li et al., 2022).
"""

from collections.abc import Iterable
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np

from hmr_video.errors import AssetError
from hmr_video.files import sha256
from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import COCO_LIMBS, LANDMARKS
from hmr_video.people.keypoints.files.layouts import landmarks_of
from hmr_video.people.keypoints.network import Looks

POINTS = (17, 26, 133)  # COCO, Halpe with feet, COCO-WholeBody
_FINER = 2  # columns and lines that are told apart in a pixel
_MEAN, _DEVIATION = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])  # of ImageNet's colours, RGB
_SEEN = 0.3  # likelihood of a limb point that is there


class RTMPose:
    """The network in a file, see `hmr_video.people.keypoints.network.LandmarkNetwork`. Raises AssetError for other files.

    It looks at the middle of the crop, as wide as its own input is: an upright person's arms reach no further.
    """

    def __init__(self, path: Path) -> None:
        if util.find_spec("openvino") is None:
            raise AssetError(f"OpenVINO, which reads {path.name}, is not installed.", "pip install openvino")
        from hmr_video.people.detect.openvino import Parallel, compiled

        try:
            network = compiled(path, sha256(path))
        except Exception as error:  # OpenVINO raises what it likes
            raise AssetError(f"{path} is no network that can be run here ({error}).", "Give RTMPose's ONNX file.") from error
        self.size, self._width = _input_size(network, path)
        self._network = Parallel(network, "landmarks")

    def __call__(self, crops: Iterable[Array]) -> Looks:
        points = np.array(list(self._network.map(self._look, crops))).reshape(-1, len(LANDMARKS), 3)
        return Looks(points, (points[:, COCO_LIMBS, 2] > _SEEN).mean(1))

    def _look(self, request: Any, crop: Array) -> Array:
        margin = (self.size - self._width) // 2
        image = (crop[:, margin : margin + self._width] - _MEAN) / _DEVIATION
        request.infer([np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32)])
        across, down = (request.get_output_tensor(number).data[0] for number in (0, 1))
        likelihood = np.minimum(across.max(-1), down.max(-1)).clip(0, 1)
        places = np.stack([across.argmax(-1), down.argmax(-1)], -1) / _FINER + [margin, 0]
        return landmarks_of(np.column_stack([places, likelihood]), "RTMPose")


def _input_size(network: Any, path: Path) -> tuple[int, int]:
    """Height and width of a network's input. Raises AssetError unless its outputs are as RTMPose's."""
    shapes = [
        [dim.get_length() if dim.is_static else 0 for dim in port.partial_shape] for port in (*network.inputs, *network.outputs)
    ]
    try:
        (_, channels, height, width), (_, count, columns), (_, again, lines) = shapes
    except ValueError:
        channels = count = columns = again = lines = height = width = 0
    if (channels, columns, lines, again) != (3, _FINER * width, _FINER * height, count) or count not in POINTS or width > height:
        raise AssetError(
            f"{path} is not a network of RTMPose's kind for {', '.join(map(str, POINTS))} points.",
            "Give an ONNX file with an upright input and the outputs simcc_x and simcc_y.",
        )
    return height, width
