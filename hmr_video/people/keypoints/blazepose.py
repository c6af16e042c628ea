"""BlazePose's landmark network (Bazarevsky et al., 2020; Google, Apache-2.0): 33 points of one person in an upright crop.

The TFLite file is read as it is: by OpenVINO, or by LiteRT where OpenVINO is not installed.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np

from hmr_video.errors import AssetError
from hmr_video.files import sha256
from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import LANDMARKS
from hmr_video.people.keypoints.network import Looks

Raw = tuple[Array, float, Array]  # landmarks and presence as the network gives them, and where the silhouette is: booleans

CROP = 256  # pixels
_POINTS = 39  # 33 landmarks and 6 that only serve the network's own cropping; each x, y, z, visibility, presence
# BlazePose's number of each of our landmarks; it has no small toes.
_OURS = {
    "nose": 0, "left_eye": 2, "right_eye": 5, "left_ear": 7, "right_ear": 8, "left_shoulder": 11, "right_shoulder": 12,
    "left_elbow": 13, "right_elbow": 14, "left_wrist": 15, "right_wrist": 16, "left_hip": 23, "right_hip": 24,
    "left_knee": 25, "right_knee": 26, "left_ankle": 27, "right_ankle": 28, "left_big_toe": 31, "left_heel": 29,
    "right_big_toe": 32, "right_heel": 30, "left_thumb": 21, "left_index": 19, "left_little_finger": 17,
    "right_thumb": 22, "right_index": 20, "right_little_finger": 18,
}  # fmt: skip
_PLACES = [LANDMARKS.index(name) for name in _OURS]
_NUMBERS = list(_OURS.values())


class BlazePose:
    """The network in a file, see `hmr_video.people.keypoints.network.LandmarkNetwork`. Raises AssetError for other files."""

    size = CROP

    def __init__(self, path: Path) -> None:
        try:
            self._run = _runtime(path)
        except AssetError:
            raise
        except Exception as error:  # both runtimes raise what they like
            raise AssetError(
                f"{path} is no network that can be run here ({error}).", "Give BlazePose's landmark file."
            ) from error

    def __call__(self, crops: Iterable[Array]) -> Looks:
        seen = list(self._run(crops))
        return Looks(
            np.array([_points(raw) for raw, _, _ in seen]).reshape(-1, len(LANDMARKS), 3),
            np.array([presence for _, presence, _ in seen], float),
            np.array([mask for _, _, mask in seen], bool).reshape(-1, CROP, CROP),
        )


def _points(raw: Array) -> Array:
    """(29, 3) of the network's landmarks."""
    named = raw.reshape(_POINTS, 5)[_NUMBERS].astype(np.float64)
    points = np.zeros((len(LANDMARKS), 3))
    points[_PLACES] = np.column_stack([named[:, :2], 1 / (1 + np.exp(-named[:, 3]))])
    return points


def _runtime(path: Path) -> Callable[[Iterable[Array]], Iterator[Raw]]:
    """What runs the file for crops: OpenVINO, in bfloat16 where the processor has it, which costs the points nothing that can be
    measured; else LiteRT. Raises AssetError for another network, and what the runtime raises."""
    if util.find_spec("openvino") is None:
        from hmr_video.people.keypoints.litert import LiteRT

        interpreters = LiteRT(path)
        _check(interpreters.outputs, path)
        return interpreters
    from hmr_video.people.detect.openvino import Parallel, compiled

    network = compiled(path, sha256(path), outputs=3)  # without points in space
    _check([list(output.partial_shape.to_shape()) for output in network.outputs], path)
    return partial(Parallel(network, "landmarks").map, _infer)


def _infer(request: Any, crop: Array) -> Raw:
    request.infer([crop[None].astype(np.float32) / 255], share_inputs=True)
    points, presence, mask = (request.get_output_tensor(number).data for number in range(3))
    return points.copy(), presence.item(), mask > 0


def _check(outputs: list[list[int]], path: Path) -> None:
    if outputs[:3] != [[1, _POINTS * 5], [1, 1], [1, CROP, CROP, 1]]:
        raise AssetError(
            f"{path} is not BlazePose's landmark network.", "Give pose_landmark_heavy.tflite or pose_landmark_full.tflite."
        )
