"""ByteTrack (Zhang et al., ECCV 2022): boxes of successive frames joined by overlap, the sure ones first, then the faint ones.

Our own: to import ultralytics' takes 1.6 s of processor time, more than all the tracking of a short clip.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hmr_video.geometry import Array
from hmr_video.geometry.rows import Rows
from hmr_video.people.detect.detections import box_overlap
from hmr_video.people.track.assignment import assigned

SURE, FAINT = 0.25, 0.1  # scores from which a detection may begin a track, and carry on one
_SURE_COST, _FAINT_COST, _NEW_COST = 0.8, 0.5, 0.7  # above, two boxes are not one person's
_SAME = 0.85  # overlap of two tracks that follow one person
# Deviations of places in heights, per frame for what is predicted; the aspect's are absolute.
_PLACE, _SPEED = 1 / 20, 1 / 160
_ASPECT, _ASPECT_SPEED, _ASPECT_SEEN = 1e-2, 1e-5, 1e-1


@dataclass
class _Tracks(Rows):
    """m tracks, and of each a Kalman filter of constant velocity for x, y, aspect (width / height) and height of its box.

    These four are independent of each other: place and speed (m, 4); variances (m, 4, 3) of the place, of both, of the speed.
    ids (m,); begun, seen (m,): the first frame and the last; lost, proven (m,) bool: not found in the last frame; found twice.
    """

    place: Array
    speed: Array
    variances: Array
    ids: Array
    begun: Array
    seen: Array
    lost: Array
    proven: Array

    @property
    def boxes(self) -> Array:
        """(m, 4) x1 y1 x2 y2."""
        x, y, aspect, height = self.place.T
        half = np.stack([aspect * height, height], -1) / 2
        middle = np.stack([x, y], -1)
        return np.concatenate([middle - half, middle + half], -1)

    def predict(self, which: Array) -> None:
        """One frame on. Whoever is lost is taken to keep the height."""
        self.speed[which & self.lost, 3] = 0
        height = self.place[which, 3]
        place, both, speed = np.moveaxis(self.variances[which], -1, 0)
        self.place[which] += self.speed[which]
        place = place + 2 * both + speed + _squares(height, _PLACE, _ASPECT)
        self.variances[which] = np.stack([place, both + speed, speed + _squares(height, _SPEED, _ASPECT_SPEED)], -1)

    def correct(self, which: Array, boxes: Array, frame: int) -> None:
        """The tracks ``which`` (k,) were found in ``boxes`` (k, 4) of a frame."""
        place, both, speed = np.moveaxis(self.variances[which], -1, 0)
        total = place + _squares(self.place[which, 3], _PLACE, _ASPECT_SEEN)
        miss = _measured(boxes) - self.place[which]
        self.place[which] += place / total * miss
        self.speed[which] += both / total * miss
        left = 1 - place / total
        self.variances[which] = np.stack([left * place, left * both, speed - both**2 / total], -1)
        self.seen[which], self.lost[which], self.proven[which] = frame, False, True


def _begun(boxes: Array, ids: Array, frame: int, proven: bool) -> _Tracks:
    place = _measured(boxes)
    variances = np.zeros((*place.shape, 3))
    variances[..., 0] = _squares(place[:, 3], 2 * _PLACE, _ASPECT)
    variances[..., 2] = _squares(place[:, 3], 10 * _SPEED, _ASPECT_SPEED)
    frames, no = np.full(len(boxes), frame), np.zeros(len(boxes), bool)
    return _Tracks(place, np.zeros_like(place), variances, ids, frames, frames.copy(), no, no | proven)


def _squares(height: Array, share: float, aspect: float) -> Array:
    """(m, 4) variances: of x, y and height a share of the height squared."""
    place = (share * height) ** 2
    return np.stack([place, place, np.full_like(place, aspect**2), place], -1)


def _measured(boxes: Array) -> Array:
    """(n, 4) x, y, aspect, height of boxes (n, 4)."""
    size = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-3)
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, size[:, :1] / size[:, 1:], size[:, 1:]], -1)


class ByteTrack:
    """Feed frames in order through :meth:`update`. ``patience``: for how many frames a lost person is looked for."""

    def __init__(self, patience: int) -> None:
        self._patience, self._frame, self._next = patience, 0, 1
        self._tracks = _begun(np.zeros((0, 4)), np.zeros(0, int), 0, True)

    def update(self, boxes: Array, scores: Array, _frame: Array | None = None) -> list[tuple[int, int]]:
        """The next frame's boxes (n, 4) and scores (n,): pairs of a track's number and the index of its detection.

        The image is not looked at. Who begins after the first frame counts from the second time on that he is found.
        """
        self._frame += 1
        tracks, known = self._tracks, self._tracks.proven.copy()
        tracks.predict(known)
        sure, faint = np.flatnonzero(scores >= SURE), np.flatnonzero((scores > FAINT) & (scores < SURE))
        found: dict[int, int] = {}

        def join(waiting: Array, offered: Array, limit: float, by_score: bool) -> None:
            likeness = box_overlap(tracks.boxes[waiting][:, None], boxes[offered][None])
            pairs = assigned(1 - (likeness * scores[offered] if by_score else likeness), limit)
            found.update((int(waiting[row]), int(offered[column])) for row, column in pairs)

        join(np.flatnonzero(known), sure, _SURE_COST, True)
        join(_without(np.flatnonzero(known & ~tracks.lost), found.keys()), faint, _FAINT_COST, False)
        join(np.flatnonzero(~known), _without(sure, found.values()), _NEW_COST, True)

        tracks.lost |= True
        tracks.correct(np.array(list(found), int), boxes[list(found.values())], self._frame)
        new = _without(sure, found.values())
        ids = self._next + np.arange(len(new))
        self._next += len(new)
        first = self._frame == 1
        numbers = [(int(tracks.ids[track]), detection) for track, detection in found.items()]
        numbers += [(int(one), int(detection)) for one, detection in zip(ids, new, strict=True) if first]
        wanted = tracks.proven & (self._frame - tracks.seen <= self._patience)
        self._tracks = _without_doubles(tracks[wanted] + _begun(boxes[new], ids, self._frame, first))
        alive = set(self._tracks.ids.tolist())
        return sorted(pair for pair in numbers if pair[0] in alive)


def _without(indices: Array, taken: Any) -> Array:
    return indices[~np.isin(indices, list(taken))]


def _without_doubles(tracks: _Tracks) -> _Tracks:
    """Where a lost track and a found one overlap almost wholly, the one that lived longer stays."""
    lost, found = np.flatnonzero(tracks.lost), np.flatnonzero(~tracks.lost)
    boxes, lived = tracks.boxes, tracks.seen - tracks.begun
    kept = np.ones(len(tracks), bool)
    for one, other in np.argwhere(box_overlap(boxes[lost][:, None], boxes[found][None]) > _SAME):
        kept[lost[one] if lived[found[other]] > lived[lost[one]] else found[other]] = False
    return tracks[kept]
