"""Keypoints near the border of the picture, where detectors put those beyond it; and doubted knees elsewhere."""

import numpy as np

from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import USABLE_CONFIDENCE

_NEAR = 0.01  # of the box's longer side: so near to the border
_DOUBTED = 0.5  # confidence below which a keypoint there is taken to lie beyond it
_KNEES = [13, 14]  # COCO
_BARELY_BELIEVED, _BELIEVED = 0.25, 0.35  # confidence of the surer knee: from where both are believed a little, and fully
_INSIDE = 0.05  # of the box's longer side: far enough from the border to be inside
_SURE = 0.97


def within_picture(keypoints: Array, boxes: Array, image_size: tuple[int, int]) -> Array:
    """Keypoints (T, 17, 3) in pixels with the confidence 0 where they are doubted at the border of a picture of ``image_size``,
    width and height; boxes (T, 4).

    The doubt about other points then says something: a knee half hidden by a table, high in the picture, is a sitting person's.
    """
    near = border_distance(keypoints, boxes, image_size) <= _NEAR
    beyond = near & (keypoints[..., 2] < _DOUBTED)
    return np.where(beyond[..., None], keypoints * [1, 1, 0], keypoints)


def border_distance(keypoints: Array, boxes: Array, image_size: tuple[int, int]) -> Array:
    """(T, K) how far keypoints (T, K, 3) are from the nearest border of the picture, in longer sides of their box (T, 4)."""
    places = keypoints[..., :2]
    pixels = np.minimum(places, np.array(image_size) - places).min(-1)
    return np.asarray(pixels / (boxes[:, 2:] - boxes[:, :2]).max(-1)[:, None].clip(1))


def raise_knee_confidence(keypoints: Array, boxes: Array, image_size: tuple[int, int]) -> Array:
    """Keypoints (T, 17, 3) in pixels with more confidence in knees well inside a picture of ``image_size``, width and height;
    boxes (T, 4).

    The model learnt that low knees of low confidence are those of standing legs that are cut off, and takes sitting people whose
    shins are out of the picture for them. But what is out of the picture detectors put near its border: doubted knees elsewhere
    are mostly in it, and about where they are said to be.
    """
    knees = keypoints[:, _KNEES]
    surer = (knees[..., 2].max(1, keepdims=True) - _BARELY_BELIEVED) / (_BELIEVED - _BARELY_BELIEVED)
    inside = (border_distance(knees, boxes, image_size) - _NEAR) / (_INSIDE - _NEAR)
    belief = surer.clip(0, 1) * inside.clip(0, 1) * (knees[..., 2] > USABLE_CONFIDENCE)
    raised = keypoints.copy()
    raised[:, _KNEES, 2] += belief * (_SURE - knees[..., 2]).clip(0)
    return raised
