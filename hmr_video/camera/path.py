"""The path of the camera in one shot, and what keyframes show of the background's points.

A camera stands, or turns (and zooms) about its centre, or moves: then places are known up to one scale.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from hmr_video.camera.background import Followed, Seen
from hmr_video.geometry import Array

_FAR = 14.0  # pixels that points move, at the median, between two keyframes
_FIXED = 0.3  # pixels: what moves less while most moves so far belongs to the picture
_KEPT = 0.7  # of a keyframe's points, below which there has to be another
_SECONDS = 1.0  # between keyframes at the most
FEWEST = 12  # points that a frame must show
_RESTING = 0.4  # of the points must rest
_REST = 1.0  # pixels, of SIDE, that a standing camera's picture trembles


@dataclass(frozen=True)
class Path:
    """The camera of one shot over T frames.

    Attributes:
        kind: ``still``, ``turning``, ``moving`` or, where the background does not tell, ``unknown``.
        frame_ids: (T,); turns: (T, 3, 3) first frame's space from each frame's; centres: (T, 3) in the first frame's space, in a
            unit of its own, zero unless moving.
        focals: (T,) focal lengths over the longer side of the picture; ``focal_observed``: whether the background says them.
        points: (P, 3) of the background, in the space and unit of ``centres``; none unless moving.
        blind: how many frames show too little of a background.
    """

    kind: str
    frame_ids: Array
    turns: Array
    centres: Array
    focals: Array
    focal_observed: bool = False
    blind: int = 0
    points: Array = field(default_factory=lambda: np.zeros((0, 3)))

    @classmethod
    def still(cls, frame_ids: Array, focal: float, kind: str = "still", blind: int = 0) -> "Path":
        """A camera that does not move, as far as one can tell."""
        count = len(frame_ids)
        return cls(kind, frame_ids, np.tile(np.eye(3), (count, 1, 1)), np.zeros((count, 3)), np.full(count, focal), False, blind)

    def rows(self, frame_ids: Array) -> tuple[Array, Array]:
        """Which of the frames (T,) are of this shot, (T,) bool, and where those are in it."""
        mine = (frame_ids >= self.frame_ids[0]) & (frame_ids <= self.frame_ids[-1])
        return mine, np.searchsorted(self.frame_ids, frame_ids[mine])


def keyframes(followed: Followed, frame_rate: float) -> Array:
    """Frames (K,) among which points move so far that they say something, the first and the last among them."""
    keys = [0]
    names, pixels = followed.frame(0)
    for number in range(1, len(followed)):
        now_names, now = followed.frame(number)
        _, mine, theirs = np.intersect1d(names, now_names, assume_unique=True, return_indices=True)
        lost = len(mine) < _KEPT * max(len(names), 1)
        moved = len(mine) and np.median(np.linalg.norm(now[theirs] - pixels[mine], axis=1)) > _FAR
        late = number - keys[-1] >= _SECONDS * frame_rate
        if lost or moved or late or number == len(followed) - 1:
            keys.append(number)
            names, pixels = now_names, now
    return np.array(keys)


def without_overlays(followed: Followed, keys: Array) -> Followed:
    """The points but for those that once stood still while most moved: titles and score boards lie on the picture."""
    overlaid: list[Array] = []
    for first, second in pairwise(keys):
        one, two = followed.frame(first), followed.frame(second)
        shared, mine, theirs = np.intersect1d(one[0], two[0], assume_unique=True, return_indices=True)
        moved = np.linalg.norm(two[1][theirs] - one[1][mine], axis=1)
        if len(shared) >= FEWEST and np.median(moved) > _FAR / 2:
            overlaid.append(shared[moved < _FIXED])
    if not overlaid:
        return followed
    kept = ~np.isin(followed.names, np.concatenate(overlaid))
    starts = np.concatenate([[0], np.cumsum(kept)])[followed.starts]
    return Followed(followed.frame_ids, starts, followed.names[kept], followed.pixels[kept], followed.size)


def observations(followed: Followed, keys: Array) -> Seen:
    """What the keyframes show of the points that two or more of them do, points numbered from 0."""
    frames = [followed.frame(number) for number in keys]
    camera = np.repeat(np.arange(len(keys)), [len(names) for names, _ in frames])
    names = np.concatenate([names for names, _ in frames])
    pixels = np.concatenate([pixels for _, pixels in frames]).astype(float)
    _, point, count = np.unique(names, return_inverse=True, return_counts=True)
    shared = count[point] >= 2
    _, point = np.unique(point[shared], return_inverse=True)
    return Seen(camera[shared], point, pixels[shared])


def rests(followed: Followed, keys: Array) -> bool:
    """Whether points stay where they are, against a second or more before: whatever else moves, many do."""
    moved: list[float] = []
    for first, second in pairwise(keys):
        for other in (second, (first + second) // 2):
            one, two = followed.frame(first), followed.frame(other)
            _, mine, theirs = np.intersect1d(one[0], two[0], assume_unique=True, return_indices=True)
            if len(mine) >= FEWEST:
                moved.append(float(np.quantile(np.linalg.norm(two[1][theirs] - one[1][mine], axis=1), _RESTING)))
    return max(moved) < _REST if moved else _few_rest(followed)


def _few_rest(followed: Followed) -> bool:
    """The same where points are few: whether those that are seen for long stay where they are."""
    first = np.unique(followed.names, return_index=True)[1]
    last = len(followed.names) - 1 - np.unique(followed.names[::-1], return_index=True)[1]
    frames = np.repeat(np.arange(len(followed)), np.diff(followed.starts))
    seen_for, went = frames[last] - frames[first], np.linalg.norm(followed.pixels[last] - followed.pixels[first], axis=1)
    return bool(seen_for[went < _REST].sum() >= _RESTING * seen_for.sum())
