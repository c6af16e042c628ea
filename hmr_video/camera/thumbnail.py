"""Frames in small, for what concerns the picture as a whole."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def thumbnail(frame: Array, side: int, samples: int) -> Array:
    """(h, w) uint8: the green of a frame (H, W, 3), its longer side ``side`` pixels, each the mean of ``samples`` or more across
    where the frame has so many."""
    import cv2

    height, width = frame.shape[:2]
    longer = max(height, width)
    stride = max(1, longer // (samples * side))
    size = max(1, round(width * side / longer)), max(1, round(height * side / longer))
    small = np.ascontiguousarray(frame[::stride, ::stride, 1])
    while small.shape[1] >= 2 * size[0] and small.shape[0] >= 2 * size[1]:  # four times as fast as the mean of odd areas
        small = cv2.resize(small, (small.shape[1] // 2, small.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR))
