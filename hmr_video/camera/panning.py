"""How a camera pans: the shift of the whole picture from frame to frame, by phase correlation (Kuglin and Hines, 1975).

Nobody can be followed by where he was in the last picture while the picture itself runs away under him.
"""

from functools import cache

import numpy as np

from hmr_video.camera.thumbnail import shrunk
from hmr_video.geometry import Array

_SHRINK = 3  # times, before pictures are compared
_CONSENT = 0.1  # of what the pictures show must have shifted alike; at a cut nothing has, and chance makes 0.04 to 0.1 of it


class Pan:
    """Feed all pictures in order: each answer is where the first one's corner lies in this one, (2,) in pixels.

    Coordinates less that point are the scene's: who stands still keeps them, however the camera turns. Zooming and rolling,
    which shift nobody far between two frames, are left out, and a camera that hardly turns is taken to stand still.
    """

    def __init__(self) -> None:
        self._last: Array | None = None
        self._corner = np.zeros(2)

    def __call__(self, picture: Array) -> Array:
        """The next picture (h, w) uint8."""
        small = shrunk(picture, _SHRINK).astype(np.float32)
        spectrum = np.fft.rfft2(small * _window(small.shape))
        if self._last is not None:
            self._corner = self._corner + _shift(self._last, spectrum, small.shape) * picture.shape[::-1] / small.shape[::-1]
        self._last = spectrum
        return self._corner


@cache
def _window(shape: tuple[int, ...]) -> Array:
    """(h, w) that fades towards the edges, where what comes in and what goes out differ."""
    return np.outer(*(np.hanning(length) for length in shape)).astype(np.float32)


def _shift(before: Array, after: Array, shape: tuple[int, ...]) -> Array:
    """(2,) pixels x, y from one picture of a ``shape`` to the next, by their spectra: zero where they agree on none.

    Where most rests, all does: people who walk would draw the peak aside, if it were sought between whole pixels.
    """
    change = after * before.conj()
    agreement = np.fft.irfft2(change / np.maximum(np.abs(change), 1e-9), shape)
    peak = np.array(np.unravel_index(agreement.argmax(), shape))
    if not peak.any() or agreement[tuple(peak)] < _CONSENT:
        return np.zeros(2)
    sides = [np.take(agreement.take(peak[1 - axis], 1 - axis), peak[axis] + np.arange(-1, 2), mode="wrap") for axis in (1, 0)]
    whole = ((peak + np.array(shape) // 2) % shape - np.array(shape) // 2)[::-1]
    return np.array(whole + [_summit(*side) for side in sides])


def _summit(before: float, peak: float, after: float) -> float:
    """Where the parabola through three neighbouring values, the middle one the largest, is highest: -0.5 to 0.5."""
    curvature = before - 2 * peak + after
    return (before - after) / (2 * curvature) if curvature < 0 else 0.0
