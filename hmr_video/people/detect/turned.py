"""A second look, in a turned picture, at people who lie, fall or stand on their heads: the network knows hardly any but upright
ones, and finds the others badly or not at all."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import USABLE_CONFIDENCE
from hmr_video.people.detect.detections import Detections, box_overlap
from hmr_video.people.detect.engine import PAD

SIDE = 320  # pixels of the picture that is looked at

_LEANING = 50  # degrees of a torso from upright; some quarter turn brings it nearer
_ROOM = 1.5  # the picture's side against the longer side of the person's box
_SAME = 0.3  # overlap from which two boxes may hold one person
_CLEAR = 0.5  # score of somebody who is found in a turned picture alone
_SURE = 0.8  # score from which somebody who leaned and now is upright is believed to be
_PATIENCE = 8  # frames for which the place of somebody who leaned is looked at
_QUARTERS = (-90.0, 180.0, 90.0)  # degrees clockwise


@dataclass(frozen=True)
class _Place:
    """Where to look again. ``row``: of whom was found in ``box`` (4,), None for nobody; ``age``: frames since somebody leaned."""

    box: Array
    row: int | None
    age: int


class RotatedPass:
    """Feed the frames in order. ``find``: what the network finds in each of some pictures of one size, in their pixels.

    Again are looked at those whose torso is far from upright, and for a while the places of those who leaned, found there or not.
    Who is found upright, and more surely, in a picture turned by one, two or three quarters takes the place of the first finding.
    """

    def __init__(self, find: Callable[[list[Array]], list[Detections]]) -> None:
        self._find = find
        self._places: list[_Place] = []

    def __call__(self, frame: Array, found: Detections) -> Detections:
        """The frame (H, W, 3) and its detections: the same ones, but for people who are found more surely in a turned picture."""
        places = [_Place(found.boxes[row], int(row), 0) for row in np.flatnonzero(np.abs(tilt(found.keypoints)) > _LEANING)]
        for old in self._places:
            row = closest(found.boxes, old.box)
            if row is None:
                places.append(_Place(old.box, None, old.age + 1))
            elif found.scores[row] < _SURE and all(place.row != row for place in places):
                places.append(_Place(found.boxes[row], row, old.age + 1))
        self._places = []
        for place in places:
            place, found = self._looked_at(frame, place, found)
            if place.age < _PATIENCE:
                self._places.append(place)
        return found

    def _looked_at(self, frame: Array, place: _Place, found: Detections) -> tuple[_Place, Detections]:
        """A place and the detections after a look at it."""
        better = self._surest(frame, place.box, _CLEAR if place.row is None else float(found.scores[place.row]))
        if better and (place.row is not None or closest(found.boxes, better.boxes[0]) is None):
            row = len(found) if place.row is None else place.row
            found, place = _with(found, better, row), _Place(better.boxes[0], row, place.age)
        leans = place.row is not None and np.abs(tilt(found.keypoints[[place.row]]))[0] > _LEANING
        return (replace(place, age=0) if leans else place), found

    def _surest(self, frame: Array, box: Array, score: float) -> Detections | None:
        """Whoever is found about ``box`` (4,) in a turned picture more surely than ``score``, and not leaning there."""
        ways = [view(box, turn, _ROOM) for turn in _QUARTERS]
        best = None
        for way, seen in zip(ways, self._find([picture(frame, way) for way in ways]), strict=True):
            back = turned_back(seen, way, frame.shape[:2])
            fit = (np.abs(tilt(seen.keypoints)) < _LEANING) & (box_overlap(back.boxes, box) > _SAME) & (back.scores > score)
            if fit.any():
                row = np.flatnonzero(fit)[back.scores[fit].argmax()]
                score, best = float(back.scores[row]), back[[row]]
        return best


def tilt(keypoints: Array) -> Array:
    """Degrees (n,), clockwise, from upright to the torsos of (n, 17, 3); 0 where shoulders or hips are not seen."""
    up = keypoints[:, [5, 6], :2].mean(1) - keypoints[:, [11, 12], :2].mean(1)
    seen = (keypoints[:, [5, 6, 11, 12], 2] > USABLE_CONFIDENCE).all(1)
    return np.where(seen, np.degrees(np.arctan2(up[:, 0], -up[:, 1])), 0.0)


def rotation(degrees: float) -> Array:
    """(2, 2) that turns pixels clockwise."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, -sine], [sine, cosine]])


def view(box: Array, turn: float, room: float) -> Array:
    """(2, 3) from the pixels of a frame to those of a square picture of what is in and about ``box`` (4,).

    ``turn``: degrees by which it is turned clockwise; ``room``: the picture's side against the longer side of the box.
    """
    low, high = box[:2], box[2:]
    linear = rotation(turn) * (SIDE / (room * max(float((high - low).max()), 1.0)))
    return np.concatenate([linear, (SIDE / 2 - linear @ (low + high) / 2)[:, None]], 1)


def picture(frame: Array, way: Array) -> Array:
    """The square picture (S, S, 3) of a frame (H, W, 3) to which ``way`` (2, 3) leads."""
    import cv2

    middles = way.copy()  # pixels' middles are at halves for us, and at whole numbers for OpenCV
    middles[:, 2] += way[:, :2].sum(1) / 2 - 0.5
    return np.asarray(cv2.warpAffine(frame, middles, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderValue=(PAD, PAD, PAD)))


def turned_back(found: Detections, way: Array, size: tuple[int, ...]) -> Detections:
    """Detections in the picture to which ``way`` (2, 3) leads as such in the frame of a ``size`` (height, width)."""
    inverse = np.linalg.inv(way[:, :2])

    def back(points: Array) -> Array:
        return np.asarray((points - way[:, 2]) @ inverse.T)

    corners = back(found.boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]).clip(0, [size[1], size[0]])
    boxes = np.concatenate([corners.min(1), corners.max(1)], 1)
    return Detections(boxes, found.scores, np.concatenate([back(found.keypoints[..., :2]), found.keypoints[..., 2:]], -1))


def _with(found: Detections, one: Detections, row: int) -> Detections:
    """With ``one`` in the place of a row, or after the last."""
    return found[:row] + one + found[row + 1 :]


def closest(boxes: Array, box: Array) -> int | None:
    """Which of the boxes (n, 4) may hold the person of ``box`` (4,)."""
    overlap = box_overlap(boxes, box)
    return int(overlap.argmax()) if overlap.max(initial=0.0) > _SAME else None
