"""Keypoints that lie beyond the picture: detectors put them at its border, and doubt them."""

import numpy as np

from hmr_video.geometry import Array

_NEAR = 0.01  # of the box's longer side: so near to the border
_DOUBTED = 0.5  # confidence below which a keypoint there is taken to lie beyond it


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
