"""Frames in small, for what concerns the picture as a whole."""

import numpy as np

from hmr_video.geometry import Array

SIDE = 480  # pixels of the longer side


def thumbnail(frame: Array) -> Array:
    """(h, w) uint8: the green of a frame (H, W, 3), its longer side ``SIDE`` pixels, each the mean of two or more across where
    the frame has so many."""
    import cv2

    height, width = frame.shape[:2]
    longer = max(height, width)
    stride = max(1, longer // (2 * SIDE))
    size = max(1, round(width * SIDE / longer)), max(1, round(height * SIDE / longer))
    small = np.ascontiguousarray(frame[::stride, ::stride, 1])
    while small.shape[1] >= 2 * size[0] and small.shape[0] >= 2 * size[1]:  # four times as fast as the mean of odd areas
        small = cv2.resize(small, (small.shape[1] // 2, small.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR))


def shrunk(picture: Array, times: int) -> Array:
    """A picture (h, w) so many times smaller."""
    import cv2

    size = [max(1, round(length / times)) for length in picture.shape[::-1]]
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
