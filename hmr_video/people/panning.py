"""How a camera pans: the shift of the whole picture from frame to frame, by phase correlation (Kuglin and Hines, 1975).

Nobody can be followed by where he was in the last picture while the picture itself runs away under him.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_SIDE = 160  # pixels of the longer side of the small pictures that are compared
_CONSENT = 0.2  # share of the pictures' common content that must have shifted alike; none has at a cut, little by a flash


class Pan:
    """Feed all frames in order: each answer is where the first picture's corner lies in this one, (2,) in whole pixels.

    Coordinates less that point are the scene's: who stands still keeps them, however the camera turns. Zooming and rolling,
    which shift nobody far between two frames, are left out.
    """

    def __init__(self) -> None:
        self._last: Array | None = None
        self._corner = np.zeros(2)

    def __call__(self, frame: Array) -> Array:
        """The next frame (H, W, 3)."""
        picture, scale = _small(frame)
        if self._last is not None and self._last.shape == picture.shape:
            self._corner = self._corner + _shift(self._last, picture) * scale
        self._last = picture
        return self._corner.round()


def _small(frame: Array) -> tuple[Array, Array]:
    """The green of a frame (H, W, 3) as a small picture (h, w) float32, and pixels of the frame to one of it (2,): x, y."""
    import cv2

    height, width = frame.shape[:2]
    longer = max(height, width)
    stride = max(1, longer // (2 * _SIDE))
    size = max(1, round(width * _SIDE / longer)), max(1, round(height * _SIDE / longer))
    green = np.ascontiguousarray(frame[::stride, ::stride, 1])
    return cv2.resize(green, size, interpolation=cv2.INTER_AREA).astype(np.float32), np.array([width, height]) / size


def _shift(before: Array, after: Array) -> Array:
    """(2,) pixels from one picture to the next; zero where they do not agree on any."""
    import cv2

    if min(before.shape) < 2:
        return np.zeros(2)
    window = cv2.createHanningWindow(before.shape[::-1], cv2.CV_32F)
    shift, consent = cv2.phaseCorrelate(before, after, window)
    return np.array(shift) if consent > _CONSENT else np.zeros(2)
