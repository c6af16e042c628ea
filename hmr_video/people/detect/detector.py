"""People in single frames: boxes, scores and COCO keypoints, by a YOLO pose network."""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hmr_video.console import Reporter
from hmr_video.geometry import Array
from hmr_video.options import PeopleOptions
from hmr_video.people.detect.between import interpolated, somebody_lost, uneventful
from hmr_video.people.detect.detections import Detections
from hmr_video.people.detect.engine import PAD, Network, choose_engine, load_network
from hmr_video.people.detect.tilted import tilted_pass
from hmr_video.people.detect.turned import LEANING, tilt
from hmr_video.people.detect.weights import find_detector

if TYPE_CHECKING:
    from hmr_video.people.detect.lying import RotatedPass

_MAX_OVERLAP = 0.7  # of two boxes that non-maximum suppression lets pass
_SURE = 0.4  # score of a detection that may decide the size of the input
_TALL_ENOUGH = 160  # pixels of the network's input: below, YOLO11n places wrists and legs badly, and from 100 down misses people
_LOOK_EVERY = 96  # frames
_SEARCH = 10  # times `every` frames: how long somebody who was lost is looked for in every frame

IMAGE_SIZES = (640, 960, 1280)  # long side of the network's input, pixels
CLOSE_SIZE = 448  # the same where a landmark network looks closely and everybody is tall enough even so


class _Before(NamedTuple):
    """The last frame of the chunk before: what the network ``found`` in it, and that when it had ``passed`` the second looks."""

    found: Detections
    passed: Detections


class Detector:
    """Finds people in chunks of frames of one clip. ``engine`` says what runs it.

    Unless the options fix it, the size of the network's input is chosen by a look at a frame in high resolution: just large
    enough for the smallest of its people. Anew every few seconds, and when those in a chunk's last frame could do with less.

    ``every``: with more than 1, only each such frame, the clip's first and each chunk's last are looked at, and those between
    where something happens; else people are where the looks before and after put them. Where all are large, most of these looks
    are smaller still.
    """

    def __init__(self, options: PeopleOptions, reporter: Reporter | None = None, every: int = 1) -> None:
        self._network = load_detector(options, reporter)
        self._confidence, self._fixed_size = options.confidence, options.input_size
        self._rotated_pass: RotatedPass | None = None  # until somebody leans
        self._size = self._frames = 0  # what the last look found sufficient, and how many frames ago that was
        self._every, self._searching = every, 0  # frames in which somebody who was lost is looked for
        self._before: _Before | None = None
        self.engine = self._network.engine

    def __call__(self, frames: Array) -> list[Detections]:
        """Detections of each of the frames (N, H, W, 3) uint8 RGB."""
        longest = max(frames.shape[1:3])
        size = self._fixed_size or self._sufficient_size(frames, longest)
        looks = self._looks(frames, size)
        last = looks[len(frames) - 1]
        enough = sufficient_size(last, longest, self._every > 1)
        if self._size > enough or self._size == CLOSE_SIZE < enough:
            self._size = 0  # perhaps another shot: large people suffer in a large input, and small ones are lost in a small one
        for index in sorted(looks):
            looks[index] = tilted_pass(self._find, frames[index], self._rotated(frames[index], looks[index]))
        if self._before is not None:
            looks[-1] = self._before.passed
        self._before = _Before(last, looks[len(frames) - 1])
        found = {index: look for index, look in looks.items() if index >= 0}
        for start, end in pairwise(sorted(looks)):
            for index in range(start + 1, end):
                found[index] = interpolated(looks[start], looks[end], (index - start) / (end - start))
        return [found[index] for index in range(len(frames))]

    def _looks(self, frames: Array, size: int) -> dict[int, Detections]:
        """What the network finds, by index of the frame: in all that must be looked at."""
        first = 0 if self._before is None else self._every - 1
        chosen = sorted({*range(first, len(frames), self._every), len(frames) - 1})
        whole = IMAGE_SIZES[0] if self._size == CLOSE_SIZE else size
        looks = dict(zip(chosen[:-1], self._detect(frames, size, chosen[:-1]), strict=True))
        looks |= dict(zip(chosen[-1:], self._detect(frames, whole, chosen[-1:]), strict=True))
        known = looks if self._before is None else {-1: self._before.found} | looks
        eventful = [pair for pair in pairwise(known) if self._is_eventful(known[pair[0]], known[pair[1]], pair[1] - pair[0])]
        between = [index for start, end in eventful for index in range(start + 1, end)]
        return looks | dict(zip(between, self._detect(frames, whole, between), strict=True))

    def _is_eventful(self, first: Detections, second: Detections, frames: int) -> bool:
        """Whether what lies between two looks must be looked at: something happens, or somebody was lost a moment ago, who may
        be found again for a frame."""
        self._searching = _SEARCH * self._every if somebody_lost(first, second) else self._searching - frames
        return self._searching > 0 or not uneventful(first, second)

    def _rotated(self, frame: Array, found: Detections) -> Detections:
        """The detections of a frame after a second look at people who lie or fall."""
        if self._rotated_pass is None and (np.abs(tilt(found.keypoints)) > LEANING).any():
            from hmr_video.people.detect.lying import RotatedPass

            self._rotated_pass = RotatedPass(self._find)
        return found if self._rotated_pass is None else self._rotated_pass(frame, found)

    def _sufficient_size(self, frames: Array, longest: int) -> int:
        if self._frames >= _LOOK_EVERY or not self._size:
            self._size = sufficient_size(self._detect(frames, IMAGE_SIZES[-1], [0])[0], longest, self._every > 1)
            self._frames = 0
        self._frames += len(frames)
        return self._size

    def _detect(self, frames: Array, size: int, chosen: Sequence[int]) -> list[Detections]:
        height, width = frames.shape[1:3]
        scale = size / max(height, width)
        images = (letterbox(frames[index], size, self._network.stride) for index in chosen)
        return [_unscaled(found, scale, width, height) for found in self._find(images)]

    def _find(self, images: Iterable[Array]) -> list[Detections]:
        return self._network(images, self._confidence, _MAX_OVERLAP)


def load_detector(options: PeopleOptions, reporter: Reporter | None = None) -> Network:
    """The network that the options name, loaded once for all the videos of a process. Raises AssetError, UsageError."""
    engine, device = choose_engine(options.engine, options.device)
    return load_network(find_detector(options.detector, reporter), engine, device)


def sufficient_size(detections: Detections, longest_side: int, closely: bool = False) -> int:
    """The smallest of IMAGE_SIZES in which all people of a frame are tall enough to be found well.

    Those under a third of the tallest stand in the background and do not count. Where people are looked at ``closely``, too,
    CLOSE_SIZE if really all are.
    """
    heights = (detections.boxes[:, 3] - detections.boxes[:, 1])[detections.scores > _SURE]
    if len(heights) == 0:
        return IMAGE_SIZES[0]
    if closely and heights.min() * CLOSE_SIZE / longest_side >= _TALL_ENOUGH:
        return CLOSE_SIZE
    smallest = float(heights[heights >= heights.max() / 3].min())
    return next((size for size in IMAGE_SIZES if smallest * size / longest_side >= _TALL_ENOUGH), IMAGE_SIZES[-1])


def letterbox(frame: Array, size: int, stride: int) -> Array:
    """A frame (H, W, 3) scaled so that the long side is ``size``, padded right and below to multiples of ``stride``."""
    import cv2

    height, width, _ = frame.shape
    scale = size / max(height, width)
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    rows, columns = (math.ceil(length / stride) * stride for length in inner[::-1])
    padded = np.full((rows, columns, 3), PAD, np.uint8)
    padded[: inner[1], : inner[0]] = cv2.resize(frame, inner, interpolation=cv2.INTER_LINEAR)
    return padded


def _unscaled(found: Detections, scale: float, width: int, height: int) -> Detections:
    """Detections in pixels of the network's image as such in pixels of the frame; boxes clipped to it."""
    boxes = np.clip(found.boxes / scale, 0, [width, height, width, height])
    return Detections(boxes, found.scores, found.keypoints / [scale, scale, 1.0])
