"""BlazePose's landmark network (Bazarevsky et al., 2020; Google, Apache-2.0): 33 points of one person in an upright crop.

The TFLite file is read as it is: by OpenVINO, or by LiteRT where OpenVINO is not installed.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np

from hmr_video.errors import AssetError
from hmr_video.files import sha256
from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import LANDMARKS
from hmr_video.people.keypoints.network import Looks

_Raw = tuple[Array, float, Array]  # landmarks, presence, silhouette as the network gives them

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
            self._runtime: _OpenVino | _LiteRT = _OpenVino(path) if util.find_spec("openvino") else _LiteRT(path)
        except AssetError:
            raise
        except Exception as error:  # both runtimes raise what they like
            raise AssetError(
                f"{path} is no network that can be run here ({error}).", "Give BlazePose's landmark file."
            ) from error
        self.engine = self._runtime.engine
        self._own = threading.local()
        self._pool = ThreadPoolExecutor(self._runtime.streams, "landmarks")

    def __call__(self, crops: Iterable[Array]) -> Looks:
        looks = list(self._pool.map(self._look, crops))
        points, presence, silhouettes = zip(*looks, strict=True) if looks else ((), (), ())
        return Looks(
            np.array(points).reshape(-1, len(LANDMARKS), 3),
            np.array(presence, float),
            np.array(silhouettes, bool).reshape(-1, CROP, CROP),
        )

    def _look(self, crop: Array) -> tuple[Array, float, Array]:
        if not hasattr(self._own, "run"):
            self._own.run = self._runtime.runner()
        raw, presence, mask = self._own.run(crop[None].astype(np.float32) / 255)
        raw = raw.reshape(_POINTS, 5)[_NUMBERS].astype(np.float64)
        points = np.zeros((len(LANDMARKS), 3))
        points[_PLACES] = np.column_stack([raw[:, :2], 1 / (1 + np.exp(-raw[:, 3]))])
        return points, float(presence), mask.reshape(CROP, CROP) > 0


class _OpenVino:
    """A file in OpenVINO, in bfloat16 where the processor has it, which costs the points nothing that can be measured."""

    engine = "openvino"

    def __init__(self, path: Path) -> None:
        from hmr_video.people.detect.openvino import compiled

        self._network = compiled(path, sha256(path), outputs=3)  # without points in space
        self.streams = int(self._network.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        _check([list(output.partial_shape.to_shape()) for output in self._network.outputs], path)

    def runner(self) -> Callable[[Array], _Raw]:
        request = self._network.create_infer_request()

        def run(image: Array) -> _Raw:
            request.infer([image], share_inputs=True)
            points, presence, mask = (request.get_output_tensor(number).data for number in range(3))
            return points.copy(), presence.item(), mask.copy()

        return run


class _LiteRT:
    """A file in LiteRT, on one thread a crop."""

    engine = "litert"

    def __init__(self, path: Path) -> None:
        import os

        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise AssetError("Neither OpenVINO nor LiteRT is installed.", "pip install ai-edge-litert") from error
        self._new: Callable[[], Any] = lambda: Interpreter(model_path=str(path), num_threads=1)
        self.streams = os.cpu_count() or 1
        _check([output["shape"].tolist() for output in self._new().get_output_details()], path)

    def runner(self) -> Callable[[Array], _Raw]:
        interpreter = self._new()
        interpreter.allocate_tensors()
        into = interpreter.get_input_details()[0]["index"]
        points, presence, mask = (output["index"] for output in interpreter.get_output_details()[:3])

        def run(image: Array) -> _Raw:
            interpreter.set_tensor(into, image)
            interpreter.invoke()
            return interpreter.get_tensor(points), interpreter.get_tensor(presence).item(), interpreter.get_tensor(mask)

        return run


def _check(outputs: list[list[int]], path: Path) -> None:
    if outputs[:3] != [[1, _POINTS * 5], [1, 1], [1, CROP, CROP, 1]]:
        raise AssetError(
            f"{path} is not BlazePose's landmark network.", "Give pose_landmark_heavy.tflite or pose_landmark_full.tflite."
        )
