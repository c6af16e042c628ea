"""The last layers of a YOLO pose network (YOLOv8's and YOLO11's), computed in numpy only where somebody is.

For the whole image they take a third of the network's time, and a few places of it count. They put out coordinates, so they are
computed in float32 whatever the rest is computed in.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hmr_video.geometry import Array
from hmr_video.people.detect.detections import Detections, suppress

Layer = tuple[Array, Array]  # weight (C_in, C_out), where a layer that reads 3 x 3 places has C_in = 9 C; bias (C_out,)
Branch = tuple[Layer, Layer, Layer]  # 3 x 3, 3 x 3, 1 x 1

LAYERS = 3


class Heads:
    """Boxes and poses from the feature maps of the network's levels. The file is `hmr_video.people.detect.exporting`'s.

    strides (L,): pixels of the image between neighbouring places of each level.
    """

    def __init__(self, path: Path) -> None:
        with np.load(path) as file:
            arrays = dict(file)
        self.strides: Array = arrays["strides"]
        self._boxes, self._poses = (
            [_branch(arrays, f"{name}{level}") for level in range(len(self.strides))] for name in ("box", "pose")
        )

    def __call__(self, logits: Array, maps: Sequence[Array], confidence: float, overlap: float) -> Detections:
        """Who is in an image, in its pixels: logits (A,) of the places of all levels, row by row; maps (C, h, w) of each level.

        Detections below ``confidence`` are left out, and those that overlap a better one by more than ``overlap``.
        """
        found = np.flatnonzero(logits > np.log(confidence / (1 - confidence)))
        ends = np.cumsum([height * width for _, height, width in (level.shape for level in maps)])
        levels = np.searchsorted(ends, found, "right")
        rows, columns = np.divmod(found - np.r_[0, ends][levels], np.array([level.shape[2] for level in maps])[levels])
        places = np.stack([levels, rows, columns], -1)
        scores = 1 / (1 + np.exp(-logits[found].astype(np.float64)))
        boxes = self._decode_boxes(_computed(self._boxes, maps, places), places)
        kept = suppress(boxes, scores, overlap)
        poses = self._decode_poses(_computed(self._poses, maps, places[kept]), places[kept])
        return Detections(boxes[kept], scores[kept], poses)

    def _decode_boxes(self, raw: Array, places: Array) -> Array:
        """(n, 4) from (n, 4 * bins): how far each side is from the place's middle, as a distribution over strides."""
        bins = raw.reshape(len(raw), 4, raw.shape[1] // 4)
        weights = np.exp(bins - bins.max(-1, keepdims=True))
        left_top, right_bottom = np.split((weights * np.arange(bins.shape[-1])).sum(-1) / weights.sum(-1), 2, -1)
        middles = places[:, :0:-1] + 0.5
        return np.concatenate([middles - left_top, middles + right_bottom], -1) * self.strides[places[:, :1]]

    def _decode_poses(self, raw: Array, places: Array) -> Array:
        """(n, 17, 3) from (n, 51): x and y from the place in half strides, and the confidence's logit."""
        raw = raw.reshape(len(raw), 17, 3)
        points = (2 * raw[..., :2] + places[:, None, :0:-1]) * self.strides[places[:, :1, None]]
        return np.concatenate([points, 1 / (1 + np.exp(-raw[..., 2:]))], -1)


def _branch(arrays: dict[str, Array], name: str) -> Branch:
    first, second, third = ((arrays[f"{name}_{layer}_weight"], arrays[f"{name}_{layer}_bias"]) for layer in range(LAYERS))
    return first, second, third


def _computed(branches: Sequence[Branch], maps: Sequence[Array], places: Array) -> Array:
    """What each level's branch says (n, C_out) float64 at places (n, 3) of level, row and column."""
    raw = np.empty((len(places), len(branches[0][-1][1])))
    for level in np.unique(places[:, 0]):
        here = places[:, 0] == level
        raw[here] = _at(maps[level], places[here, 1], places[here, 2], branches[level])
    return raw


def _at(level: Array, rows: Array, columns: Array, branch: Branch) -> Array:
    """(n, C_out) at n places of a feature map (C, h, w): as if all of it were computed, with zeros around it and in between."""
    first, second, (weight, bias) = branch
    top, left = max(rows.min() - 2, 0), max(columns.min() - 2, 0)
    window = level[:, top : rows.max() + 3, left : columns.max() + 3].transpose(1, 2, 0)
    padded = np.pad(window, ((1, 1), (1, 1), (0, 0)))
    rows, columns = rows - top + 1, columns - left + 1
    read = np.zeros(padded.shape[:2], bool)  # by the second layer
    for down in (-1, 0, 1):
        for across in (-1, 0, 1):
            read[rows + down, columns + across] = True
    read[[0, -1]] = read[:, [0, -1]] = False
    hidden = np.zeros((*padded.shape[:2], len(first[1])), np.float32)
    down_to, across_to = np.nonzero(read)
    hidden[down_to, across_to] = _convolved(padded, down_to, across_to, first)
    return np.asarray(_convolved(hidden, rows, columns, second) @ weight + bias)


def _convolved(image: Array, rows: Array, columns: Array, layer: Layer) -> Array:
    """A convolution of 3 x 3 and SiLU, at n inner places of an image (h, w, C): (n, C_out)."""
    weight, bias = layer
    around = np.arange(-1, 2)
    patches = image[(rows[:, None] + around)[:, :, None], (columns[:, None] + around)[:, None, :]]  # (n, 3, 3, C)
    values = patches.reshape(len(rows), -1) @ weight + bias
    return np.asarray(values * (0.5 + 0.5 * np.tanh(0.5 * values)))
