"""People in single frames: boxes, scores and COCO keypoints, by a YOLO pose network."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmr_video.people.engine import Network, choose_engine
from hmr_video.people.options import PeopleOptions
from hmr_video.people.weights import find_weights

Array = NDArray[Any]

_PAD = 114  # the grey that the network was trained with
_MAX_OVERLAP = 0.7  # of two boxes that non-maximum suppression lets pass
_SURE = 0.4  # score of a detection that may decide the size of the input
_TALL_ENOUGH = 100  # pixels of the network's input: below, YOLO11n begins to miss people
_LOOK_EVERY = 96  # frames
_BATCH_PIXELS = 4 * 640**2  # of the squares around a batch: more costs memory and gains nothing

IMAGE_SIZES = (640, 960, 1280)  # long side of the network's input, pixels


@dataclass(frozen=True)
class Detections:
    """n people of one frame: boxes (n, 4) x1 y1 x2 y2 pixels; scores (n,); keypoints (n, 17, 3) x, y, confidence."""

    boxes: Array
    scores: Array
    keypoints: Array

    def __len__(self) -> int:
        return len(self.scores)


class Detector:
    """Finds people in chunks of frames of one size. ``engine`` says what runs it.

    Unless the options fix it, the size of the network's input is chosen, anew every few seconds, by a look at a frame in high
    resolution: just large enough for the smallest of its people.
    """

    def __init__(self, options: PeopleOptions) -> None:
        engine, device = choose_engine(options.engine, options.device)
        self._network = _network(find_weights(options.detector), engine, device)
        self._confidence, self._fixed_size = options.confidence, options.image_size
        self._size = self._frames = 0  # what the last look found sufficient, and how many frames ago that was
        self._stride = self._network.stride
        self.engine = engine

    def __call__(self, frames: Array) -> list[Detections]:
        """Detections of each of the frames (N, H, W, 3) uint8 RGB."""
        size = self._fixed_size or self._sufficient_size(frames)
        batch = max(1, _BATCH_PIXELS // size**2)
        return [found for at in range(0, len(frames), batch) for found in self._detect(frames[at : at + batch], size)]

    def _sufficient_size(self, frames: Array) -> int:
        if self._frames >= _LOOK_EVERY or not self._size:
            self._size = sufficient_size(self._detect(frames[:1], IMAGE_SIZES[-1])[0], max(frames.shape[1:3]))
            self._frames = 0
        self._frames += len(frames)
        return self._size

    def _detect(self, frames: Array, size: int) -> list[Detections]:
        from ultralytics.utils.nms import non_max_suppression

        images, scale = letterbox(frames, size, self._stride)
        raw = self._network(images)
        rows = non_max_suppression(
            raw, self._confidence, _MAX_OVERLAP, nc=self._network.classes, end2end=self._network.end_to_end
        )
        return [_unscaled(row.float().cpu().numpy(), scale, frames.shape[2], frames.shape[1]) for row in rows]


@lru_cache(maxsize=1)
def _network(weights: Path, engine: str, device: str) -> Network:
    """Loaded once for all the videos of a process."""
    return Network(weights, engine, device)


def sufficient_size(detections: Detections, longest_side: int) -> int:
    """The smallest of IMAGE_SIZES in which all people of a frame are tall enough to be found well.

    Those under a third of the tallest stand in the background and do not count.
    """
    heights = (detections.boxes[:, 3] - detections.boxes[:, 1])[detections.scores > _SURE]
    if len(heights) == 0:
        return IMAGE_SIZES[0]
    smallest = float(heights[heights >= heights.max() / 3].min())
    return next((size for size in IMAGE_SIZES if smallest * size / longest_side >= _TALL_ENOUGH), IMAGE_SIZES[-1])


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
