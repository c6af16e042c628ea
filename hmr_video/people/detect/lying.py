"""A second look, in a turned picture, at people who lie, fall or stand on their heads: the network knows hardly any but upright
ones, and finds the others badly or not at all."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hmr_video.geometry import Array
from hmr_video.people.detect.detections import Detections, box_overlap
from hmr_video.people.detect.turned import LEANING, SAME, closest, picture, tilt, turned_back, view

_ROOM = 1.5  # the picture's side against the longer side of the person's box
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
        places = [_Place(found.boxes[row], int(row), 0) for row in np.flatnonzero(np.abs(tilt(found.keypoints)) > LEANING)]
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
        leans = place.row is not None and np.abs(tilt(found.keypoints[[place.row]]))[0] > LEANING
        return (replace(place, age=0) if leans else place), found

    def _surest(self, frame: Array, box: Array, score: float) -> Detections | None:
        """Whoever is found about ``box`` (4,) in a turned picture more surely than ``score``, and not leaning there."""
        ways = [view(box, turn, _ROOM) for turn in _QUARTERS]
        best = None
        for way, seen in zip(ways, self._find([picture(frame, way) for way in ways]), strict=True):
            back = turned_back(seen, way, frame.shape[:2])
            fit = (np.abs(tilt(seen.keypoints)) < LEANING) & (box_overlap(back.boxes, box) > SAME) & (back.scores > score)
            if fit.any():
                row = np.flatnonzero(fit)[back.scores[fit].argmax()]
                score, best = float(back.scores[row]), back[[row]]
        return best


def _with(found: Detections, one: Detections, row: int) -> Detections:
    """With ``one`` in the place of a row, or after the last."""
    return found[:row] + one + found[row + 1 :]
