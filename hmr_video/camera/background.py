"""What pictures as a whole show, each of them made small once: shots, how the camera pans, and points of the background."""

from bisect import bisect_left
from dataclasses import dataclass
from functools import partial
from operator import itemgetter

import numpy as np

from hmr_video.camera.panning import Pan
from hmr_video.camera.shots import Shots
from hmr_video.camera.thumbnail import SIDE, thumbnail
from hmr_video.geometry import Array

_POINTS, _FEWEST = 260, 200  # that are followed, and below which others are looked for
_QUALITY, _APART = 0.001, 9
_WINDOW = 15  # pixels across, of what is looked for in the next picture
_CONTRAST = 80  # squared levels a pixel, summed over the window, along its fainter direction: less follows what the codec does
_BACK = 0.7  # pixels by which a point followed there and back may miss
_MARGIN = 0.08  # of a person's box, around it
_EDGE = 4  # pixels from the border of the picture at which a point is given up
_ELSEWHERE = 2.0  # pixels from where a point was: what lies on the picture stays
_GRAIN = 64  # steps a pixel in which places are kept


@dataclass(frozen=True)
class Followed:
    """Points of a shot, the longer side of its pictures being ``SIDE``.

    Attributes:
        frame_ids: (T,) of the frames; starts: (T + 1,) where each frame's points begin in the other arrays.
        names: (N,) one number a point; pixels: (N, 2) relative to the middle of the picture.
        size: width and height of the small picture.
    """

    frame_ids: Array
    starts: Array
    names: Array
    pixels: Array
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.frame_ids)

    def frame(self, number: int) -> tuple[Array, Array]:
        """Names (n,), ascending, and pixels (n, 2) of the points of a frame."""
        part = slice(self.starts[number], self.starts[number + 1])
        return self.names[part], self.pixels[part]

    def between(self, first_id: int, end_id: float) -> "Followed":
        """The frames from one id to before another."""
        low, high = np.searchsorted(self.frame_ids, [first_id, end_id])
        part = slice(self.starts[low], self.starts[high])
        starts = self.starts[low : high + 1] - self.starts[low]
        return Followed(self.frame_ids[low:high], starts, self.names[part], self.pixels[part], self.size)


@dataclass(frozen=True)
class Seen:
    """N observations: ``camera`` (N,) saw ``point`` (N,) at ``pixels`` (N, 2) from the middle of the picture."""

    camera: Array
    point: Array
    pixels: Array

    def __getitem__(self, chosen: Array) -> "Seen":
        return Seen(self.camera[chosen], self.point[chosen], self.pixels[chosen])


class Background:
    """Feed all frames in order through :meth:`update`, then read the attributes.

    Attributes:
        points: of the background, outside of people, if they are to be followed.
        offsets: by frame id, where the first picture's corner lies in this one, (2,) in whole pixels, see `Pan`.
    """

    def __init__(self, frame_rate: float, follow_points: bool = True) -> None:
        self.points = Points()
        self._shots, self._pan, self._follow_points = Shots(frame_rate, self.points.carried), Pan(), follow_points
        self.offsets: dict[int, Array] = {}

    def update(self, frame_id: int, frame: Array, boxes: Array) -> Array:
        """The next frame (H, W, 3), and the boxes (n, 4) of the people in it, pixels; returns the frame's offset."""
        picture = thumbnail(frame)
        scale = np.array(frame.shape[1::-1]) / picture.shape[::-1]  # pixels of the frame in one of the picture: x, y
        if self._follow_points:
            self.points.update(frame_id, picture, boxes / scale[0])
        self._shots.update(frame_id, picture)
        self.offsets[frame_id] = offset = (self._pan(picture) * scale).round()
        return offset

    @property
    def cuts(self) -> list[int]:
        """Ids of the frames with which new shots begin, ascending."""
        return self._shots.beginnings


class Points:
    """Points outside of people, from picture to picture. Ten minutes take some 40 MB."""

    def __init__(self) -> None:
        self._before: Array | None = None
        self._points, self._names, self._next = np.zeros((0, 1, 2), np.float32), np.zeros(0, np.int32), 0
        self._kept: list[tuple[int, Array, Array]] = []
        self._size = (SIDE, SIDE)

    def update(self, frame_id: int, picture: Array, boxes: Array) -> None:
        """The next picture (h, w), and the boxes (n, 4) of the people in it, pixels."""
        self._size = picture.shape[1], picture.shape[0]
        free = _free(picture.shape, boxes)
        if self._before is not None and self._before.shape == picture.shape:
            self._follow(self._before, picture, free)
        elif self._before is not None:
            self._keep(np.zeros(len(self._names), bool))
        if len(self._names) < _FEWEST:
            self._find(picture, free)
        self._before = picture
        places = ((self._points[:, 0] + 0.5) * _GRAIN).round().clip(0, 65535).astype(np.uint16)
        self._kept.append((frame_id, self._names, places))

    def carried(self, frame_id: int) -> float:
        """The share of an earlier picture's points that are elsewhere in the last one; 0 if none were looked for."""
        if not self._kept:
            return 0.0
        _, names, before = self._kept[bisect_left(self._kept, frame_id, key=itemgetter(0))]
        _, last_names, after = self._kept[-1]
        _, mine, theirs = np.intersect1d(names, last_names, assume_unique=True, return_indices=True)
        moved = np.linalg.norm(after[theirs].astype(float) - before[mine], axis=1)
        return float((moved > _ELSEWHERE * _GRAIN).sum() / max(len(names), 1))

    def followed(self) -> Followed:
        """All points so far."""
        counts = [len(names) for _, names, _ in self._kept]
        pixels = np.concatenate([places for _, _, places in self._kept] or [np.zeros((0, 2), np.uint16)])
        return Followed(
            np.array([frame_id for frame_id, _, _ in self._kept], np.int64),
            np.concatenate([[0], np.cumsum(counts)]).astype(int),
            np.concatenate([names for _, names, _ in self._kept] or [np.zeros(0, np.int32)]),
            pixels.astype(np.float32) / _GRAIN - np.array(self._size, np.float32) / 2,
            self._size,
        )

    def _follow(self, before: Array, picture: Array, free: Array) -> None:
        import cv2

        if len(self._names) == 0:
            return
        follow = partial(cv2.calcOpticalFlowPyrLK, winSize=(_WINDOW, _WINDOW), minEigThreshold=_CONTRAST / (1024 * _WINDOW**2))
        there, known, _ = follow(before, picture, self._points, self._points.copy(), maxLevel=3)
        guess = {"nextPts": self._points.copy(), "flags": cv2.OPTFLOW_USE_INITIAL_FLOW}
        back, known_back, _ = follow(picture, before, there, maxLevel=0, **guess)
        good = (known[:, 0] > 0) & (known_back[:, 0] > 0) & (np.linalg.norm(back - self._points, axis=-1)[:, 0] < _BACK)
        height, width = picture.shape
        columns, rows = there[:, 0].round().astype(int).clip(-1, 1 << 14).T
        good &= (columns >= _EDGE) & (columns < width - _EDGE) & (rows >= _EDGE) & (rows < height - _EDGE)
        good[good] = free[rows[good], columns[good]] > 0
        self._points = np.asarray(there, np.float32)
        self._keep(good)

    def _keep(self, good: Array) -> None:
        self._points, self._names = self._points[good], self._names[good]

    def _find(self, picture: Array, free: Array) -> None:
        """More points, away from those that are there."""
        import cv2

        for x, y in self._points[:, 0]:
            cv2.circle(free, (round(float(x)), round(float(y))), _APART, 0, -1)
        free[cv2.cornerMinEigenVal(picture, _WINDOW) < _CONTRAST * (8 / (4 * _WINDOW * 255)) ** 2] = 0
        edge = np.zeros_like(free)
        edge[_EDGE:-_EDGE, _EDGE:-_EDGE] = free[_EDGE:-_EDGE, _EDGE:-_EDGE]
        corners = cv2.goodFeaturesToTrack(picture, _POINTS - len(self._names), _QUALITY, _APART, mask=edge)
        if corners is not None:
            self._points = np.concatenate([self._points, corners])
            self._names = np.append(self._names, self._next + np.arange(len(corners), dtype=np.int32))
            self._next += len(corners)


def _free(shape: tuple[int, ...], boxes: Array) -> Array:
    """(h, w) uint8: 255 outside of all boxes (n, 4)."""
    free = np.full(shape, 255, np.uint8)
    for x1, y1, x2, y2 in boxes:
        across, down = _MARGIN * (x2 - x1), _MARGIN * (y2 - y1)
        low, high = np.floor([x1 - across, y1 - down]), np.ceil([x2 + across, y2 + down])
        (left, top), (right, bottom) = low.clip(0).astype(int), high.clip(0).astype(int)
        free[top:bottom, left:right] = 0
    return free
