"""Where one shot ends and the next begins, by a cut or a dissolve: nobody can be followed from one into the other.

In a dissolve, each picture is a mixture of the last one of a shot and the first of another, so that pictures, taken as vectors,
go along the straight line between two that have nothing in common (the linear model of Hampapur, Jain and Weymouth, 1994). A cut
jumps along it. A camera that turns leads away from the line, or shows at the end much of what it showed at the beginning, or the
background's points can be followed all the way.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hmr_video.camera.thumbnail import shrunk
from hmr_video.geometry import Array

_SHRINK = 10  # times, before pictures are compared
_SECONDS = 1.0  # the longest stretch of pictures that is looked at
_FEWEST = 5  # steps of the shortest one
_ALIKE = 0.3  # correlation of two pictures below which they show different things
_LARGEST_DEPARTURE = 0.35  # root mean square distance of pictures from the line, in its length, below which they lie on it
_SETTLED, _END = 2, 0.3  # so many pictures must lie so near to either end, in lengths of the line: a flash of light is no shot
_AGAIN = 0.7  # correlation of the middle of one picture with some part of another, from which it is shown again
_CARRIED = 0.5  # of the points of one picture that are elsewhere in another, from which the camera turned
_BLANK = 4.0  # standard deviation of the levels (0 to 255) below which a picture shows nothing


@dataclass(frozen=True)
class _Transition:
    """Frame ids: the pictures from ``start`` to ``end`` lie on a line, nearer to its end from ``first`` on; how far from it."""

    start: int
    first: int
    end: int
    distance: float

    def is_within(self, other: "_Transition") -> bool:
        return other.start < self.first <= other.end


class Shots:
    """Feed all pictures in order through :meth:`update`, then read :attr:`beginnings`.

    ``carried``: by the frame id of an earlier picture, the share of its background's points that are elsewhere in the last one.
    """

    def __init__(self, frame_rate: float, carried: Callable[[int], float]) -> None:
        self._carried = carried
        self._frame_ids: deque[int] = deque(maxlen=max(2 * _FEWEST, round(_SECONDS * frame_rate)) + 1)
        self._recent: deque[Array] = deque(maxlen=self._frame_ids.maxlen)  # thumbnails
        self._products = np.zeros((0, 0))  # of the recent thumbnails with each other
        self._found: list[_Transition] = []

    def update(self, frame_id: int, picture: Array) -> None:
        """The next picture (h, w) uint8."""
        small = shrunk(picture, _SHRINK)
        shown = np.asarray(small - small.mean(), np.float32)
        if shown.std() < _BLANK:
            return
        self._frame_ids.append(frame_id)
        self._recent.append(shown)
        row = np.array([np.vdot(other, shown) for other in self._recent])
        if len(self._products) == len(row):
            self._products = self._products[1:, 1:]
        self._products = np.block([[self._products, row[:-1, None]], [row]])
        lengths = np.sqrt(self._products.diagonal())
        for start in np.flatnonzero(row[:-_FEWEST] < _ALIKE * lengths[:-_FEWEST] * lengths[-1]):
            distance, first = along_line(self._products[start:, start:])
            if distance < _LARGEST_DEPARTURE and not self._is_turn(int(start), shown):
                self._found.append(_Transition(self._frame_ids[start], self._frame_ids[start + first], frame_id, distance))

    def _is_turn(self, start: int, shown: Array) -> bool:
        """Whether the camera turned from the recent picture ``start`` to the last one, which is ``shown``."""
        again = _shown_again(self._recent[start], shown)
        return again or self._carried(self._frame_ids[start]) > _CARRIED

    @property
    def beginnings(self) -> list[int]:
        """Ids of the frames with which shots begin, but for the first one, ascending."""
        kept: list[_Transition] = []
        for one in sorted(self._found, key=lambda found: found.distance):
            if not any(one.is_within(other) or other.is_within(one) for other in kept):
                kept.append(one)
        return sorted(one.first for one in kept)


def along_line(products: Array) -> tuple[float, int]:
    """How far n pictures are from the straight line between the first and the last, and which is the first beyond its middle.

    products (n, n): of the pictures, as vectors, with each other. The distance is the root mean square, in lengths of the line;
    inf where the pictures next to the ends are not near to them.
    """
    inner = slice(1, -1)
    squares = products.diagonal()
    length = max(float(squares[0] + squares[-1] - 2 * products[0, -1]), 1e-9)
    along = (products[inner, -1] - products[inner, 0] - products[0, -1] + squares[0]) / length
    away = (squares[inner] + squares[0] - 2 * products[inner, 0]) / length - along**2
    if along[:_SETTLED].max() > _END or along[-_SETTLED:].min() < 1 - _END:
        return np.inf, 0
    return float(np.sqrt(np.maximum(away, 0).mean())), 1 + int(np.argmax(along > 0.5))


def _shown_again(first: Array, second: Array) -> bool:
    """Whether the middle of one of two thumbnails (h, w) is found somewhere in the other."""
    import cv2

    height, width = first.shape
    middle = slice(height // 4, height - height // 4), slice(width // 4, width - width // 4)
    ways = (first, second[middle]), (second, first[middle])
    return bool(max(cv2.matchTemplate(*way, cv2.TM_CCOEFF_NORMED).max() for way in ways) > _AGAIN)
