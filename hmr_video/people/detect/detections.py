"""`Detections`: what is found in one frame, and the arithmetic of boxes."""

from dataclasses import dataclass

import numpy as np

from hmr_video.geometry import Array
from hmr_video.geometry.rows import Rows

MOST = 300  # people of one frame


@dataclass(frozen=True)
class Detections(Rows):
    """n people of one frame: boxes (n, 4) x1 y1 x2 y2 pixels; scores (n,); keypoints (n, 17, 3) x, y, confidence."""

    boxes: Array
    scores: Array
    keypoints: Array


def box_overlap(first: Array, second: Array) -> Array:
    """Intersection over union of boxes (..., 4) x1 y1 x2 y2 -> (...)."""
    inner, areas = _areas(first, second)
    return inner / np.maximum(areas[0] + areas[1] - inner, 1e-9)


def hidden_share(first: Array, second: Array) -> Array:
    """Share of the smaller of two boxes (..., 4) that the other covers -> (...) in 0..1."""
    inner, areas = _areas(first, second)
    return inner / np.maximum(np.minimum(*areas), 1e-9)


def _areas(first: Array, second: Array) -> tuple[Array, list[Array]]:
    """Of boxes (..., 4): the area (...) that both cover, and that of each."""
    corner = np.maximum(first[..., :2], second[..., :2])
    inner = np.clip(np.minimum(first[..., 2:], second[..., 2:]) - corner, 0, None).prod(-1)
    return inner, [(box[..., 2:] - box[..., :2]).prod(-1) for box in (first, second)]


def suppress(boxes: Array, scores: Array, overlap: float) -> Array:
    """Non-maximum suppression: indices of those boxes (n, 4) that overlap no better one by more than ``overlap``, best first."""
    kept: list[int] = []
    waiting = np.argsort(-scores, kind="stable")
    while len(waiting) and len(kept) < MOST:
        best, waiting = waiting[0], waiting[1:]
        kept.append(int(best))
        waiting = waiting[box_overlap(boxes[best], boxes[waiting]) <= overlap]
    return np.array(kept, int)
