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
    return np.asarray(cv2.resize(np.ascontiguousarray(frame[::stride, ::stride, 1]), size, interpolation=cv2.INTER_AREA))
