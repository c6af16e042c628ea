"""People in single frames: boxes, scores and COCO keypoints, by a YOLO pose network."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmr_video.people.engine import Network, choose_engine
from hmr_video.people.options import PeopleOptions
from hmr_video.people.weights import find_weights

Array = NDArray[Any]

_PAD = 114  # the grey that the network was trained with
_MAX_OVERLAP = 0.7  # of two boxes that non-maximum suppression lets pass


@dataclass(frozen=True)
class Detections:
    """n people of one frame: boxes (n, 4) x1 y1 x2 y2 pixels; scores (n,); keypoints (n, 17, 3) x, y, confidence."""

    boxes: Array
    scores: Array
    keypoints: Array

    def __len__(self) -> int:
        return len(self.scores)


class Detector:
    """Finds people in batches of frames of one size. ``engine`` says what runs it, ``image_size`` the input's long side."""

    def __init__(self, options: PeopleOptions, frame_size: tuple[int, int]) -> None:
        engine, device = choose_engine(options.engine, options.device)
        self._network = Network(find_weights(options.detector), engine, device)
        self._confidence, self._batch = options.confidence, options.batch
        self.engine = engine
        self.image_size = options.image_size or default_image_size(*frame_size)

    def __call__(self, frames: Array) -> list[Detections]:
        """Detections of each of the frames (N, H, W, 3) uint8 RGB."""
        found: list[Detections] = []
        for start in range(0, len(frames), self._batch):
            found += self._detect(frames[start : start + self._batch])
        return found

    def _detect(self, frames: Array) -> list[Detections]:
        from ultralytics.utils.nms import non_max_suppression

        images, scale = letterbox(frames, self.image_size, self._network.stride)
        raw = self._network(images)
        rows = non_max_suppression(raw, self._confidence, _MAX_OVERLAP, nc=self._network.classes)
        return [_unscaled(row.float().cpu().numpy(), scale, frames.shape[2], frames.shape[1]) for row in rows]


def default_image_size(width: int, height: int) -> int:
    """The detector's input size for frames of this size: full resolution between 640 and 1280 pixels."""
    return min(1280, max(640, math.ceil(max(width, height) / 32) * 32))


def letterbox(frames: Array, size: int, stride: int) -> tuple[Array, float]:
    """Frames (N, H, W, 3) scaled so that the long side is ``size``, padded right and below to multiples of ``stride``.

    Returns the padded images and the scale from source to image pixels.
    """
    import cv2

    count, height, width, _ = frames.shape
    scale = size / max(height, width)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    padded = np.full((count, _up(inner[1], stride), _up(inner[0], stride), 3), _PAD, np.uint8)
    for image, frame in zip(padded, frames, strict=True):
        image[: inner[1], : inner[0]] = cv2.resize(frame, inner, interpolation=cv2.INTER_LINEAR)
    return padded, scale


def _up(length: int, stride: int) -> int:
    return -(-length // stride) * stride


def _unscaled(rows: Array, scale: float, width: int, height: int) -> Detections:
    """Rows (n, 4 + 1 + 1 + 51) of the network in image pixels as detections in source pixels; boxes clipped to the frame."""
    boxes = np.clip(rows[:, :4] / scale, 0, [width, height, width, height])
    keypoints = rows[:, 6:].reshape(-1, 17, 3) / [scale, scale, 1.0]
    return Detections(boxes, rows[:, 4], keypoints)
