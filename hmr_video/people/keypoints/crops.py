"""Square pictures of one person, turned so that the torso is upright: what landmark networks look at."""

from dataclasses import dataclass

import numpy as np

from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import USABLE_CONFIDENCE

MARGIN = (
    1.4  # the crop's half side against the distance of the farthest keypoint from the hips: head, hands and feet reach further
)
_BOX_MARGIN = 1.25  # the same against half the longer side of the box, where the hips are not known
_TRUSTED = 0.3  # confidence of a keypoint that must lie in the crop
_FEWEST = 4  # keypoints that tell where a person's limbs reach
_CROP_SMOOTHING = 0.05  # seconds: deviation of the Gaussian that smooths crops over time
_SHOULDERS, _HIPS = [5, 6], [11, 12]


@dataclass(frozen=True)
class Crops:
    """T crops: centres (T, 2) and sides (T,) in pixels of the frame; ``leans`` (T,) radians clockwise from upright to torso."""

    centres: Array
    sides: Array
    leans: Array

    def matrices(self, size: int) -> Array:
        """(T, 2, 3) from pixels of the frame to those of crops of ``size`` pixels (the corner of the first pixel is 0, 0)."""
        scale, cosine, sine = size / self.sides, np.cos(self.leans), np.sin(self.leans)
        linear = scale[:, None, None] * np.stack([np.stack([cosine, sine], -1), np.stack([-sine, cosine], -1)], 1)
        shift = size / 2 - (linear @ self.centres[..., None]).squeeze(-1)
        return np.concatenate([linear, shift[..., None]], -1)


def crops_of(keypoints: Array, boxes: Array, detected: Array, frame_rate: float) -> Crops:
    """Crops around a person seen over T frames as COCO keypoints (T, 17, 3) in boxes (T, 4) where ``detected`` (T,).

    Centred between the hips, large enough for all that is seen and a margin; filled over gaps, and smoothed.
    """
    found = np.array([_circle(points, box) for points, box in zip(keypoints, boxes, strict=True)])  # (T, 3)
    torso = keypoints[:, _SHOULDERS, :2].mean(1) - keypoints[:, _HIPS, :2].mean(1)
    upright = (keypoints[:, _SHOULDERS + _HIPS, 2] > USABLE_CONFIDENCE).all(1)
    direction = torso / np.maximum(np.linalg.norm(torso, axis=1, keepdims=True), 1e-9)
    centres = _steady(_filled(found[:, :2], detected), frame_rate)
    sides = np.exp(_steady(_filled(np.log(found[:, 2:]), detected), frame_rate))[:, 0]
    direction = _steady(_filled(direction, upright & detected, [0.0, -1.0]), frame_rate)
    return Crops(centres, 2 * sides, np.arctan2(direction[:, 0], -direction[:, 1]))


def _circle(points: Array, box: Array) -> Array:
    """(3,) centre and radius of a circle around a person with keypoints (17, 3) in a box (4,)."""
    trusted = points[:, 2] > _TRUSTED
    if trusted.sum() < _FEWEST or points[_HIPS, 2].min() <= USABLE_CONFIDENCE:
        low, high = box[:2], box[2:]
        return np.array([*(low + high) / 2, max(float((high - low).max()), 2.0) / 2 * _BOX_MARGIN])
    hips = points[_HIPS, :2].mean(0)
    reach = float(np.linalg.norm(points[trusted, :2] - hips, axis=1).max())
    return np.array([*hips, max(reach, 1.0) * MARGIN])


def _filled(values: Array, known: Array, otherwise: list[float] | None = None) -> Array:
    """Values (T, C), those not ``known`` (T,) interpolated from others; all of them as they are, or ``otherwise``, if none is."""
    frames = np.flatnonzero(known)
    if not len(frames):
        return values if otherwise is None else np.tile(otherwise, (len(values), 1))
    return np.stack([np.interp(np.arange(len(values)), frames, column[frames]) for column in values.T], 1)


def _steady(values: Array, frame_rate: float) -> Array:
    """Values (T, C) without single frames' jumps, and smoothed."""
    from scipy.ndimage import gaussian_filter1d, median_filter  # which takes longer to import than a crop to cut

    calm = median_filter(values, (5, 1), mode="nearest")
    return np.asarray(gaussian_filter1d(calm, _CROP_SMOOTHING * frame_rate, axis=0, mode="nearest"))


def cut(frame: Array, matrix: Array, size: int) -> Array:
    """One crop (size, size, 3) uint8 of a frame (H, W, 3); ``matrix`` (2, 3) as :meth:`Crops.matrices` gives it. Black beyond."""
    import cv2

    matrix = matrix.copy()
    shrink = int(1 / np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if shrink >= 2:  # so that bilinear interpolation leaves nothing out
        frame, corner = _shrunk(frame, matrix, size, shrink)
        matrix[:, 2] += matrix[:, :2] @ corner
        matrix[:, :2] *= shrink
    matrix[:, 2] += matrix[:, :2].sum(1) / 2 - 0.5  # OpenCV has the middles of pixels at whole numbers
    return np.asarray(cv2.warpAffine(frame, matrix, (size, size), flags=cv2.INTER_LINEAR))


def _shrunk(frame: Array, matrix: Array, size: int, shrink: int) -> tuple[Array, Array]:
    """The part of a frame that a crop shows, each ``shrink`` x ``shrink`` pixels averaged, and that part's corner (2,)."""
    import cv2

    corners = np.array([[0, 0], [size, 0], [size, size], [0, size]]) - matrix[:, 2]
    seen = corners @ np.linalg.inv(matrix[:, :2]).T
    limit = np.array(frame.shape[1::-1])
    low = np.clip(np.floor(seen.min(0)) - shrink, 0, limit - shrink).clip(0).astype(int)
    high = np.clip(np.ceil(seen.max(0)) + shrink, low + shrink, limit)
    count = np.maximum((high - low).astype(int) // shrink, 1)
    part = frame[low[1] : low[1] + count[1] * shrink, low[0] : low[0] + count[0] * shrink]
    return np.asarray(cv2.resize(part, count.tolist(), interpolation=cv2.INTER_AREA)), low
