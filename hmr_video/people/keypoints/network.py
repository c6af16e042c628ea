"""Landmark networks behind one interface: upright crops in, points with confidence out."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from hmr_video.geometry import Array


@dataclass(frozen=True)
class Looks:
    """What a network says of n crops: ``points`` (n, 29, 3), see `hmr_video.geometry.skeleton.LANDMARKS`, x, y in pixels of the
    crop and confidence, 0 of points that it does not know; ``presence`` (n,) in 0..1, whether there is a person at all;
    ``silhouettes`` (n, size, size) booleans, what of the crop is the person, where the network tells."""

    points: Array
    presence: Array
    silhouettes: Array | None = None


class LandmarkNetwork(Protocol):
    """A network for square crops of ``size`` pixels."""

    size: int

    def __call__(self, crops: Iterable[Array]) -> Looks:
        """The landmarks in crops (size, size, 3) uint8 RGB of persons whose torsos are upright."""
        ...


@lru_cache(maxsize=1)
def load_landmark_network(path: Path) -> LandmarkNetwork:
    """The network in a file of BlazePose's or RTMPose's (ONNX), loaded once for all videos of a process. Raises AssetError."""
    if path.suffix == ".onnx":
        from hmr_video.people.keypoints.rtmpose import RTMPose

        return RTMPose(path)
    from hmr_video.people.keypoints.blazepose import BlazePose

    return BlazePose(path)
