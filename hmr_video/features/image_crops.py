"""The paper's boxes and crops: where a person is and how large, smoothed over time, and 224 x 224 pixels around it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from hmr_video.features.resnet50 import IMAGE_SIZE
from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import USABLE_CONFIDENCE

PERSON_SIZE = 150.0  # pixels of a crop that the diagonal of a person's box takes
SMALLEST_DIAGONAL = 0.5  # pixels of the image; below, the person counts as missing
MEDIAN_FRAMES, SIGMA_FRAMES = 11, 3  # of the smoothing


@dataclass(frozen=True)
class Crops:
    """T square crops of one person.

    Attributes:
        centers: (T, 2) x, y of the person, in pixels of the image.
        scales: (T,) by which the image is enlarged before 224 pixels are cut out.
    """

    centers: Array
    scales: Array

    def middles(self) -> Array:
        """(T, 2) pixels of the image that the middles of the crops show: the centres, rounded where the crop is cut."""
        return np.round(self.centers * self.scales[:, None]) / self.scales[:, None]

    def pixels_per_unit(self) -> Array:
        """(T,) pixels of the image that one unit of a crop's [-1, 1] coordinates spans."""
        return IMAGE_SIZE / 2 / self.scales

    def from_image(self, points: Array) -> Array:
        """Pixels of the image (T, J, 2) -> points (T, J, 2) in the crops' [-1, 1] coordinates."""
        return (points - self.middles()[:, None]) / self.pixels_per_unit()[:, None, None]


def person_crops(keypoints: Array) -> Crops:
    """The smoothed crops of a track: keypoints (T, J, 3) x, y, confidence in pixels.

    Gaps are filled linearly and the ends held; at least one frame must show more than a point.
    """
    found = np.array([_box(points) for points in keypoints])  # (T, 3) x, y, scale; not finite where missing
    seen = np.flatnonzero(np.isfinite(found).all(1))
    if not len(seen):
        raise ValueError("no frame of the track shows two points that are apart")
    span = np.arange(seen[0], seen[-1] + 1)
    passes = [np.interp(span, seen, column[seen]) for column in found.T]
    if len(span) > MEDIAN_FRAMES // 2:  # else, as in photographs, its padding with zeros would outvote the track
        passes = [np.median(sliding_window_view(np.pad(values, MEDIAN_FRAMES // 2), MEDIAN_FRAMES), -1) for values in passes]
    smooth = np.stack([gaussian_filter1d(values, SIGMA_FRAMES) for values in passes], 1)
    smooth = np.pad(smooth, ((seen[0], len(found) - 1 - seen[-1]), (0, 0)), "edge")
    return Crops(smooth[:, :2], smooth[:, 2])


def _box(points: Array) -> Array:
    """(J, 3) -> x, y of the middle of the visible points' box, and 150 / its diagonal; NaN where there is none."""
    visible = points[points[:, 2] > USABLE_CONFIDENCE, :2].astype(np.float64)
    if not len(visible):
        return np.full(3, np.nan)
    low, high = visible.min(0), visible.max(0)
    diagonal = np.linalg.norm(high - low)
    if diagonal < SMALLEST_DIAGONAL:
        return np.full(3, np.nan)
    return np.array([*(low + high) / 2, PERSON_SIZE / diagonal])


def cut(frame: Array, center: Array, scale: float) -> Tensor:
    """One crop of a frame uint8 (H, W, 3) RGB: float32 (3, 224, 224) in [-1, 1].

    As if the frame were resized bilinearly to floor(size x scale), its edges repeated for ever, and 224 pixels taken around
    round(center x scale); but only those pixels are computed.
    """
    middle = np.round(np.asarray(center, np.float64) * scale).astype(int)
    columns, column_weights = _taps(frame.shape[1], scale, middle[0])
    rows, row_weights = _taps(frame.shape[0], scale, middle[1])
    needed = frame[rows[0] : rows[-1] + 2, columns[0] : columns[-1] + 2]
    needed = np.pad(needed, ((0, 1), (0, 1), (0, 0)), "edge")  # the tap after the last row or column, of weight 0
    image = (needed.astype(np.float32) / 255 - 0.5) * 2
    lines = _blend(image, rows - rows[0], row_weights)
    crop = _blend(lines.swapaxes(0, 1), columns - columns[0], column_weights)  # (x, y, colour)
    return torch.from_numpy(np.ascontiguousarray(crop.T))


def _blend(values: Array, before: Array, weights: Array) -> Array:
    """Along the first axis: values at ``before``, moved towards their successors by ``weights``."""
    start = values[before]
    return start + (values[before + 1] - start) * weights[:, None, None]


def _taps(size: int, scale: float, middle: int) -> tuple[Array, Array]:
    """Along one axis: (224,) index of the pixel before each sample, not falling, and (224,) float32 weight of the one after."""
    resized = max(int(np.floor(size * scale)), 1)
    samples = np.clip(middle - IMAGE_SIZE // 2 + np.arange(IMAGE_SIZE), 0, resized - 1)
    positions = np.clip((samples + 0.5) * size / resized - 0.5, 0, size - 1)
    before = np.floor(positions).astype(int)
    return before, (positions - before).astype(np.float32)
