"""What a person wears, as a colour histogram of the torso: enough to tell two people of one clip apart, or one again."""

import numpy as np

from hmr_video.geometry import Array
from hmr_video.people.detect.detections import Detections

_LEVELS = 4  # per channel
_GRID = 16  # samples per side of the torso
_TORSO = [5, 6, 11, 12]  # COCO: shoulders and hips
_TORSO_CONFIDENCE = 0.3  # of shoulders and hips, above which the torso is where they are


def torso_colours(frame: Array, detections: Detections) -> Array:
    """(n, 64) root of the share of each of 4 x 4 x 4 RGB cells among the torso's pixels of n people in a frame (H, W, 3)."""
    return np.array([_histogram(frame, *pair) for pair in zip(detections.boxes, detections.keypoints, strict=True)]).reshape(
        -1, _LEVELS**3
    )


def colour_distance(first: Array, second: Array) -> Array:
    """Hellinger distance of histograms (..., 64) from :func:`torso_colours` -> (...) in 0..1."""
    return np.sqrt(np.clip(1.0 - (first * second).sum(-1), 0.0, 1.0))


def _histogram(frame: Array, box: Array, keypoints: Array) -> Array:
    low, high = _torso_box(box, keypoints)
    columns = np.linspace(low[0], high[0], _GRID).astype(int).clip(0, frame.shape[1] - 1)
    rows = np.linspace(low[1], high[1], _GRID).astype(int).clip(0, frame.shape[0] - 1)
    levels = frame[rows[:, None], columns[None]] // (256 // _LEVELS)
    cells = levels.reshape(-1, 3) @ [_LEVELS**2, _LEVELS, 1]
    return np.sqrt(np.bincount(cells, minlength=_LEVELS**3) / _GRID**2)


def _torso_box(box: Array, keypoints: Array) -> tuple[Array, Array]:
    """Two corners (2,) between shoulders and hips where they are seen, else where they usually are in the box."""
    torso = keypoints[_TORSO]
    if np.all(torso[:, 2] > _TORSO_CONFIDENCE):
        return torso[:, :2].min(0), torso[:, :2].max(0)
    size = box[2:] - box[:2]
    return box[:2] + size * [0.3, 0.2], box[:2] + size * [0.7, 0.5]
